"""Checks 1 and 2: from the form field to a tree."""

import base64

import pytest

from gateway.errors import Reason, SamlError
from gateway.saml.xml import MAX_BYTES, decode_base64, parse_document


@pytest.mark.parametrize("encoded", ["PGEvPg==", b"PGEvPg==", "PGEv\r\n Pg==\t", ""], ids=repr)
def test_decode_base64__check_1_plain_or_wrapped__decodes(encoded: str | bytes) -> None:
    assert decode_base64(encoded) in {b"<a/>", b""}


@pytest.mark.parametrize(
    "encoded",
    [
        "PGEvPg",
        "PGEvPg=",
        "PGEvPg===",
        "PGEvPg==PGEvPg==",
        "PGE_Pg==",
        "PGEvPg=\xa0=",
        "PGE\x00vPg==",
        "%50GEvPg==",
        "é",
        b"\xff",
    ],
    ids=repr,
)
def test_decode_base64__check_1_anything_foreign__refused(encoded: str | bytes) -> None:
    with pytest.raises(SamlError) as caught:
        decode_base64(encoded)
    assert caught.value.reason is Reason.SAML_ENCODING


def test_decode_base64__check_1_too_long__refused_before_decoding() -> None:
    with pytest.raises(SamlError) as caught:
        decode_base64("é" * 400_000)
    assert caught.value.reason is Reason.SAML_TOO_LARGE


def filled(length: int) -> bytes:
    return b"<a>" + b"x" * (length - 7) + b"</a>"


def test_parse_document__check_1_at_most_256_kb__read() -> None:
    assert parse_document(decode_base64(base64.b64encode(filled(MAX_BYTES)))).root.tag == "a"
    with pytest.raises(SamlError) as caught:
        parse_document(filled(MAX_BYTES + 1))
    assert caught.value.reason is Reason.SAML_TOO_LARGE


@pytest.mark.parametrize(
    "document",
    [
        b"<a/>",
        b'<?xml version="1.0"?><a/>',
        b"<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n<a/>",
        b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?><a/>',
        "<a>ü&amp;&#x20AC; wow! really? </a>".encode(),
    ],
    ids=repr,
)
def test_parse_document__check_2_plain_utf_8__read(document: bytes) -> None:
    assert parse_document(document).root.tag == "a"


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ("<a>ü</a>".encode("latin-1"), Reason.SAML_ENCODING),
        ('<?xml version="1.0" encoding="UTF-16"?><a/>'.encode("utf-16"), Reason.SAML_ENCODING),
        ("<a/>".encode("utf-16-le"), Reason.SAML_XML_MALFORMED),
        ("<a/>".encode("utf-32-be"), Reason.SAML_XML_MALFORMED),
        (b'<?xml version="1.0" encoding="utf-7"?><a>+ADw-b/+AD4-</a>', Reason.SAML_ENCODING),
        (b'<?xml version="1.0" encoding="iso-8859-1"?><a/>', Reason.SAML_ENCODING),
        (b'<?xml version="1.0" encoding="ebcdic-cp-us"?><a/>', Reason.SAML_ENCODING),
        (b'<?xml version="1.1"?><a/>', Reason.SAML_XML_MALFORMED),
        (b'<?xml version="1.0" encoding="utf-8" foo="bar"?><a/>', Reason.SAML_XML_MALFORMED),
        (b' <?xml version="1.0"?><a/>', Reason.SAML_COMMENT_OR_PI),
        (b'<?xml version="1.0"?><?xml version="1.0"?><a/>', Reason.SAML_COMMENT_OR_PI),
        (b"<!DOCTYPE a><a/>", Reason.SAML_DTD),
        (b'<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', Reason.SAML_DTD),
        (b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><a/>', Reason.SAML_DTD),
        (b'<!DOCTYPE a [<!ENTITY % x SYSTEM "file:///etc/passwd">%x;]><a/>', Reason.SAML_DTD),
        (b"<a>&x;</a>", Reason.SAML_XML_MALFORMED),
        (b"<a>&#0;</a>", Reason.SAML_XML_MALFORMED),
        (b"<a><!-- --></a>", Reason.SAML_COMMENT_OR_PI),
        (b"<!-- --><a/>", Reason.SAML_COMMENT_OR_PI),
        (b"<a/><!-- -->", Reason.SAML_COMMENT_OR_PI),
        (b"<a><?php x?></a>", Reason.SAML_COMMENT_OR_PI),
        (b"<?xml-stylesheet href='x'?><a/>", Reason.SAML_XML_MALFORMED),
        (b"<a/><?x?>", Reason.SAML_COMMENT_OR_PI),
        (b"<a><![CDATA[x]]></a>", Reason.SAML_CDATA),
        (b"", Reason.SAML_XML_MALFORMED),
        (b"<a>", Reason.SAML_XML_MALFORMED),
        (b"<a/><b/>", Reason.SAML_XML_MALFORMED),
        (b"<a/>\x00", Reason.SAML_XML_MALFORMED),
        (b"<a b='1' b='2'/>", Reason.SAML_XML_MALFORMED),
        (b"<p:a/>", Reason.SAML_XML_MALFORMED),
        (b"<a>" * 300 + b"</a>" * 300, Reason.SAML_XML_MALFORMED),
        (b"not xml", Reason.SAML_XML_MALFORMED),
    ],
    ids=lambda value: repr(value)[:60] if isinstance(value, bytes) else "",
)
def test_parse_document__check_2_anything_else__refused(document: bytes, reason: Reason) -> None:
    with pytest.raises(SamlError) as caught:
        parse_document(document)
    assert caught.value.reason is reason
