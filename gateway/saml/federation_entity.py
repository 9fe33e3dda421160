"""A single entity that a federation vouches for: asked for by its name, and limited by how long the federation does.

Rule: Metadata Query Protocol (draft-young-md-query) §3.1; SAML Profile for it (draft-young-md-query-saml) §2, §4.2.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from lxml import etree

from gateway.clock import wire_time
from gateway.errors import Reason, SamlError
from gateway.saml.aggregate import bounded_validity
from gateway.saml.certificates import TrustedCertificate
from gateway.saml.metadata_signature import ENTITY, refused, verify_metadata
from gateway.saml.metadata_times import parse_instant, shortest_duration
from gateway.saml.xml import parse_canonical

_LONGEST_IN_URL = 512


@dataclass(frozen=True, slots=True)
class VouchedEntity:
    """A verified answer of a metadata query."""

    document: bytes
    valid_until: datetime
    cache_duration: timedelta | None


def query_url(base_url: str, entity_id: str) -> str:
    """Where a metadata query service gives one entity: by its ID percent-encoded, by its SHA-1 where that is long."""
    name = quote(entity_id, safe="")
    if len(name) > _LONGEST_IN_URL:
        # The protocol's own short form: an address, and nothing rests on it, as the answer must name the entity.
        name = "%7Bsha1%7D" + hashlib.sha1(entity_id.encode(), usedforsecurity=False).hexdigest()
    return f"{base_url.rstrip('/')}/entities/{name}"


def verify_entity(xml: bytes, anchors: tuple[TrustedCertificate, ...], entity_id: str, now: datetime) -> VouchedEntity:
    """The answer of a metadata query service, signed by one of `anchors`.

    Refused: what `verify_metadata` refuses; another root than one EntityDescriptor; another entity than was asked for;
    an answer that is no longer valid or does not say until when it is.
    Raises: SamlError(METADATA_SIGNATURE | METADATA_MALFORMED | METADATA_EXPIRED).
    """
    document = verify_metadata(xml, anchors)
    root: Any = parse_canonical(document)
    if root.tag != ENTITY:
        raise refused("The answer to a metadata query must be one EntityDescriptor: check the address of the service.")
    if root.get("entityID") != entity_id:
        raise refused(
            "The metadata query service gave another entity than it was asked for: check the entity ID.",
            ascii((root.get("entityID") or "")[:200]),
        )
    said = root.get("validUntil")
    return VouchedEntity(
        document=document,
        valid_until=bounded_validity(() if said is None else (said,), now),
        cache_duration=shortest_duration([root.get("cacheDuration")]),
    )


def limited_document(document: bytes, valid_until: datetime) -> bytes:
    """A verified EntityDescriptor that holds until then at the latest. Raises: SamlError(METADATA_MALFORMED)."""
    root: Any = parse_canonical(document)
    if root.tag != ENTITY:
        raise SamlError(Reason.METADATA_MALFORMED, "What is kept of the federation is no entity: refresh it.")
    said = root.get("validUntil")
    if said is None or parse_instant(said) > valid_until:
        root.set("validUntil", wire_time(valid_until))
    limited: bytes = etree.tostring(root, method="c14n")
    return limited
