import json
from typing import Any

import pytest

from gateway.errors import OidcError, Reason
from gateway.oidc.client_authentication import ClientMethod
from gateway.oidc.discovery import ProviderMetadata, check_login, discovery_url, parse_discovery
from tests.oidc_factory import ISSUER
from tests.oidc_provider import JWKS_URI, discovery_json


def parse(**changes: Any) -> ProviderMetadata:
    return parse_discovery(discovery_json(**changes), ISSUER)


def refusal(data: bytes) -> Reason:
    with pytest.raises(OidcError) as caught:
        parse_discovery(data, ISSUER)
    return caught.value.reason


def test_parse_discovery__full_document__tells_everything() -> None:
    assert parse() == ProviderMetadata(
        issuer=ISSUER,
        jwks_uri=JWKS_URI,
        authorization_endpoint="https://idp.example.com/authorize?tenant=1",
        token_endpoint="https://idp.example.com/token",
        userinfo_endpoint="https://idp.example.com/userinfo",
        pushed_request_endpoint="https://idp.example.com/par",
        requires_pushed_requests=False,
        end_session_endpoint="https://idp.example.com/logout",
        id_token_algorithms=frozenset({"RS256", "ES256"}),
        client_methods=frozenset({ClientMethod.BASIC, ClientMethod.PRIVATE_KEY}),
        client_assertion_algorithms=frozenset({"RS256"}),
        names_issuer_in_callback=True,
        supports_pkce=True,
        supports_back_channel_logout=True,
        sends_session_id_on_logout=True,
        scopes=frozenset({"openid", "email"}),
        acr_values=("gold",),
    )


def test_parse_discovery__smallest_document__has_the_defaults() -> None:
    metadata = parse_discovery(f'{{"issuer": "{ISSUER}", "jwks_uri": "{JWKS_URI}"}}'.encode(), ISSUER)
    assert metadata.id_token_algorithms == {"RS256"}
    assert metadata.client_methods == {ClientMethod.BASIC}
    assert metadata.supports_pkce is None
    assert metadata.names_issuer_in_callback is False
    assert metadata.authorization_endpoint is None


