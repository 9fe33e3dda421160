"""Every numbered check of a logout token; the number opens the id of the row."""

from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.errors import OidcError, Reason
from gateway.oidc.discovery import parse_discovery
from gateway.oidc.logout import (
    LOGOUT_EVENT,
    LogoutCheck,
    LogoutExpectation,
    LogoutNotice,
    end_session_url,
    verify_logout_token,
)
from gateway.secret import Secret
from tests.fake_clock import NOON
from tests.oidc_factory import CLIENT, ISSUER, NONCE, NOW_S, Spec, key_set
from tests.oidc_provider import discovery_json

BASE: dict[str, Any] = {
    "exp": NOW_S + 120,
    "nonce": None,
    "at_hash": None,
    "jti": "j-1",
    "sid": "s-1",
    "events": {LOGOUT_EVENT: {}},
}


def verify(claims: dict[str, Any], header: dict[str, Any] | None = None, at_s: float = 0) -> LogoutNotice:
    token = Spec({**BASE, **claims}, {"typ": "logout+jwt", **(header or {})}).token()
    expectation = LogoutExpectation(ISSUER, CLIENT)
    return verify_logout_token(token, expectation, key_set(), NOON + timedelta(seconds=at_s))


def test_verify_logout_token__good__says_whose_session() -> None:
    notice = verify({})
    assert (notice.issuer, notice.subject, notice.session_id, notice.token_id) == (ISSUER, "248289761001", "s-1", "j-1")
    assert notice.not_on_or_after == NOON + timedelta(seconds=240)
    assert notice.evidence[9:] == tuple(LogoutCheck)


@pytest.mark.parametrize(
    ("claims", "header", "at_s"),
    [
        ({}, {"typ": "JWT"}, 0),
        ({}, {"typ": None}, 0),
        ({}, {"typ": "Logout+JWT"}, 0),
        ({"sid": None}, {}, 0),
        ({"sub": None}, {}, 0),
        ({"aud": ["x", CLIENT]}, {}, 0),
        ({"exp": None}, {}, 599),
        ({"iat": NOW_S + 120}, {}, 0),
        ({}, {}, 239),
        ({"events": {LOGOUT_EVENT: {"x": 1}, "y": {}}}, {}, 0),
    ],
)
def test_verify_logout_token__neighbour__passes(claims: dict[str, Any], header: dict[str, Any], at_s: float) -> None:
    assert verify(claims, header, at_s).issuer == ISSUER


@pytest.mark.parametrize(
    ("claims", "header", "at_s", "reason"),
    [
        pytest.param({}, {"typ": "at+jwt"}, 0, Reason.OIDC_TYPE, id="05-access-token"),
        pytest.param({}, {"alg": "none"}, 0, Reason.OIDC_ALGORITHM, id="06-none"),
        pytest.param({}, {"kid": "k2"}, 0, Reason.OIDC_KEY_UNKNOWN, id="07-unknown"),
        pytest.param({}, {"alg": "RS512"}, 0, Reason.OIDC_SIGNATURE, id="08-other-digest"),
        pytest.param({"iss": "https://evil.example"}, {}, 0, Reason.OIDC_ISSUER, id="10-other"),
        pytest.param({"aud": "other"}, {}, 0, Reason.OIDC_AUDIENCE, id="11-other"),
        pytest.param({"aud": None}, {}, 0, Reason.OIDC_AUDIENCE, id="11-missing"),
        pytest.param({"iat": None}, {}, 0, Reason.OIDC_TIME, id="12-missing"),
        pytest.param({"iat": NOW_S + 121}, {}, 0, Reason.OIDC_ISSUED_AT, id="12-in-the-future"),
        pytest.param({}, {}, 240, Reason.OIDC_EXPIRED, id="12-expired"),
        pytest.param({"exp": NOW_S + 9999}, {}, 600, Reason.OIDC_EXPIRED, id="12-old"),
        pytest.param({"sub": None, "sid": None}, {}, 0, Reason.OIDC_LOGOUT_WHOM, id="13-nobody"),
        pytest.param({"sid": 1}, {}, 0, Reason.OIDC_LOGOUT_WHOM, id="13-session-no-text"),
        pytest.param({"sid": ""}, {}, 0, Reason.OIDC_LOGOUT_WHOM, id="13-session-empty"),
        pytest.param({"sid": "s" * 1025}, {}, 0, Reason.OIDC_LOGOUT_WHOM, id="13-session-too-long"),
        pytest.param({"sub": "\n"}, {}, 0, Reason.OIDC_SUBJECT, id="13-subject"),
        pytest.param({"events": None}, {}, 0, Reason.OIDC_LOGOUT_EVENT, id="14-missing"),
        pytest.param({"events": {}}, {}, 0, Reason.OIDC_LOGOUT_EVENT, id="14-none"),
        pytest.param({"events": [LOGOUT_EVENT]}, {}, 0, Reason.OIDC_LOGOUT_EVENT, id="14-list"),
        pytest.param({"events": {LOGOUT_EVENT: True}}, {}, 0, Reason.OIDC_LOGOUT_EVENT, id="14-no-object"),
        pytest.param({"nonce": NONCE}, {}, 0, Reason.OIDC_LOGOUT_NONCE, id="15-nonce"),
        pytest.param({"jti": None}, {}, 0, Reason.OIDC_LOGOUT_ID, id="16-missing"),
        pytest.param({"jti": 1}, {}, 0, Reason.OIDC_LOGOUT_ID, id="16-no-text"),
        pytest.param({"jti": "j" * 256}, {}, 0, Reason.OIDC_LOGOUT_ID, id="16-too-long"),
    ],
)
def test_verify_logout_token__check__refuses(
    claims: dict[str, Any], header: dict[str, Any], at_s: float, reason: Reason
) -> None:
    with pytest.raises(OidcError) as caught:
        verify(claims, header, at_s)
    assert caught.value.reason is reason


def test_verify_logout_token__an_id_token__refused() -> None:
    with pytest.raises(OidcError) as caught:
        verify_logout_token(Spec().token(), LogoutExpectation(ISSUER, CLIENT), key_set(), NOON)
    assert caught.value.reason is Reason.OIDC_LOGOUT_WHOM or caught.value.reason is Reason.OIDC_LOGOUT_EVENT


def test_end_session_url__offered__carries_what_is_given() -> None:
    metadata = parse_discovery(discovery_json(), ISSUER)
    url = end_session_url(
        metadata, CLIENT, id_token_hint=Secret("a.b.c"), post_logout_redirect_uri="https://gw.example/out", state="x"
    )
    assert url is not None
    assert parse_qs(urlsplit(url).query) == {
        "client_id": [CLIENT],
        "id_token_hint": ["a.b.c"],
        "post_logout_redirect_uri": ["https://gw.example/out"],
        "state": ["x"],
    }
    assert end_session_url(metadata, CLIENT, state="x") == f"https://idp.example.com/logout?client_id={CLIENT}"


def test_end_session_url__not_offered__none() -> None:
    assert end_session_url(parse_discovery(discovery_json(end_session_endpoint=None), ISSUER), CLIENT) is None
