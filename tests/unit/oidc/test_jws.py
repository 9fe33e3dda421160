"""The envelope of a token, where its parts are taken apart and in which order its faults are told."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import OidcError, Reason
from gateway.oidc.id_token import verify_id_token
from gateway.oidc.jws import split_jws, verify_jws
from gateway.oidc.keys import parse_key_set
from tests import oidc_factory as factory
from tests.fake_clock import NOON
from tests.oidc_factory import ALGORITHMS, Spec, expectation, key_set, private_key

HEADER = factory.b64(b'{"alg":"RS256","kid":"k1"}')


def refused(token: str) -> Reason:
    with pytest.raises(OidcError) as caught:
        verify_jws(token, key_set())
    return caught.value.reason


def with_payload(encoded: str) -> str:
    """A token whose signature is valid, whatever its payload is."""
    data = f"{HEADER}.{encoded}"
    return f"{data}.{factory.b64(factory.raw_signature('RS256', private_key(), data.encode()))}"


@given(st.text(alphabet="A.", max_size=12))
def test_split_jws__any_parts__are_those_between_the_dots(token: str) -> None:
    parts = token.split(".")
    try:
        header, payload, signature, signing_input = split_jws(token)
    except OidcError as error:
        assert error.reason is (Reason.OIDC_ENCRYPTED if len(parts) == 5 else Reason.OIDC_SHAPE)  # noqa: PT017
        assert len(parts) != 3 or not (parts[0] and parts[1])
    else:
        assert [header.decode(), payload.decode(), signature.decode()] == parts
        assert signing_input.decode() == f"{parts[0]}.{parts[1]}"


@pytest.mark.parametrize("payload", ["A", "e30=", "e3+0", "e31", "AB"])
def test_verify_jws__malformed_payload__is_told_after_the_signature(payload: str) -> None:
    token = with_payload(payload)
    assert refused(token) is Reason.OIDC_ENCODING
    assert refused(token[:-6] + "AAAAAA") is Reason.OIDC_SIGNATURE
    assert refused(token + "=") is Reason.OIDC_ENCODING


@pytest.mark.parametrize(("algorithm", "kind"), ALGORITHMS.items())
def test_verify_jws__header_seen_before__the_signature_counts_as_before(algorithm: str, kind: str) -> None:
    keys = parse_key_set(factory.key_set_json(factory.public_jwk(private_key(kind), kid="k1")))
    first, second = Spec({"n": 1}, algorithm=algorithm).token(), Spec({"n": 2}, algorithm=algorithm).token()
    assert verify_jws(first, keys).claims["n"] == 1
    assert verify_jws(second, keys).claims["n"] == 2
    (header,) = keys.proven.values()
    assert (header.header.algorithm, header.key) == (algorithm, keys.keys[0])
    swapped = f"{second.rpartition('.')[0]}.{first.rpartition('.')[2]}"
    short = second[:-4]
    for token in (swapped, short, f"{second.rpartition('.')[0]}."):
        with pytest.raises(OidcError) as caught:
            verify_jws(token, keys)
        assert caught.value.reason in (Reason.OIDC_SIGNATURE, Reason.OIDC_ENCODING)
    with pytest.raises(OidcError) as caught:
        verify_jws(swapped, keys)
    assert caught.value.reason is Reason.OIDC_SIGNATURE


def test_verify_id_token__many__leave_nothing_to_the_garbage_collector() -> None:
    token, keys = Spec({"groups": ["a"]}).token(), key_set()
    gc.collect()
    gc.disable()
    try:
        for _ in range(10):
            identity = verify_id_token(token, expectation(), keys, NOON)
            assert identity.oidc is not None
            assert identity.oidc.kinds["groups"] == "list"
        del identity
        assert gc.collect() == 0
    finally:
        gc.enable()
