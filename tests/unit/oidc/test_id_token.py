"""Every numbered check: neighbours that pass and rows that fail. The number opens the id of the row."""

from base64 import urlsafe_b64decode
from datetime import UTC, datetime, timedelta

import pytest

from gateway.errors import OidcError, Reason
from gateway.identity import ClaimKind, OidcClaims, Protocol, VerifiedIdentity
from gateway.oidc.checks import ALWAYS, Check
from gateway.oidc.id_token import verify_id_token
from gateway.oidc.keys import parse_key_set
from tests import oidc_factory as factory
from tests.fake_clock import NOON
from tests.oidc_factory import ALGORITHMS, CLIENT, ISSUER, NONCE, NOW_S, PROVIDER, REDIRECT, Spec, expectation, key_set
from tests.oidc_rows import EXCHANGE, FAILING, PASSING, Row


def verify(row: Row) -> VerifiedIdentity:
    now = NOON + timedelta(seconds=row.at_s)
    return verify_id_token(row.token(), expectation(**row.expect), key_set(), now)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in PASSING])
def test_verify_id_token__neighbour__passes(row: Row) -> None:
    assert verify(row).issuer == ISSUER


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in FAILING])
def test_verify_id_token__check__refuses(row: Row) -> None:
    with pytest.raises(OidcError) as caught:
        verify(row)
    assert caught.value.reason is row.reason


def test_verify_id_token__every_check__has_a_failing_row() -> None:
    assert {int(row.name[:2]) for row in FAILING} == {int(check.split()[0]) for check in Check}


def test_verify_id_token__failing_rows__differ_by_what_they_break() -> None:
    unbroken = [
        row.name
        for row in FAILING
        if (row.claims, row.header, row.expect, row.at_s, row.change) == ({}, {}, {}, 0, str)
    ]
    assert unbroken == []


# What a row refuses must be refused for an exchange too, but for what a login alone asks.
ANY_TOKEN = [row for row in FAILING if not row.expect and row.name[:2] <= "18" and not row.name.startswith("13-")]
LOGIN_ONLY = {"12-another-of-ours-than-the-login's"}


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in ANY_TOKEN if row.name not in LOGIN_ONLY])
def test_verify_id_token__exchange__refuses_the_same(row: Row) -> None:
    now = NOON + timedelta(seconds=row.at_s)
    with pytest.raises(OidcError) as caught:
        verify_id_token(row.token(), expectation(login=None), key_set(), now)
    assert caught.value.reason is row.reason


@pytest.mark.parametrize(("algorithm", "kind"), ALGORITHMS.items())
def test_verify_id_token__each_algorithm__fits_its_kind_of_key_only(algorithm: str, kind: str) -> None:
    digest = "sha512" if algorithm.startswith("Ed") else f"sha{algorithm[-3:]}"
    claims = {"at_hash": factory.half_hash(factory.ACCESS_TOKEN, digest)}
    token = Spec(claims, algorithm=algorithm).token()
    assert verify_id_token(token, expectation(), key_set(kind), NOON).oidc is not None
    for other in {*ALGORITHMS.values()} - {kind}:
        with pytest.raises(OidcError) as caught:
            verify_id_token(token, expectation(), key_set(other), NOON)
        assert caught.value.reason is Reason.OIDC_KEY_ALGORITHM


@pytest.mark.parametrize(("algorithm", "kind"), ALGORITHMS.items())
def test_verify_id_token__another_key_of_the_kind__refused(algorithm: str, kind: str) -> None:
    token = Spec(algorithm=algorithm).token()
    with pytest.raises(OidcError) as caught:
        verify_id_token(token, expectation(), key_set(kind, name="other"), NOON)
    assert caught.value.reason is Reason.OIDC_SIGNATURE


def test_verify_id_token__login__tells_everything() -> None:
    claims = {
        "aud": [CLIENT],
        "azp": CLIENT,
        "auth_time": NOW_S - 60,
        "acr": "gold",
        "amr": ["pwd", "otp", 1],
        "sid": "s-1",
        "jti": "t-1",
        "email": "alice@example.com",
        "email_verified": "true",
        "name": "Alice",
        "preferred_username": "alice",
        "c_hash": factory.half_hash(factory.CODE),
    }
    token = Spec(claims).token()
    asked = factory.login(acr_values=("gold",), max_age=timedelta(minutes=5))
    identity = verify_id_token(token, expectation(login=asked), key_set(), NOON)
    assert isinstance(identity.oidc, OidcClaims)
    assert identity == VerifiedIdentity(
        protocol=Protocol.OIDC,
        issuer=ISSUER,
        subject="248289761001",
        subject_type="",
        audience=CLIENT,
        recipient=REDIRECT,
        assertion_id=identity.assertion_id,
        in_response_to=NONCE,
        certificate_fingerprint=key_set().keys[0].thumbprint,
        issued_at=NOON,
        not_on_or_after=NOON + timedelta(seconds=420),
        authn_instant=NOON - timedelta(seconds=60),
        authn_context="gold",
        session_not_on_or_after=None,
        session_index="s-1",
        attributes=identity.attributes,
        evidence=tuple(Check),
        provider=PROVIDER,
        oidc=identity.oidc,
    )
    assert identity.attributes["amr"] == ("pwd", "otp", "1")
    own = identity.oidc
    assert (own.audiences, own.authorized_party, own.expires_at) == ((CLIENT,), CLIENT, NOON + timedelta(seconds=300))
    assert (own.algorithm, own.key_id, own.token_id, own.methods) == ("RS256", "k1", "t-1", ("pwd", "otp"))
    assert (own.email, own.email_verified, own.name, own.preferred_username) == (
        "alice@example.com", True, "Alice", "alice",
    )  # fmt: skip


