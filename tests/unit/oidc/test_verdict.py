"""A verdict on an ID token says what the verification says, check by check."""

from datetime import timedelta

import pytest

from gateway.login_verdict import LoginVerdict, Outcome
from gateway.oidc.checks import Check
from gateway.oidc.verdict import judge_id_token
from tests import oidc_factory as factory
from tests.fake_clock import NOON
from tests.oidc_rows import FAILING, PASSING, Row


def judged(row: Row) -> LoginVerdict:
    return judge_id_token(
        row.token(), factory.expectation(**row.expect), factory.key_set(), NOON + timedelta(seconds=row.at_s)
    )


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in PASSING])
def test_judge_id_token__good__every_check_passed_or_was_not_needed(row: Row) -> None:
    verdict = judged(row)
    assert verdict.identity is not None
    passed = tuple(each.check for each in verdict.results if each.outcome is Outcome.PASSED)
    assert passed == verdict.identity.evidence
    assert [each.check for each in verdict.results] == list(Check)


@pytest.mark.parametrize("row", [pytest.param(row, id=row.name) for row in FAILING])
def test_judge_id_token__check_fails__is_the_one_that_the_row_is_about(row: Row) -> None:
    verdict = judged(row)
    assert (verdict.identity, verdict.reason) == (None, row.reason)
    assert int(verdict.failed_check.split()[0]) == int(row.name[:2])
    outcomes = [each.outcome for each in verdict.results]
    at = outcomes.index(Outcome.FAILED)
    assert set(outcomes[at + 1 :]) <= {Outcome.NOT_REACHED}
    assert Outcome.NOT_REACHED not in outcomes[:at]
    assert verdict.proven is (at > list(Check).index(Check.SIGNATURE))


def test_judge_id_token__nonce__is_never_shown() -> None:
    verdict = judge_id_token(factory.Spec().token(), factory.expectation(), factory.key_set(), NOON)
    shown = str([(each.seen, each.expected) for each in verdict.results])
    assert factory.NONCE not in shown
    assert factory.ACCESS_TOKEN not in shown
