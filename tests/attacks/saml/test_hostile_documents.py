"""Documents made to confuse, exhaust or read from the machine that parses them. All are signed where that is possible."""

import base64
import time
import tracemalloc
from collections.abc import Callable

import pytest

from gateway.errors import Reason, SamlError
from gateway.saml.response import peek, verify_response
from tests import saml_factory as factory
from tests.fake_clock import NOON
from tests.saml_factory import Spec

SIGNED = factory.serialize(factory.signed_assertion())
SIGNED_RESPONSE = factory.serialize(factory.signed_response())


def refusal(document: bytes) -> Reason:
    encoded = base64.b64encode(document)
    with pytest.raises(SamlError) as caught:
        verify_response(encoded, factory.expectation(), NOON)
    return caught.value.reason


def replaced(old: str, new: str) -> bytes:
    assert old.encode() in SIGNED
    return SIGNED.replace(old.encode(), new.encode())


@pytest.mark.parametrize("inserted", ["<!-- -->", "<?x y?>"])
@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("alice@example.onaliyun.com", ".evil.example"), ("<ds:DigestValue>", ""), ("<ds:SignatureValue>", ""),
        ("<saml:AttributeValue>", ""), ("<saml:Audience>", ""), ("<saml:Issuer>", ""), ("<samlp:Status>", ""),
        ("</samlp:Response>", ""),
    ],
)  # fmt: skip
def test_verify_response__comment_or_instruction_anywhere__refused(before: str, after: str, inserted: str) -> None:
    """CVE-2017-11427 and its kin: text cut at a comment that canonicalization leaves out."""
    assert refusal(replaced(before, before + inserted + after)) is Reason.SAML_COMMENT_OR_PI
    assert refusal(inserted.encode() + SIGNED) is Reason.SAML_COMMENT_OR_PI


DTDS = {
    "empty": b"<!DOCTYPE r>",
    "internal entity": b'<!DOCTYPE r [<!ENTITY x "mallory">]>',
    "external entity": b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "external subset": b'<!DOCTYPE r SYSTEM "http://127.0.0.1:1/">',
    "parameter entity": b'<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:1/">%p;]>',
    "default attribute": b'<!DOCTYPE r [<!ATTLIST r ID ID "_assertion1">]>',
    "billion laughs": b"<!DOCTYPE r ["
    + b"".join(b'<!ENTITY l%d "%s">' % (n + 1, b"&l%d;" % n * 10) for n in range(10))
    + b"]>",
}


@pytest.mark.parametrize("name", DTDS)
def test_verify_response__document_type__refused(name: str) -> None:
    assert refusal(DTDS[name] + SIGNED) is Reason.SAML_DTD
    with pytest.raises(SamlError) as caught:
        peek(base64.b64encode(DTDS[name] + SIGNED))
    assert caught.value.reason is Reason.SAML_DTD


@pytest.mark.parametrize(
    "document",
    [
        SIGNED.decode().encode("utf-16"),
        SIGNED.decode().encode("utf-16-le"),
        SIGNED.decode().encode("utf-32"),
        b'<?xml version="1.0" encoding="utf-16"?>' + SIGNED,
        b'<?xml version="1.0" encoding="utf-7"?>' + SIGNED,
        b'<?xml version="1.0" encoding="x-mac-roman"?>' + SIGNED,
        SIGNED.replace(b"alice", b"alic\xe9"),
        SIGNED.replace(b"alice", b"alic\xc0\xa5"),
        SIGNED.replace(b"alice", b"alic\xed\xa0\x80"),
    ],
    ids=lambda document: repr(document[:30]),
)
def test_verify_response__another_encoding__refused(document: bytes) -> None:
    assert refusal(document) in {Reason.SAML_ENCODING, Reason.SAML_XML_MALFORMED}


def test_verify_response__cdata__refused() -> None:
    assert refusal(replaced("alice@", "<![CDATA[alice]]>@")) is Reason.SAML_CDATA


@pytest.mark.parametrize("document", [SIGNED, SIGNED_RESPONSE], ids=["assertion", "response"])
def test_verify_response__same_content_written_differently__same_identity(document: bytes) -> None:
    """Prefixes are part of what is signed; quotes, references, blanks in tags and the declaration are not."""
    expected = verify_response(base64.b64encode(document), factory.expectation(), NOON)
    for other in (
        document.replace(b"alice@", b"&#97;lice&#x40;"),
        document.replace(b'Version="2.0"', b"Version\n =\t'2.0'"),
        b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>\n' + document + b"\n\n",
        document.replace(b"></ds:Transform>", b"/>"),
    ):
        assert verify_response(base64.b64encode(other), factory.expectation(), NOON) == expected


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<saml:NameID", '<saml:NameID xmlns:saml="urn:evil"'),
        ('xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"', 'xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion "'),
        ('xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion"', 'xmlns:saml="urn:oasis:names:tc:SAML:1.0:assertion"'),
        ('xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"', 'xmlns:samlp="urn:oasis:names:tc:SAML:2.0:assertion"'),
        ('xmlns:ds="http://www.w3.org/2000/09/xmldsig#"', 'xmlns:ds="http://www.w3.org/2000/09/xmldsig"'),
    ],
)
def test_verify_response__namespace_exchanged__refused(old: str, new: str) -> None:
    assert isinstance(refusal(replaced(old, new)), Reason)