def test_verify_id_token__exchange__is_no_answer_to_anything() -> None:
    token = Spec({"nonce": None, "at_hash": None}).token()
    identity = verify_id_token(token, expectation(login=None), key_set(), NOON)
    assert (identity.recipient, identity.in_response_to, identity.evidence) == ("", None, ALWAYS)
    assert identity.oidc is not None
    assert (identity.oidc.email, identity.oidc.email_verified, identity.oidc.methods) == (None, None, ())


def test_verify_id_token__issuance_limit_before_expiry__ends_the_replay_window() -> None:
    token = Spec({"exp": NOW_S + 10**6}).token()
    identity = verify_id_token(token, expectation(issuance_limit=timedelta(hours=1)), key_set(), NOON)
    assert identity.not_on_or_after == NOON + timedelta(hours=1)


@pytest.mark.parametrize("last_second", [Row("by-expiry"), Row("by-limit", claims={"exp": NOW_S + 90_000})])
def test_verify_id_token__at_not_on_or_after__refused(last_second: Row) -> None:
    end = verify(last_second).not_on_or_after
    verify_id_token(last_second.token(), expectation(), key_set(), end - timedelta(seconds=1))
    with pytest.raises(OidcError):
        verify_id_token(last_second.token(), expectation(), key_set(), end)


def test_verify_id_token__exp_at_the_end_of_time__passes() -> None:
    token = Spec({"exp": 253_402_300_799}).token()
    identity = verify_id_token(token, expectation(), key_set(), NOON)
    assert identity.oidc is not None
    assert identity.oidc.expires_at == datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)


def test_verify_id_token__ecdsa_signature_rewritten__is_the_same_assertion() -> None:
    """Anybody can negate s of an ECDSA signature; what identifies a token must not change with it."""
    token = Spec({"at_hash": None}, algorithm="ES256").token()
    head, _, signature = token.rpartition(".")
    raw = urlsafe_b64decode(signature + "==")
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    negated = raw[:32] + (order - int.from_bytes(raw[32:])).to_bytes(32)
    twin = f"{head}.{factory.b64(negated)}"
    first, second = (verify_id_token(each, expectation(), key_set("P-256"), NOON) for each in (token, twin))
    assert token != twin
    assert first.assertion_id == second.assertion_id


def test_verify_id_token__header_seen_before__is_checked_as_before() -> None:
    """What a key set remembers of proven headers must not let anything through that it would refuse."""
    keys = parse_key_set(factory.key_set_json(factory.public_jwk(factory.private_key(), kid="k1")))
    token = Spec().token()
    verify_id_token(token, expectation(), keys, NOON)
    assert len(keys.proven) == 1
    for changes, reason in (
        ({"algorithms": frozenset({"ES256"})}, Reason.OIDC_ALGORITHM),
        ({"issuer": "https://other.example"}, Reason.OIDC_ISSUER),
    ):
        with pytest.raises(OidcError) as caught:
            verify_id_token(token, expectation(**changes), keys, NOON)
        assert caught.value.reason is reason
    with pytest.raises(OidcError) as caught:
        verify_id_token(token[:-4] + "AAAA", expectation(), keys, NOON)
    assert caught.value.reason is Reason.OIDC_SIGNATURE


def test_verify_id_token__junk_headers__are_not_remembered() -> None:
    keys = parse_key_set(factory.key_set_json(factory.public_jwk(factory.private_key(), kid="k1")))
    for n in range(100):
        with pytest.raises(OidcError):
            verify_id_token(
                Spec(header={"n": n}, key=factory.private_key("RSA", "evil")).token(), expectation(), keys, NOON
            )
    assert len(keys.proven) == 0
    for n in range(100):
        verify_id_token(Spec(header={"n": n}).token(), expectation(**EXCHANGE), keys, NOON)
    assert len(keys.proven) == 64


def test_attributes__every_type__is_written_in_its_way() -> None:
    claims = {
        "text": "x", "empty": "", "int": 1, "float": 1.5, "yes": True, "no": False, "null": None, "none": [],
        "list": ["a", 1, True, None, ["b"], {"c": 1}], "nested": {"realm": {"roles": ["r"]}, "n": 2}, "hollow": {},
    }  # fmt: skip
    identity = verify_id_token(Spec(claims).token(), expectation(), key_set(), NOON)
    assert identity.oidc is not None
    found = {
        name: (values, identity.oidc.kinds[name])
        for name, values in identity.attributes.items()
        if name not in factory.CLAIMS
    }
    assert found == {
        "text": (("x",), ClaimKind.TEXT),
        "empty": (("",), ClaimKind.TEXT),
        "int": (("1",), ClaimKind.NUMBER),
        "float": (("1.5",), ClaimKind.NUMBER),
        "yes": (("true",), ClaimKind.TRUTH),
        "no": (("false",), ClaimKind.TRUTH),
        "list": (("a", "1", "true"), ClaimKind.LIST),
        "nested.realm.roles": (("r",), ClaimKind.LIST),
        "nested.n": (("2",), ClaimKind.NUMBER),
    }
    assert len(identity.attributes) == len(identity.oidc.kinds) == len(dict(identity.oidc.kinds))
    assert repr(identity.attributes) == repr(dict(identity.attributes))
    assert repr(identity.oidc.kinds) == repr(dict(identity.oidc.kinds))
