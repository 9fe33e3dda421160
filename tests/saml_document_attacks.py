"""Attacks on whatever reads a message before anybody can tell who signed it: characters, base64 and XML."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from gateway.errors import Reason
from gateway.saml.attacks.document_changes import HIDDEN, document_changes, field_changes, oversized_changes
from tests import saml_factory as factory
from tests.saml_attacks import SIGNED, Attack, Make, form_field, replaced, text_of
from tests.saml_factory import Spec


def hidden_text() -> Iterator[Attack]:
    """Comments, instructions and CDATA where a reader might stop or go on reading."""
    places = {
        "NameID": "alice@example",
        "AttributeValue": ">alice<",
        "DigestValue": "<ds:DigestValue>",
        "SignatureValue": "<ds:SignatureValue>",
        "Audience": "<saml:Audience>",
        "Issuer": "<saml:Issuer>",
        "Reference": "<ds:Transforms>",
    }
    for place, text in places.items():
        for kind, (hidden, reason) in HIDDEN.items():
            split = text[:-1] + hidden + text[-1] if place == "NameID" else text + hidden
            split = ">" + hidden + text[1:] if place == "AttributeValue" else split
            for name, make in SIGNED.items():
                yield Attack(f"{kind} in {place}, {name}", reason, partial(replaced, make, text, split), make)


def documents() -> Iterator[Attack]:
    make = factory.signed_assertion
    for each in document_changes():
        yield Attack(each.name, each.reason, partial(_changed, each.change), make)
    malformed = Reason.SAML_XML_MALFORMED
    yield Attack("undefined entity", malformed, partial(replaced, make, "alice@", "&x;@"), make)
    yield Attack("NUL by reference", malformed, partial(replaced, make, "alice@", "&#0;alice@"), make)
    for name, bad in {"overlong": b"\xc0\xa5", "surrogate": b"\xed\xa0\x80", "latin": b"\xe9"}.items():
        document = partial(lambda put: text_of(make()).replace(b"alice", put), bad)
        yield Attack(f"UTF-8 that is none: {name}", Reason.SAML_ENCODING, document, make)
    namespaces = {
        "assertion of SAML 1": (Reason.SAML_SHAPE, "xmlns:saml=", "2.0:assertion", "1.0:assertion"),
        "assertion with a blank": (Reason.SAML_XML_MALFORMED, "xmlns:saml=", "2.0:assertion", "2.0:assertion "),
        "protocol as assertion": (Reason.SAML_SHAPE, "xmlns:samlp=", "2.0:protocol", "2.0:assertion"),
        "Signature without the number sign": (Reason.SAML_SIGNATURE_PLACE, "xmlns:ds=", "xmldsig#", "xmldsig"),
    }
    for name, (reason, prefix, old, new) in namespaces.items():
        yield Attack(f"namespace: {name}", reason, partial(_renamed_namespace, prefix, old, new), make)
    rebound = partial(replaced, make, "<saml:NameID", '<saml:NameID xmlns:saml="urn:evil"')
    yield Attack("namespace: NameID bound to another", Reason.SAML_SIGNATURE_DIGEST, rebound, make)
    for attribute in ("ID", "Id", "id", "xml:id"):
        for value in ("_assertion1", "_response1"):
            put = f'<samlp:StatusCode {attribute}="{value}"'
            right = put.replace(value, "_another")
            evil, good = (
                partial(replaced, make, "<samlp:StatusCode", put),
                partial(replaced, make, "<samlp:StatusCode", right),
            )
            yield Attack(f"{attribute} {value} twice", Reason.SAML_DUPLICATE_ID, evil, good)


def _changed(change: Callable[[bytes], bytes]) -> bytes:
    return change(text_of(factory.signed_assertion()))


def _renamed_namespace(prefix: str, old: str, new: str) -> bytes:
    before, _, after = text_of(factory.signed_assertion()).decode().partition(prefix)
    assert old in after
    return (before + prefix + after.replace(old, new, 1)).encode()


def form_fields() -> Iterator[Attack]:
    """What is wrong before there is a document: huge, truncated and differently packed."""
    make = factory.signed_assertion

    def changed(change: Callable[[str], str]) -> Make:
        return lambda: change(form_field(make()))

    def inserted(text: str) -> Make:
        return changed(lambda encoded: encoded[:40] + text + encoded[40:])

    wrong, large = Reason.SAML_ENCODING, Reason.SAML_TOO_LARGE
    for each in field_changes():
        right = inserted("\r\n") if "in the base64" in each.name else make
        yield Attack(each.name, each.reason, changed(each.change), right)
    yield Attack("padding left out", wrong, lambda: form_field(_padded(make)).rstrip("="), partial(_padded, make))
    yield Attack(
        "something behind the padding", wrong, lambda: form_field(_padded(make)) + "QQ==", partial(_padded, make)
    )
    filled = partial(_extended, "x" * 200_000)
    lines = partial(form_field, make())
    rights = {"mostly line ends": lambda: lines() + "\n" * 300_000}
    for each in oversized_changes():
        yield Attack(each.name, each.reason, changed(each.change), rights.get(each.name, filled))
    in_extensions = {
        "too deep": (Reason.SAML_TOO_DEEP, "<a>" * 31 + "</a>" * 31, "<a>" * 30 + "</a>" * 30),
        "a namespace too long": (large, f'<a xmlns="urn:{"x" * 253}"/>', f'<a xmlns="urn:{"x" * 252}"/>'),
        "too many attributes": (large, _attributes(65), _attributes(64)),
        "names too long together": (large, _many(1100), _many(1000)),
    }
    for name, (reason, evil, good) in in_extensions.items():
        yield Attack(name, reason, partial(_extended, evil), partial(_extended, good))


def _padded(make: Make) -> bytes:
    """A document whose base64 needs padding."""
    document = text_of(make())
    return document + b" " * ((1 - len(document)) % 3)


def _extended(inside: str) -> Any:
    return factory.signed_assertion(Spec(response_extra=f"<samlp:Extensions>{inside}</samlp:Extensions>"))


def _attributes(count: int) -> str:
    return "<a " + " ".join(f'a{number}=""' for number in range(count)) + "/>"


def _many(count: int) -> str:
    return f'<a xmlns="urn:{"x" * 240}">{"<b/>" * count}</a>'
