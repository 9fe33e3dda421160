"""What happens to a posted SAML response: choose the keys, verify, hand the identity on. No Flask in here.

Before the signature is verified only `peek` has looked at the message, and what it saw chooses which keys and which
account to try; every such guess is checked again by the verification.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.directory.saml_providers import trusted_certificates
from gateway.directory.user_sso import UserSsoSettings, user_sso_candidates, user_sso_certificates
from gateway.errors import AuthenticationError, Reason, SamlError
from gateway.identity import VerifiedIdentity
from gateway.saml.expectation import Expectation
from gateway.saml.names import user_sso_entity_id, user_sso_recipients
from gateway.saml.response import UnverifiedResponse, verify_response
from gateway.services import Services
from gateway.web.sso_start import enabled_user_sso


@dataclass(frozen=True, slots=True)
class Posted:
    """A message as it came in, and when. `account_id` is the one in the path, if the path had one."""

    saml_response: str
    at: datetime
    account_id: str | None = None


def verify_role_response(
    session: Session, services: Services, posted: Posted, seen: UnverifiedResponse
) -> VerifiedIdentity:
    """Verify against the certificates of every provider with this issuer; which of them counts is mapped later.

    Raises: SamlError, SAML_UNKNOWN_ISSUER among its reasons. Rule: sso-contract §2.1, §2.2.
    """
    certificates = trusted_certificates(session, seen.unverified_issuer)
    if not certificates:
        raise SamlError(
            Reason.SAML_UNKNOWN_ISSUER,
            "No account here has registered the identity provider that sent you.",
            f"issuer {seen.unverified_issuer!r:.300} at the role consumer",
        )
    expectation = services.role_sso_expectation(seen.unverified_issuer, certificates)
    return verify_response(posted.saml_response, expectation, posted.at)


def verify_user_response(
    session: Session,
    services: Services,
    posted: Posted,
    settings: UserSsoSettings,
    in_response_to: str | None,
) -> VerifiedIdentity:
    """Verify against the identity provider of one account and no other. Raises: SamlError."""
    expectation = Expectation(
        issuer=settings.entity_id or "",
        certificates=user_sso_certificates(session, settings.account_id),
        audience=user_sso_entity_id(services.base_url, settings.account_id),
        recipients=user_sso_recipients(services.base_url, settings.account_id),
        in_response_to=in_response_to,
        decryption_keys=services.sp_keys.encryption,
        skew=services.skew,
    )
    return verify_response(posted.saml_response, expectation, posted.at)


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
