"""A new document for a provider that has one: what it changes, and what becomes of it.

An administrator's own document is staged beside the one in force. What is fetched is staged by itself only if a pinned
certificate signed it, or the source was told to trust TLS; otherwise whatever could hand sign-ins to somebody else, or
take trust away, waits for an administrator. Another entity ID always does. See docs/decisions/0014-metadata-life.md.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy.orm import Session

from gateway.directory.metadata_documents import (
    DocumentState,
    MetadataDocument,
    drop_document,
    find_document,
    keep_document,
)
from gateway.directory.metadata_in_force import Owner, read_again, read_metadata, settle
from gateway.directory.metadata_owners import lock_owner
from gateway.directory.metadata_sources import MetadataSource, lock_source, read_anchors

if TYPE_CHECKING:
    from gateway.saml.metadata import IdpMetadata
    from gateway.saml.metadata_difference import Difference

# The names of `saml.metadata_difference.Change`, which is imported late, as it brings the SAML library.
_CAN_HAND_OVER = frozenset({"EntityId", "CertificateAdded", "HostAdded", "CertificateRemoved"})
_LONGEST_WORDS = 300
_LONGEST_DURATION_S = 366 * 86_400


class OriginKind(StrEnum):
    ADMINISTRATOR = "administrator"  # uploaded, pasted, or a file that was put into the folder
    FETCHED = "fetched"


@dataclass(frozen=True, slots=True)
class Origin:
    kind: OriginKind
    by: str  # an ARN, an address, a file: for people
    verified: bool = False  # a pinned certificate signed it, and `xml` is what the signature covers
    trust_tls: bool = False  # an administrator said that the server's TLS certificate is enough


class Outcome(StrEnum):
    UNCHANGED = "Unchanged"
    STAGED = "Staged"
    WAITING = "Waiting"
    KNOWN = "Known"  # it is staged or waits already, or an administrator discarded it


@dataclass(frozen=True, slots=True)
class Offered:
    outcome: Outcome
    differences: "tuple[Difference, ...]"
    why: str = ""  # it waits


@dataclass(frozen=True, slots=True)
class Fresh:
    """A fetched document that may be offered."""

    xml: bytes  # if it is verified: exactly what the signature covers
    verified: bool
    cache_duration_s: int | None


def read_fetched(body: bytes, anchors_pem: str, now: datetime) -> Fresh:
    """Check what was fetched. With trust anchors it must be signed by one of them, and only what is signed counts.

    Raises: SamlError(METADATA_*), METADATA_SIGNATURE among them.
    """
    from gateway.saml.metadata_signature import verify_metadata  # noqa: PLC0415 - see read_metadata

    anchors = read_anchors(anchors_pem)
    xml = verify_metadata(body, anchors) if anchors else body
    duration = read_metadata(xml, now).cache_duration
    seconds = None if duration is None else min(int(duration.total_seconds()), _LONGEST_DURATION_S)
    return Fresh(xml, bool(anchors), seconds)


def offer_document(session: Session, provider_key: str, xml: bytes, origin: Origin, now: datetime) -> Offered:
    """Take a document for a provider that has one. Nothing that is trusted stops being so, whatever the document says.

    The caller leaves the receipt. Raises: SamlError(METADATA_*); NotFound, subject "SAMLProvider".
    """
    from gateway.saml.metadata_difference import content_digest, metadata_differences  # noqa: PLC0415 - see read_metadata

    offered = read_metadata(xml, now)
    owner = lock_owner(session, provider_key)
    source = lock_source(session, provider_key, owner.account_id, now)
    differences = metadata_differences(read_again(owner.metadata_xml or b""), offered)
    fetched = origin.kind is OriginKind.FETCHED
    if not differences:
        _still_in_force(session, owner, source, offered, fetched=fetched)
        return Offered(Outcome.UNCHANGED, ())
    digest = content_digest(offered)
    if _is_known(session, source, digest, fetched=fetched):
        return Offered(Outcome.KNOWN, differences)
    why = _why_wait({each.change.value for each in differences}, origin)
    if fetched and not why:
        why = _why_old(session, source, digest, offered.valid_until)
    document = MetadataDocument(
        provider_key=provider_key,
        state=(DocumentState.WAITING if why else DocumentState.STAGED).value,
        since=now,
        xml=xml,
        digest=digest,
        origin=origin.kind.value,
        brought_by=origin.by[:_LONGEST_WORDS],
        why=why,
        by_hand=False,
    )
    keep_document(session, document)
    if why:
        return Offered(Outcome.WAITING, differences, why)
    if not fetched:
        drop_document(session, provider_key, DocumentState.WAITING)  # an administrator has spoken since
    settle(session, owner, source)
    return Offered(Outcome.STAGED, differences)


def _why_wait(changes: Collection[str], origin: Origin) -> str:
    """Empty if what the document changes may be staged."""
    if origin.kind is OriginKind.ADMINISTRATOR:
        return ""
    if "EntityId" in changes:
        return "It has another entity ID, which only an administrator can accept."
    if _CAN_HAND_OVER & set(changes) and not (origin.verified or origin.trust_tls):
        return (
            "No trust anchor vouches for it, and it changes whom the gateway believes or where people are sent. "
            "An administrator has to compare it with what the identity provider says."
        )
    return ""


def _why_old(session: Session, source: MetadataSource, digest: str, valid_until: datetime | None) -> str:
    """A document that was published once stays well signed. Whoever can answer for the publisher could bring one back
    whose key is in the wrong hands by now. Empty if this one is none of them, and displaces no administrator's.
    """
    previous = find_document(session, source.provider_key, DocumentState.PREVIOUS)
    if previous is not None and previous.digest == digest:
        return "It is the document that was in force before, which only an administrator brings back."
    if source.valid_until is not None and (valid_until is None or valid_until < source.valid_until):
        return "It is valid for a shorter time than the document in force, so it may be an older one."
    staged = find_document(session, source.provider_key, DocumentState.STAGED)
    if staged is not None and staged.origin == OriginKind.ADMINISTRATOR.value:
        return "An administrator has staged another document, which a fetched one does not displace."
    return ""


def _is_known(session: Session, source: MetadataSource, digest: str, *, fetched: bool) -> bool:
    staged = find_document(session, source.provider_key, DocumentState.STAGED)
    if staged is not None and staged.digest == digest:
        return True
    if not fetched:
        return False  # an administrator's word stands above what waits, and above what was discarded before
    waiting = find_document(session, source.provider_key, DocumentState.WAITING)
    return digest == source.refused_digest or (waiting is not None and waiting.digest == digest)


def _still_in_force(
    session: Session, owner: Owner, source: MetadataSource, offered: "IdpMetadata", *, fetched: bool
) -> None:
    """The source says what is in force anyway: its validity counts, and what the source said in between does not.

    A validity that is over earlier comes of an older copy, unless an administrator brings it.
    """
    held, new = source.valid_until, offered.valid_until
    source.valid_until = max(held, new) if fetched and held is not None and new is not None else new
    source.lapsed = False
    for state in (DocumentState.STAGED, DocumentState.WAITING):
        document = find_document(session, source.provider_key, state)
        if document is None or document.by_hand or (fetched and document.origin != OriginKind.FETCHED.value):
            continue
        drop_document(session, source.provider_key, state)
    settle(session, owner, source)
