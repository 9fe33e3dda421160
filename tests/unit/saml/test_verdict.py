"""A verdict says what the verification says, check by check, and shows what was seen and what was expected."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.errors import Reason, SamlError
from gateway.login_verdict import CheckResult, LoginVerdict, Outcome
from gateway.saml.checks import Check
from gateway.saml.response import verify_response
from gateway.saml.verdict import judge_response
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.fake_clock import NOON
from tests.saml_corpus import corpus
from tests.saml_factory import AUDIENCE, IDP, RECIPIENT, Spec
from tests.saml_row import Row
from tests.saml_rows import FAILING, PASSING

MAYBE = {Check.RESPONSE_SIGNATURE, Check.DECRYPTION}


def judged(row: Row) -> LoginVerdict:
    root = row.make(Spec(**row.spec))
    return judge_response(factory.encode(root), factory.expectation(**row.expect), NOON + timedelta(seconds=row.at_s))


def result(verdict: LoginVerdict, check: Check) -> CheckResult:
    return next(each for each in verdict.results if each.check == check)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in PASSING])
def test_judge_response__good__every_check_passed_or_was_not_needed(row: Row) -> None:
    verdict = judged(row)
    assert verdict.identity is not None
    assert verdict.reason is None
    assert [each.check for each in verdict.results] == list(Check)
    passed = [each.check for each in verdict.results if each.outcome is Outcome.PASSED]
    assert passed == list(verdict.identity.evidence)
    assert {each.check for each in verdict.results if each.outcome is Outcome.NOT_APPLICABLE} <= MAYBE


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in FAILING])
def test_judge_response__check_fails__is_the_one_that_the_row_is_about(row: Row) -> None:
    verdict = judged(row)
    assert verdict.identity is None
    assert verdict.reason is row.reason
    if row.reason is not Reason.SAML_DECRYPTION:  # one word for whatever a changed ciphertext opens to
        assert int(verdict.failed_check.split()[0]) == int(row.name[:2])
    outcomes = [each.outcome for each in verdict.results]
    at = outcomes.index(Outcome.FAILED)
    assert outcomes.count(Outcome.FAILED) == 1
    assert not {Outcome.PASSED, Outcome.FAILED} & set(outcomes[at + 1 :])
    assert outcomes[:at].count(Outcome.NOT_REACHED) <= 1  # NameID and confirmation are read in one go


@pytest.mark.parametrize("name", list(corpus()))
def test_judge_response__attack__same_reason_as_the_verification(name: str) -> None:
    attack = corpus()[name]
    encoded, expectation = factory.encode(attack.make()), factory.expectation(**attack.expect)
    with pytest.raises(SamlError) as caught:
        verify_response(encoded, expectation, NOON)
    verdict = judge_response(encoded, expectation, NOON)
    assert (verdict.reason, verdict.identity) == (caught.value.reason, None)
    assert verdict.failed_check


def test_judge_response__wrong_audience__shows_both() -> None:
    spec = Spec(
        audiences="<saml:AudienceRestriction><saml:Audience>urn:other</saml:Audience></saml:AudienceRestriction>"
    )
    verdict = judge_response(factory.encode(factory.signed_assertion(spec)), factory.expectation(), NOON)
    found = result(verdict, Check.AUDIENCE)
    assert found.outcome is Outcome.FAILED
    assert [value.text for value in found.seen] == ["urn:other"]
    assert found.expected == (AUDIENCE,)
    assert found.proven


def test_judge_response__stranger_signed__shows_issuer_as_unproven_and_the_tried_certificates() -> None:
    evil = factory.signed_assertion(Spec(), factory.signing_key("stranger"))
    verdict = judge_response(factory.encode(evil), factory.expectation(), NOON)
    assert not verdict.proven
    issuer = result(verdict, Check.ISSUER)
    assert (issuer.outcome, [value.text for value in issuer.seen], issuer.proven) == (Outcome.NOT_REACHED, [IDP], False)
    tried = result(verdict, Check.ASSERTION_SIGNATURE).expected
    assert factory.signing_key().trusted.fingerprint in tried[0]


def test_judge_response__assertion_signed__frame_is_not_proven() -> None:
    verdict = judge_response(factory.encode(factory.signed_assertion(Spec())), factory.expectation(), NOON)
    assert not result(verdict, Check.DESTINATION).proven
    assert result(verdict, Check.RECIPIENT).proven
    assert [value.text for value in result(verdict, Check.RECIPIENT).seen] == [f"Recipient {RECIPIENT}"]
    signed_by = [value.text for value in result(verdict, Check.ASSERTION_SIGNATURE).seen]
    assert any(factory.signing_key().trusted.fingerprint in text and "verified" in text for text in signed_by)


def test_judge_response__encrypted__shows_what_was_inside() -> None:
    root = encryption.encrypted_response(Spec())
    verdict = judge_response(factory.encode(root), factory.expectation(), NOON)
    assert verdict.identity is not None
    assert next(value.kind for value in result(verdict, Check.SUBJECT).seen) == "NameID"
    assert result(verdict, Check.DECRYPTION).outcome is Outcome.PASSED


def test_judge_response__personal_values__are_marked_as_such() -> None:
    spec = replace(Spec(), attributes=(("mail", ("alice@example.com",)),))
    verdict = judge_response(factory.encode(factory.signed_assertion(spec)), factory.expectation(), NOON)
    (said,) = verdict.said
    assert (said.name, said.values[0].kind, said.values[0].text) == ("mail", "attribute value", "alice@example.com")


@pytest.mark.parametrize("encoded", ["", "%%%", "YQ==", "PGEvPg=="])
def test_judge_response__garbage__fails_without_values(encoded: str) -> None:
    verdict = judge_response(encoded, factory.expectation(), NOON)
    assert verdict.failed_check in {Check.ENCODING, Check.XML, Check.TREE, Check.RESPONSE_FRAME}
    assert not verdict.proven
    assert verdict.said == ()
