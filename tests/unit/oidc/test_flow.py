import hashlib
import itertools
import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from gateway.errors import OidcError, Reason
from gateway.ids import new_handle
from gateway.oidc.client_authentication import ClientMethod, client_with_secret, prove_client
from gateway.oidc.discovery import ProviderMetadata, parse_discovery
from gateway.oidc.flow import (
    Callback,
    LoginWish,
    PendingLogin,
    authorization_parameters,
    authorization_url,
    begin_login,
    callback_state,
    check_callback,
    parse_pushed_answer,
    parse_token_answer,
    pushed_request,
    token_request,
)
from gateway.secret import Secret
from tests.fake_clock import NOON
from tests.oidc_factory import CLIENT, ISSUER, REDIRECT, b64
from tests.oidc_provider import discovery_json

SECRET = client_with_secret(CLIENT, ClientMethod.BASIC, Secret("s3cret"))


def metadata(**changes: Any) -> ProviderMetadata:
    return parse_discovery(discovery_json(**changes), ISSUER)


def begin(wish: LoginWish = LoginWish()) -> PendingLogin:  # noqa: B008 - frozen
    numbers = itertools.count()
    return begin_login(metadata(), CLIENT, REDIRECT, wish, lambda: f"handle-{next(numbers)}")


def reason_of(call: Callable[[], object]) -> Reason:
    with pytest.raises(OidcError) as caught:
        call()
    return caught.value.reason


def test_begin_login__twice__shares_no_secret() -> None:
    first, second = (begin_login(metadata(), CLIENT, REDIRECT, LoginWish(), new_handle) for _ in range(2))
    texts = [text for each in (first, second) for text in (each.state, each.nonce, each.code_verifier.reveal())]
    assert len(set(texts)) == 6
    assert all(43 <= len(text) <= 128 for text in texts)  # RFC 7636 §4.1


def test_authorization_parameters__least__have_state_nonce_and_challenge() -> None:
    assert dict(authorization_parameters(begin(), LoginWish())) == {
        "response_type": "code",
        "client_id": CLIENT,
        "redirect_uri": REDIRECT,
        "scope": "openid",
        "state": "handle-0",
        "nonce": "handle-1",
        "code_challenge": b64(hashlib.sha256(b"handle-2").digest()),
        "code_challenge_method": "S256",
    }


def test_authorization_parameters__challenge__is_that_of_the_rfc() -> None:
    pending = begin_login(
        metadata(), CLIENT, REDIRECT, LoginWish(), lambda: "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    )
    parameters = dict(authorization_parameters(pending, LoginWish()))
    assert parameters["code_challenge"] == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636 appendix B


def test_authorization_parameters__every_wish__is_there() -> None:
    wish = LoginWish(
        scopes=("email", "openid", "groups"),
        max_age=timedelta(minutes=5),
        acr_values=("gold", "silver"),
        prompt=("login", "consent"),
        login_hint="alice@example.com",
        ui_locales=("de", "en"),
    )
    pending = begin(wish)
    parameters = dict(authorization_parameters(pending, wish))
    assert parameters["scope"] == "openid email groups"
    assert parameters["max_age"] == "300"
    assert parameters["acr_values"] == "gold silver"
    assert parameters["prompt"] == "login consent"
    assert parameters["login_hint"] == "alice@example.com"
    assert parameters["ui_locales"] == "de en"
    assert (pending.max_age, pending.acr_values) == (timedelta(minutes=5), ("gold", "silver"))


def test_authorization_parameters__max_age_zero__is_sent() -> None:
    wish = LoginWish(max_age=timedelta(0))
    assert dict(authorization_parameters(begin(wish), wish))["max_age"] == "0"


def test_authorization_url__endpoint_with_a_query__keeps_it() -> None:
    url = authorization_url(metadata(), authorization_parameters(begin(), LoginWish(login_hint="a&b=c#d")))
    assert url.startswith("https://idp.example.com/authorize?tenant=1&response_type=code&")
    query = parse_qs(urlsplit(url).query)
    assert query["login_hint"] == ["a&b=c#d"]
    assert urlsplit(url).fragment == ""


def test_authorization_url__no_endpoint__refused() -> None:
    bare = metadata(authorization_endpoint=None)
    assert reason_of(lambda: authorization_url(bare, ())) is Reason.OIDC_UNSUPPORTED


def test_pushed_request__offered__carries_parameters_and_proof() -> None:
    parameters = authorization_parameters(begin(), LoginWish())
    request = pushed_request(metadata(), parameters, prove_client(SECRET, ISSUER, NOON, "t"))
    assert request is not None
    assert request.url == "https://idp.example.com/par"
    assert tuple(parse_qsl(request.body.decode())) == parameters
    assert request.authorization is not None
    assert "s3cret" not in repr(request)


def test_pushed_request__client_in_the_form__is_there_once() -> None:
    posting = client_with_secret(CLIENT, ClientMethod.POST, Secret("s3cret"))
    parameters = authorization_parameters(begin(), LoginWish())
    request = pushed_request(metadata(), parameters, prove_client(posting, ISSUER, NOON, "t"))
    assert request is not None
    names = [name for name, _ in parse_qsl(request.body.decode())]
    assert sorted(names) == sorted({*names})
    assert "client_secret" in names


def test_pushed_request__not_offered__none() -> None:
    bare = metadata(pushed_authorization_request_endpoint=None)
    assert pushed_request(bare, (), prove_client(SECRET, ISSUER, NOON, "t")) is None


def test_parse_pushed_answer__created__stands_for_the_parameters() -> None:
    body = b'{"request_uri": "urn:ietf:params:oauth:request_uri:abc", "expires_in": 60}'
    parameters = parse_pushed_answer(201, body, CLIENT)
    assert dict(parameters) == {"client_id": CLIENT, "request_uri": "urn:ietf:params:oauth:request_uri:abc"}


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (201, b"{}", Reason.OIDC_ANSWER),
        (201, b'{"request_uri": 1}', Reason.OIDC_ANSWER),
        (201, b'{"request_uri": "a\\r\\nb"}', Reason.OIDC_ANSWER),
        (201, b"x", Reason.OIDC_JSON),
        (400, b'{"error": "invalid_request"}', Reason.OIDC_REFUSED),
        (500, b"<html>", Reason.OIDC_ANSWER),
        (404, b"{}", Reason.OIDC_ANSWER),
    ],
)
def test_parse_pushed_answer__anything_else__refused(status: int, body: bytes, reason: Reason) -> None:
    assert reason_of(lambda: parse_pushed_answer(status, body, CLIENT)) is reason


