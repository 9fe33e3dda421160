"""Metadata from somebody who wants more than to register an identity provider."""

import contextlib
import time
import tracemalloc
from pathlib import Path

import pytest

from gateway.errors import Reason, SamlError
from gateway.saml.metadata import parse_idp_metadata
from tests.fake_clock import NOON
from tests.saml_metadata_document import SECOND_CERTIFICATE, Document, group

MD = "urn:oasis:names:tc:SAML:2.0:metadata"


def _refusal(xml: bytes) -> SamlError:
    with pytest.raises(SamlError) as caught:
        parse_idp_metadata(xml, NOON)
    return caught.value


def _after_declaration(doctype: str, document: Document) -> bytes:
    return f'<?xml version="1.0"?>{doctype}'.encode() + document.xml()


@pytest.mark.parametrize(
    "doctype",
    [
        '<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY e "&a;&a;&a;&a;&a;&a;&a;&a;">]>',
        '<!DOCTYPE x [<!ENTITY % p SYSTEM "http://192.0.2.1/x.dtd"> %p;]>',
        '<!DOCTYPE x SYSTEM "http://192.0.2.1/x.dtd">',
        "<!DOCTYPE x>",
        "<!<!-- -->DOCTYPE x>",
    ],
)
def test_parse_idp_metadata__document_type__is_refused(doctype: str) -> None:
    document = Document(entity_id="&e;" if "ENTITY e" in doctype else "x")

    assert _refusal(_after_declaration(doctype, document)).reason is Reason.METADATA_MALFORMED


def test_parse_idp_metadata__external_entity__file_is_not_read(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("the-secret")
    doctype = f'<!DOCTYPE x [<!ENTITY e SYSTEM "{secret.as_uri()}">]>'

    refusal = _refusal(_after_declaration(doctype, Document(name_id_format="&e;")))

    assert "the-secret" not in f"{refusal.public} {refusal.detail}"


def test_parse_idp_metadata__undefined_entity__is_refused() -> None:
    assert _refusal(Document(name_id_format="&e;").xml()).reason is Reason.METADATA_MALFORMED


@pytest.mark.parametrize("hidden", ["<![CDATA[x]]>", "<?target text?>", "<!-- unfinished "])
def test_parse_idp_metadata__cdata_or_processing_instruction__is_refused(hidden: str) -> None:
    assert _refusal(Document(name_id_format=f"urn:x{hidden}").xml()).reason is Reason.METADATA_MALFORMED


def test_parse_idp_metadata__comment_marks_inside_cdata__hide_nothing() -> None:
    second_idp = Document().idp()
    extra = f"<md:Extensions><![CDATA[<!--]]></md:Extensions>{second_idp}<md:Extensions><![CDATA[-->]]></md:Extensions>"

    assert _refusal(Document(extra=extra).xml()).reason is Reason.METADATA_MALFORMED


@pytest.mark.parametrize("encoding", ["utf-16", "utf-7", "iso-8859-1"])
def test_parse_idp_metadata__other_encoding__is_refused(encoding: str) -> None:
    text = f'<?xml version="1.0" encoding="{encoding}"?>{Document().entity()}'

    assert _refusal(text.encode(encoding)).reason is Reason.METADATA_MALFORMED


def test_parse_idp_metadata__one_byte_too_large__is_refused() -> None:
    xml = Document().xml()
    padding = 1024 * 1024 - len(xml)

    assert parse_idp_metadata(xml + b" " * padding, NOON).entity_id
    assert _refusal(xml + b" " * (padding + 1)).reason is Reason.METADATA_MALFORMED


def test_parse_idp_metadata__two_idp_descriptors__is_refused() -> None:
    other = Document(certificates=(SECOND_CERTIFICATE,)).idp()

    assert _refusal(Document(extra=other).xml()).reason is Reason.METADATA_MALFORMED


def test_parse_idp_metadata__two_providers_in_a_group__is_refused() -> None:
    xml = group(Document().entity() + Document(entity_id="https://evil.example.com").entity())

    assert _refusal(xml).reason is Reason.METADATA_MALFORMED


def test_parse_idp_metadata__group_inside_a_group__is_refused() -> None:
    inner = group(Document(entity_id="https://evil.example.com").entity()).decode()

    assert _refusal(group(Document().entity() + inner)).reason is Reason.METADATA_MALFORMED
    assert _refusal(group(inner)).reason is Reason.METADATA_MALFORMED


def test_parse_idp_metadata__empty_group__is_refused() -> None:
    assert _refusal(group("")).reason is Reason.METADATA_NO_IDP


def test_parse_idp_metadata__provider_hidden_in_an_extension__is_not_found() -> None:
    hidden = f"<md:Extensions>{Document(entity_id='https://evil.example.com').entity()}</md:Extensions>"

    assert _refusal(group(hidden)).reason is Reason.METADATA_NO_IDP
    assert parse_idp_metadata(Document(extra=hidden).xml(), NOON).entity_id == "https://idp.example.com/metadata"


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (Document().xml().replace(MD.encode(), b"urn:oasis:names:tc:SAML:1.0:metadata"), Reason.METADATA_MALFORMED),
        (Document().xml().replace(b"IDPSSODescriptor", b"SPSSODescriptor"), Reason.METADATA_NO_IDP),
        (
            Document()
            .xml()
            .replace(b"<md:IDPSSODescriptor", b'<x:IDPSSODescriptor xmlns:x="urn:x"')
            .replace(b"</md:IDPSSODescriptor", b"</x:IDPSSODescriptor"),
            Reason.METADATA_NO_IDP,
        ),
        (
            Document().xml().replace(b"http://www.w3.org/2000/09/xmldsig#", b"http://www.w3.org/2000/09/xmldsig"),
            Reason.METADATA_CERTIFICATE,
        ),
        (
            Document().xml().replace(b"<md:SingleSignOnService", b'<x:SingleSignOnService xmlns:x="urn:x"'),
            Reason.METADATA_ENDPOINT,
        ),
        (b"<html><body>Sign in</body></html>", Reason.METADATA_MALFORMED),
        (b"", Reason.METADATA_MALFORMED),
        (b"\x00\x01\x02", Reason.METADATA_MALFORMED),
        (b'{"issuer": "https://idp.example.com"}', Reason.METADATA_MALFORMED),
    ],
)
def test_parse_idp_metadata__something_else__is_refused(wrong: bytes, reason: Reason) -> None:
    assert _refusal(wrong).reason is reason


