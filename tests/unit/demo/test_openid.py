"""The demo company's OpenID Provider: what it refuses, and that it moves with the demo."""

import hashlib
import json
from base64 import urlsafe_b64decode
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask.testing import FlaskClient

from gateway.demo.idp import create_idp
from gateway.demo.op_config import OpClient, OpConfig, OpPerson
from gateway.demo.op_signing import encode
from gateway.demo.people import LAB_TESTER, OIDC_PROVIDER
from gateway.demo.places import find_places
from gateway.demo.run import prepare
from gateway.directory.oidc_providers import get_oidc_provider
from gateway.directory.roles import get_role
from gateway.secret import Secret
from gateway.store.engine import Store
from tests.fake_clock import FakeClock
from tests.interop.material import idp_config

VERIFIER = "v" * 43
CLIENT = OpClient(
    client_id="ours",
    secret=Secret("s3cret"),
    redirect_uri="http://127.0.0.1:8080/oidc/callback/1/CompanyOIDC",
    post_logout_redirect_uri="http://127.0.0.1:8080/oidc/signed-out/1/CompanyOIDC",
    back_channel_logout_uri="http://127.0.0.1:1/nobody-listens",
    label="Console",
    explanation="",
    start_url="",
)
ASKED = {
    "client_id": "ours",
    "redirect_uri": CLIENT.redirect_uri,
    "response_type": "code",
    "scope": "openid email",
    "state": "st",
    "nonce": "no",
    "code_challenge": encode(hashlib.sha256(VERIFIER.encode()).digest()),
    "code_challenge_method": "S256",
}


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def browser(clock: FakeClock) -> FlaskClient:
    alice = OpPerson("alice", "subject-of-alice", {"email": "alice@example.com"}, ("pwd", "mfa"))
    config = replace(idp_config(), openid=OpConfig("http://127.0.0.1:8081", (CLIENT,), (alice,)))
    return create_idp(config, clock=clock).test_client()


def sign_in(browser: FlaskClient, clock: FakeClock) -> None:
    with browser.session_transaction() as session:
        session.update(login="alice", signed_in_at=clock.now().timestamp(), sid="s-1", form_token="f")


def answer(browser: FlaskClient, **changes: str) -> dict[str, str]:
    """What comes back to the client."""
    asked = browser.get("/oidc/authorize?" + urlencode({**ASKED, **changes}))
    location = asked.headers["Location"]
    if location.startswith("/oidc/continue"):
        location = browser.get(location).headers["Location"]
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def redeem(browser: FlaskClient, code: str, **changes: str) -> Any:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CLIENT.redirect_uri,
        "code_verifier": VERIFIER,
        "client_id": "ours",
        "client_secret": "s3cret",
    }
    return browser.post("/oidc/token", data={**form, **changes}).json


def test_code__redeemed_once__tells_who_it_is(browser: FlaskClient, clock: FakeClock) -> None:
    sign_in(browser, clock)
    back = answer(browser)
    assert (back["state"], back["iss"]) == ("st", "http://127.0.0.1:8081")
    tokens = redeem(browser, back["code"])
    payload = tokens["id_token"].split(".")[1]
    claims = json.loads(urlsafe_b64decode(payload + "=="))
    assert (claims["sub"], claims["nonce"], claims["aud"]) == ("subject-of-alice", "no", "ours")
    assert (claims["amr"], claims["sid"], claims["email"]) == (["pwd", "mfa"], "s-1", "alice@example.com")
    told = browser.get("/oidc/userinfo", headers={"Authorization": f"Bearer {tokens['access_token']}"}).json
    assert told == {"sub": "subject-of-alice", "email": "alice@example.com"}
    assert redeem(browser, back["code"]) == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "w" * 43}, "invalid_grant"),
        ({"code_verifier": ""}, "invalid_grant"),
        ({"redirect_uri": "http://127.0.0.1:8080/elsewhere"}, "invalid_grant"),
        ({"client_secret": "guess"}, "invalid_client"),
        ({"client_id": "theirs"}, "invalid_client"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
def test_token__one_thing_wrong__refused(
    browser: FlaskClient, clock: FakeClock, changes: dict[str, str], error: str
) -> None:
    sign_in(browser, clock)
    assert redeem(browser, answer(browser)["code"], **changes) == {"error": error}


def test_token__too_late__refused(browser: FlaskClient, clock: FakeClock) -> None:
    sign_in(browser, clock)
    code = answer(browser)["code"]
    clock.advance(60)
    assert redeem(browser, code) == {"error": "invalid_grant"}


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_challenge": ""}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"scope": "email"}, "invalid_scope"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_authorize__one_thing_wrong__told_to_the_client(
    browser: FlaskClient, changes: dict[str, str], error: str
) -> None:
    assert answer(browser, **changes)["error"] == error


