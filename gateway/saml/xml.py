"""Hardened XML: the only way in which a message from outside becomes a tree. Checks 1 and 2 of `checks`.

What could define, fetch or hide something is refused in the bytes, before a parser sees them: inside well-formed
XML `<!` opens nothing but a DTD, a comment or CDATA, and `<?` nothing but a processing instruction.
Rule: SAML Bindings 2.0 §3.5.4; OWASP XML Security; XML 1.0 §2.
"""

import binascii
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn, Protocol, cast

from lxml import etree

from gateway.errors import Reason, SamlError
from gateway.saml import name_budget

MAX_BYTES = 256 * 1024  # decoded; the API's own limit of 100,000 base64 characters is the caller's to apply
_MAX_ENCODED = MAX_BYTES * 4 // 3 + 16 * 1024  # with room for line ends
_WHITE_SPACE = b" \t\r\n"
_MAYBE_BLANK = re.compile(rb">[ \t\r\n&]")
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
        if raw.find(b"\n") >= 0 or raw.find(b" ") >= 0 or raw.find(b"\t") >= 0 or raw.find(b"\r") >= 0:
            raw = raw.translate(None, _WHITE_SPACE)
        return binascii.a2b_base64(raw, strict_mode=True)
    except ValueError as exc:  # binascii.Error and UnicodeEncodeError are both
        raise SamlError(reason, "the SAML message is not valid base64", str(exc)[:200]) from exc


@dataclass(frozen=True, slots=True)
class Document:
    """A message that was read and not yet looked at."""

    root: Element
    may_hold_blanks: bool  # False: no text consists of white space only
    charged: int  # what `tree.check_tree` has to settle with the budget of this thread; 0 if read in another one


def parse_document(data: bytes) -> Document:
    """Read one XML document in UTF-8 of at most `MAX_BYTES`.

    Refused: other encodings, other XML versions, a DTD, comments, processing instructions, CDATA, references to
    entities, whatever is not well-formed.
    Raises: SamlError(SAML_TOO_LARGE | SAML_ENCODING | SAML_DTD | SAML_COMMENT_OR_PI | SAML_CDATA |
    SAML_XML_MALFORMED).
    """
    body = _check_bytes(data, MAX_BYTES)
    may_hold_blanks = _MAYBE_BLANK.search(body) is not None
    if name_budget.charge(len(body)):
        return Document(_parse(body), may_hold_blanks, len(body))
    return Document(_parse_apart(body), may_hold_blanks, 0)


def parse_apart(data: bytes, *, max_bytes: int) -> Element:
    """The same for documents that come rarely, such as metadata: always read in a thread of its own."""
    return _parse_apart(_check_bytes(data, max_bytes))


def parse_canonical(data: bytes) -> Element:
    """Read canonical bytes under a verified signature; a canonical form holds nothing that needs a search before.

    Raises: SamlError(SAML_XML_MALFORMED).
    """
    return _parse(data)


def _check_bytes(data: bytes, max_bytes: int) -> bytes:
    if len(data) > max_bytes:
        raise SamlError(Reason.SAML_TOO_LARGE, "the SAML message is too large", f"{len(data)} bytes")
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
    try:
        return cast("Element", etree.fromstring(body, parser))
    except etree.XMLSyntaxError as exc:
        raise SamlError(Reason.SAML_XML_MALFORMED, "the SAML message is not well-formed XML", str(exc)[:200]) from exc


def _parse_apart(body: bytes) -> Element:
    parsed: list[Element | SamlError] = []

    def work() -> None:
        try:
            parsed.append(_parse(body))
        except SamlError as exc:
            parsed.append(exc)

    thread = threading.Thread(target=work, name="saml-parse")
    thread.start()
    thread.join()
    if isinstance(parsed[0], SamlError):
        raise parsed[0]
    return parsed[0]
