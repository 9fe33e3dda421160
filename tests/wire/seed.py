"""A company in a running gateway: owner and user with AccessKeys, an identity provider, roles that trust it or not."""

import base64
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from alibabacloud_ims20190815.client import Client as ImsClient
from alibabacloud_ram20150501.client import Client as RamClient
from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.models import Config

from gateway.arn import role_arn, saml_provider_arn
from gateway.directory.access_keys import NewAccessKey, create_access_key
from gateway.directory.accounts import create_account
from gateway.directory.attachments import attach_policy
from gateway.directory.roles import create_role
from gateway.directory.saml_providers import create_saml_provider
from gateway.directory.users import create_user
from gateway.federation.trust_document import saml_trust_document
from gateway.saml.names import role_sso_recipient
from gateway.secret import Secret
from gateway.services import Services
from tests.live_gateway import LiveGateway
from tests.local_servers import Authority
from tests.saml_factory import AUDIENCE, DS, IDP, SigningKey, Spec, encode, instant, signed_assertion, signing_key

ROLE = "https://www.aliyun.com/SAML-Role/Attributes/Role"
SESSION_NAME = "https://www.aliyun.com/SAML-Role/Attributes/RoleSessionName"
MD = "urn:oasis:names:tc:SAML:2.0:metadata"
TRUSTED, DISTRUSTING = "Reader", "Closed"


@dataclass(frozen=True)
class Caller:
    """A RAM user and its key: `company.ram(*caller.key)` calls as it."""

    name: str
    user_id: str
    key_id: str
    secret: str

    @property
    def key(self) -> tuple[str, str]:
        return self.key_id, self.secret


@dataclass(frozen=True)
class Seed:
    gateway: LiveGateway
    services: Services
    account_id: str
    user_id: str
    owner_key: NewAccessKey
    user_key: NewAccessKey
    trusted: Path | None = None  # the authority that clients trust, where the gateway speaks TLS
    authority: Authority | None = None  # whose servers the gateway believes

    @property
    def protocol(self) -> str:
        return "HTTP" if self.trusted is None else "HTTPS"

    @property
    def provider_arn(self) -> str:
        return saml_provider_arn(self.account_id, "company")

    def role_arn(self, name: str = TRUSTED) -> str:
        return role_arn(self.account_id, name)

    def client(self, key_id: str = "", secret: str = "", token: str | None = None) -> StsClient:
        """The official client of the token service, as everybody would configure it; the owner's key unless told."""
        return StsClient(self.config(key_id, secret, token))

    def ram(self, key_id: str = "", secret: str = "", token: str | None = None) -> RamClient:
        return RamClient(self.config(key_id, secret, token))

    def ims(self, key_id: str = "", secret: str = "", token: str | None = None) -> ImsClient:
        return ImsClient(self.config(key_id, secret, token))

    def config(self, key_id: str = "", secret: str = "", token: str | None = None) -> Config:
        """What an official client has to be told."""
        return Config(
            access_key_id=key_id or self.owner_key.access_key_id,
            access_key_secret=secret or self.owner_key.secret.reveal(),
            security_token=token,
            endpoint=self.gateway.endpoint,
            protocol=self.protocol,
            ca=None if self.trusted is None else str(self.trusted),
            region_id="cn-hangzhou",
        )

    def new_user(self, *policies: str) -> Caller:
        """A user of its own name with an AccessKey and these system policies, for tests that need one to themselves."""
        now, name = datetime.now(UTC), "user-" + secrets.token_hex(4)
        with self.services.store.transaction() as session:
            user = create_user(session, self.account_id, name, now=now)
            key = create_access_key(session, self.services.ring, account_id=self.account_id, user_id=user.id, now=now)
            for policy in policies:
                attach_policy(session, self.account_id, "System", policy, user, now)
        return Caller(name, user.id, key.access_key_id, key.secret.reveal())

    def assertion(self, *, padding: int = 0, **changes: object) -> str:
        """A fresh response of the company's identity provider, in Base64; `padding` bytes of attribute on top."""
        now = datetime.now(UTC)
        recipient = role_sso_recipient(self.gateway.base_url)
        values = tuple(f"{self.role_arn(name)},{self.provider_arn}" for name in (TRUSTED, DISTRUSTING))
        attributes: tuple[tuple[str, tuple[str, ...]], ...] = ((ROLE, values), (SESSION_NAME, ("alice",)))
        if padding:
            attributes += (("padding", (secrets.token_urlsafe(padding)[:padding],)),)
        later = instant(now + timedelta(seconds=300))
        spec = Spec(
            response_id="_" + secrets.token_hex(8),
            assertion_id="_" + secrets.token_hex(8),
            response_issue_instant=instant(now),
            assertion_issue_instant=instant(now),
            destination=recipient,
            confirmation_data_attributes=f'NotOnOrAfter="{later}" Recipient="{recipient}"',
            conditions_attributes=f'NotBefore="{instant(now - timedelta(seconds=60))}" NotOnOrAfter="{later}"',
            authn_attributes=f'AuthnInstant="{instant(now)}" SessionIndex="_s"',
            attributes=attributes,
        )
        return encode(signed_assertion(replace(spec, **changes)))  # type: ignore[arg-type]


def seed(gateway: LiveGateway, services: Services) -> Seed:
    now = datetime.now(UTC)
    assert services.role_sso_urn == AUDIENCE
    with services.store.transaction() as session:
        account = create_account(
            session,
            alias="acme",
            display_name="Acme",
            owner_login="owner@acme.example",
            owner_password=Secret("Correct-Horse-7-Battery"),
            now=now,
        )
        user = create_user(session, account.id, "alice", now=now)
        owner_key = create_access_key(session, services.ring, account_id=account.id, user_id=None, now=now)
        user_key = create_access_key(session, services.ring, account_id=account.id, user_id=user.id, now=now)
        create_saml_provider(session, account.id, "company", idp_metadata(), now=now)
        provider = saml_provider_arn(account.id, "company")
        trust = saml_trust_document(provider, role_sso_recipient(gateway.base_url))
        create_role(session, account.id, TRUSTED, trust_document=trust, now=now)
        other = saml_trust_document(provider, "https://elsewhere.example/saml-role/sso")
        create_role(session, account.id, DISTRUSTING, trust_document=other, now=now)
    return Seed(gateway, services, account.id, user.id, owner_key, user_key)


def idp_metadata(key: SigningKey | None = None) -> bytes:
    """The metadata of the company's identity provider; signing with another key if one is given."""
    certificate = base64.b64encode((key or signing_key()).trusted.der).decode()
    return (
        f'<md:EntityDescriptor xmlns:md="{MD}" xmlns:ds="{DS}" entityID="{IDP}">'
        '<md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">'
        f'<md:KeyDescriptor use="signing"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>{certificate}'
        "</ds:X509Certificate></ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"
        '<md:SingleSignOnService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" '
        'Location="https://idp.example.com/sso"/></md:IDPSSODescriptor></md:EntityDescriptor>'
    ).encode()
