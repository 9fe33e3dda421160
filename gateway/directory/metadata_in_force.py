"""Putting a document in force, and what follows for the certificates: the one place where trust is worked out.

What a provider's certificate rows are is worked out anew from its documents: in force, staged and previous.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeAlias

from sqlalchemy.orm import Session

from gateway.directory.metadata_documents import (
    DocumentState,
    MetadataDocument,
    drop_documents,
    find_document,
)
from gateway.directory.metadata_sources import MetadataSource, lock_source
from gateway.directory.provider_certificates import CertificateState, KeptCertificate, settle_certificates
from gateway.directory.provider_endpoints import replace_endpoints
from gateway.errors import Reason, SamlError

if TYPE_CHECKING:
    from gateway.directory.saml_providers import SamlProvider
    from gateway.directory.user_sso import UserSsoSettings
    from gateway.saml.metadata import IdpMetadata

# What has a metadata document: both have the same columns for it.
Owner: TypeAlias = "SamlProvider | UserSsoSettings"

RETIRING_FOR = timedelta(days=7)
_LONGEST_ENTITY_ID_BYTES = 2048  # an index of PostgreSQL takes no more than 2704
_LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


def read_metadata(metadata_xml: bytes, now: datetime) -> "IdpMetadata":
    """Raises: SamlError(METADATA_*)."""
    # Imported here: the SAML library takes half a second to load, and only an administrator needs it.
    from gateway.saml.metadata import parse_idp_metadata  # noqa: PLC0415

    metadata = parse_idp_metadata(metadata_xml, now)
    if len(metadata.entity_id.encode()) > _LONGEST_ENTITY_ID_BYTES:
        raise SamlError(Reason.METADATA_MALFORMED, "the entity ID is too long")
    return metadata


def read_again(metadata_xml: bytes) -> "IdpMetadata":
    """A document that was read before, when it was valid. Whether it still is does not matter here."""
    return read_metadata(metadata_xml, _LONG_AGO)


def replace_at_once(
    session: Session, owner: Owner, provider_key: str, metadata_xml: bytes, *, by: str, now: datetime
) -> None:
    """From now on this document alone is in force: nothing is staged, and there is no way back. What whoever
    registers a provider asks for, and the platform's operations that replace its metadata.

    Raises: SamlError(METADATA_*).
    """
    source = lock_source(session, provider_key, owner.account_id, now)
    drop_documents(session, provider_key)
    put_in_force(session, owner, source, metadata_xml, read_metadata(metadata_xml, now), by=by, now=now)
    source.trial_until = None
    settle(session, owner, source)


def put_in_force(
    session: Session,
    owner: Owner,
    source: MetadataSource,
    metadata_xml: bytes,
    metadata: "IdpMetadata",
    *,
    by: str,
    now: datetime,
) -> None:
    """Everything but the certificates, for which the caller owes `settle`."""
    owner.metadata_xml = metadata_xml
    owner.entity_id = metadata.entity_id
    owner.sso_redirect_url = metadata.sso_redirect_url
    owner.sso_post_url = metadata.sso_post_url
    owner.updated_at = now
    replace_endpoints(session, source.provider_key, metadata.services)
    source.valid_until, source.lapsed = metadata.valid_until, False
    source.in_force_since, source.brought_by = now, by
    source.trial_failures, source.trial_began_at = 0, None


def settle(session: Session, owner: Owner, source: MetadataSource) -> None:
    """Make the certificate rows what the documents say."""
    in_force = read_again(owner.metadata_xml or b"")
    staged = find_document(session, source.provider_key, DocumentState.STAGED)
    previous = find_document(session, source.provider_key, DocumentState.PREVIOUS)
    kept = list(_of_document(in_force, CertificateState.LAPSED if source.lapsed else CertificateState.ACTIVE))
    if staged is not None:
        kept = _beside(kept, staged, lapsed=source.lapsed)
    if previous is not None:
        kept += _of_document(read_again(previous.xml), CertificateState.RETIRING)
    settle_certificates(session, source.provider_key, kept)


def _of_document(
    metadata: "IdpMetadata", state: CertificateState, *, promotes: bool = False
) -> Iterator[KeptCertificate]:
    for certificate in metadata.certificates:
        yield KeptCertificate(certificate, metadata.entity_id, state, promotes)


def _beside(kept: list[KeptCertificate], document: MetadataDocument, *, lapsed: bool) -> list[KeptCertificate]:
    """With a staged document. What puts it in force is a login by a certificate that it brings; a document that
    brings none is put in force by any of its own. Beside a lapsed document its own certificates are trusted anew.
    """
    promotes = not document.by_hand
    staged = list(_of_document(read_again(document.xml), CertificateState.STAGED, promotes=promotes))
    if lapsed:
        return [*staged, *kept]
    known = {(each.entity_id, each.certificate.fingerprint) for each in kept}
    named = {(each.entity_id, each.certificate.fingerprint) for each in staged}
    brought = [each for each in staged if (each.entity_id, each.certificate.fingerprint) not in known]
    if brought:
        return [*kept, *brought]
    return [
        KeptCertificate(
            each.certificate,
            each.entity_id,
            each.state,
            promotes and (each.entity_id, each.certificate.fingerprint) in named,
        )
        for each in kept
    ]
