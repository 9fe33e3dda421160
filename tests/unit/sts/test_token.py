from dataclasses import astuple, replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.errors import CredentialError, InputError, Reason
from gateway.ids import new_entity_id, new_request_id, new_sts_key_id, new_sts_key_secret
from gateway.keyring import KeyRing, new_master_key
from gateway.sts.credentials import build_credentials
from gateway.sts.revocation import token_pairs
from gateway.sts.token import PURPOSE, open_token, seal_token
from tests.fake_clock import NOON
from tests.sessions import make_token

RING = KeyRing((new_master_key(),))


def test_seal_token__typical_session__stays_below_one_kilobyte() -> None:
    token = make_token(
        session_id=new_request_id(),
        role_id=new_entity_id(),
        access_key_id=new_sts_key_id(),
        secret=new_sts_key_secret(),
    )
    text = seal_token(RING, token)
    assert text.startswith("CAIS")
    assert len(text) < 1024


def test_seal_token__twice__gives_two_texts_of_one_token() -> None:
    token = make_token()
    first, second = seal_token(RING, token), seal_token(RING, token)
    assert first != second
    assert open_token(RING, first) == open_token(RING, second)


def test_seal_token__longer_than_can_be_read_back__refused() -> None:
    token = make_token(session_policy="".join(chr(0x4E00 + number * 7 % 20000) for number in range(20000)))
    with pytest.raises(InputError) as caught:
        seal_token(RING, token)
    assert caught.value.reason is Reason.PARAMETER_TOO_LONG


def test_open_token__after_the_ring_was_rotated__still_opens() -> None:
    token = make_token()
    text = seal_token(RING, token)
    assert open_token(KeyRing((new_master_key(), *RING.keys)), text) == token


def test_open_token__key_taken_out_of_the_ring__refused() -> None:
    with pytest.raises(CredentialError) as caught:
        open_token(KeyRing((new_master_key(),)), seal_token(RING, make_token()))
    assert caught.value.reason is Reason.TOKEN_MALFORMED


@pytest.mark.parametrize("payload", [b"", b"not deflated", b"x\x9c\x03\x00\x00\x00\x00\x01"])
def test_open_token__sealed_by_us_but_no_payload_of_ours__refused(payload: bytes) -> None:
    from base64 import urlsafe_b64encode

    text = "CAIS" + urlsafe_b64encode(RING.seal(PURPOSE, payload)).rstrip(b"=").decode()
    with pytest.raises(CredentialError) as caught:
        open_token(RING, text)
    assert caught.value.reason is Reason.TOKEN_MALFORMED


@pytest.mark.parametrize("payload", ["[]", "[2]", "[1]", "{}", "7", "null", '[1,"s",[],"k","x",1,2,null,null,[]]'])
def test_open_token__payload_of_another_version__refused(payload: str) -> None:
    import zlib
    from base64 import urlsafe_b64encode

    sealed = RING.seal(PURPOSE, zlib.compress(payload.encode()))
    with pytest.raises(CredentialError) as caught:
        open_token(RING, "CAIS" + urlsafe_b64encode(sealed).rstrip(b"=").decode())
    assert caught.value.reason is Reason.TOKEN_MALFORMED


def test_open_token__sealed_for_another_purpose__refused() -> None:
    from base64 import urlsafe_b64encode

    sealed = RING.seal("access-key-secret", b"[1]")
    with pytest.raises(CredentialError) as caught:
        open_token(RING, "CAIS" + urlsafe_b64encode(sealed).rstrip(b"=").decode())
    assert caught.value.reason is Reason.TOKEN_MALFORMED


def test_session_token__printed__hides_the_secret() -> None:
    assert "hush-hush" not in repr(make_token(secret="hush-hush"))


def test_build_credentials__a_token__carries_its_values() -> None:
    token = make_token()
    credentials = build_credentials(RING, token)
    assert credentials.access_key_id == token.access_key_id
    assert credentials.access_key_secret == token.secret
    assert credentials.expiration == token.expires_at
    assert open_token(RING, credentials.security_token) == token
    assert repr(credentials.access_key_secret) == "Secret(***)"


def test_open_token__sealed_before_ages_and_qualifiers_were_kept__stays_readable() -> None:
    import json
    import zlib
    from base64 import urlsafe_b64encode

    token = make_token()
    assert token.provenance is not None
    origin = list(astuple(token.provenance))[:9]
    who = ["1234567890123456", "300000000000000001", "reader", "alice", None]
    lineage = [["user", "7"]]
    old = [1, "SESSION-1", who, "STS.key", "secret", 1_000_000, 2_000_000, origin, None, lineage, {"mfa": True}]
    sealed = RING.seal(PURPOSE, zlib.compress(json.dumps(old).encode()))
    opened = open_token(RING, "CAIS" + urlsafe_b64encode(sealed).rstrip(b"=").decode())
    assert opened.provenance == token.provenance
    assert opened.provenance is not None
    assert opened.provenance.asserted is None
    assert (opened.lineage, opened.lineage_at) == ((("user", "7"),), ())
    assert token_pairs(opened)["user", "7"] == opened.issued_at


def test_seal_token__ages_and_qualifiers__come_back() -> None:
    made = make_token(lineage=(("session", "parent"), ("role", "9")))
    assert made.provenance is not None
    origin = replace(made.provenance, name_qualifier="idp", sp_name_qualifier="sp", asserted_at="1772625599123456")
    token = replace(made, provenance=origin, lineage_at=(NOON, NOON - timedelta(microseconds=1)))
    opened = open_token(RING, seal_token(RING, token))
    assert opened == token
    assert opened.provenance is not None
    assert opened.provenance.asserted == datetime(2026, 3, 4, 11, 59, 59, 123456, tzinfo=UTC)
    assert token_pairs(opened)["role", "9"] == NOON - timedelta(microseconds=1)
    assert token_pairs(opened)["saml-logout", f"{origin.provider_arn}#{origin.subject}"] == opened.provenance.asserted
