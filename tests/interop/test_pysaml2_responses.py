"""Responses made by pysaml2's IdP side, in every style, against our verifier; and their tampered neighbours."""

import base64
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gateway.demo.idp import SignStyle
from gateway.errors import Reason, SamlError
from gateway.identity import VerifiedIdentity
from gateway.saml.certificates import parse_certificate
from gateway.saml.names import (
    ROLE_ATTRIBUTE,
    ROLE_SESSION_NAME_ATTRIBUTE,
    SESSION_DURATION_ATTRIBUTE,
    role_sso_recipient,
    user_sso_entity_id,
    user_sso_recipients,
)
from gateway.saml.response import Expectation, peek, verify_response
from tests.interop.material import (
    ACCOUNT_ID,
    ALICE,
    BASE_URL,
    ROLE_VALUES,
    URN,
    gateway_keys,
    idp_config,
    idp_messages,
    other_keys,
)

ENCRYPTED = (SignStyle.ENCRYPTED, SignStyle.ENCRYPTED_BOTH)
PLAIN = (SignStyle.ASSERTION, SignStyle.RESPONSE, SignStyle.BOTH)


def _now() -> datetime:
    """pysaml2 writes the time of the system's clock."""
    return datetime.now(UTC)


def _response(style: SignStyle, service: str = "role") -> bytes:
    messages = idp_messages(style)
    return base64.b64decode(messages.answer(messages.start(service, ""), ALICE, _now()).saml_response)


def _expectation(service: str = "role") -> Expectation:
    role = service == "role"
    return Expectation(
        issuer=idp_config().entity_id,
        certificates=(parse_certificate(other_keys("idp.example.com").signing_certificate_pem.encode()),),
        audience=URN if role else user_sso_entity_id(BASE_URL, ACCOUNT_ID),
        recipients=(role_sso_recipient(BASE_URL),) if role else user_sso_recipients(BASE_URL, ACCOUNT_ID),
        in_response_to=None,
        decryption_keys=gateway_keys().encryption,
    )


def _verify(xml: bytes, expectation: Expectation | None = None) -> VerifiedIdentity:
    return verify_response(base64.b64encode(xml), expectation or _expectation(), _now())


def _refusal(xml: bytes, expectation: Expectation | None = None) -> Reason:
    with pytest.raises(SamlError) as caught:
        _verify(xml, expectation)
    return caught.value.reason


@pytest.mark.parametrize("style", SignStyle)
def test_verify_response__role_sso_from_pysaml2__is_accepted(style: SignStyle) -> None:
    identity = _verify(_response(style))

    assert identity.issuer == idp_config().entity_id
    assert identity.subject == ALICE.name_id
    assert identity.audience == URN
    assert identity.attributes[ROLE_ATTRIBUTE] == ROLE_VALUES
    assert identity.attributes[ROLE_SESSION_NAME_ATTRIBUTE] == (ALICE.session_name,)
    assert identity.attributes[SESSION_DURATION_ATTRIBUTE] == ("1800",)
    assert identity.certificate_fingerprint == _expectation().certificates[0].fingerprint


@pytest.mark.parametrize("style", SignStyle)
def test_verify_response__user_sso_from_pysaml2__is_accepted(style: SignStyle) -> None:
    identity = _verify(_response(style, "user"), _expectation("user"))

    assert identity.subject == ALICE.name_id
    assert identity.recipient == f"{BASE_URL}/saml/SSO"
    assert not identity.attributes


@pytest.mark.parametrize("style", SignStyle)
def test_peek__response_from_pysaml2__issuer_is_told(style: SignStyle) -> None:
    seen = peek(base64.b64encode(_response(style)))

    assert seen.unverified_issuer == idp_config().entity_id
    assert seen.encrypted is (style in ENCRYPTED)
    assert seen.unverified_audiences == (() if style in ENCRYPTED else (URN,))


Change = Callable[[bytes], bytes]


def _replacing(old: bytes, new: bytes) -> Change:
    return lambda xml: xml.replace(old, new)


@pytest.mark.parametrize("style", PLAIN)
@pytest.mark.parametrize(
    "change",
    [
        _replacing(ALICE.name_id.encode(), b"admin@example.onaliyun.com"),
        _replacing(b":role/reader,", b":role/owner,"),
        _replacing(URN.encode(), b"urn:someone:else"),
        _replacing(b"SessionIndex=", b"SessionNotOnOrAfter='2031-01-01T00:00:00Z' SessionIndex="),
    ],
)
def test_verify_response__claim_changed__digest_differs(style: SignStyle, change: Change) -> None:
    xml = _response(style)
    changed = change(xml)

    assert changed != xml
    assert _refusal(changed) is Reason.SAML_SIGNATURE_DIGEST


@pytest.mark.parametrize("style", PLAIN)
def test_verify_response__signature_cut_out__is_unsigned(style: SignStyle) -> None:
    bare = re.sub(rb"<(ns[0-9]+):Signature .*?</\1:Signature>", b"", _response(style), flags=re.DOTALL)

    assert _refusal(bare) is Reason.SAML_UNSIGNED


@pytest.mark.parametrize("style", ENCRYPTED)
def test_verify_response__ciphertext_changed__is_refused(style: SignStyle) -> None:
    xml = bytearray(_response(style))
    position = xml.rindex(b"CipherValue>", 0, xml.rindex(b"CipherValue>")) + 60
    xml[position] = ord("A") if xml[position] != ord("A") else ord("B")

    expected = Reason.SAML_SIGNATURE_DIGEST if style is SignStyle.ENCRYPTED_BOTH else Reason.SAML_DECRYPTION
    assert _refusal(bytes(xml)) is expected


@pytest.mark.parametrize("style", ENCRYPTED)
def test_verify_response__encrypted_for_another__is_refused(style: SignStyle) -> None:
    wrong = replace(_expectation(), decryption_keys=other_keys("other").encryption)

    assert _refusal(_response(style), wrong) is Reason.SAML_DECRYPTION


def test_verify_response__encrypted_for_an_older_key__is_accepted() -> None:
    keys = other_keys("other").encryption + gateway_keys().encryption

    assert (
        _verify(_response(SignStyle.ENCRYPTED), replace(_expectation(), decryption_keys=keys)).subject == ALICE.name_id
    )


@pytest.mark.parametrize("style", SignStyle)
def test_verify_response__signed_by_another_key__is_refused(style: SignStyle) -> None:
    foreign = (parse_certificate(other_keys("other").signing_certificate_pem.encode()),)

    assert _refusal(_response(style), replace(_expectation(), certificates=foreign)) is Reason.SAML_SIGNATURE_VALUE


@pytest.mark.parametrize("style", SignStyle)
def test_verify_response__unsolicited_where_an_answer_is_due__is_refused(style: SignStyle) -> None:
    assert _refusal(_response(style), replace(_expectation(), in_response_to="_request")) in {
        Reason.SAML_IN_RESPONSE_TO,
        Reason.SAML_UNSOLICITED,
    }


@pytest.mark.parametrize("style", SignStyle)
def test_verify_response__later_than_its_lifetime__is_refused(style: SignStyle) -> None:
    with pytest.raises(SamlError) as caught:
        verify_response(base64.b64encode(_response(style)), _expectation(), _now() + timedelta(minutes=8))

    assert caught.value.reason is Reason.SAML_EXPIRED


@pytest.mark.parametrize("style", SignStyle)
def test_verify_response__user_sso_response_at_the_role_endpoint__is_refused(style: SignStyle) -> None:
    assert _refusal(_response(style, "user")) in {Reason.SAML_DESTINATION, Reason.SAML_AUDIENCE_MISMATCH}
