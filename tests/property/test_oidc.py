"""What holds for every input: no character can be changed to change an identity, and nothing but GatewayError comes out."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.errors import GatewayError, OidcError
from gateway.oidc.client_authentication import load_client_key
from gateway.oidc.discovery import parse_discovery
from gateway.oidc.flow import LoginWish, begin_login, check_callback, parse_pushed_answer, parse_token_answer
from gateway.oidc.id_token import verify_id_token
from gateway.oidc.json_text import read_object
from gateway.oidc.keys import parse_key_set
from gateway.oidc.logout import LogoutExpectation, verify_logout_token
from gateway.oidc.userinfo import read_user_info
from gateway.outbound import OutboundRules
from gateway.secret import Secret
from tests.fake_clock import NOON
from tests.oidc_factory import (
    ALGORITHMS,
    CLAIMS,
    CLIENT,
    ISSUER,
    REDIRECT,
    Spec,
    expectation,
    key_set,
    key_set_json,
    private_key,
    public_jwk,
    signed,
)
from tests.oidc_provider import discovery, discovery_json

SLOW = settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
METADATA = parse_discovery(discovery_json(), ISSUER)
PENDING = begin_login(METADATA, CLIENT, REDIRECT, LoginWish(), lambda: "handle")


def dumped(value: Any) -> bytes:
    return json.dumps(value).encode()


@SLOW
@given(st.text(max_size=200) | st.text(alphabet="abcdEFG012-_.=", max_size=200))
def test_verify_id_token__any_text__value_or_refusal(token: str) -> None:
    with pytest.raises(OidcError):
        verify_id_token(token, expectation(), key_set(), NOON)
    with pytest.raises(OidcError):
        verify_logout_token(token, LogoutExpectation(ISSUER, CLIENT), key_set(), NOON)


@SLOW
@given(
    st.dictionaries(
        st.sampled_from([*CLAIMS, "azp", "nbf", "auth_time", "acr", "amr", "c_hash", "sid", "x"]), JSON, max_size=5
    ),
    st.booleans(),
)
def test_verify_id_token__any_signed_claims__value_or_refusal(claims: dict[str, Any], exchange: bool) -> None:
    token = signed(b'{"alg":"RS256","kid":"k1"}', dumped({**CLAIMS, **claims}))
    with suppress(OidcError):
        identity = verify_id_token(token, expectation(login=None) if exchange else expectation(), key_set(), NOON)
        assert identity.oidc is not None
        assert set(identity.attributes) == set(identity.oidc.kinds)
        for values in identity.attributes.values():
            for text in values:
                text.encode()  # nothing that a database refuses
        assert (identity.issuer, identity.oidc.email, identity.oidc.methods) is not None


@SLOW
@given(
    st.dictionaries(st.sampled_from(["alg", "kid", "typ", "crit", "b64", "jwk", "x5c", "cty", "x"]), JSON, max_size=4)
)
def test_verify_id_token__any_signed_header__value_or_refusal(header: dict[str, Any]) -> None:
    token = signed(dumped({"alg": "RS256", "kid": "k1", **header}), dumped(dict(CLAIMS)))
    with suppress(OidcError):
        verify_id_token(token, expectation(), key_set(), NOON)


@pytest.mark.parametrize("algorithm", ["RS256", "PS384", "ES256", "ES512", "EdDSA"])
@settings(max_examples=80, deadline=None)
@given(data=st.data())
def test_verify_id_token__any_character_changed__refused(algorithm: str, data: st.DataObject) -> None:
    token = Spec({"at_hash": None}, algorithm=algorithm).token()
    place = data.draw(st.integers(0, len(token) - 1))
    letter = data.draw(st.sampled_from("ABCxyz019-_.=+/ \n") | st.characters())
    changed = token[:place] + letter + token[place + 1 :]
    if changed != token:
        with pytest.raises(OidcError):
            verify_id_token(changed, expectation(), key_set(ALGORITHMS[algorithm]), NOON)


@SLOW
@given(st.binary(max_size=200))
def test_parsers__any_bytes__value_or_refusal(data: bytes) -> None:
    for parse in (
        read_object,
        parse_key_set,
        lambda each: parse_discovery(each, ISSUER),
        lambda each: parse_token_answer(200, each),
        lambda each: parse_token_answer(400, each),
        lambda each: parse_pushed_answer(201, each, CLIENT),
    ):
        with suppress(GatewayError):
            parse(data)


@SLOW
@given(
    st.sampled_from(["RSA", "P-256", "Ed25519"]),
    st.dictionaries(
        st.sampled_from(["kty", "crv", "n", "e", "x", "y", "use", "key_ops", "alg", "kid", "d"]), JSON, max_size=4
    ),
)
def test_parse_key_set__any_members__value_or_refusal(kind: str, members: dict[str, Any]) -> None:
    with suppress(OidcError):
        parse_key_set(key_set_json({**public_jwk(private_key(kind)), **members}))


@SLOW
@given(st.dictionaries(st.sampled_from(sorted(discovery())), JSON, max_size=4))
def test_parse_discovery__any_members__value_or_refusal(members: dict[str, Any]) -> None:
    with suppress(OidcError):
        parse_discovery(dumped({**discovery(), **members}), ISSUER)


@SLOW
@given(
    st.dictionaries(
        st.sampled_from(["access_token", "token_type", "id_token", "error", "error_description", "sub"]), JSON
    )
)
def test_answers__any_members__value_or_refusal(members: dict[str, Any]) -> None:
    body = dumped(members)
    for status in (200, 400):
        with suppress(OidcError):
            parse_token_answer(status, body)
    identity = verify_id_token(Spec().token(), expectation(), key_set(), NOON)
    for media_type in ("application/json", "application/jwt"):
        with suppress(OidcError):
            read_user_info(media_type, body, identity, key_set())


@SLOW
@given(
    st.dictionaries(
        st.sampled_from(["state", "code", "iss", "error", "error_description"]),
        st.lists(st.text() | st.just("handle"), max_size=2),
    )
)
def test_check_callback__any_parameters__value_or_refusal(parameters: dict[str, list[str]]) -> None:
    with suppress(OidcError):
        check_callback(parameters, PENDING, METADATA)


@SLOW
@given(st.text(max_size=100))
def test_load_client_key__any_text__refused(text: str) -> None:
    with pytest.raises(GatewayError):
        load_client_key(Secret(text), "k1", "RS256")


@settings(max_examples=500)
@given(st.ip_addresses(v=4) | st.ip_addresses(v=6))
def test_allows__any_address__is_global_for_python_too(address: Any) -> None:
    """What we let through, the standard library also calls global; our table refuses more."""
    if OutboundRules().allows(str(address)):
        assert address.is_global
        assert not address.is_multicast
