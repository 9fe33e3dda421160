"""A SAML connection as it is set up right now: an account's provider, and what its responses must be like.

For whoever judges a response without using it. Turned on or off makes no difference here.
"""

from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from gateway.directory.issuers import providers_of_issuer, settings_of_issuer
from gateway.directory.provider_keys import saml_provider_key, user_sso_key
from gateway.directory.saml_providers import SamlProvider, provider_certificates
from gateway.directory.user_sso import UserSsoSettings, find_user_sso, user_sso_certificates
from gateway.federation.user_sso import user_sso_provider_arn
from gateway.saml.expectation import Expectation
from gateway.saml.names import user_sso_entity_id, user_sso_recipients
from gateway.services import Services

MOST_OF_ONE_ISSUER = 8  # so much work does one message make


@dataclass(frozen=True, slots=True)
class SamlConnection:
    account_id: str
    key: str  # see `directory.provider_keys`
    name: str  # for people
    arn: str
    is_user_sso: bool
    enabled: bool
    expectation: Expectation  # of an answer that nobody asked for

    def expecting(self, in_response_to: str | None) -> Expectation:
        return replace(self.expectation, in_response_to=in_response_to)


def role_connection(session: Session, services: Services, provider: SamlProvider) -> SamlConnection:
    certificates = provider_certificates(session, provider)
    return SamlConnection(
        account_id=provider.account_id,
        key=saml_provider_key(provider.id),
        name=provider.name,
        arn=provider.arn,
        is_user_sso=False,
        enabled=True,
        expectation=services.role_sso_expectation(provider.entity_id, certificates),
    )


def user_connection(session: Session, services: Services, settings: UserSsoSettings) -> SamlConnection:
    account_id = settings.account_id
    return SamlConnection(
        account_id=account_id,
        key=user_sso_key(account_id),
        name="User SSO",
        arn=user_sso_provider_arn(account_id),
        is_user_sso=True,
        enabled=settings.enabled,
        expectation=Expectation(
            issuer=settings.entity_id or "",
            certificates=user_sso_certificates(session, account_id),
            audience=user_sso_entity_id(services.base_url, account_id),
            recipients=user_sso_recipients(services.base_url, account_id),
            in_response_to=None,
            decryption_keys=services.sp_keys.encryption,
            skew=services.skew,
        ),
    )


def find_user_connection(session: Session, services: Services, account_id: str) -> SamlConnection | None:
    settings = find_user_sso(session, account_id)
    return None if settings is None or settings.metadata_xml is None else user_connection(session, services, settings)


def connection_of_key(session: Session, services: Services, key: str) -> SamlConnection | None:
    """By `directory.provider_keys`; None for what is gone, and for an OpenID Provider."""
    kind, _, rest = key.partition(":")
    if kind == "user-sso":
        return find_user_connection(session, services, rest)
    provider = session.get(SamlProvider, int(rest)) if kind == "saml" else None
    return None if provider is None else role_connection(session, services, provider)


def role_connections_of(session: Session, services: Services, issuer: str) -> list[SamlConnection]:
    """Of whatever accounts registered this issuer for role SSO, the first few."""
    rows = providers_of_issuer(session, issuer, at_most=MOST_OF_ONE_ISSUER)
    return [role_connection(session, services, row) for row in rows]


def user_connections_of(session: Session, services: Services, issuer: str) -> list[SamlConnection]:
    """Of whatever accounts registered this issuer for user SSO, the first few."""
    rows = settings_of_issuer(session, issuer, at_most=MOST_OF_ONE_ISSUER)
    return [user_connection(session, services, row) for row in rows]
