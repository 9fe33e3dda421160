"""Whose metadata a page is about: a role SSO provider's, or that of the account's user SSO."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from gateway.directory.provider_keys import saml_provider_key, user_sso_key
from gateway.directory.saml_providers import get_saml_provider
from gateway.web.admin_providers import provider_path, saml_entity


@dataclass(frozen=True, slots=True)
class OwnerPages:
    """What differs between the two. `name` is empty for user SSO."""

    blueprint: str
    prefix: str
    active: str
    reading: str  # the permission to look, and the one to change
    changing: str
    entity: Callable[[Session, str], str]
    key: Callable[[Session, str, str], str]  # by account id and name
    path: Callable[[str], str]  # of the page that these belong to


def _provider_key(session: Session, account_id: str, name: str) -> str:
    return saml_provider_key(get_saml_provider(session, account_id, name).id)


ROLE_SSO = OwnerPages(
    "provider_document",
    "/admin/providers/<name>/document",
    "providers",
    "GetSAMLProvider",
    "UpdateSAMLProvider",
    saml_entity,
    _provider_key,
    provider_path,
)
USER_SSO = OwnerPages(
    "user_sso_document",
    "/admin/user-sso/document",
    "user-sso",
    "GetUserSsoSettings",
    "SetUserSsoSettings",
    lambda _session, _name: "*",
    lambda _session, account_id, _name: user_sso_key(account_id),
    lambda _name: "/admin/user-sso",
)
