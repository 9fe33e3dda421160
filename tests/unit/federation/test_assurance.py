"""Second factors upstream: what counts is what the account says, and never a password."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gateway.federation.assurance import Assurance, assurance_context, assurance_of
from tests.fake_clock import NOON
from tests.unit.federation.test_persons import facts

LOGIN = replace(facts(), authn_instant=NOON, authn_context="urn:example:gold", methods=("pwd", "otp"))


@pytest.mark.parametrize(
    ("second_factors", "expected"),
    [
        ((), False),
        (("otp",), True),
        (("urn:example:gold",), True),
        (("mfa", "hwk"), False),
        (("OTP",), False),
        (("urn:example:gol",), False),
    ],
)
def test_assurance_of__what_the_account_counts__letter_by_letter(
    second_factors: tuple[str, ...], expected: bool
) -> None:
    assert assurance_of(LOGIN, second_factors) == Assurance(expected, NOON)


def test_assurance_of__provider_says_nothing__no_second_factor() -> None:
    assert not assurance_of(facts(), ("otp", "")).second_factor


def test_assurance_context__second_factor_at_a_known_time__has_an_age() -> None:
    later = NOON + timedelta(seconds=90.9)
    assert assurance_context(Assurance(True, NOON), later) == {"acs:MFAPresent": ("true",), "acs:MFAAge": ("90",)}
    assert assurance_context(Assurance(True, later), NOON)["acs:MFAAge"] == ("0",)
    assert assurance_context(Assurance(True, None), NOON) == {"acs:MFAPresent": ("true",)}
    assert assurance_context(Assurance(False, NOON), later) == {"acs:MFAPresent": ("false",)}
