"""Whole logins in Chromium at `oidc-provider` from npm: another code base, another site, pushed requests, both proofs."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from gateway.directory.oidc_sign_in import SignInWish
from gateway.oidc.client_authentication import ClientMethod
from tests.browser.conftest import NewPage, TakePicture
from tests.interop.node_provider import NodeProvider, node_provider
from tests.interop.oidc_company import SECRET, OidcCompany, Registration, enter_company, shown_credentials
from tests.live_gateway import free_port, live_gateway
from tests.wire.refusal import refusal


def registered(ours: Registration) -> dict[str, object]:
    """Our client as the provider is told about it."""
    proof: dict[str, object] = {"client_secret": SECRET}
    if ours.method is ClientMethod.PRIVATE_KEY:
        proof = {"jwks_uri": ours.keys_url, "token_endpoint_auth_signing_alg": "ES256"}
    return {
        "client_id": ours.client_id,
        "token_endpoint_auth_method": ours.method.value,
        "redirect_uris": [ours.redirect_uri],
        "post_logout_redirect_uris": [ours.post_logout_redirect_uri],
        "backchannel_logout_uri": ours.back_channel_logout_url,
        "backchannel_logout_session_required": True,
        "response_types": ["code"],
        "grant_types": ["authorization_code"],
        **proof,
    }


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OidcCompany, NodeProvider]]:
    port = free_port()
    with live_gateway(tmp_path_factory.mktemp("gateway")) as gateway:
        services = gateway.services()
        entered = enter_company(
            gateway,
            services,
            f"http://localhost:{port}",
            wish=SignInWish(),
            methods=(ClientMethod.PRIVATE_KEY, ClientMethod.BASIC),
        )
        with node_provider(port, [registered(entered.users), registered(entered.roles)]) as provider:
            yield entered, provider
        services.store.dispose()


@pytest.fixture
def ours(company: tuple[OidcCompany, NodeProvider]) -> OidcCompany:
    return company[0]


@pytest.fixture
def provider(company: tuple[OidcCompany, NodeProvider]) -> NodeProvider:
    return company[1]


def alice(
    ours: OidcCompany, *, groups: tuple[str, ...] = (), roles: tuple[str, ...] = ("reader",)
) -> dict[str, object]:
    return {
        "name": "Alice",
        "email": ours.users.email("alice"),
        "email_verified": True,
        "cloud_groups": list(groups),
        "cloud_roles": list(roles),
    }


def sign_in(page: Page, provider: NodeProvider, ours: Registration, login: str = "alice") -> None:
    page.goto(ours.start_url)
    page.wait_for_url(f"{provider.issuer}/**")
    provider.sign_in(page, login)
    page.wait_for_url(f"{ours.base_url}/**")


def test_user__by_private_key_and_pushed_request__becomes_the_ram_user(
    page: Page, ours: OidcCompany, provider: NodeProvider
) -> None:
    provider.say({"alice": alice(ours)})
    page.goto(ours.users.start_url)
    provider.wait_for("pushed")
    assert "nonce" not in page.url
    provider.sign_in(page, "alice")
    page.wait_for_url(f"{ours.gateway.base_url}/session")
    expect(page.locator("#arn")).to_have_text(f"acs:ram::{ours.users.account_id}:user/alice")


def test_user__unknown_here__is_told_why(page: Page, ours: OidcCompany, provider: NodeProvider) -> None:
    provider.say({"mallory": {**alice(ours), "email": ours.users.email("mallory")}})
    sign_in(page, provider, ours.users, "mallory")
    expect(page.locator("main")).to_contain_text("UserNoMatch")


def test_user__changed_claims__are_read_anew_at_each_login(
    new_page: NewPage, ours: OidcCompany, provider: NodeProvider
) -> None:
    for groups in (("builders", "auditors"), ("auditors",), ()):
        provider.say({"alice": alice(ours, groups=groups)})
        page = new_page()
        sign_in(page, provider, ours.users)
        page.wait_for_url(f"{ours.gateway.base_url}/session")
        assert ours.groups_of("alice") == set(groups)


def test_role__changed_claims__another_role(new_page: NewPage, ours: OidcCompany, provider: NodeProvider) -> None:
    for role in ("reader", "writer"):
        provider.say({"alice": alice(ours, roles=(role,))})
        page = new_page()
        sign_in(page, provider, ours.roles)
        page.wait_for_url(f"{ours.gateway.base_url}/session")
        expect(page.locator("#arn")).to_have_text(f"acs:ram::{ours.roles.account_id}:assumed-role/{role}/alice")
    provider.say({"alice": alice(ours, roles=("owner",))})
    page = new_page()
    sign_in(page, provider, ours.roles)
    expect(page.locator("main")).to_contain_text("RoleNoneAllowed")


def test_back_channel_logout__ends_the_session_and_the_tokens_that_came_from_it(
    page: Page, ours: OidcCompany, provider: NodeProvider
) -> None:
    provider.say({"alice": alice(ours)})
    sign_in(page, provider, ours.roles)
    page.wait_for_url(f"{ours.gateway.base_url}/session")
    client = ours.client(shown_credentials(page))
    assert client.get_caller_identity().body.arn == page.locator("#arn").inner_text()
    page.goto(f"{provider.issuer}/session/end")
    provider.sign_out(page)
    assert provider.wait_for("told")["client"] == ours.roles.client_id
    assert refusal(client.get_caller_identity).code == "InvalidSecurityToken.Revoked"
    page.goto(f"{ours.gateway.base_url}/session")
    expect(page.locator("#arn")).to_have_count(0)


def test_sign_out__here_and_then_there__comes_back(
    page: Page, ours: OidcCompany, provider: NodeProvider, picture: TakePicture
) -> None:
    provider.say({"alice": alice(ours)})
    sign_in(page, provider, ours.users)
    page.wait_for_url(f"{ours.gateway.base_url}/session")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    picture(page, "oidc-signed-out-here")
    page.get_by_role("link", name="Sign out at").click()
    page.wait_for_url(f"{provider.issuer}/**")
    provider.sign_out(page)
    page.wait_for_url(f"{ours.users.post_logout_redirect_uri}**")
    expect(page.locator("main")).to_contain_text("Here, and at")
    picture(page, "oidc-signed-out-there")
    page.goto(ours.users.start_url)  # the provider asks again
    expect(page.locator("input[name=login]")).to_be_visible()


def test_code__brought_a_second_time__is_refused(page: Page, ours: OidcCompany, provider: NodeProvider) -> None:
    provider.say({"alice": alice(ours)})
    answers: list[str] = []
    page.on("request", lambda request: answers.append(request.url) if ours.users.redirect_uri in request.url else None)
    sign_in(page, provider, ours.users)
    page.wait_for_url(f"{ours.gateway.base_url}/session")
    page.goto(answers[0])
    expect(page.locator("main")).to_contain_text("LoginNotPending")
