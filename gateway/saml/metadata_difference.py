"""What a new metadata document changes, in words and by risk: shown to an administrator, and what rules decide by.

Pure: two documents that were read, in; differences out. Only what the gateway acts on is compared, so a document that
was merely signed anew or got another validUntil has none.
"""

import hashlib
import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from gateway.saml.certificates import TrustedCertificate, public_key_of
from gateway.saml.endpoints import ServiceEndpoint
from gateway.saml.metadata import IdpMetadata


class Risk(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Change(StrEnum):
    """What differs. The first three can hand sign-ins to somebody else."""

    ENTITY_ID = "EntityId"
    CERTIFICATE_ADDED = "CertificateAdded"
    HOST_ADDED = "HostAdded"  # an address on a host that the old document does not name
    CERTIFICATE_REMOVED = "CertificateRemoved"
    CERTIFICATE_RENEWED = "CertificateRenewed"  # another certificate around a key that is trusted already
    ADDRESS = "Address"
    BINDING = "Binding"
    SERVICE = "Service"
    NAME_ID_FORMAT = "NameIdFormat"
    SIGNED_REQUESTS = "SignedRequests"


@dataclass(frozen=True, slots=True)
class Difference:
    change: Change
    risk: Risk
    sentence: str  # for people, whole; texts of the document in it are printable, since the reader refuses others


def metadata_differences(old: IdpMetadata, new: IdpMetadata) -> tuple[Difference, ...]:
    """What `new` changes, the riskiest first; empty if nothing that the gateway acts on differs."""
    found = [
        *_entity_id(old, new),
        *_certificates(old, new),
        *_hosts(old, new),
        *_addresses(old, new),
        *_services(old, new),
        *_the_rest(old, new),
    ]
    order = (Risk.HIGH, Risk.MEDIUM, Risk.LOW)
    return tuple(sorted(found, key=lambda difference: order.index(difference.risk)))


def highest_risk(differences: Iterable[Difference]) -> Risk:
    """Of no differences: low."""
    risks = {difference.risk for difference in differences}
    return next((risk for risk in (Risk.HIGH, Risk.MEDIUM) if risk in risks), Risk.LOW)


def content_digest(metadata: IdpMetadata) -> str:
    """Two documents with the same digest have no differences, in whatever bytes they came. SHA-256, lower hex."""
    content = [
        metadata.entity_id,
        sorted(each.fingerprint for each in metadata.certificates),
        [[each.binding, each.location] for each in metadata.endpoints],
        [[each.kind, each.binding, each.location, each.response_location, each.index] for each in metadata.services],
        metadata.name_id_formats,
        metadata.wants_signed_requests,
    ]
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()


def _entity_id(old: IdpMetadata, new: IdpMetadata) -> Iterable[Difference]:
    if old.entity_id != new.entity_id:
        yield Difference(
            Change.ENTITY_ID,
            Risk.HIGH,
            f"The entity ID changes from {old.entity_id} to {new.entity_id}: to the gateway that is another identity "
            "provider. Check with the people who run it.",
        )


def _certificates(old: IdpMetadata, new: IdpMetadata) -> Iterable[Difference]:
    known = {public_key_of(each.der).public_numbers() for each in old.certificates}
    for certificate in _only_in(new.certificates, old.certificates):
        if public_key_of(certificate.der).public_numbers() in known:
            yield Difference(
                Change.CERTIFICATE_RENEWED,
                Risk.LOW,
                f"{_called(certificate)} is another certificate of a key that is trusted already.",
            )
        else:
            yield Difference(
                Change.CERTIFICATE_ADDED,
                Risk.HIGH,
                f"{_called(certificate)} would be trusted: whoever holds its key can sign in as anybody who comes "
                "through this provider. Compare the fingerprint with the one that the provider announces.",
            )
    for certificate in _only_in(old.certificates, new.certificates):
        yield Difference(
            Change.CERTIFICATE_REMOVED,
            Risk.MEDIUM,
            f"{_called(certificate)} is not in the new document: sign-ins by its key end once the document is in "
            "force.",
        )


def _hosts(old: IdpMetadata, new: IdpMetadata) -> Iterable[Difference]:
    known = _hosts_of(old)
    for host in sorted(_hosts_of(new) - known):
        yield Difference(
            Change.HOST_ADDED,
            Risk.HIGH,
            f"People or messages would be sent to {host}, which the document in force does not name.",
        )


def _addresses(old: IdpMetadata, new: IdpMetadata) -> Iterable[Difference]:
    for name, before, after in (
        ("redirect", old.sso_redirect_url, new.sso_redirect_url),
        ("POST", old.sso_post_url, new.sso_post_url),
    ):
        if before == after:
            continue
        if before is None or after is None:
            verb = "is offered now" if before is None else "is not offered any more"
            yield Difference(Change.BINDING, Risk.LOW, f"Sign-on by {name} {verb}.")
        else:
            yield Difference(Change.ADDRESS, Risk.MEDIUM, f"Sign-on by {name} moves from {before} to {after}.")


def _services(old: IdpMetadata, new: IdpMetadata) -> Iterable[Difference]:
    for service in _without(new.services, old.services):
        yield Difference(Change.SERVICE, Risk.LOW, f"{service.kind} is added: {service.location}.")
    for service in _without(old.services, new.services):
        yield Difference(Change.SERVICE, Risk.LOW, f"{service.kind} is removed: {service.location}.")


def _the_rest(old: IdpMetadata, new: IdpMetadata) -> Iterable[Difference]:
    if set(old.name_id_formats) != set(new.name_id_formats):
        formats = ", ".join(text.rpartition(":")[2] for text in new.name_id_formats) or "none"
        yield Difference(Change.NAME_ID_FORMAT, Risk.LOW, f"The name ID formats on offer are now {formats}.")
    if old.wants_signed_requests != new.wants_signed_requests:
        wants = "asks" if new.wants_signed_requests else "does not ask any more"
        yield Difference(
            Change.SIGNED_REQUESTS, Risk.LOW, f"The provider {wants} for signed requests. Ours are always signed."
        )


def _hosts_of(metadata: IdpMetadata) -> set[str]:
    """With the port, where one is named: another port can be somebody else's."""
    addresses = [each.location for each in metadata.endpoints]
    addresses += [address for each in metadata.services for address in (each.location, each.response_location)]
    return {urlsplit(address).netloc.lower() for address in addresses}


def _only_in(
    these: Collection[TrustedCertificate], those: Collection[TrustedCertificate]
) -> Iterable[TrustedCertificate]:
    known = {each.fingerprint for each in those}
    return (each for each in these if each.fingerprint not in known)


def _without(these: Iterable[ServiceEndpoint], those: Collection[ServiceEndpoint]) -> Iterable[ServiceEndpoint]:
    return (each for each in these if each not in those)


def _called(certificate: TrustedCertificate) -> str:
    return f"The certificate {certificate.subject or 'without a name'} (SHA-256 {certificate.fingerprint})"
