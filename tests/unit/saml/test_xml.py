"""Checks 1 and 2: from the form field to a tree."""

import base64
import threading

import pytest

from gateway.errors import Reason, SamlError
from gateway.saml import xml
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
    assert parse_document(decode_base64(base64.b64encode(filled(MAX_BYTES)))).tag == "a"
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
    assert parse_document(document).tag == "a"


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


def in_new_thread(work: "list[bytes]") -> tuple[int, list[str]]:
    """Parse documents in a thread of its own; how many went aside, and the tags."""
    aside = 0
    tags: list[str] = []

    def run() -> None:
        nonlocal aside
        for document in work:
            before = xml._account.spent
            tags.append(parse_document(document).tag)
            if xml._account.spent == before:
                aside += 1

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return aside, tags


def test_parse_document__many_unverified_bytes__later_ones_are_read_in_threads_of_their_own() -> None:
    documents = [b"<a%d>%s</a%d>" % (n, b"x" * 250_000, n) for n in range(20)]
    aside, tags = in_new_thread(documents)
    assert tags == [f"a{n}" for n in range(20)]
    assert aside == 20 - xml._UNVERIFIED_BYTES_PER_THREAD // 250_009


def test_parse_document__same_document_twice__counts_once() -> None:
    documents = [b"<a>%s</a>" % (b"x" * 250_000)] * 40
    aside, tags = in_new_thread(documents)
    assert (aside, len(tags)) == (39, 40)


def test_refund__document_vouched_for__counts_once_and_not_for_what_surrounds_it() -> None:
    spent: list[int] = []

    def run() -> None:
        for number in range(xml._REMEMBERED + 2):
            parse_document(b"<a>%d</a>" % (10_000 + number))
            xml.refund(f"_{number}", 12)
        spent.append(xml._account.spent)
        parse_document(b"<a>again</a>")
        xml.refund(f"_{number}", 12)
        spent.append(xml._account.spent)
        parse_document(b"<a>%s</a>" % (b"x" * 200_000))
        xml.refund("_large", 200_007)
        spent.append(xml._account.spent)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert spent == [0, 12, 12 + 200_007 - xml._MAX_REFUND]


def test_parse_document__malformed_aside__refused_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xml, "_UNVERIFIED_BYTES_PER_THREAD", 0)
    assert parse_document(b"<a1/>").tag == "a1"
    with pytest.raises(SamlError) as caught:
        parse_document(b"<a>")
    assert caught.value.reason is Reason.SAML_XML_MALFORMED
