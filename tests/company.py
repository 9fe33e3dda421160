"""A small company in the directory: an account, its SAML provider and roles that trust it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

import gateway.directory.user_sso  # noqa: F401 - provider certificates refer to its table
from gateway.arn import role_arn, saml_provider_arn
from gateway.directory.accounts import Account, create_account
from gateway.directory.roles import Role, create_role
from gateway.directory.saml_providers import SamlProvider, create_saml_provider
from gateway.federation.facts import Occasion
from gateway.federation.trust_document import saml_trust_document
from gateway.keyring import KeyRing, new_master_key
from gateway.secret import Secret
from tests.fake_clock import NOON
from tests.identities import ENTITY_ID, ROLE_RECIPIENT, idp_metadata

RING = KeyRing((new_master_key(),))
BROWSER = "the-browser-of-alice"


def occasion(now: datetime = NOON, context: Mapping[str, str] | None = None) -> Occasion:
    """A request from 192.0.2.7 over HTTPS."""
    keys = {"acs:SourceIp": ("192.0.2.7",), "acs:SecureTransport": ("true",), "acs:CurrentTime": (now.isoformat(),)}
    return Occasion("REQUEST-1", now, keys | {key: (value,) for key, value in (context or {}).items()})


@dataclass(slots=True)
class Company:
    """An account with one provider called `company`; `role()` makes a role that trusts it."""

    session: Session
    account: Account
    provider: SamlProvider
    roles: dict[str, Role] = field(default_factory=dict)

    @property
    def provider_arn(self) -> str:
        return saml_provider_arn(self.account.id, self.provider.name)

    def role(self, name: str, *, trust: str | None = None, max_s: int = 3600, provider_arn: str | None = None) -> Role:
        document = trust or saml_trust_document(provider_arn or self.provider_arn, ROLE_RECIPIENT)
        role = create_role(
            self.session,
            self.account.id,
            name,
            trust_document=document,
            max_session_duration_s=max_s,
            now=NOON,
        )
        self.roles[name] = role
        return role

    def value(self, role_name: str, *, provider_arn: str | None = None) -> str:
        """A value of the Role attribute."""
        return f"{role_arn(self.account.id, role_name)},{provider_arn or self.provider_arn}"


def make_company(
    session: Session, alias: str = "acme", *, entity_id: str = ENTITY_ID, certificates: tuple[str, ...] = ("idp",)
) -> Company:
    account = create_account(
        session,
        alias=alias,
        display_name=alias,
        owner_login=f"owner@{alias}.example",
        owner_password=Secret("Correct-Horse-7-Battery"),
        now=NOON,
    )
    metadata = idp_metadata(entity_id, *certificates)
    provider = create_saml_provider(session, account.id, "company", metadata, now=NOON)
    return Company(session, account, provider)
