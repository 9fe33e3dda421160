"""What a provider key stands for, where it has metadata: a SAML provider or a user SSO setting."""

from sqlalchemy.orm import Session

from gateway.arn import saml_provider_arn
from gateway.directory.accounts import lock_account
from gateway.directory.metadata_in_force import Owner
from gateway.directory.saml_providers import SamlProvider
from gateway.directory.user_sso import UserSsoSettings
from gateway.errors import NotFound, Reason


def get_owner(session: Session, provider_key: str) -> Owner:
    """Raises: NotFound, subject "SAMLProvider", also for a user SSO setting without metadata."""
    kind, _, rest = provider_key.partition(":")
    owner: Owner | None = None
    if kind == "saml" and rest.isdecimal():
        owner = session.get(SamlProvider, int(rest))
    elif kind == "user-sso":
        owner = session.get(UserSsoSettings, rest)
    if owner is None or owner.metadata_xml is None:
        raise NotFound(
            Reason.NOT_FOUND, "there is no identity provider with metadata here", provider_key, subject="SAMLProvider"
        )
    return owner


def lock_owner(session: Session, provider_key: str) -> Owner:
    """The same, as it is under the account's lock. Raises: NotFound, subject "SAMLProvider"."""
    owner = get_owner(session, provider_key)
    lock_account(session, owner.account_id)
    session.refresh(owner)
    return owner


def owner_name(owner: Owner) -> str:
    """What people call it."""
    return owner.name if isinstance(owner, SamlProvider) else "user SSO"


def owner_arn(owner: Owner) -> str:
    if isinstance(owner, SamlProvider):
        return saml_provider_arn(owner.account_id, owner.name)
    return f"acs:ram::{owner.account_id}:user-sso"
