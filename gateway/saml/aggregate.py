"""A federation's aggregate: thousands of entities under one signature, read one at a time.

`aggregate_reading` makes the canonical form and verifies it; here the entities are cut out of that form, and nothing
else is ever read. An entity that can't be used is told with its reason, and the others are not the worse for it.
Rule: SAML Metadata 2.0 §2.3.1, §4.3; MDUI 1.0 §2.1; MDRPI 1.0 §2.1, §2.2.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, BinaryIO

from lxml import etree

from gateway.errors import Reason, SamlError
from gateway.saml.aggregate_reading import Limits, Place, Reading, read_aggregate
from gateway.saml.certificates import TrustedCertificate
from gateway.saml.metadata_signature import ENTITY, METADATA_NS
from gateway.saml.metadata_times import earliest_limit, parse_instant, shortest_duration
from gateway.saml.xml import parse_canonical

MAX_ENTITY_BYTES = 512 * 1024
LONGEST_VALIDITY = timedelta(days=60)
_MAX_ENTITY_ID = 1024
_MAX_ENTITY_ID_BYTES = 2048  # an index of PostgreSQL takes no more than 2704
_MAX_NAME = 256
_MAX_NAMES = 64
_MAX_REGISTRAR = 1024
_DECLARATIONS = re.compile(rb'<[^ >]+((?: xmlns(?::[^=]+)?="[^"]*")*)')
_PREFIX = re.compile(rb' xmlns(?::([^=]+))?="')
_MD = {
    "md": METADATA_NS,
    "mdui": "urn:oasis:names:tc:SAML:metadata:ui",
    "mdrpi": "urn:oasis:names:tc:SAML:metadata:rpi",
}
_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_find_names = etree.XPath("md:IDPSSODescriptor/md:Extensions/mdui:UIInfo/mdui:DisplayName", namespaces=_MD)
_find_organizations = etree.XPath("md:Organization/md:OrganizationDisplayName", namespaces=_MD)
_find_registrar = etree.XPath("string(md:Extensions/mdrpi:RegistrationInfo/@registrationAuthority)", namespaces=_MD)
_is_provider = etree.XPath("boolean(md:IDPSSODescriptor)", namespaces=_MD)


@dataclass(frozen=True, slots=True)
class AggregateEntity:
    """One EntityDescriptor, as a document of its own."""

    entity_id: str
    document: bytes  # with the namespaces and the limits that it inherits from groups within the aggregate
    digest: str  # SHA-256 of `document`, lower hex
    display_names: tuple[tuple[str, str], ...]  # language and name, in the order of the document
    registration_authority: str
    is_identity_provider: bool


@dataclass(frozen=True, slots=True)
class BrokenEntity:
    """One that can't be used. `entity_id` is cut, and empty where there is none."""

    entity_id: str
    problem: str


@dataclass(frozen=True, slots=True)
class Aggregate:
    """A verified aggregate. The canonical form that it was read into must stay open and unchanged."""

    valid_until: datetime  # 60 days from now at most, whatever the document says
    cache_duration: timedelta | None
    published_at: datetime | None
    digest: str  # SHA-256 of the canonical form, lower hex
    certificate: TrustedCertificate
    _reading: Reading
    _canonical: BinaryIO
    _now: datetime

    @property
    def count(self) -> int:
        return len(self._reading.places)

    def entities(self) -> Iterator[AggregateEntity | BrokenEntity]:
        """In the order of the document, one in memory at a time. Of two with the same ID the first counts."""
        seen: set[str] = set()
        for place in self._reading.places:
            entity = self._entity(place)
            if isinstance(entity, AggregateEntity) and entity.entity_id in seen:
                entity = BrokenEntity(entity.entity_id, "The same entityID stands in the aggregate twice.")
            seen.add(entity.entity_id)
            yield entity

    def _entity(self, place: Place) -> AggregateEntity | BrokenEntity:
        if place.end - place.begin > MAX_ENTITY_BYTES:
            return BrokenEntity("", f"An entity is larger than {MAX_ENTITY_BYTES // 1024} KB.")
        self._canonical.seek(place.begin)
        document = _declared(self._canonical.read(place.end - place.begin), place.namespaces)
        try:
            root: Any = parse_canonical(document)
        except SamlError as exc:
            return BrokenEntity("", f"An entity can't be read: {exc.detail}")
        entity_id = root.get("entityID") or ""
        if root.tag != ENTITY or not is_entity_id(entity_id):
            return BrokenEntity(entity_id[:200], "The entityID is not 1 to 1024 printable characters.")
        try:
            earliest_limit([root.get("validUntil"), *place.limits.valid_until], self._now)
        except SamlError as exc:
            return BrokenEntity(entity_id, exc.public)
        if any(place.limits):
            document = _limited(root, place.limits)
        return AggregateEntity(
            entity_id=entity_id,
            document=document,
            digest=hashlib.sha256(document).hexdigest(),
            display_names=display_names(root),
            registration_authority=_find_registrar(root)[:_MAX_REGISTRAR],
            is_identity_provider=_is_provider(root),
        )