GOOD = {"state": ["handle-0"], "code": ["c0de"], "iss": [ISSUER], "session_state": ["x", "y"]}


def test_check_callback__good__has_the_code() -> None:
    callback = check_callback(GOOD, begin(), metadata())
    assert callback.code == Secret("c0de")
    assert "c0de" not in repr(callback)


def test_check_callback__issuer_neither_announced_nor_there__passes() -> None:
    parameters = {name: values for name, values in GOOD.items() if name != "iss"}
    quiet = metadata(authorization_response_iss_parameter_supported=False)
    assert check_callback(parameters, begin(), quiet).code == Secret("c0de")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"state": []}, Reason.OIDC_CALLBACK),
        ({"state": ["handle-1"]}, Reason.OIDC_CALLBACK),
        ({"state": ["handle-0", "handle-0"]}, Reason.OIDC_CALLBACK),
        ({"state": ["\ud800"]}, Reason.OIDC_CALLBACK),
        ({"iss": []}, Reason.OIDC_CALLBACK_ISSUER),
        ({"iss": ["https://evil.example"]}, Reason.OIDC_CALLBACK_ISSUER),
        ({"iss": [ISSUER + "/"]}, Reason.OIDC_CALLBACK_ISSUER),
        ({"iss": [ISSUER, "https://evil.example"]}, Reason.OIDC_CALLBACK),
        ({"code": []}, Reason.OIDC_CALLBACK),
        ({"code": [""]}, Reason.OIDC_CALLBACK),
        ({"code": ["a", "b"]}, Reason.OIDC_CALLBACK),
        ({"code": ["a\nb"]}, Reason.OIDC_CALLBACK),
        ({"code": ["\ud800"]}, Reason.OIDC_CALLBACK),
        ({"code": ["c" * 4097]}, Reason.OIDC_CALLBACK),
        ({"error": ["access_denied"]}, Reason.OIDC_REFUSED),
        ({"error": [""]}, Reason.OIDC_REFUSED),
        ({"error": ["access_denied"], "iss": ["https://evil.example"]}, Reason.OIDC_CALLBACK_ISSUER),
        ({"error": ["access_denied"], "state": ["other"]}, Reason.OIDC_CALLBACK),
    ],
)
def test_check_callback__anything_else__refused(changes: dict[str, list[str]], reason: Reason) -> None:
    assert reason_of(lambda: check_callback({**GOOD, **changes}, begin(), metadata())) is reason


