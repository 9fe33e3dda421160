"""Whose people a SAML identity provider signs out, and what ends when it does.

Tenants: several accounts may have registered the same issuer. A message ends what came through those registrations
that own the certificate which verified it, and nothing of the others. Rule: SAML Core 2.0 §3.7.3.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.arn import parse_ram_arn
from gateway.directory.provider_certificates import ProviderCertificate, certificate_rows
from gateway.directory.provider_endpoints import provider_endpoints
from gateway.directory.provider_keys import saml_provider_key, user_sso_key
from gateway.directory.revocations import revoke
from gateway.directory.saml_providers import SamlProvider, find_saml_provider, provider_certificates
from gateway.directory.user_sso import UserSsoSettings, find_user_sso, user_sso_certificates
from gateway.errors import Reason, SamlError
from gateway.federation.user_sso import user_sso_provider_arn
from gateway.identity import VerifiedLogout
from gateway.saml.certificates import TrustedCertificate
from gateway.saml.endpoints import EndpointKind, ServiceEndpoint
from gateway.store.claims import claim_once
from gateway.sts.revocation import provider_value, saml_session_value

CLAIM = "saml-logout"
_BEYOND_VALIDITY = timedelta(minutes=10)  # for the clocks of several workers


@dataclass(frozen=True, slots=True)
class Party:
    """One registration of an identity provider: of a role SSO provider, or an account's user SSO setting."""

    key: str  # see `directory.provider_keys`
    arn: str
    account_id: str
    issuer: str
    sign_algo: str
    for_users: bool


def role_parties(session: Session, logout: VerifiedLogout) -> tuple[Party, ...]:
    """The role SSO providers that own the certificate which verified this message, or one of the very same key."""
    fingerprints = (logout.certificate_fingerprint, *logout.twin_fingerprints)
    query = (
        select(SamlProvider)
        .where(
            SamlProvider.entity_id == logout.issuer,
            SamlProvider.id.in_(
                select(ProviderCertificate.provider_id).where(ProviderCertificate.fingerprint.in_(fingerprints))
            ),
        )
        .order_by(SamlProvider.id)
    )
    return tuple(
        _role_party(provider)
        for provider in session.scalars(query)
        if _owns(provider_certificates(session, provider), fingerprints)
    )


def user_party(session: Session, account_id: str, logout: VerifiedLogout) -> tuple[Party, ...]:
    """The account's user SSO setting if it vouches for this message, like `role_parties`."""
    settings = find_user_sso(session, account_id)
    if settings is None or settings.entity_id != logout.issuer:
        return ()
    own = user_sso_certificates(session, account_id)
    return (_user_party(settings),) if _owns(own, (logout.certificate_fingerprint,)) else ()


def find_party(session: Session, provider_arn: str) -> Party | None:
    """The registration that a session came from, if it is still there."""
    account_id = provider_arn.split(":")[3]
    if provider_arn == user_sso_provider_arn(account_id):
        settings = find_user_sso(session, account_id)
        return _user_party(settings) if settings is not None and settings.entity_id else None
    named = parse_ram_arn(provider_arn, "saml-provider")
    provider = find_saml_provider(session, named.account_id, named.name)
    return None if provider is None else _role_party(provider)


def party_certificates(session: Session, party: Party) -> tuple[TrustedCertificate, ...]:
    """What may have signed a message of this registration."""
    if party.for_users:
        return user_sso_certificates(session, party.account_id)
    named = parse_ram_arn(party.arn, "saml-provider")
    provider = find_saml_provider(session, named.account_id, named.name)
    return () if provider is None else provider_certificates(session, provider)


def logout_endpoint(session: Session, party: Party, bindings: Sequence[str]) -> ServiceEndpoint | None:
    """Where logout messages go, by the binding of `bindings` that comes first; None if the provider takes none."""
    endpoints = provider_endpoints(session, party.key, EndpointKind.LOGOUT)
    offered = {endpoint.binding: endpoint for endpoint in reversed(endpoints)}
    return next((offered[binding] for binding in bindings if binding in offered), None)


def answer_endpoint(
    session: Session, parties: Sequence[Party], bindings: Sequence[str]
) -> tuple[Party, ServiceEndpoint] | None:
    """Where the answer to a provider goes that several accounts may have registered.

    Anybody can register somebody else's provider with an address of his own. So registrations that somebody signed in
    through go before the others, and where those do not agree nobody is sent anywhere.
    """
    used = [party for party in parties if _was_used(session, party)] or parties
    found = [(party, endpoint) for party in used if (endpoint := logout_endpoint(session, party, bindings)) is not None]
    return found[0] if len({endpoint.response_location for _, endpoint in found}) == 1 else None


def _was_used(session: Session, party: Party) -> bool:
    return any(row.use_count for row in certificate_rows(session, party.key))


def end_logins(session: Session, parties: Sequence[Party], logout: VerifiedLogout, now: datetime) -> None:
    """Call back every session and token that came from the logins which a provider says are over.

    A session that the provider never gave an index may be the one that ended, so it ends with any. Also refuses what
    was asserted before and comes in later (`ended_logins`). The instant is the provider's: its assertions have its
    clock, too. Raises: SamlError(SAML_REPLAYED) if the message was used before.
    """
    if not claim_once(session, CLAIM, _claim_key(logout), logout.not_on_or_after + _BEYOND_VALIDITY, now=now):
        raise SamlError(Reason.SAML_REPLAYED, "This sign-out was used already.", f"request {logout.request_id!r:.200}")
    for party in parties:
        for kind, value in _ended(party, logout):
            revoke(session, kind, value, logout.issued_at)


def _ended(party: Party, logout: VerifiedLogout) -> Iterable[tuple[str, str]]:
    if not logout.session_indexes:
        return [("saml-logout", provider_value(party.arn, logout.subject))]
    indexes = ("", *logout.session_indexes)
    return [("saml-session", saml_session_value(party.arn, index, logout.subject)) for index in indexes]


def _claim_key(logout: VerifiedLogout) -> str:
    return f"{logout.issuer}#{logout.request_id}"


def _owns(own: Iterable[TrustedCertificate], fingerprints: Sequence[str]) -> bool:
    return any(certificate.fingerprint in fingerprints for certificate in own)


def _role_party(provider: SamlProvider) -> Party:
    key = saml_provider_key(provider.id)
    return Party(key, provider.arn, provider.account_id, provider.entity_id, provider.authn_sign_algo, for_users=False)


def _user_party(settings: UserSsoSettings) -> Party:
    account_id = settings.account_id
    arn, key = user_sso_provider_arn(account_id), user_sso_key(account_id)
    return Party(key, arn, account_id, settings.entity_id or "", settings.authn_sign_algo, for_users=True)
