"""From one document in force to the next: promotion, a way back, and what an administrator decides by hand."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.directory.metadata_documents import (
    DocumentState,
    MetadataDocument,
    drop_document,
    find_document,
    keep_document,
)
from gateway.directory.metadata_in_force import RETIRING_FOR, Owner, put_in_force, read_again, settle
from gateway.directory.metadata_offers import OriginKind
from gateway.directory.metadata_owners import lock_owner, owner_arn
from gateway.directory.metadata_sources import VALIDITY_GRACE, MetadataSource, SourceKind, lock_source
from gateway.errors import NotFound, Reason

TRIAL = timedelta(hours=24)  # after a promotion, failures bring the previous document back
_BATCH = 100


@dataclass(frozen=True, slots=True)
class Turn:
    """What was changed, for a receipt."""

    account_id: str
    provider_arn: str
    entity_id: str  # in force from now on
    certificates: tuple[str, ...]  # fingerprints, likewise
    why: str


def promote_document(session: Session, provider_key: str, *, by: str, now: datetime) -> Turn:
    """Put the staged document in force. The one before stays for seven days as a way back; its certificates that the
    new one does not have verify nothing meanwhile.

    Raises: NotFound, subject "MetadataDocument" if none is staged, "SAMLProvider".
    """
    owner, source = _lock(session, provider_key, now)
    staged = _get(session, provider_key, DocumentState.STAGED)
    xml = staged.xml
    _keep_previous(session, owner, source, why=f"Replaced by a document from {staged.brought_by}.", now=now)
    put_in_force(session, owner, source, xml, read_again(xml), by=staged.brought_by, now=now)
    source.trial_until = now + TRIAL
    drop_document(session, provider_key, DocumentState.STAGED)
    settle(session, owner, source)
    return turn_of(owner, by)


def approve_document(session: Session, provider_key: str, now: datetime) -> Turn:
    """An administrator looked at what waits: it is staged. If it was rolled back before, only an administrator
    promotes it; both documents' certificates are trusted until then.

    Raises: NotFound, subject "MetadataDocument" or "SAMLProvider".
    """
    owner, source = _lock(session, provider_key, now)
    waiting = _get(session, provider_key, DocumentState.WAITING)
    drop_document(session, provider_key, DocumentState.STAGED)
    waiting.state, waiting.since, waiting.why = DocumentState.STAGED.value, now, ""
    waiting.origin = OriginKind.ADMINISTRATOR.value
    session.flush()
    settle(session, owner, source)
    return turn_of(owner, f"approved a document from {waiting.brought_by}")


def discard_document(session: Session, provider_key: str, state: DocumentState, now: datetime) -> Turn:
    """Forget what is staged, what waits, or the way back. A fetched document with this content is not taken again.

    Raises: NotFound, subject "MetadataDocument" or "SAMLProvider".
    """
    owner, source = _lock(session, provider_key, now)
    document = _get(session, provider_key, state)
    if state is not DocumentState.PREVIOUS:
        source.refused_digest = document.digest
    else:
        source.trial_until = None
    drop_document(session, provider_key, state)
    settle(session, owner, source)
    return turn_of(owner, f"discarded a document ({state}) from {document.brought_by}")


def roll_back_document(session: Session, provider_key: str, *, why: str, now: datetime) -> Turn:
    """Put the previous document in force again; the one that was in force waits for an administrator.

    Raises: NotFound, subject "MetadataDocument" if there is no way back, "SAMLProvider".
    """
    owner, source = _lock(session, provider_key, now)
    previous = _get(session, provider_key, DocumentState.PREVIOUS)
    xml, by = previous.xml, previous.brought_by
    bad = _in_force_as(owner, source, DocumentState.WAITING, why=why, now=now)
    bad.by_hand = True
    keep_document(session, bad)
    put_in_force(session, owner, source, xml, read_again(xml), by=by, now=now)
    source.trial_until = None
    drop_document(session, provider_key, DocumentState.PREVIOUS)
    settle(session, owner, source)
    return turn_of(owner, why)


def end_ways_back(session: Session, now: datetime) -> int:
    """Drop previous documents after seven days, up to 100; how many there were."""
    query = (
        select(MetadataDocument)
        .where(
            MetadataDocument.state == DocumentState.PREVIOUS.value,
            MetadataDocument.since <= now - RETIRING_FOR,
        )
        .limit(_BATCH)
    )
    keys = [document.provider_key for document in session.scalars(query)]
    for key in keys:
        owner, source = _lock(session, key, now)
        drop_document(session, key, DocumentState.PREVIOUS)
        settle(session, owner, source)
    return len(keys)


def lapse_documents(session: Session, now: datetime) -> tuple[Turn, ...]:
    """Stop trusting documents from URLs and federations whose validUntil was over three days ago; up to 100.

    Rule: SAML Metadata 2.0 §2.3.2.
    """
    query = (
        select(MetadataSource.provider_key)
        .where(
            MetadataSource.valid_until <= now - VALIDITY_GRACE,
            MetadataSource.kind.in_((SourceKind.URL.value, SourceKind.FEDERATION.value)),
            MetadataSource.lapsed.is_(False),
        )
        .limit(_BATCH)
    )
    turns = []
    for key in session.scalars(query).all():
        owner, source = _lock(session, key, now)
        source.lapsed = True
        settle(session, owner, source)
        turns.append(turn_of(owner, "validUntil of its metadata, and the grace of three days, are over"))
    return tuple(turns)


def _lock(session: Session, provider_key: str, now: datetime) -> tuple[Owner, MetadataSource]:
    owner = lock_owner(session, provider_key)
    return owner, lock_source(session, provider_key, owner.account_id, now)


def _get(session: Session, provider_key: str, state: DocumentState) -> MetadataDocument:
    document = find_document(session, provider_key, state)
    if document is None:
        words = {
            DocumentState.STAGED: "no document is staged for this provider",
            DocumentState.WAITING: "no document of this provider waits for approval",
            DocumentState.PREVIOUS: "there is no previous document of this provider to go back to",
        }
        raise NotFound(Reason.NOT_FOUND, words[state], provider_key, subject="MetadataDocument")
    return document


def _keep_previous(session: Session, owner: Owner, source: MetadataSource, *, why: str, now: datetime) -> None:
    keep_document(session, _in_force_as(owner, source, DocumentState.PREVIOUS, why=why, now=now))


def _in_force_as(
    owner: Owner, source: MetadataSource, state: DocumentState, *, why: str, now: datetime
) -> MetadataDocument:
    from gateway.saml.metadata_difference import content_digest  # noqa: PLC0415 - see read_metadata

    xml = owner.metadata_xml or b""
    return MetadataDocument(
        provider_key=source.provider_key,
        state=state.value,
        since=now,
        xml=xml,
        digest=content_digest(read_again(xml)),
        origin=OriginKind.ADMINISTRATOR.value,
        brought_by=source.brought_by or "registration",
        why=why,
        by_hand=False,
    )


def turn_of(owner: Owner, why: str) -> Turn:
    certificates = read_again(owner.metadata_xml or b"").certificates
    return Turn(
        owner.account_id,
        owner_arn(owner),
        owner.entity_id or "",
        tuple(certificate.fingerprint for certificate in certificates),
        why,
    )
