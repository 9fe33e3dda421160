"""Attacks on whatever reads a message before anybody can tell who signed it: characters, base64 and XML."""

import base64
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from gateway.errors import Reason
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
    kinds = {
        "comment": ("<!-- -->", Reason.SAML_COMMENT_OR_PI),
        "instruction": ("<?x y?>", Reason.SAML_COMMENT_OR_PI),
        "CDATA": ("<![CDATA[]]>", Reason.SAML_CDATA),
    }
    for place, text in places.items():
        for kind, (hidden, reason) in kinds.items():
            split = text[:-1] + hidden + text[-1] if place == "NameID" else text + hidden
            split = ">" + hidden + text[1:] if place == "AttributeValue" else split
            for name, make in SIGNED.items():
                yield Attack(f"{kind} in {place}, {name}", reason, partial(replaced, make, text, split), make)


def documents() -> Iterator[Attack]:
    make = factory.signed_assertion
    dtds = {
        "empty": "<!DOCTYPE r>",
        "entity": '<!DOCTYPE r [<!ENTITY x "mallory">]>',
        "external entity": '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        "external subset": '<!DOCTYPE r SYSTEM "http://127.0.0.1:1/">',
        "parameter entity": '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:1/">%p;]>',
        "attribute that becomes an ID": '<!DOCTYPE r [<!ATTLIST r ID ID "_assertion1">]>',
    }
    for name, dtd in dtds.items():
        for opening in ("", '<?xml version="1.0"?>', "\ufeff"):
            document = partial(lambda front: front + text_of(factory.signed_assertion()), (opening + dtd).encode())
            yield Attack(f"DTD {name} after {opening!r}", Reason.SAML_DTD, document, make)
    for kind, hidden in (("comment", b"<!-- -->"), ("instruction", b"<?x y?>")):
        before = partial(lambda front: front + text_of(make()), hidden)
        yield Attack(f"{kind} before the root", Reason.SAML_COMMENT_OR_PI, before, make)
        behind = partial(lambda end: text_of(make()) + end, hidden)
        yield Attack(f"{kind} behind the root", Reason.SAML_COMMENT_OR_PI, behind, make)
    laughs = b"".join(b'<!ENTITY l%d "%s">' % (number + 1, b"&l%d;" % number * 10) for number in range(10))
    yield Attack("billion laughs", Reason.SAML_DTD, lambda: b"<!DOCTYPE r [" + laughs + b"]>" + text_of(make()), make)
    malformed = Reason.SAML_XML_MALFORMED
    yield Attack("undefined entity", malformed, partial(replaced, make, "alice@", "&x;@"), make)
    yield Attack("NUL by reference", malformed, partial(replaced, make, "alice@", "&#0;alice@"), make)
    yield Attack("two roots", malformed, lambda: text_of(make()) * 2, make)
    yield Attack("text behind the root", malformed, lambda: text_of(make()) + b"x", make)
    yield Attack("truncated", malformed, lambda: text_of(make())[:-1], make)
    yield Attack("nothing", malformed, lambda: b"", make)
    yield Attack("XML 1.1", malformed, lambda: b'<?xml version="1.1"?>' + text_of(make()), make)
    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        reason = malformed if encoding == "utf-16-le" else Reason.SAML_ENCODING
        yield Attack(
            f"in {encoding}", reason, partial(lambda name: text_of(make()).decode().encode(name), encoding), make
        )
    for encoding in ("utf-16", "utf-7", "ebcdic-cp-be", "iso-8859-1"):
        front = f'<?xml version="1.0" encoding="{encoding}"?>'.encode()
        yield Attack(
            f"declares {encoding}", Reason.SAML_ENCODING, partial(lambda at: at + text_of(make()), front), make
        )
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

    wrong, malformed, large = Reason.SAML_ENCODING, Reason.SAML_XML_MALFORMED, Reason.SAML_TOO_LARGE
    yield Attack("cut within four characters", wrong, changed(lambda text: text[: len(text) // 8 * 4 + 1]), make)
    yield Attack("cut between four characters", malformed, changed(lambda text: text[: len(text) // 8 * 4]), make)
    yield Attack("padding left out", wrong, lambda: form_field(_padded(make)).rstrip("="), partial(_padded, make))
    yield Attack(
        "something behind the padding", wrong, lambda: form_field(_padded(make)) + "QQ==", partial(_padded, make)
    )
    for text in ("*", "==", "%0A", "\u0410", "-", "_", "\x00"):
        yield Attack(f"{text!a} in the base64", wrong, inserted(text), inserted("\r\n"))
    yield Attack("deflated, as in a redirect", wrong, lambda: _deflated(make), make)
    yield Attack("encoded twice", malformed, changed(factory.encode), make)
    filled = partial(_extended, "x" * 200_000)
    yield Attack("longer than 256 KB", large, lambda: text_of(make()) + b" " * 262_144, filled)
    lines = partial(form_field, make())
    yield Attack("mostly line ends", large, lambda: lines() + "\n" * 400_000, lambda: lines() + "\n" * 300_000)
    yield Attack("a form field of a megabyte", large, lambda: "A" * 1_000_000, filled)
    in_extensions = {
        "too deep": (Reason.SAML_TOO_DEEP, "<a>" * 31 + "</a>" * 31, "<a>" * 30 + "</a>" * 30),
        "a namespace too long": (large, f'<a xmlns="urn:{"x" * 253}"/>', f'<a xmlns="urn:{"x" * 252}"/>'),
        "too many attributes": (large, _attributes(65), _attributes(64)),
        "names too long together": (large, _many(1100), _many(1000)),
    }
    for name, (reason, evil, right) in in_extensions.items():
        yield Attack(name, reason, partial(_extended, evil), partial(_extended, right))


def _padded(make: Make) -> bytes:
    """A document whose base64 needs padding."""
    document = text_of(make())
    return document + b" " * ((1 - len(document)) % 3)


def _deflated(make: Make) -> str:
    return base64.b64encode(zlib.compress(text_of(make()))[2:-4]).decode()


def _extended(inside: str) -> Any:
    return factory.signed_assertion(Spec(response_extra=f"<samlp:Extensions>{inside}</samlp:Extensions>"))


def _attributes(count: int) -> str:
    return "<a " + " ".join(f'a{number}=""' for number in range(count)) + "/>"


def _many(count: int) -> str:
    return f'<a xmlns="urn:{"x" * 240}">{"<b/>" * count}</a>'
