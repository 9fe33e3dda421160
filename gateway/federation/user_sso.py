"""Whether an account's user SSO setting vouches for an identity."""

from sqlalchemy.orm import Session

from gateway.directory.accounts import Account
from gateway.directory.provider_certificates import TRUSTED, CertificateUse, certificate_rows, use_of
from gateway.directory.provider_keys import user_sso_key
from gateway.directory.user_sso import UserSsoSettings, find_user_sso
from gateway.errors import Reason, SamlError
from gateway.federation.pending import PendingLogin
from gateway.identity import VerifiedIdentity


def user_sso_provider_arn(account_id: str) -> str:
    """How provenance and revocations name an account's user SSO setting, which has no ARN on the platform."""
    return f"acs:ram::{account_id}:user-sso"


def check_user_sso(
    session: Session, account: Account, identity: VerifiedIdentity, audience: str
) -> tuple[UserSsoSettings, CertificateUse]:
    """The account's user SSO setting, if it vouches for this identity, and by which certificate.

    The message must have been made for this very account (audience), by the identity provider that this account
    registered (entity ID), and be signed with a certificate that this account registered.
    Raises: SamlError with SSO_DISABLED, SAML_AUDIENCE_MISMATCH or SAML_UNKNOWN_ISSUER.
    """
    settings = find_user_sso(session, account.id)
    if settings is None or not settings.enabled:
        raise SamlError(
            Reason.SSO_DISABLED,
            "Single sign-on is not turned on for this account. Sign in with your RAM user name and password.",
            detail=f"account {account.id}",
        )
    if identity.audience != audience:
        raise SamlError(
            Reason.SAML_AUDIENCE_MISMATCH,
            "This sign-in was made for another account.",
            detail=f"account {account.id} is {audience!r:.200}, the assertion is for {identity.audience!r:.200}",
        )
    trusted = certificate_rows(session, user_sso_key(account.id), TRUSTED)
    own = [row for row in trusted if row.entity_id == identity.issuer]
    met = use_of(own, (identity.certificate_fingerprint, *identity.twin_fingerprints))
    if met is None or met[0] != identity.certificate_fingerprint:
        raise SamlError(
            Reason.SAML_UNKNOWN_ISSUER,
            "This account does not accept sign-ins from that identity provider.",
            detail=f"account {account.id} registered {settings.entity_id!r:.200}, the assertion is by "
            f"{identity.issuer!r:.200} with certificate {identity.certificate_fingerprint}",
        )
    return settings, met[1]


def check_solicited(settings: UserSsoSettings, identity: VerifiedIdentity, pending: PendingLogin | None) -> None:
    """An answer must be to the pending login of this account; anything else needs `idp_initiated`.

    Raises: SamlError(SAML_IN_RESPONSE_TO), SamlError(SAML_UNSOLICITED).
    """
    if pending is not None:
        if (identity.in_response_to, settings.account_id) != (pending.request_id, pending.account_id):
            raise SamlError(
                Reason.SAML_IN_RESPONSE_TO,
                "This sign-in answers another request. Start again.",
                detail=f"InResponseTo {identity.in_response_to!r:.100} at account {settings.account_id}, pending "
                f"{pending.request_id} at account {pending.account_id}",
            )
        return
    if identity.in_response_to is not None:
        raise SamlError(
            Reason.SAML_IN_RESPONSE_TO,
            "This sign-in answers a request that is not pending. Start again.",
            detail=f"InResponseTo {identity.in_response_to!r:.100} without a pending login",
        )
    if not settings.idp_initiated:
        raise SamlError(
            Reason.SAML_UNSOLICITED,
            "Start at this gateway's sign-in page: the account does not accept sign-ins that begin at the identity "
            "provider.",
            detail=f"account {settings.account_id}: idp_initiated is off",
        )
