"""Whole logins in Chromium at `idpyoidc`: proof by key and by secret, UserInfo, users and roles, and the end of both."""

import json
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from gateway.directory.oidc_sign_in import SignInWish
from gateway.oidc.client_authentication import ClientMethod
from tests.browser.conftest import NewPage
from tests.interop.idpyoidc_provider import IdpyProvider, idpy_provider
from tests.interop.oidc_company import SECRET, OidcCompany, Registration, enter_company, shown_credentials
from tests.live_gateway import free_port, live_gateway
from tests.wire.refusal import refusal


def registered(ours: Registration) -> dict[str, Any]:
    proof: dict[str, Any] = {"client_secret": SECRET}
    if ours.method is ClientMethod.PRIVATE_KEY:
        with urllib.request.urlopen(ours.keys_url, timeout=10) as answer:
            proof = {"jwks": json.load(answer)}
    return {
        "client_id": ours.client_id,
        "token_endpoint_auth_method": ours.method.value,
        "redirect_uris": [ours.redirect_uri],
        "backchannel_logout_uri": ours.back_channel_logout_url,
        "response_types": ["code"],
        "id_token_signed_response_alg": "RS256",
        **proof,
    }


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[OidcCompany, IdpyProvider]]:
    port = free_port()
    with live_gateway(tmp_path_factory.mktemp("gateway")) as gateway:
        services = gateway.services()
        entered = enter_company(
            gateway,
            services,
            f"http://localhost:{port}",
            wish=SignInWish(reads_user_info=True),
            methods=(ClientMethod.PRIVATE_KEY, ClientMethod.POST),
        )
        clients = [registered(entered.users), registered(entered.roles)]
        with idpy_provider(port, clients, tmp_path_factory.mktemp("idpyoidc")) as provider:
            yield entered, provider
        services.store.dispose()


@pytest.fixture
def ours(company: tuple[OidcCompany, IdpyProvider]) -> OidcCompany:
    return company[0]


@pytest.fixture
def provider(company: tuple[OidcCompany, IdpyProvider]) -> IdpyProvider:
    return company[1]


def claims(ours: OidcCompany, login: str = "alice", **more: Any) -> dict[str, Any]:
    usual = {"name": login, "email": ours.users.email(login), "email_verified": True, "cloud_roles": ["reader"]}
    return {**usual, **more}


def test_user__by_private_key_and_user_info__becomes_the_ram_user(
    page: Page, ours: OidcCompany, provider: IdpyProvider
) -> None:
    provider.sign_in_as("alice", claims(ours))
    page.goto(ours.users.start_url)
    page.wait_for_url(f"{ours.gateway.base_url}/session")
    expect(page.locator("#arn")).to_have_text(f"acs:ram::{ours.users.account_id}:user/alice")
    assert {"/authorization", "/token", "/userinfo"} <= set(provider.heard)


def test_user__changed_claims__are_read_anew_at_each_login(
    new_page: NewPage, ours: OidcCompany, provider: IdpyProvider
) -> None:
    for groups in (["builders", "auditors"], ["auditors"], []):
        provider.sign_in_as("alice", claims(ours, cloud_groups=groups))
        page = new_page()
        page.goto(ours.users.start_url)
        page.wait_for_url(f"{ours.gateway.base_url}/session")
        assert ours.groups_of("alice") == set(groups)


def test_user__unknown_here__is_told_why(page: Page, ours: OidcCompany, provider: IdpyProvider) -> None:
    provider.sign_in_as("mallory", claims(ours, "mallory"))
    page.goto(ours.users.start_url)
    expect(page.locator("main")).to_contain_text("UserNoMatch")


def test_user__same_address_with_another_subject__is_somebody_else(
    page: Page, ours: OidcCompany, provider: IdpyProvider
) -> None:
    """Alice was linked by the logins before; whoever is given her address later does not become her."""
    provider.sign_in_as("alice-the-second", claims(ours, "alice"))
    page.goto(ours.users.start_url)
    expect(page.locator("main")).to_contain_text("UserLinkedElsewhere")


def test_back_channel_logout__ends_the_session_and_the_tokens_that_came_from_it(
    page: Page, ours: OidcCompany, provider: IdpyProvider
) -> None:
    provider.sign_in_as("carol", claims(ours, "carol", cloud_roles=["writer"]))
    page.goto(ours.roles.start_url)
    page.wait_for_url(f"{ours.gateway.base_url}/session")
    assert page.locator("#arn").inner_text().startswith(f"acs:ram::{ours.roles.account_id}:assumed-role/writer/")
    client = ours.client(shown_credentials(page))
    assert client.get_caller_identity().body.identity_type == "AssumedRoleUser"
    provider.end_sessions("carol")
    assert refusal(client.get_caller_identity).code == "InvalidSecurityToken.Revoked"
    page.goto(f"{ours.gateway.base_url}/session")
    expect(page.locator("#arn")).to_have_count(0)