def test_check_callback__unannounced_issuer_of_another__refused() -> None:
    quiet = metadata(authorization_response_iss_parameter_supported=False)
    parameters = {**GOOD, "iss": ["https://evil.example"]}
    assert reason_of(lambda: check_callback(parameters, begin(), quiet)) is Reason.OIDC_CALLBACK_ISSUER


@pytest.mark.parametrize(
    ("error", "description", "subject", "detail"),
    [
        ("login_required", "Please sign in", "login_required", "login_required: Please sign in"),
        ("<script>\n", "\x1b[31m", "unreadable", "unreadable: "),
    ],
)
def test_check_callback__error__says_which(error: str, description: str, subject: str, detail: str) -> None:
    parameters = {"state": ["handle-0"], "iss": [ISSUER], "error": [error], "error_description": [description]}
    with pytest.raises(OidcError) as caught:
        check_callback(parameters, begin(), metadata())
    assert (caught.value.subject, caught.value.detail) == (subject, detail)
    assert "<script>" not in caught.value.public


def test_callback_state__one__is_it() -> None:
    assert callback_state({"state": ["abc"]}) == "abc"


@pytest.mark.parametrize("values", [[], [""], ["a", "b"], ["a" * 513], ["\0"]])
def test_callback_state__none_or_several__refused(values: list[str]) -> None:
    assert reason_of(lambda: callback_state({"state": values})) is Reason.OIDC_CALLBACK


def test_token_request__basic__redeems_the_code() -> None:
    request = token_request(metadata(), Callback(Secret("c0de")), begin(), prove_client(SECRET, ISSUER, NOON, "t"))
    assert request.url == "https://idp.example.com/token"
    assert dict(parse_qsl(request.body.decode())) == {
        "grant_type": "authorization_code",
        "code": "c0de",
        "redirect_uri": REDIRECT,
        "code_verifier": "handle-2",
    }
    assert "c0de" not in repr(request)


def test_token_request__no_endpoint__refused() -> None:
    bare = metadata(token_endpoint=None)
    proof = prove_client(SECRET, ISSUER, NOON, "t")
    assert reason_of(lambda: token_request(bare, Callback(Secret("c")), begin(), proof)) is Reason.OIDC_UNSUPPORTED


TOKENS = {"access_token": "at", "token_type": "Bearer", "id_token": "a.b.c", "expires_in": 3600}


def test_parse_token_answer__good__has_both_tokens() -> None:
    tokens = parse_token_answer(200, json.dumps({**TOKENS, "token_type": "bearer"}).encode())
    assert tokens.unverified_id_token == "a.b.c"
    assert tokens.access_token == Secret("at")
    assert "a.b.c" not in repr(tokens)


@pytest.mark.parametrize(
    ("status", "changes", "reason"),
    [
        (200, {"token_type": None}, Reason.OIDC_ANSWER),
        (200, {"token_type": "DPoP"}, Reason.OIDC_ANSWER),
        (200, {"token_type": ["Bearer"]}, Reason.OIDC_ANSWER),
        (200, {"access_token": None}, Reason.OIDC_ANSWER),
        (200, {"access_token": "a\r\nX: y"}, Reason.OIDC_ANSWER),
        (200, {"access_token": ""}, Reason.OIDC_ANSWER),
        (200, {"id_token": None}, Reason.OIDC_ANSWER),
        (200, {"id_token": 1}, Reason.OIDC_ANSWER),
        (200, {"error": "invalid_grant"}, Reason.OIDC_REFUSED),
        (400, {"error": "invalid_grant", "error_description": ["x"]}, Reason.OIDC_REFUSED),
        (401, {"error": {"a": 1}}, Reason.OIDC_REFUSED),
        (201, {}, Reason.OIDC_ANSWER),
        (302, {}, Reason.OIDC_ANSWER),
    ],
)
def test_parse_token_answer__anything_else__refused(status: int, changes: dict[str, Any], reason: Reason) -> None:
    body = json.dumps({**TOKENS, **changes}).encode()
    assert reason_of(lambda: parse_token_answer(status, body)) is reason


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", Reason.OIDC_JSON),
        (b"access_token=a", Reason.OIDC_JSON),
        (b'{"a":1,"a":2}', Reason.OIDC_DUPLICATE_MEMBER),
        (b"{" + b" " * 300_000 + b"}", Reason.OIDC_TOO_LARGE),
    ],
)
def test_parse_token_answer__no_json__refused(body: bytes, reason: Reason) -> None:
    assert reason_of(lambda: parse_token_answer(200, body)) is reason
