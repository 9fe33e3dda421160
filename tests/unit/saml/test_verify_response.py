"""Every numbered check: neighbours that pass and rows that fail. The number opens the id of the row."""

from base64 import b64decode
from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.errors import Reason, SamlError
from gateway.identity import Protocol, VerifiedIdentity
from gateway.saml.checks import Check
from gateway.saml.response import verify_response
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.fake_clock import NOON
from tests.saml_factory import AUDIENCE, IDP, RECIPIENT, Spec, at
from tests.saml_row import Maker, Row, conditions, data, encrypted
from tests.saml_rows import FAILING, PASSING


def verify(row: Row) -> VerifiedIdentity:
    root = row.make(Spec(**row.spec))
    now = NOON + timedelta(seconds=row.at_s)
    return verify_response(factory.encode(root), factory.expectation(**row.expect), now)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in PASSING])
def test_verify_response__neighbour__passes(row: Row) -> None:
    assert verify(row).issuer == IDP


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in FAILING])
def test_verify_response__check__refuses(row: Row) -> None:
    with pytest.raises(SamlError) as caught:
        verify(row)
    assert caught.value.reason is row.reason


# A refusal must not depend on where the signature is, or on encryption.
CONTENT_ROWS = [row for row in FAILING if row.name[:2] >= "13" and row.make is factory.signed_assertion]


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in CONTENT_ROWS])
@pytest.mark.parametrize(
    "make", [factory.signed_response, factory.signed_both, encrypted], ids=lambda make: make.__name__
)
def test_verify_response__check_on_other_signatures__refuses(row: Row, make: Maker) -> None:
    with pytest.raises(SamlError) as caught:
        verify(replace(row, make=make))
    assert caught.value.reason is row.reason


def test_verify_response__every_check_from_4_on__has_a_failing_row() -> None:
    in_table = {int(row.name[:2]) for row in FAILING}
    elsewhere = {1, 2, 3, 10}  # tests/unit/saml/test_xml.py, test_tree.py and tests/attacks/saml
    assert in_table | elsewhere == {int(check.split()[0]) for check in Check}


def test_verify_response__assertion_signed__tells_everything() -> None:
    spec = Spec(attributes=(("a", ("1", "2")), ("b", ("ü",)), ("a", ("3",))))
    root = factory.signed_assertion(spec)
    (digest,) = root.iter("{http://www.w3.org/2000/09/xmldsig#}DigestValue")
    identity = verify_response(factory.encode(root), factory.expectation(), NOON)
    assert identity == VerifiedIdentity(
        protocol=Protocol.SAML,
        issuer=IDP,
        subject="alice@example.onaliyun.com",
        subject_type=factory.PERSISTENT,
        audience=AUDIENCE,
        recipient=RECIPIENT,
        assertion_id="_assertion1",
        in_response_to=None,
        certificate_fingerprint=factory.signing_key().trusted.fingerprint,
        issued_at=NOON - timedelta(seconds=5),
        not_on_or_after=NOON + timedelta(seconds=300) + factory.SKEW,
        authn_instant=NOON - timedelta(seconds=30),
        authn_context=factory.PASSWORD,
        session_not_on_or_after=NOON + timedelta(seconds=3600),
        session_index="_session1",
        attributes={"a": ("1", "2", "3"), "b": ("ü",)},
        signed_sha256=b64decode(digest.text or "").hex(),
        evidence=tuple(check for check in Check if check not in {Check.RESPONSE_SIGNATURE, Check.DECRYPTION}),
    )


def test_verify_response__encrypted_below_signed_response__records_every_check() -> None:
    root = encryption.encrypted_response(sign_response=True)
    identity = verify_response(factory.encode(root), factory.expectation(), NOON)
    assert identity.evidence == tuple(Check)


@pytest.mark.parametrize(
    ("conditions_end_s", "confirmation_end_s", "expected_s"), [(300, 200, 200), (200, 300, 200), (None, 300, 300)]
)
def test_verify_response__two_ends__reports_the_moment_of_refusal(
    conditions_end_s: float | None, confirmation_end_s: float, expected_s: float
) -> None:
    spec = Spec(
        conditions_attributes=conditions(None, conditions_end_s),
        confirmation_data_attributes=data(NotOnOrAfter=at(confirmation_end_s)),
    )
    encoded = factory.encode(factory.signed_assertion(spec))
    end = verify_response(encoded, factory.expectation(), NOON).not_on_or_after
    assert end == NOON + timedelta(seconds=expected_s) + factory.SKEW
    verify_response(encoded, factory.expectation(), end - timedelta(microseconds=1))
    with pytest.raises(SamlError) as caught:
        verify_response(encoded, factory.expectation(), end)
    assert caught.value.reason is Reason.SAML_EXPIRED


def test_verify_response__two_certificates__records_the_one_that_signed() -> None:
    other = factory.signing_key("other")
    root = factory.signed_assertion(key=other)
    expected = factory.expectation(certificates=(factory.signing_key().trusted, other.trusted))
    identity = verify_response(factory.encode(root), expected, NOON)
    assert identity.certificate_fingerprint == other.trusted.fingerprint


def test_verify_response__attributes__can_not_be_changed() -> None:
    identity = verify_response(factory.encode(factory.signed_assertion()), factory.expectation(), NOON)
    with pytest.raises(TypeError):
        identity.attributes["department"] = ("none",)  # type: ignore[index]