def verify_aggregate(
    source: BinaryIO, anchors: tuple[TrustedCertificate, ...], canonical: BinaryIO, now: datetime
) -> Aggregate:
    """Read an aggregate of up to 256 MB, signed by one of `anchors`; `canonical` is an empty file to be used for it.

    Refused, besides what `read_aggregate` refuses: one that is no longer valid, or does not say until when it is
    (without it whoever holds an old copy could have it believed for ever).
    Raises: SamlError(METADATA_SIGNATURE | METADATA_MALFORMED | METADATA_EXPIRED).
    """
    reading = read_aggregate(source, anchors, canonical)
    return Aggregate(
        valid_until=bounded_validity(reading.limits.valid_until, now),
        cache_duration=shortest_duration(reading.limits.cache_duration),
        published_at=None if reading.created_at is None else parse_instant(reading.created_at),
        digest=reading.digest,
        certificate=reading.certificate,
        _reading=reading,
        _canonical=canonical,
        _now=now,
    )


def bounded_validity(valid_until: tuple[str, ...], now: datetime) -> datetime:
    """Raises: SamlError(METADATA_EXPIRED) if it is over or not said, SamlError(METADATA_MALFORMED)."""
    limit = earliest_limit(valid_until, now)
    if limit is None:
        raise SamlError(
            Reason.METADATA_EXPIRED,
            "The metadata does not say how long it is valid (validUntil), as a federation must: ask whoever publishes "
            "it.",
        )
    return min(limit, now + LONGEST_VALIDITY)


def is_entity_id(text: str) -> bool:
    """Whether a federation may call an entity so."""
    return (
        1 <= len(text) <= _MAX_ENTITY_ID
        and len(text.encode(errors="replace")) <= _MAX_ENTITY_ID_BYTES
        and text == text.strip()
        and text.isprintable()
    )


def display_names(root: Any) -> tuple[tuple[str, str], ...]:
    """What an EntityDescriptor calls itself, the names for sign-in pages first."""
    found = []
    for element in (*_find_names(root), *_find_organizations(root))[:_MAX_NAMES]:
        name = " ".join((element.text or "").split())[:_MAX_NAME]
        if name:
            found.append(((element.get(_LANG) or "")[:35], name))
    return tuple(found)


def _declared(element: bytes, namespaces: tuple[tuple[str, str], ...]) -> bytes:
    """Canonical bytes of an element, with the declarations written further out that it does not make itself.

    In a canonical form no attribute value holds a quotation mark, and declarations come first.
    """
    match = _DECLARATIONS.match(element)
    if match is None:
        return element
    own = {prefix.decode() for prefix in _PREFIX.findall(match[1])}
    inherited = "".join(
        f' xmlns{":" if prefix else ""}{prefix}="{_escaped(uri)}"' for prefix, uri in namespaces if prefix not in own
    )
    return element[: match.start(1)] + inherited.encode() + element[match.start(1) :]


def _escaped(uri: str) -> str:
    return uri.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")


def _limited(root: Any, limits: Limits) -> bytes:
    """The document, holding no longer than the groups around it. Of several limits `parse_idp_metadata` reads one."""
    texts = [text for text in (root.get("validUntil"), *limits.valid_until) if text is not None]
    if texts:
        root.set("validUntil", min(texts, key=parse_instant))
    if root.get("cacheDuration") is None and limits.cache_duration:
        root.set("cacheDuration", limits.cache_duration[-1])
    document: bytes = etree.tostring(root, method="c14n")
    return document
