from datetime import timedelta

import pytest

from gateway.errors import CredentialError, InputError, Reason, SamlError
from gateway.sts.duration import (
    ACCOUNT_LOGIN_LIMIT,
    CHAIN_LIMIT,
    DEFAULT,
    IDP_SESSION_DURATION,
    IDP_SESSION_END,
    PARENT_END,
    REQUESTED,
    ROLE_MAXIMUM,
    Cap,
    api_duration,
    console_duration,
    least,
    parse_session_duration,
    user_duration,
)
from tests.fake_clock import NOON

HOUR = 3600


def test_least__equal_caps__first_one_is_named() -> None:
    assert least([Cap("a", 5), Cap("b", 5), Cap("c", 9)]) == Cap("a", 5)


@pytest.mark.parametrize(
    ("attribute_s", "end_s", "role_max_s", "login_h", "expected"),
    [
        (None, None, HOUR, 6, Cap(ROLE_MAXIMUM, HOUR)),
        (None, None, 12 * HOUR, 6, Cap(ACCOUNT_LOGIN_LIMIT, 6 * HOUR)),
        (900, None, HOUR, 6, Cap(IDP_SESSION_DURATION, 900)),
        (2 * HOUR, None, HOUR, 6, Cap(ROLE_MAXIMUM, HOUR)),
        (10 * HOUR, None, 12 * HOUR, 6, Cap(ACCOUNT_LOGIN_LIMIT, 6 * HOUR)),
        (1800, 1200, HOUR, 6, Cap(IDP_SESSION_END, 1200)),
        (1800, 2400, HOUR, 6, Cap(IDP_SESSION_DURATION, 1800)),
        (None, 60.9, HOUR, 6, Cap(IDP_SESSION_END, 60)),
        (HOUR, HOUR, HOUR, 1, Cap(IDP_SESSION_DURATION, HOUR)),
    ],
)
def test_console_duration__several_limits__least_wins(
    attribute_s: int | None, end_s: float | None, role_max_s: int, login_h: int, expected: Cap
) -> None:
    end = None if end_s is None else NOON + timedelta(seconds=end_s)
    found = console_duration(
        attribute_s=attribute_s, session_not_on_or_after=end, role_max_s=role_max_s, login_limit_h=login_h, now=NOON
    )
    assert found == expected


@pytest.mark.parametrize("end_s", [0.999, 0, -1])
def test_console_duration__idp_session_over__refused(end_s: float) -> None:
    with pytest.raises(SamlError) as caught:
        console_duration(
            attribute_s=None,
            session_not_on_or_after=NOON + timedelta(seconds=end_s),
            role_max_s=HOUR,
            login_limit_h=6,
            now=NOON,
        )
    assert caught.value.reason is Reason.SAML_EXPIRED


def test_user_duration__with_and_without_idp_session__least_wins() -> None:
    assert user_duration(session_not_on_or_after=None, login_limit_h=6, now=NOON) == Cap(ACCOUNT_LOGIN_LIMIT, 6 * HOUR)
    end = NOON + timedelta(hours=1)
    assert user_duration(session_not_on_or_after=end, login_limit_h=6, now=NOON) == Cap(IDP_SESSION_END, HOUR)


@pytest.mark.parametrize(
    ("duration_s", "end_s", "role_max_s", "expected"),
    [
        (None, None, HOUR, Cap(DEFAULT, HOUR)),
        (None, None, 12 * HOUR, Cap(DEFAULT, HOUR)),
        (900, None, HOUR, Cap(REQUESTED, 900)),
        (12 * HOUR, None, 12 * HOUR, Cap(REQUESTED, 12 * HOUR)),
        (HOUR, 1000, HOUR, Cap(IDP_SESSION_END, 1000)),
        (None, 2 * HOUR, HOUR, Cap(DEFAULT, HOUR)),
    ],
)
def test_api_duration__request_and_idp_session__least_wins(
    duration_s: int | None, end_s: int | None, role_max_s: int, expected: Cap
) -> None:
    end = None if end_s is None else NOON + timedelta(seconds=end_s)
    assert api_duration(duration_s=duration_s, session_not_on_or_after=end, role_max_s=role_max_s, now=NOON) == expected


@pytest.mark.parametrize("duration_s", [-1, 0, 899, HOUR + 1])
def test_api_duration__out_of_range__refused(duration_s: int) -> None:
    with pytest.raises(InputError) as caught:
        api_duration(duration_s=duration_s, session_not_on_or_after=None, role_max_s=HOUR, now=NOON)
    assert (caught.value.reason, caught.value.subject) == (Reason.PARAMETER_INVALID, "DurationSeconds")


@pytest.mark.parametrize(
    ("duration_s", "parent_left_s", "expected"),
    [
        (12 * HOUR, 12 * HOUR, Cap(CHAIN_LIMIT, HOUR)),
        (900, 12 * HOUR, Cap(REQUESTED, 900)),
        (None, 600, Cap(PARENT_END, 600)),
    ],
)
def test_api_duration__derived_session__never_outlives_its_parent(
    duration_s: int | None, parent_left_s: int, expected: Cap
) -> None:
    found = api_duration(
        duration_s=duration_s,
        session_not_on_or_after=None,
        role_max_s=12 * HOUR,
        now=NOON,
        parent_expires_at=NOON + timedelta(seconds=parent_left_s),
    )
    assert found == expected


def test_api_duration__parent_over__refused() -> None:
    with pytest.raises(CredentialError) as caught:
        api_duration(duration_s=None, session_not_on_or_after=None, role_max_s=HOUR, now=NOON, parent_expires_at=NOON)
    assert caught.value.reason is Reason.TOKEN_EXPIRED


def test_parse_session_duration__none__is_none() -> None:
    assert parse_session_duration(()) is None
