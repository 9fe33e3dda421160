"""What happens to a posted SAML response: choose the keys, verify, hand the identity on. No Flask in here.

Before the signature is verified only `peek` has looked at the message, and what it saw chooses which keys and which
account to try; every such guess is checked again by the verification.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.asking import NOTHING_ASKED
from gateway.directory.provider_certificates import TRUSTED, certificate_rows, has_lapsed
from gateway.directory.provider_keys import saml_provider_key, user_sso_key
from gateway.directory.saml_providers import get_saml_provider, provider_certificates, trusted_certificates
from gateway.directory.user_sso import UserSsoSettings, user_sso_candidates, user_sso_certificates
from gateway.errors import AuthenticationError, Reason, SamlError
from gateway.federation.pending import PendingLogin
from gateway.identity import VerifiedIdentity
from gateway.saml.certificates import TrustedCertificate
from gateway.saml.expectation import Expectation
from gateway.saml.names import user_sso_entity_id, user_sso_recipients
from gateway.saml.response import UnverifiedResponse, peek, verify_response
from gateway.services import Services
from gateway.web.sso_start import Door, enabled_user_sso


@dataclass(frozen=True, slots=True)
class Posted:
    """A message as it came in, and when. `account_id` is the one in the path, if the path had one."""

    saml_response: str
    at: datetime
    account_id: str | None = None
    relay_state: str = ""


def verify_role_response(
    session: Session, services: Services, posted: Posted, seen: UnverifiedResponse
) -> VerifiedIdentity:
    """Verify against the certificates of every provider with this issuer; which of them counts is mapped later.

    Raises: SamlError, SAML_UNKNOWN_ISSUER among its reasons. Rule: sso-contract §2.1, §2.2.
    """
    certificates = trusted_certificates(session, seen.unverified_issuer)
    if not certificates:
        check_not_lapsed(session, seen.unverified_issuer)
        raise SamlError(
            Reason.SAML_UNKNOWN_ISSUER,
            "No account here has registered the identity provider that sent you.",
            f"issuer {seen.unverified_issuer!r:.300} at the role consumer",
        )
    expectation = services.role_sso_expectation(seen.unverified_issuer, certificates)
    return verify_response(posted.saml_response, expectation, posted.at)


def verify_role_answer(
    session: Session, services: Services, posted: Posted, door: Door, pending: PendingLogin
) -> VerifiedIdentity:
    """Verify an answer to a request of ours against the provider that was asked, and no other of its issuer.

    Raises: SamlError.
    """
    provider = get_saml_provider(session, door.account_id, door.name)
    issuer, certificates = _trust(session, posted, saml_provider_key(provider.id), door.entity_id)
    expectation = replace(
        services.role_sso_expectation(issuer, certificates),
        in_response_to=pending.request_id,
        asked=pending.asked,
    )
    return verify_response(posted.saml_response, expectation, posted.at)


def door_certificates(session: Session, door: Door) -> tuple[TrustedCertificate, ...]:
    """What the provider behind a door may sign with, and no other of its issuer."""
    if door.name:
        return provider_certificates(session, get_saml_provider(session, door.account_id, door.name))
    return user_sso_certificates(session, door.account_id)


def verify_user_response(
    session: Session,
    services: Services,
    posted: Posted,
    settings: UserSsoSettings,
    pending: PendingLogin | None,
) -> VerifiedIdentity:
    """Verify against the identity provider of one account and no other. Raises: SamlError."""
    key = user_sso_key(settings.account_id)
    issuer, certificates = _trust(session, posted, key, settings.entity_id or "")
    expectation = Expectation(
        issuer=issuer,
        certificates=certificates,
        audience=user_sso_entity_id(services.base_url, settings.account_id),
        recipients=user_sso_recipients(services.base_url, settings.account_id),
        in_response_to=pending.request_id if pending else None,
        decryption_keys=services.sp_keys.encryption,
        skew=services.skew,
        asked=pending.asked if pending else NOTHING_ASKED,
    )
    return verify_response(posted.saml_response, expectation, posted.at)


def _trust(
    session: Session, posted: Posted, provider_key: str, entity_id: str
) -> tuple[str, tuple[TrustedCertificate, ...]]:
    """The entity ID to expect of one provider, and its certificates: `entity_id`, which is in force, or that of a
    staged document that has another one, if that is what the message names.

    Raises: SamlError(SAML_METADATA_LAPSED).
    """
    rows = certificate_rows(session, provider_key, TRUSTED)
    if not rows:
        check_not_lapsed(session, entity_id)
    issuer, issuers = entity_id, {row.entity_id for row in rows}
    if issuers - {issuer}:
        named = peek(posted.saml_response).unverified_issuer
        issuer = named if named in issuers else issuer
    return issuer, tuple(row.as_trusted() for row in rows if row.entity_id == issuer)


def check_not_lapsed(session: Session, issuer: str) -> None:
    """For whoever found no certificate that is trusted. Raises: SamlError(SAML_METADATA_LAPSED)."""
    if has_lapsed(session, issuer):
        raise SamlError(
            Reason.SAML_METADATA_LAPSED,
            "What we know about your identity provider has not been renewed for too long to be relied on.",
            f"validUntil and grace of the metadata of {issuer!r:.300} are over",
        )


def choose_unsolicited_account(
    session: Session, services: Services, posted: Posted, seen: UnverifiedResponse
) -> UserSsoSettings:
    """Which account an IdP-initiated login is for: the one in the path, else the only one with this issuer, else
    the only one that the message is addressed to.

    Raises: SamlError(SAML_UNKNOWN_ISSUER), AuthenticationError(SSO_DISABLED), AuthenticationError(
    SSO_ACCOUNT_AMBIGUOUS), SamlError(SAML_UNSOLICITED) where the account does not allow such logins.
    """
    if posted.account_id is not None:
        settings = enabled_user_sso(session, posted.account_id)
    else:
        settings = _only_candidate(session, services, seen)
    if not settings.idp_initiated:
        raise SamlError(
            Reason.SAML_UNSOLICITED,
            "This account does not accept a sign-in that begins at the identity provider.",
            f"account {settings.account_id}",
        )
    return settings


def _only_candidate(session: Session, services: Services, seen: UnverifiedResponse) -> UserSsoSettings:
    candidates = user_sso_candidates(session, seen.unverified_issuer)
    if not candidates:
        raise SamlError(
            Reason.SAML_UNKNOWN_ISSUER,
            "No account here signs its users in through the identity provider that sent you.",
            f"issuer {seen.unverified_issuer!r:.300} at the user consumer",
        )
    if len(candidates) > 1:
        candidates = [
            found
            for found in candidates
            if user_sso_entity_id(services.base_url, found.account_id) in seen.unverified_audiences
        ]
    if len(candidates) != 1:
        raise AuthenticationError(
            Reason.SSO_ACCOUNT_AMBIGUOUS,
            "Your identity provider signs people in to several accounts here, and did not say which one you want.",
            f"issuer {seen.unverified_issuer!r:.300}, {len(candidates)} accounts after looking at the audience",
        )
    return candidates[0]
