"""Identity providers of an account for whoever sets them up, whatever their protocol."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from gateway.directory.oidc_providers import get_oidc_provider
from gateway.directory.provider_keys import oidc_provider_key, saml_provider_key
from gateway.directory.provider_logins import LoginSettings, get_login_settings
from gateway.directory.saml_providers import get_saml_provider
from gateway.federation.vouching import OIDC_DEFAULT, SAML_DEFAULT
from gateway.identity import Protocol


@dataclass(frozen=True, slots=True)
class RegisteredProvider:
    """A provider, and what rules, links and settings hang on."""

    protocol: Protocol
    account_id: str
    name: str
    arn: str
    issuer: str  # or entity ID
    key: str  # see `directory.provider_keys`
    settings: LoginSettings


def get_registered(session: Session, account_id: str, protocol: Protocol, name: str) -> RegisteredProvider:
    """Raises: NotFound, subject "SAMLProvider" or "OIDCProvider"."""
    if protocol is Protocol.SAML:
        saml = get_saml_provider(session, account_id, name)
        key = saml_provider_key(saml.id)
        settings = get_login_settings(session, key, SAML_DEFAULT)
        return RegisteredProvider(protocol, account_id, saml.name, saml.arn, saml.entity_id, key, settings)
    oidc = get_oidc_provider(session, account_id, name)
    key = oidc_provider_key(oidc.id)
    settings = get_login_settings(session, key, OIDC_DEFAULT)
    return RegisteredProvider(protocol, account_id, oidc.name, oidc.arn, oidc.issuer_url, key, settings)
