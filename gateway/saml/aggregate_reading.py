"""One pass over a signed aggregate: its signature, its canonical form, and where in that its entities stand.

Nothing is kept in memory but the open elements and a place per entity. The signature of SignedInfo is checked before
the rest is read, so a stranger's file is refused by its first kilobytes; the digest can be compared at the end only.
Rule: SAML Metadata 2.0 §2.3, §3; XML Signature 1.1 §4.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, NamedTuple
from xml.parsers import expat  # no DTD passes, and only what was digested is read afterwards

from gateway.errors import Reason, SamlError
from gateway.saml import tags
from gateway.saml.canonical_stream import CanonicalWriter, escaped_text, malformed, start_tag
from gateway.saml.certificates import TrustedCertificate
from gateway.saml.metadata_signature import ENTITIES, METADATA_NS, explained, refused, root_signature
from gateway.saml.metadata_xml import read_metadata_tree
from gateway.saml.signature import SignedDigest, verify_signed_info

MAX_BYTES = 256 * 1024 * 1024
MAX_ENTITIES = 100_000
_OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff")  # of UTF-16, which expat follows whatever it was told
_CHUNK = 64 * 1024
_MAX_TOKEN = 1024 * 1024  # one tag or one run of text
_MAX_HEAD = 128 * 1024  # up to the end of the Signature
_ENTITY = (METADATA_NS, "EntityDescriptor")
_GROUP = (METADATA_NS, "EntitiesDescriptor")
_SIGNATURE = (tags.SIGNATURE_NS, "Signature")
_PUBLICATION = ("urn:oasis:names:tc:SAML:metadata:rpi", "PublicationInfo")
_IDS = frozenset({"ID", "Id", "id", "xml:id"})


class Limits(NamedTuple):
    """What the groups around an entity say of how long it holds, as written."""

    valid_until: tuple[str, ...] = ()
    cache_duration: tuple[str, ...] = ()


class Place(NamedTuple):
    """Where in the canonical form an entity stands, and what it inherits."""

    begin: int
    end: int
    namespaces: tuple[tuple[str, str], ...]  # declared further out in the canonical form
    limits: Limits  # of the groups within the root


@dataclass(frozen=True, slots=True)
class Reading:
    """A whole aggregate under a verified signature. `digest` is the SHA-256 of its canonical form, lower hex."""

    limits: Limits  # of the root
    created_at: str | None  # mdrpi:PublicationInfo/@creationInstant of the root
    digest: str
    places: Sequence[Place]
    certificate: TrustedCertificate


def read_aggregate(source: BinaryIO, anchors: tuple[TrustedCertificate, ...], canonical: BinaryIO) -> Reading:
    """Write the canonical form of the aggregate in `source` to `canonical`, which counts once this returns.

    Refused: over 256 MB or 100,000 entities; XML that is malformed or holds a DTD, a processing instruction, another
    encoding than UTF-8 or what `CanonicalWriter` refuses; another root than EntitiesDescriptor; a signature that
    `verify_metadata` would refuse, or that is not the first child of the root.
    Raises: SamlError(METADATA_SIGNATURE | METADATA_MALFORMED).
    """
    if not anchors:
        raise refused("There is no trust anchor to check the signature of the metadata with: register one.")
    handlers = _Handlers(anchors, canonical)
    parser = handlers.parser()
    fed = 0
    try:
        while chunk := source.read(_CHUNK):
            if not fed and chunk.startswith(_OTHER_MARKS):
                raise malformed("is not in UTF-8")
            fed += len(chunk)
            if fed > MAX_BYTES:
                raise malformed(f"is larger than {MAX_BYTES // 1024 // 1024} MB")
            parser.Parse(chunk, False)
            if fed - parser.CurrentByteIndex > _MAX_TOKEN:
                raise malformed("has a tag or a text of over 1 MB")
        parser.Parse(b"", True)
    except expat.ExpatError as exc:
        raise malformed("is not well-formed XML", str(exc)) from exc
    return handlers.finish()


class _Handlers:
    """What happens at each event. Before the Signature was read, the start of the root waits: how it is written
    depends on the Signature.
    """

    def __init__(self, anchors: tuple[TrustedCertificate, ...], canonical: BinaryIO) -> None:
        self._anchors = anchors
        self._canonical = canonical
        self._root: tuple[str, list[str]] | None = None
        self._waiting: list[str] = []  # texts between the root's start and the Signature
        self._head: list[str] = []
        self._head_length = 0
        self._signature_depth = 0
        self._signed: SignedDigest | None = None
        self._body: _Body | None = None

    def parser(self) -> expat.XMLParserType:
        parser = expat.ParserCreate("UTF-8", intern={})
        parser.ordered_attributes = True
        parser.buffer_text = True
        parser.buffer_size = _CHUNK
        parser.XmlDeclHandler = _check_declaration
        parser.StartDoctypeDeclHandler = _refuse_doctype
        parser.ProcessingInstructionHandler = _refuse_instruction
        parser.StartElementHandler = self._start_in_head
        parser.EndElementHandler = self._end_in_head
        parser.CharacterDataHandler = self._text_in_head
        self._parser = parser
        return parser

    def finish(self) -> Reading:
        if self._signed is None or self._body is None:
            raise _unsigned()
        return self._body.finish(self._signed)

    def _start_in_head(self, name: str, attributes: list[str]) -> None:
        if self._root is None:
            self._root = (name, attributes)
            self._record(start_tag(name, attributes))
            return
        if not self._signature_depth and name.rpartition(":")[2] != "Signature":
            raise _unsigned()
        self._signature_depth += 1
        self._record(start_tag(name, attributes))

    def _end_in_head(self, name: str) -> None:
        if not self._signature_depth:
            raise _unsigned()
        self._record(f"</{name}>")
        self._signature_depth -= 1
        if not self._signature_depth:
            self._begin_body()

    def _text_in_head(self, data: str) -> None:
        if self._signature_depth:
            self._record(escaped_text(data))
        else:
            self._waiting.append(data)
            self._head_length += len(data)

    def _record(self, piece: str) -> None:
        self._head.append(piece)
        self._head_length += len(piece)
        if self._head_length > _MAX_HEAD:
            raise refused("The signature of the metadata is unusually large: ask whoever publishes it.")

    def _begin_body(self) -> None:
        """The Signature is complete. Is it one of ours?"""
        assert self._root is not None
        name, attributes = self._root
        root = read_metadata_tree("".join([*self._head, f"</{name}>"]).encode())
        if root.tag != ENTITIES:
            raise refused(
                "The file is no aggregate of SAML 2.0 metadata: its outermost element must be EntitiesDescriptor.",
                root.tag[:200],
            )
        try:
            self._signed = verify_signed_info(root_signature(root), root.get("ID"), self._anchors)
        except SamlError as exc:
            raise exc if exc.reason is Reason.METADATA_SIGNATURE else explained(exc) from exc
        body = self._body = _Body(self._canonical, self._signed, root.get("ID"))
        self._head.clear()
        body.start(name, attributes)
        for text in self._waiting:
            body.writer.text(text)
        self._parser.StartElementHandler = body.start
        self._parser.EndElementHandler = body.end
        self._parser.CharacterDataHandler = body.writer.text


class _Body:
    """Everything but the Signature: written, digested, and looked through for entities."""

    def __init__(self, canonical: BinaryIO, signed: SignedDigest, signed_id: str) -> None:
        self.writer = CanonicalWriter(self._take, signed.prefixes)
        self._canonical = canonical
        self._digest = hashlib.new(signed.digest_name)
        self._own_digest = hashlib.sha256()
        self._signed_id = signed_id
        self._depth = 0
        self._groups: list[tuple[int, Limits]] = []  # depth and limits of the open groups
        self._created_at: str | None = None
        self._limits = Limits()
        self._begun: tuple[int, int, tuple[tuple[str, str], ...]] | None = None  # the open entity: depth first
        self._places: list[Place] = []

    def start(self, name: str, attributes: list[str]) -> None:
        self._depth += 1
        if self._depth > 1 and attributes and self._signed_id in attributes[1::2]:
            self._check_id(attributes)
        if self._begun is not None:
            self.writer.start(name, attributes)
            return
        self.writer.flush()
        begin, outside = self.writer.written, self.writer.rendered
        self.writer.start(name, attributes)
        kind = self.writer.namespace_of(name)
        if kind == _ENTITY and len(self._groups) == self._depth - 1:
            if len(self._places) >= MAX_ENTITIES:
                raise malformed(f"has more than {MAX_ENTITIES} entities")
            self._begun = (self._depth, begin, tuple(sorted((key, uri) for key, uri in outside.items() if uri)))
        elif kind == _GROUP and len(self._groups) == self._depth - 1:
            self._groups.append((self._depth, _limits_of(attributes)))
            self._limits = self._groups[0][1]
        elif kind == _SIGNATURE and self._depth == 2:  # noqa: PLR2004 - a child of the root
            raise refused("The metadata holds more than one signature of the whole: download it again.")
        elif kind == _PUBLICATION and len(self._groups) == 1 and self._depth == 3:  # noqa: PLR2004 - in its Extensions
            self._created_at = dict(zip(attributes[::2], attributes[1::2], strict=True)).get("creationInstant")

    def end(self, name: str) -> None:
        self.writer.end(name)
        if self._begun is not None and self._begun[0] == self._depth:
            self.writer.flush()
            _, begin, namespaces = self._begun
            self._places.append(Place(begin, self.writer.written, namespaces, self._inherited()))
            self._begun = None
        elif self._groups and self._groups[-1][0] == self._depth:
            self._groups.pop()
        self._depth -= 1

    def finish(self, signed: SignedDigest) -> Reading:
        self.writer.flush()
        self._canonical.flush()
        # Both are public, so how long the comparison takes tells nobody anything.
        if self._digest.digest() != signed.digest_value:
            raise explained(SamlError(Reason.SAML_SIGNATURE_DIGEST, "the signed part was changed"))
        return Reading(self._limits, self._created_at, self._own_digest.hexdigest(), self._places, signed.certificate)

    def _take(self, data: bytes) -> None:
        self._digest.update(data)
        self._own_digest.update(data)
        self._canonical.write(data)

    def _check_id(self, attributes: list[str]) -> None:
        for name, value in zip(attributes[::2], attributes[1::2], strict=True):
            if value == self._signed_id and name in _IDS:
                raise refused("The signed part of the metadata has no ID of its own: download it again.")

    def _inherited(self) -> Limits:
        inner = [limits for _, limits in self._groups[1:]]
        return Limits(
            tuple(text for limits in inner for text in limits.valid_until),
            tuple(text for limits in inner for text in limits.cache_duration),
        )


def _limits_of(attributes: list[str]) -> Limits:
    values = dict(zip(attributes[::2], attributes[1::2], strict=True))
    return Limits(
        (values["validUntil"],) if "validUntil" in values else (),
        (values["cacheDuration"],) if "cacheDuration" in values else (),
    )


def _check_declaration(_version: str, encoding: str | None, _standalone: int) -> None:
    if encoding is not None and encoding.lower() != "utf-8":
        raise malformed("is not in UTF-8", encoding[:100])


def _refuse_doctype(_name: str, _system: str | None, _public: str | None, _internal: int) -> None:
    raise malformed("has a document type declaration")


def _refuse_instruction(_target: str, _data: str) -> None:
    raise malformed("has a processing instruction")


def _unsigned() -> SamlError:
    return refused(
        "The metadata is not signed as a whole, or its signature is not the first thing in it. A federation is trusted "
        "by its signature only: ask whoever publishes it for the signed document."
    )
