import json
from typing import Any

import pytest

from gateway.errors import OidcError, Reason
from gateway.identity import ClaimKind, VerifiedIdentity
from gateway.oidc.id_token import verify_id_token
from gateway.oidc.userinfo import read_user_info, with_user_info
from tests.fake_clock import NOON
from tests.identities import make_identity
from tests.oidc_factory import CLIENT, ISSUER, Spec, expectation, key_set, private_key

SUB = "248289761001"


def identity(**claims: Any) -> VerifiedIdentity:
    return verify_id_token(Spec(claims).token(), expectation(), key_set(), NOON)


def read(media_type: str, body: bytes) -> dict[str, Any]:
    return dict(read_user_info(media_type, body, identity(), key_set()).claims)


def refusal(media_type: str, body: bytes) -> Reason:
    with pytest.raises(OidcError) as caught:
        read(media_type, body)
    return caught.value.reason


def signed(claims: dict[str, Any], **how: Any) -> bytes:
    bare = dict.fromkeys(("exp", "iat", "nonce", "at_hash"))
    return Spec({**bare, "sub": SUB, **claims}, **how).token().encode()


def test_read_user_info__json__is_its_claims() -> None:
    body = json.dumps({"sub": SUB, "email": "alice@example.com"}).encode()
    assert read("application/json", body)["email"] == "alice@example.com"


def test_read_user_info__signed__is_verified() -> None:
    assert read("application/jwt", signed({"email": "a@b.c"}))["email"] == "a@b.c"
    assert read("application/jwt", signed({"iss": None, "aud": None}))["sub"] == SUB
    assert read("application/jwt", signed({"aud": ["x", CLIENT]}))["sub"] == SUB


@pytest.mark.parametrize(
    ("media_type", "body", "reason"),
    [
        ("application/json", b'{"sub": "mallory"}', Reason.OIDC_USERINFO_SUBJECT),
        ("application/json", b"{}", Reason.OIDC_USERINFO_SUBJECT),
        ("application/json", json.dumps({"sub": [SUB]}).encode(), Reason.OIDC_USERINFO_SUBJECT),
        ("application/json", json.dumps({"sub": SUB + " "}).encode(), Reason.OIDC_USERINFO_SUBJECT),
        ("application/json", f'{{"sub": "mallory", "sub": "{SUB}"}}'.encode(), Reason.OIDC_DUPLICATE_MEMBER),
        ("application/json", b"no", Reason.OIDC_JSON),
        ("application/json", b"{" + b" " * 300_000 + b"}", Reason.OIDC_TOO_LARGE),
        ("text/html", b"{}", Reason.OIDC_ANSWER),
        ("", b"{}", Reason.OIDC_ANSWER),
        ("application/json", signed({}), Reason.OIDC_JSON),
        ("application/jwt", b'{"sub": "x"}', Reason.OIDC_SHAPE),
        ("application/jwt", "ü".encode(), Reason.OIDC_SHAPE),
        ("application/jwt", signed({"sub": "mallory"}), Reason.OIDC_USERINFO_SUBJECT),
        ("application/jwt", signed({"iss": "https://evil.example"}), Reason.OIDC_ISSUER),
        ("application/jwt", signed({"aud": "other"}), Reason.OIDC_AUDIENCE),
        ("application/jwt", signed({"aud": ["other"]}), Reason.OIDC_AUDIENCE),
        ("application/jwt", signed({}, key=private_key(name="evil")), Reason.OIDC_SIGNATURE),
        ("application/jwt", signed({}, header={"alg": "none"}), Reason.OIDC_ALGORITHM),
    ],
)
def test_read_user_info__anything_else__refused(media_type: str, body: bytes, reason: Reason) -> None:
    assert refusal(media_type, body) is reason


def test_with_user_info__claims_of_both__the_id_token_counts() -> None:
    first = identity(email="own@example.com", email_verified=True)
    body = json.dumps(
        {
            "sub": SUB, "email": "other@example.com", "groups": ["a"], "acr": "gold", "amr": ["mfa"], "auth_time": 1,
            "iss": "https://evil.example", "sid": "s", "azp": "x",
        }
    ).encode()  # fmt: skip
    both = with_user_info(first, read_user_info("application/json", body, first, key_set()))
    assert both.attributes["email"] == ("own@example.com",)
    assert both.attributes["groups"] == ("a",)
    assert both.attributes["iss"] == (ISSUER,)
    assert {"acr", "amr", "auth_time", "sid", "azp"}.isdisjoint(both.attributes)
    assert both.oidc is not None
    assert (both.oidc.methods, both.oidc.email, both.oidc.kinds["groups"]) == ((), "own@example.com", ClaimKind.LIST)
    assert (both.authn_context, both.subject, both.evidence) == (None, first.subject, first.evidence)


def test_with_user_info__two_of_one_name__refused() -> None:
    first = identity(a={"b": 1})
    info = read_user_info("application/json", json.dumps({"sub": SUB, "a.b": 2}).encode(), first, key_set())
    with pytest.raises(OidcError) as caught:
        with_user_info(first, info)
    assert caught.value.reason is Reason.OIDC_CLAIM


def test_with_user_info__identity_of_saml__refused() -> None:
    first = identity()
    info = read_user_info("application/json", json.dumps({"sub": SUB}).encode(), first, key_set())
    with pytest.raises(OidcError) as caught:
        with_user_info(make_identity(), info)
    assert caught.value.reason is Reason.OIDC_ANSWER