@pytest.mark.parametrize(
    "url",
    [
        "",
        "javascript:alert(1)",
        "JavaScript:alert(1)//https://idp.example.com",
        "data:text/html,x",
        "file:///etc/passwd",
        "//idp.example.com/sso",
        "/sso",
        "idp.example.com/sso",
        "http://idp.example.com/sso",
        "http://127.0.0.1.evil.example.com/sso",
        "http://localhost@evil.example.com/sso",
        "https://idp.example.com@evil.example.com/sso",
        "https://@evil.example.com/sso",
        "https://idp.example.com\\@evil.example.com/sso",
        "https://idp.example.com/sso#x",
        "https://idp.example.com/sso#",
        "https://idp.example.com:99999/sso",
        "https://idp.example.com:x/sso",
        "https://[::1/sso",
        "https:///sso",
        "https://?x",
        " https://idp.example.com/sso",
        "https://idp.example.com/a b",
        "https://idp.example.com/&#10;Set-Cookie: x",
        "https://idp.example.com/&quot;onclick=&quot;x",
        "https://idp.example.com/&lt;script&gt;",
        "https://idp.exämple.com/sso",
        "https://idp.example.com/" + "x" * 2000,
    ],
)
@pytest.mark.parametrize("binding", ["redirect", "post"])
def test_parse_idp_metadata__sign_on_url_is_no_web_address__is_refused(url: str, binding: str) -> None:
    document = Document(redirect=url) if binding == "redirect" else Document(post=url)

    assert _refusal(document.xml()).reason is Reason.METADATA_ENDPOINT


def test_parse_idp_metadata__deep_nesting__is_refused() -> None:
    deep = "<md:Extensions>" * 400 + "</md:Extensions>" * 400

    assert _refusal(Document(extra=deep).xml()).reason is Reason.METADATA_MALFORMED


def test_parse_idp_metadata__key_info_nested_in_itself__is_survived() -> None:
    opening = '<ds:KeyInfo><x:EncryptedKey xmlns:x="http://www.w3.org/2001/04/xmlenc#">'
    nested = "</ds:X509Certificate></ds:X509Data>" + opening * 110 + "</x:EncryptedKey></ds:KeyInfo>" * 110
    document = Document(certificates=(nested + "<ds:X509Data><ds:X509Certificate>",))

    assert _refusal(document.xml()).reason in {Reason.METADATA_CERTIFICATE, Reason.METADATA_MALFORMED}


@pytest.mark.parametrize(
    "filler",
    ["<!--", "<!-- -->", "<md:KeyDescriptor/>", "<md:NameIDFormat>x</md:NameIDFormat>", "<a b='c'/>", "&lt;"],
)
def test_parse_idp_metadata__a_megabyte_of_anything__is_answered_soon(filler: str) -> None:
    text = filler * (1_000_000 // len(filler))
    xml = Document(name_id_format=f"x</md:NameIDFormat>{text}<md:NameIDFormat>").xml()
    began = time.process_time()

    with contextlib.suppress(SamlError):
        parse_idp_metadata(xml, NOON)

    assert time.process_time() - began < 5


def test_parse_idp_metadata__refusals__say_what_to_do() -> None:
    texts = [
        _refusal(b"").public,
        _refusal(group("")).public,
        _refusal(Document(redirect="javascript:x").xml()).public,
        _refusal(Document(certificates=("AAAA",)).xml()).public,
        _refusal(Document(entity_attributes='validUntil="2020-01-01T00:00:00Z"').xml()).public,
    ]

    assert all(": " in text and text.endswith(".") for text in texts)


def test_parse_idp_metadata__long_namespace_used_often__is_refused_in_little_memory() -> None:
    xml = Document().xml().decode()
    opened = xml.replace("<md:EntityDescriptor ", f'<md:EntityDescriptor xmlns:a="{"u" * 300_000}" ', 1)
    bomb = opened.replace("</md:EntityDescriptor>", "<a:b/>" * 4000 + "</md:EntityDescriptor>").encode()
    assert b"<a:b/>" in bomb

    tracemalloc.start()
    try:
        assert _refusal(bomb).reason is Reason.METADATA_MALFORMED
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 20_000_000


@pytest.mark.parametrize("host", ["*", "idp.example.com;sandbox", "idp.example.com,default-src", "'self'", "a&b", "x!"])
def test_parse_idp_metadata__host_that_would_change_a_security_policy__is_refused(host: str) -> None:
    xml = Document().xml().replace(b"https://idp.example.com", b"https://" + host.replace("&", "&amp;").encode())

    assert _refusal(xml).reason is Reason.METADATA_ENDPOINT