def test_parse_discovery__cluster_that_only_issues_tokens__offers_no_login() -> None:
    document = {
        "issuer": ISSUER,
        "jwks_uri": JWKS_URI,
        "authorization_endpoint": "urn:kubernetes:programmatic_authorization",
        "response_types_supported": ["id_token"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": ["sub", "iss"],
    }
    metadata = parse_discovery(json.dumps(document).encode(), ISSUER)
    assert metadata.authorization_endpoint is None
    with pytest.raises(OidcError) as caught:
        check_login(metadata, ClientMethod.BASIC)
    assert caught.value.reason is Reason.OIDC_UNSUPPORTED


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"issuer": ISSUER + "/"}, Reason.OIDC_DISCOVERY_ISSUER),
        ({"issuer": ISSUER.upper()}, Reason.OIDC_DISCOVERY_ISSUER),
        ({"issuer": None}, Reason.OIDC_DISCOVERY_ISSUER),
        ({"issuer": [ISSUER]}, Reason.OIDC_DISCOVERY_ISSUER),
        ({"jwks_uri": None}, Reason.OIDC_DISCOVERY_ENDPOINT),
        ({"jwks_uri": "urn:example:keys"}, Reason.OIDC_DISCOVERY_ENDPOINT),
        ({"jwks_uri": "http://idp.example.com/jwks"}, Reason.OIDC_DISCOVERY_ENDPOINT),
        ({"jwks_uri": "http://127.0.0.1/jwks"}, Reason.OIDC_DISCOVERY_ENDPOINT),
        ({"jwks_uri": "file:///etc/passwd"}, Reason.OIDC_DISCOVERY_ENDPOINT),
        ({"jwks_uri": "/jwks"}, Reason.OIDC_DISCOVERY_ENDPOINT),
        ({"jwks_uri": 1}, Reason.OIDC_DISCOVERY_ENDPOINT),
        ({"token_endpoint": "https://a@idp.example.com/"}, Reason.OIDC_DISCOVERY_ENDPOINT),
        ({"token_endpoint": "https://idp.example.com/#f"}, Reason.OIDC_DISCOVERY_ENDPOINT),
        ({"token_endpoint": "https://idp.example.com\\@evil.example/"}, Reason.OIDC_DISCOVERY_ENDPOINT),
        ({"token_endpoint": "https://[::1"}, Reason.OIDC_DISCOVERY_ENDPOINT),
        ({"token_endpoint": "https://"}, Reason.OIDC_DISCOVERY_ENDPOINT),
        ({"authorization_endpoint": "javascript:alert(1)"}, Reason.OIDC_DISCOVERY_ENDPOINT),
        ({"authorization_endpoint": "https://idp.example.com/\r\nSet-Cookie: a"}, Reason.OIDC_DISCOVERY_ENDPOINT),
        ({"end_session_endpoint": "https://idp.example.com/" + "a" * 2048}, Reason.OIDC_DISCOVERY_ENDPOINT),
        ({"id_token_signing_alg_values_supported": ["HS256", "none"]}, Reason.OIDC_UNSUPPORTED),
        ({"id_token_signing_alg_values_supported": []}, Reason.OIDC_UNSUPPORTED),
        ({"id_token_signing_alg_values_supported": "RS256"}, Reason.OIDC_DISCOVERY),
        ({"id_token_signing_alg_values_supported": ["RS256", 1]}, Reason.OIDC_DISCOVERY),
        ({"scopes_supported": ["s"] * 201}, Reason.OIDC_DISCOVERY),
        ({"backchannel_logout_supported": "yes"}, Reason.OIDC_DISCOVERY),
    ],
)
def test_parse_discovery__member_that_is_wrong__refused(changes: dict[str, Any], reason: Reason) -> None:
    assert refusal(discovery_json(**changes)) is reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.OIDC_JSON),
        (b"[]", Reason.OIDC_JSON),
        (f'{{"issuer": "https://evil.example", "issuer": "{ISSUER}"}}'.encode(), Reason.OIDC_DUPLICATE_MEMBER),
        (b'{"x":' + b"[" * 10_000, Reason.OIDC_TOO_DEEP),
        (b'{"x":"' + b"x" * 300_000 + b'"}', Reason.OIDC_TOO_LARGE),
    ],
)
def test_parse_discovery__no_document__refused(data: bytes, reason: Reason) -> None:
    assert refusal(data) is reason


def test_parse_discovery__loopback_in_development__passes() -> None:
    data = discovery_json(jwks_uri="http://127.0.0.1:9000/jwks")
    assert parse_discovery(data, ISSUER, development=True).jwks_uri == "http://127.0.0.1:9000/jwks"
    with pytest.raises(OidcError):
        parse_discovery(discovery_json(jwks_uri="http://idp.example.com/jwks"), ISSUER, development=True)


@pytest.mark.parametrize(
    ("issuer", "url"),
    [
        ("https://a.example", "https://a.example/.well-known/openid-configuration"),
        ("https://a.example/", "https://a.example/.well-known/openid-configuration"),
        ("https://a.example/t/1", "https://a.example/t/1/.well-known/openid-configuration"),
    ],
)
def test_discovery_url__issuer__is_below_it(issuer: str, url: str) -> None:
    assert discovery_url(issuer) == url


@pytest.mark.parametrize(
    ("changes", "method"),
    [
        ({"authorization_endpoint": None}, ClientMethod.BASIC),
        ({"token_endpoint": None}, ClientMethod.BASIC),
        ({"code_challenge_methods_supported": ["plain"]}, ClientMethod.BASIC),
        ({"code_challenge_methods_supported": []}, ClientMethod.BASIC),
        ({}, ClientMethod.POST),
        (
            {"require_pushed_authorization_requests": True, "pushed_authorization_request_endpoint": None},
            ClientMethod.BASIC,
        ),
    ],
)
def test_check_login__provider_that_can_not__refused(changes: dict[str, Any], method: ClientMethod) -> None:
    with pytest.raises(OidcError) as caught:
        check_login(parse(**changes), method)
    assert caught.value.reason is Reason.OIDC_UNSUPPORTED


def test_check_login__provider_that_can__passes() -> None:
    check_login(parse(), ClientMethod.PRIVATE_KEY)
    check_login(parse(code_challenge_methods_supported=None), ClientMethod.BASIC)
