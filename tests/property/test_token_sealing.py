"""Sealed session tokens: whatever goes in comes out, and nothing but the very text opens."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import CredentialError, Reason
from gateway.keyring import KeyRing, new_master_key
from gateway.principal import RoleSession
from gateway.secret import Secret
from gateway.sts.token import Provenance, SessionToken, open_token, seal_token

RING = KeyRing((new_master_key(),))
CHARACTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_+/= .\n\u00e9"

texts = st.text(max_size=200)
instants = st.integers(0, 4 * 10**15).map(lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us))
principals = st.builds(
    RoleSession,
    account_id=texts,
    role_id=texts,
    role_name=texts,
    session_name=texts,
    session_policy=st.none() | st.text(max_size=2048),
)
provenances = st.builds(
    Provenance,
    protocol=texts,
    provider_arn=texts,
    issuer=texts,
    subject=texts,
    subject_type=texts,
    assertion_id=texts,
    certificate_fingerprint=texts,
    recipient=texts,
)
tokens = st.builds(
    SessionToken,
    session_id=texts,
    principal=principals,
    access_key_id=texts,
    secret=st.builds(Secret, texts),
    issued_at=instants,
    expires_at=instants,
    provenance=st.none() | provenances,
    parent=st.none() | texts,
    lineage=st.lists(st.tuples(texts, texts), max_size=8).map(tuple),
)


@given(tokens)
def test_open_token__what_seal_token_made__equals_it(token: SessionToken) -> None:
    assert open_token(RING, seal_token(RING, token)) == token


@given(tokens, st.data())
def test_open_token__any_changed_character__refused(token: SessionToken, data: st.DataObject) -> None:
    text = seal_token(RING, token)
    place = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.sampled_from(CHARACTERS).filter(lambda character: character != text[place]))
    refuse(text[:place] + other + text[place + 1 :])


@given(tokens, st.data())
def test_open_token__any_character_more_or_less__refused(token: SessionToken, data: st.DataObject) -> None:
    text = seal_token(RING, token)
    place = data.draw(st.integers(0, len(text) - 1))
    refuse(text[:place] + data.draw(st.sampled_from(CHARACTERS)) + text[place:])
    refuse(text[:place] + text[place + 1 :])
    refuse(text + data.draw(st.sampled_from(CHARACTERS)))


@given(st.text(max_size=300))
def test_open_token__any_other_text__refused(text: str) -> None:
    refuse(text)
    refuse("CAIS" + text)


def refuse(text: str) -> None:
    with pytest.raises(CredentialError) as caught:
        open_token(RING, text)
    assert caught.value.reason is Reason.TOKEN_MALFORMED
