"""Hardened XML: the only way in which a message from outside becomes a tree. Checks 1 and 2 of `checks`.

What could define, fetch or hide something is refused in the bytes, before a parser sees them: inside well-formed
XML `<!` opens nothing but a DTD, a comment or CDATA, and `<?` nothing but a processing instruction.
Rule: SAML Bindings 2.0 §3.5.4; OWASP XML Security; XML 1.0 §2.
"""

import binascii
import re
import threading
from collections.abc import Iterator
from typing import NoReturn, Protocol, cast

from lxml import etree

from gateway.errors import Reason, SamlError

MAX_BYTES = 256 * 1024  # decoded; the API's own limit of 100,000 base64 characters is the caller's to apply
_MAX_ENCODED = MAX_BYTES * 4 // 3 + 16 * 1024  # with room for line ends
_WHITE_SPACE = b" \t\r\n"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_DECLARATION = re.compile(
    rb"""<\?xml[ \t\r\n]+version[ ]?=[ ]?["']1\.0["']"""
    rb"""(?:[ \t\r\n]+encoding[ ]?=[ ]?["'](?P<encoding>[A-Za-z0-9._-]+)["'])?"""
    rb"""(?:[ \t\r\n]+standalone[ ]?=[ ]?["'](?:yes|no)["'])?[ \t\r\n]*\?>"""
)


class Element(Protocol):
    """The part of an lxml element that the verifier uses."""

    text: str | None
    tail: str | None

    @property
    def tag(self) -> str: ...
    @property
    def nsmap(self) -> dict[str | None, str]: ...
    def get(self, key: str) -> str | None: ...
    def keys(self) -> list[str]: ...
    def iter(self) -> Iterator["Element"]: ...
    def getprevious(self) -> "Element | None": ...
    def remove(self, element: "Element") -> None: ...
    def __iter__(self) -> Iterator["Element"]: ...
    def __getitem__(self, index: int) -> "Element": ...
    def __len__(self) -> int: ...


def decode_base64(encoded: str | bytes, reason: Reason = Reason.SAML_ENCODING) -> bytes:
    """Strict base64: white space is skipped, any other foreign character and missing padding are refused.

    Raises: SamlError(SAML_TOO_LARGE), SamlError(`reason`).
    """
    if len(encoded) > _MAX_ENCODED:
        raise SamlError(Reason.SAML_TOO_LARGE, "the SAML message is too large", f"{len(encoded)} characters")
    try:
        raw = encoded.encode("ascii") if isinstance(encoded, str) else encoded
        return binascii.a2b_base64(raw.translate(None, _WHITE_SPACE), strict_mode=True)
    except ValueError as exc:  # binascii.Error and UnicodeEncodeError are both
        raise SamlError(reason, "the SAML message is not valid base64", str(exc)[:200]) from exc


def parse_document(data: bytes, *, trusted: bool = False, max_bytes: int = MAX_BYTES) -> Element:
    """Read one XML document in UTF-8.

    Refused: more than `max_bytes`, other encodings, other XML versions, a DTD, comments, processing instructions,
    CDATA, references to entities, whatever is not well-formed. `trusted`: canonical bytes under a verified
    signature; a canonical form holds none of these, and may be longer than what it was made from.
    Raises: SamlError(SAML_TOO_LARGE | SAML_ENCODING | SAML_DTD | SAML_COMMENT_OR_PI | SAML_CDATA |
    SAML_XML_MALFORMED).
    """
    if len(data) > max_bytes and not trusted:  # canonical forms may be longer than what they were made from
        raise SamlError(Reason.SAML_TOO_LARGE, "the SAML message is too large", f"{len(data)} bytes")
    body = _check_bytes(data)
    try:
        if trusted or _charge(body):
            return _parse(body)
        return _parse_aside(body)
    except etree.XMLSyntaxError as exc:
        raise SamlError(Reason.SAML_XML_MALFORMED, "the SAML message is not well-formed XML", str(exc)[:200]) from exc