@pytest.mark.parametrize("changes", [{"client_id": "x"}, {"redirect_uri": "https://evil.example"}])
def test_authorize__unknown_address__is_not_gone_to(browser: FlaskClient, changes: dict[str, str]) -> None:
    page = browser.get("/oidc/authorize?" + urlencode({**ASKED, **changes}))
    assert (page.status_code, "Location" in page.headers) == (400, False)


def test_logout__without_a_proof__asks_first(browser: FlaskClient, clock: FakeClock) -> None:
    sign_in(browser, clock)
    asked = {"client_id": "ours", "post_logout_redirect_uri": CLIENT.post_logout_redirect_uri, "state": "x"}
    page = browser.get("/oidc/logout?" + urlencode(asked))
    assert (page.status_code, "Sign out of" in page.text) == (200, True)
    assert browser.post("/oidc/logout", data={**asked, "form_token": "guess"}).status_code == 400
    done = browser.post("/oidc/logout", data={**asked, "form_token": "f"})
    assert done.headers["Location"] == f"{CLIENT.post_logout_redirect_uri}?state=x"
    assert answer(browser, prompt="none")["error"] == "login_required"


def test_logout__with_the_sessions_own_token__goes_on_at_once(browser: FlaskClient, clock: FakeClock) -> None:
    sign_in(browser, clock)
    hint = redeem(browser, answer(browser)["code"])["id_token"]
    evil = {"id_token_hint": hint, "post_logout_redirect_uri": "https://evil.example"}
    done = browser.get("/oidc/logout?" + urlencode(evil))
    assert done.headers["Location"] == "/sign-in"


def test_prepare__other_ports__provider_is_registered_anew(tmp_path: Path) -> None:
    folders = {f"RAMGATE_{name.upper()}_DIR": str(tmp_path / name) for name in ("var", "certs", "metadata")}
    first = prepare(find_places({**folders, "PORT": "9180", "IDP_PORT": "9181"}))
    moved = find_places({**folders, "PORT": "9280", "IDP_PORT": "9281"})
    assert prepare(moved).clients == first.clients
    store = Store(moved.settings.database_url)
    with store.reading() as session:
        for client in first.clients:
            provider = get_oidc_provider(session, client.account_id, OIDC_PROVIDER)
            assert provider.issuer_url == "http://127.0.0.1:9281"
        trust = get_role(session, first.clients[1].account_id, LAB_TESTER).trust_document
    store.dispose()
    assert '"http://127.0.0.1:9281"' in trust
    assert "9181" not in trust


def test_prepare__gateway_behind_https__leaves_it_out(tmp_path: Path) -> None:
    folders = {f"RAMGATE_{name.upper()}_DIR": str(tmp_path / name) for name in ("var", "certs", "metadata")}
    places = find_places({**folders, "PORT": "9180", "IDP_PORT": "9181", "RAMGATE_BASE_URL": "https://127.0.0.1:9443"})
    assert prepare(places).clients == ()
