"""What an administrator does to a provider's metadata on several pages: offer a document, name a source."""

from datetime import datetime

from sqlalchemy.orm import Session

from gateway.directory.metadata_offers import Origin, OriginKind, Outcome, offer_document
from gateway.directory.metadata_owners import lock_owner
from gateway.directory.metadata_sources import lock_source, set_pasted_source, set_url_source
from gateway.federation.metadata_refresh import record_offer
from gateway.principal import Principal
from gateway.web.admin_metadata import SentSource
from gateway.web.visit import current_visit

_SAID = {
    Outcome.UNCHANGED: "The document says what is in force already.",
    Outcome.STAGED: "The document is staged beside the one in force.",
    Outcome.WAITING: "The document waits for an administrator.",
    Outcome.KNOWN: "This document is staged already.",
}


def offer_uploaded(session: Session, provider_key: str, xml: bytes, who: Principal, now: datetime) -> str:
    """An administrator's document for a provider that has one; the sentence for the page. Leaves a receipt.

    Raises: SamlError(METADATA_*); NotFound.
    """
    offered = offer_document(session, provider_key, xml, Origin(OriginKind.ADMINISTRATOR, who.arn), now)
    record_offer(
        session,
        offered,
        provider_key,
        by=who.arn,
        request_id=current_visit().request_id,
        now=now,
        principal_arn=who.arn,
    )
    return _SAID[offered.outcome]


def keep_source(session: Session, provider_key: str, sent: SentSource, now: datetime) -> None:
    """Where the provider's metadata comes from, from now on. Raises: InputError(PARAMETER_INVALID); NotFound."""
    owner = lock_owner(session, provider_key)
    source = lock_source(session, provider_key, owner.account_id, now)
    if sent.url:
        set_url_source(source, url=sent.url, anchors_pem=sent.anchors_pem, trust_tls=sent.trust_tls, now=now)
    else:
        set_pasted_source(source)
