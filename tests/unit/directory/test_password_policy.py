"""Password policies: their ranges, and which passwords they allow."""

import pytest

from gateway.directory.common_passwords import check_not_common
from gateway.directory.password_policy import get_password_policy, set_password_policy
from gateway.directory.passwords import PasswordPolicy, check_password_policy
from gateway.errors import InputError, NotFound, Reason
from gateway.secret import Secret
from gateway.store.engine import Store
from tests.unit.directory.world import OTHER_ACCOUNT, refused

STRICTEST = PasswordPolicy(
    minimum_length=32,
    require_lowercase=True,
    require_uppercase=True,
    require_numbers=True,
    require_symbols=True,
    minimum_different_characters=8,
    not_contain_user_name=True,
    max_age_days=1095,
    hard_expire=True,
    reuse_prevention=24,
    max_login_attempts=32,
    initial_age_days=90,
    intercept_risk_on_api=True,
)


def changed(name: str, value: int) -> PasswordPolicy:
    """The default policy but for one number."""
    return PasswordPolicy(**{name: value})  # type: ignore[arg-type]


def test_password_policy__set_and_set_back__is_the_accounts_own(store: Store, account: str) -> None:
    with store.transaction() as session:
        assert get_password_policy(session, account) == PasswordPolicy()
        set_password_policy(session, account, STRICTEST)
    with store.transaction() as session:
        assert get_password_policy(session, account) == STRICTEST
        assert get_password_policy(session, OTHER_ACCOUNT) == PasswordPolicy()
        set_password_policy(session, account, PasswordPolicy())
        assert get_password_policy(session, account) == PasswordPolicy()


def test_password_policy__no_such_account__is_the_default_and_can_not_be_set(store: Store) -> None:
    with store.transaction() as session:
        assert get_password_policy(session, "\0") == PasswordPolicy()
        with refused(NotFound, Reason.NOT_FOUND, "Account"):
            set_password_policy(session, "1", PasswordPolicy())


@pytest.mark.parametrize(
    ("name", "value", "subject"),
    [
        ("minimum_length", 7, "MinimumPasswordLength"),
        ("minimum_length", 33, "MinimumPasswordLength"),
        ("minimum_different_characters", 9, "MinimumPasswordDifferentCharacter"),
        ("max_age_days", -1, "MaxPasswordAge"),
        ("max_age_days", 1096, "MaxPasswordAge"),
        ("reuse_prevention", 25, "PasswordReusePrevention"),
        ("max_login_attempts", 33, "MaxLoginAttemps"),
        ("initial_age_days", 91, "InitialPasswordAge"),
    ],
)
def test_set_password_policy__out_of_range__refused(
    store: Store, account: str, name: str, value: int, subject: str
) -> None:
    with store.transaction() as session:
        with refused(InputError, Reason.PARAMETER_INVALID, subject):
            set_password_policy(session, account, changed(name, value))
        assert get_password_policy(session, account) == PasswordPolicy()


@pytest.mark.parametrize(
    ("policy", "good", "bad"),
    [
        (PasswordPolicy(minimum_length=9), "123456789", "12345678"),
        (PasswordPolicy(require_lowercase=True), "AAAAAAAa", "AAAAAAAA"),
        (PasswordPolicy(require_lowercase=True), "AAAAAAAß", "日本語日本語日本"),
        (PasswordPolicy(require_uppercase=True), "aaaaaaaA", "aaaaaaaa"),
        (PasswordPolicy(require_numbers=True), "aaaaaaa1", "aaaaaaa½"),
        (PasswordPolicy(require_symbols=True), "aaaaaaa_", "aaaaaa 1"),
        (PasswordPolicy(minimum_different_characters=3), "aaaaaabc", "aaaaaabb"),
        (PasswordPolicy(minimum_different_characters=2), "aaaaaaaé", "éééé" + "e\u0301" * 4),
        (PasswordPolicy(not_contain_user_name=True), "al-ice-12", "my-ALICE-1"),
        (STRICTEST, "Abcdefgh1-" + "x" * 22, "Abcdefgh1-" + "x" * 21),
    ],
)
def test_check_password_policy__each_rule__is_kept(policy: PasswordPolicy, good: str, bad: str) -> None:
    check_password_policy(Secret(good), policy, "alice")
    with refused(InputError, Reason.PASSWORD_TOO_WEAK, "Password"):
        check_password_policy(Secret(bad), policy, "alice")


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("e\u0301" * 32, True),  # 32 letters, in twice as many code points
        ("e\u0301" * 7, False),
        ("e\u0301" * 33, False),
        ("\u1f82" * 32, True),
        ("a" + "\u0301\u0327" * 500_000, False),  # composing this would take minutes
    ],
    ids=["32 decomposed", "7 decomposed", "33 decomposed", "32 of four parts", "a million marks"],
)
def test_check_password_policy__length__is_counted_in_composed_letters(text: str, accepted: bool) -> None:
    if accepted:
        check_password_policy(Secret(text))
    else:
        with refused(InputError, Reason.PASSWORD_TOO_WEAK, "Password"):
            check_password_policy(Secret(text))


@pytest.mark.parametrize(
    "text", ["password", "PassWord123", "1qaz2wsx", "12345678", "!!!!!!!!", "aaaaaaaa", "Aliyun2024!"]
)
def test_check_not_common__tried_first_by_everybody__refused(text: str) -> None:
    with refused(InputError, Reason.PASSWORD_TOO_WEAK, "Password"):
        check_not_common(Secret(text))


def test_check_not_common__anything_else__accepted() -> None:
    check_not_common(Secret("Correct-Horse-7"))
