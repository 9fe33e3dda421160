"""Whether a denial turns on a second factor alone: answered by deciding again, with explicit denies and all."""

import json
from collections.abc import Mapping

import pytest

from gateway.client import mfa_context
from gateway.policy import Decision, FederatedPrincipal, decide_trust, lacks_only, parse_trust_policy
from tests.fake_clock import NOON

PROVIDER = "acs:ram::1234567890123456:saml-provider/corp"
PROVED = mfa_context(NOON, mfa_present=True, mfa_at=NOON)
WITHOUT = {"acs:MFAPresent": ("false",), "acs:SourceIp": ("192.0.2.7",)}
ASKS = {"Bool": {"acs:MFAPresent": "true"}}
HERE, ELSEWHERE = {"IpAddress": {"acs:SourceIp": "192.0.2.0/24"}}, {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}


def lacks(*statements: tuple[str, object], context: Mapping[str, tuple[str, ...]] = WITHOUT) -> bool:
    base = {"Action": "sts:AssumeRole", "Principal": {"Federated": [PROVIDER]}}
    listed = [{**base, "Effect": effect, **({"Condition": on} if on else {})} for effect, on in statements]
    trust = parse_trust_policy(json.dumps({"Version": "1", "Statement": listed}))

    def ask(facts: Mapping[str, tuple[str, ...]]) -> Decision:
        return decide_trust(trust, FederatedPrincipal(PROVIDER), facts)

    return lacks_only(ask(context), PROVED, ask)


@pytest.mark.parametrize(
    "statements",
    [
        [("Allow", ASKS)],
        [("Allow", {**ASKS, **HERE})],
        [("Allow", {"NumericLessThan": {"acs:MFAAge": "300"}})],
        [("Allow", None), ("Deny", {"Bool": {"acs:MFAPresent": "false"}})],
        [("Allow", None), ("Deny", {"NumericGreaterThan": {"acs:MFAAge": "300"}}), ("Deny", {"Bool": {"acs:MFAPresent": "false"}})],
        [("Allow", ELSEWHERE), ("Allow", ASKS)],
    ],
)  # fmt: skip
def test_lacks_only__a_second_factor_would_do__true(statements: list[tuple[str, object]]) -> None:
    assert lacks(*statements)


@pytest.mark.parametrize(
    "statements",
    [
        [("Allow", None)],  # allowed as it is
        [],
        [("Allow", {**ASKS, **ELSEWHERE})],
        [("Allow", ASKS), ("Deny", HERE)],
        [("Allow", ASKS), ("Deny", ASKS)],
        [("Allow", ASKS), ("Deny", None)],
        [("Allow", {"Bool": {"acs:MFAPresent": "true"}, "NumericGreaterThan": {"acs:MFAAge": "5"}})],
    ],
)
def test_lacks_only__more_is_missing_or_nothing__false(statements: list[tuple[str, object]]) -> None:
    assert not lacks(*statements or [("Deny", None)])


def test_lacks_only__old_second_factor__is_replaced_whatever_the_case_of_its_keys() -> None:
    old = {"ACS:mfapresent": ("true",), "acs:mfaage": ("4000",)}
    assert lacks(("Allow", {"NumericLessThan": {"acs:MFAAge": "300"}}), context=old)
    assert not lacks(("Allow", ASKS), context=old)