@pytest.mark.parametrize("attribute", ["ID", "Id", "id", "xml:id"])
@pytest.mark.parametrize("value", ["_assertion1", "_response1"])
def test_verify_response__second_element_with_the_id__refused(attribute: str, value: str) -> None:
    document = replaced("<samlp:StatusCode", f'<samlp:StatusCode {attribute}="{value}"')
    assert refusal(document) is Reason.SAML_DUPLICATE_ID


@pytest.mark.parametrize("cut", [1, 2, 10, 100, 1000, 3000])
def test_verify_response__truncated__refused(cut: int) -> None:
    assert refusal(SIGNED[:-cut]) is Reason.SAML_XML_MALFORMED
    assert refusal(SIGNED[:cut]) is Reason.SAML_XML_MALFORMED


def test_verify_response__nothing__refused() -> None:
    assert refusal(b"") is Reason.SAML_XML_MALFORMED


def in_extensions(inside: str) -> bytes:
    extra = f"<samlp:Extensions>{inside}</samlp:Extensions>"
    return factory.serialize(factory.signed_assertion()).replace(b"<samlp:Status>", extra.encode() + b"<samlp:Status>")


NAMESPACES = " ".join(f'xmlns:n{number}="urn:n{number}"' for number in range(6000))
ATTRIBUTES = " ".join(f'a{number}=""' for number in range(20_000))
EXHAUSTING: dict[str, Callable[[], bytes]] = {
    "many elements": lambda: in_extensions("<a/>" * 60_000),
    "many names": lambda: in_extensions("".join(f"<a{number}/>" for number in range(25_000))),
    "many attributes": lambda: in_extensions(f"<a {ATTRIBUTES}/>"),
    "many namespaces": lambda: in_extensions(f"<a {NAMESPACES}>{'<n1:b/>' * 5000}</a>"),
    "long namespace used often": lambda: in_extensions(f'<a xmlns:n="urn:{"x" * 100_000}">{"<n:b/>" * 20_000}</a>'),
    "long namespace used often in attributes": lambda: in_extensions(
        f'<a xmlns:n="urn:{"x" * 100_000}">{"""<b n:c=""/>""" * 12_000}</a>'
    ),
    "deep": lambda: in_extensions("<a>" * 250 + "</a>" * 250),
    "too deep for any parser": lambda: in_extensions("<a>" * 20_000 + "</a>" * 20_000),
    "long text": lambda: in_extensions("x" * 250_000),
    "long attribute": lambda: in_extensions(f'<a b="{"&#x41;" * 40_000}"/>'),
    "references": lambda: in_extensions("&#x10FFFF;" * 25_000),
    "too large": lambda: in_extensions("x" * 300_000),
    "quotes that canonicalization writes out": lambda: in_extensions(f"<a b='{'&#34;' * 50_000}'/>"),
}


@pytest.mark.parametrize("name", EXHAUSTING)
@pytest.mark.parametrize("signed", ["assertion", "response"])
def test_verify_response__made_to_exhaust__answered_with_little_time_and_memory(name: str, signed: str) -> None:
    """With the Response's own Signature in place, so that the whole document is canonicalized before it is refused."""
    document = EXHAUSTING[name]()
    if signed == "response":
        signature = factory.serialize(factory.find(factory.signed_response(), "ds:Signature"))
        document = document.replace(b"<samlp:Extensions>", signature + b"<samlp:Extensions>", 1)
    encoded = base64.b64encode(document)
    tracemalloc.start()
    started = time.process_time()
    try:
        verify_response(encoded, factory.expectation(), NOON)
        refused = None
    except SamlError as exc:
        refused = exc.reason
    spent_s = time.process_time() - started
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refused is not None or signed == "assertion"
    assert spent_s < 1
    assert peak < 64 * 1024 * 1024


def test_verify_response__text_of_another_kind_of_space__is_not_stripped() -> None:
    spec = Spec(name_id="<saml:NameID>alice\u3000</saml:NameID>")
    assert refusal(factory.serialize(factory.signed_assertion(spec))) is Reason.SAML_SUBJECT