def _check_bytes(data: bytes) -> bytes:
    try:
        data.decode()
    except UnicodeDecodeError as exc:
        raise SamlError(Reason.SAML_ENCODING, "the SAML message is not UTF-8", str(exc)) from exc
    body = data.removeprefix(_BYTE_ORDER_MARK)
    if body.startswith(b"<?xml"):
        body = body[_declaration_length(body) :]
    # One byte is found several times faster than two, and most messages hold neither.
    if b"!" in body and b"<!" in body:
        _refuse_declaration(body)
    if b"?" in body and b"<?" in body:
        raise SamlError(Reason.SAML_COMMENT_OR_PI, "the SAML message holds a processing instruction")
    return body


def _declaration_length(body: bytes) -> int:
    """The declaration is read here and cut off, so that no parser can follow an encoding that it names."""
    declaration = _DECLARATION.match(body)
    if declaration is None:
        raise SamlError(Reason.SAML_XML_MALFORMED, "the XML declaration is not one of XML 1.0", repr(body[:80]))
    if (declaration["encoding"] or b"utf-8").lower() != b"utf-8":
        raise SamlError(Reason.SAML_ENCODING, "the SAML message is not UTF-8", repr(declaration["encoding"]))
    return declaration.end()


def _refuse_declaration(body: bytes) -> NoReturn:
    opened = body[body.index(b"<!") :]
    if opened.startswith(b"<!--"):
        raise SamlError(Reason.SAML_COMMENT_OR_PI, "the SAML message holds a comment")
    if opened.startswith(b"<![CDATA["):
        raise SamlError(Reason.SAML_CDATA, "the SAML message holds a CDATA section")
    raise SamlError(Reason.SAML_DTD, "the SAML message holds a document type declaration", repr(opened[:80]))


def _parse(body: bytes) -> Element:
    parser = etree.XMLParser(
        encoding="utf-8",
        resolve_entities=False,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        no_network=True,
        huge_tree=False,
        recover=False,
        collect_ids=False,
    )
    return cast("Element", etree.fromstring(body, parser))


# libxml2 keeps every element name, attribute name and namespace that a thread ever parsed until the thread ends.
# So a thread reads only so many bytes that no signature vouched for; after that, unverified documents are read in
# threads of their own, which take 0.1 ms more and leave nothing behind. Without this, anybody could fill the memory.
_UNVERIFIED_BYTES_PER_THREAD = 4 * 1024 * 1024
_MAX_REFUND = 64 * 1024  # what surrounds a signed node is not vouched for
_REMEMBERED = 1024


class _Account(threading.local):
    """What one thread has read. It decides where a document is parsed, never how it is judged."""

    def __init__(self) -> None:
        self.spent = 0
        self.last = b""  # peek and verify read the same document one after the other: it counts once
        self.refunded: dict[str, None] = {}  # in order of arrival; a document posted again is not vouched for again


_account = _Account()


def _charge(body: bytes) -> bool:
    if body == _account.last:
        return True
    if _account.spent + len(body) > _UNVERIFIED_BYTES_PER_THREAD:
        return False
    _account.spent += len(body)
    _account.last = body
    return True


def refund(document_id: str, length: int) -> None:
    """A document of so many bytes turned out to be signed by a trusted party."""
    _account.last = b""
    if document_id in _account.refunded:
        return
    _account.refunded[document_id] = None
    if len(_account.refunded) > _REMEMBERED:
        del _account.refunded[next(iter(_account.refunded))]
    _account.spent = max(0, _account.spent - min(length, _MAX_REFUND))


def _parse_aside(body: bytes) -> Element:
    parsed: list[Element | etree.XMLSyntaxError] = []

    def work() -> None:
        try:
            parsed.append(_parse(body))
        except etree.XMLSyntaxError as exc:
            parsed.append(exc)

    thread = threading.Thread(target=work, name="saml-parse")
    thread.start()
    thread.join()
    if isinstance(parsed[0], etree.XMLSyntaxError):
        raise parsed[0]
    return parsed[0]
