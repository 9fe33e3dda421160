"""A company in a live gateway that signs in by OpenID Connect: one account for users, one for roles."""

import json
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from alibabacloud_sts20150401.client import Client as StsClient
from alibabacloud_tea_openapi.models import Config
from playwright.sync_api import Page

from gateway.arn import oidc_provider_arn
from gateway.directory.accounts import create_account
from gateway.directory.claimed_groups import claimed_groups
from gateway.directory.groups import create_group, list_groups
from gateway.directory.oidc_providers import create_oidc_provider
from gateway.directory.oidc_sign_in import SignInWish, set_oidc_sign_in
from gateway.directory.provider_keys import oidc_provider_key
from gateway.directory.provider_logins import LoginSettings, Use, set_login_settings
from gateway.directory.roles import create_role
from gateway.directory.users import create_user, get_user
from gateway.federation.trust_document import oidc_trust_document
from gateway.oidc import names
from gateway.oidc.client_authentication import ClientMethod
from gateway.secret import Secret
from gateway.services import Services
from tests.live_gateway import LiveGateway

PROVIDER = "company"
SECRET = "a secret: with+odd/signs, and long enough for anybody"
ROLES = ("reader", "writer")


@dataclass(frozen=True)
class Registration:
    """Our client at the provider, for one account."""

    base_url: str
    account_id: str
    alias: str
    client_id: str
    method: ClientMethod

    @property
    def here(self) -> tuple[str, str]:
        return self.account_id, PROVIDER

    @property
    def start_url(self) -> str:
        return self.base_url + names.start_path(*self.here)

    @property
    def redirect_uri(self) -> str:
        return names.redirect_uri(self.base_url, *self.here)

    @property
    def keys_url(self) -> str:
        return names.client_keys_url(self.base_url, *self.here)

    @property
    def back_channel_logout_url(self) -> str:
        return names.back_channel_logout_url(self.base_url, *self.here)

    @property
    def post_logout_redirect_uri(self) -> str:
        return names.post_logout_redirect_uri(self.base_url, *self.here)

    def email(self, login: str) -> str:
        return f"{login}@{self.alias}.onaliyun.com"


@dataclass(frozen=True)
class OidcCompany:
    gateway: LiveGateway
    services: Services
    users: Registration
    roles: Registration

    def groups_of(self, login: str) -> set[str]:
        """Those that the last login said."""
        with self.services.store.reading() as session:
            user = get_user(session, self.users.account_id, login)
            ids, _ = claimed_groups(session, user.id, datetime.now(UTC))
            return {group.name for group in list_groups(session, self.users.account_id) if group.id in ids}

    def client(self, profile: Any) -> StsClient:
        """The official client with the credentials that a session page shows."""
        return StsClient(
            Config(
                access_key_id=profile["access_key_id"],
                access_key_secret=profile["access_key_secret"],
                security_token=profile["sts_token"],
                endpoint=self.gateway.endpoint,
                protocol="HTTP",
                region_id="cn-hangzhou",
            )
        )


def shown_credentials(page: Page) -> Any:
    page.get_by_text("Show credentials").click()
    return json.loads(page.locator("#profile").inner_text())


def enter_company(
    gateway: LiveGateway,
    services: Services,
    issuer: str,
    *,
    wish: SignInWish,
    methods: tuple[ClientMethod, ClientMethod],
) -> OidcCompany:
    """The methods by which the gateway proves who it is: in the account of users, and in that of roles."""
    users = _account(services, gateway.base_url, "users", methods[0])
    roles = _account(services, gateway.base_url, "roles", methods[1])
    now = datetime.now(UTC)
    _register(
        services,
        users,
        issuer,
        wish,
        LoginSettings(use=Use.USER, logon_name_key="oidc:claim/email", groups_key="oidc:claim/cloud_groups"),
    )
    _register(
        services,
        roles,
        issuer,
        wish,
        LoginSettings(use=Use.ROLE, roles_key="oidc:claim/cloud_roles", session_name="${oidc:sub}"),
    )
    with services.store.transaction() as session:
        create_user(session, users.account_id, "alice", now=now)
        for name in ("builders", "auditors"):
            create_group(session, users.account_id, name, now=now)
        trust = oidc_trust_document(oidc_provider_arn(roles.account_id, PROVIDER), issuer, (roles.client_id,))
        for name in ROLES:
            create_role(session, roles.account_id, name, trust_document=trust, now=now)
    return OidcCompany(gateway, services, users, roles)


def _account(services: Services, base_url: str, kind: str, method: ClientMethod) -> Registration:
    alias = f"{kind}-{secrets.token_hex(4)}"
    with services.store.transaction() as session:
        account = create_account(
            session,
            alias=alias,
            display_name=kind,
            owner_login=f"owner@{alias}.example",
            owner_password=Secret("Correct-Horse-7-Battery"),
            now=datetime.now(UTC),
        )
        return Registration(base_url, account.id, alias, f"ramgate-{kind}", method)


def _register(services: Services, ours: Registration, issuer: str, wish: SignInWish, settings: LoginSettings) -> None:
    now = datetime.now(UTC)
    with services.store.transaction() as session:
        provider = create_oidc_provider(
            session, ours.account_id, PROVIDER, issuer, client_ids=(ours.client_id,), development=True, now=now
        )
        set_oidc_sign_in(
            session,
            services.ring,
            provider,
            client_id=ours.client_id,
            method=ours.method,
            client_secret=None if ours.method is ClientMethod.PRIVATE_KEY else Secret(SECRET),
            wish=wish,
            now=now,
        )
        set_login_settings(session, ours.account_id, oidc_provider_key(provider.id), settings, now=now)
