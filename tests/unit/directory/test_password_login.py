"""What a right password is good for: signing in, choosing another one, or nothing."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.directory.login_attempts import (
    LOCKED_FOR,
    LoginAttempts,
    check_not_blocked,
    count_failure,
    user_attempt,
)
from gateway.directory.login_profiles import (
    LoginProfile,
    LoginProfileStatus,
    PasswordStatus,
    add_login_profile,
    change_own_password,
    create_login_profile,
    delete_login_profile,
    get_login_profile,
    password_status,
    prepare_password,
    update_login_profile,
)
from gateway.directory.password_history import MOST_KEPT, PastPassword, newest_password_id, remember_password
from gateway.directory.password_login import (
    MustChange,
    PasswordLogin,
    check_user_password,
    prepare_own_password,
    use_password,
)
from gateway.directory.password_policy import get_password_policy, set_password_policy
from gateway.directory.passwords import PasswordPolicy, hash_password
from gateway.directory.recycle_bin import recycle_user
from gateway.directory.security_preference import SecurityChange, set_security_preference
from gateway.directory.users import User, get_user
from gateway.errors import Conflict, CredentialError, InputError, Reason, Throttled
from gateway.secret import Secret
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.unit.directory.world import refused, user

PASSWORD, OTHER = Secret("correct horse"), Secret("battery staple")
DAY = timedelta(days=1)


@pytest.fixture
def alice(store: Store, account: str) -> User:
    """A user who may sign in with PASSWORD since NOON."""
    with store.transaction() as session:
        made = user(session)
        create_login_profile(session, made, PASSWORD, now=NOON)
    return made


def settle(store: Store, alice: User, policy: PasswordPolicy | None = None, **profile: object) -> None:
    """Set the account's policy, and columns of the profile."""
    with store.transaction() as session:
        set_password_policy(session, alice.account_id, policy or PasswordPolicy())
        row = session.get_one(LoginProfile, alice.id)
        for name, value in profile.items():
            setattr(row, name, value)


def check(store: Store, alice: User, now: datetime = NOON, password: Secret = PASSWORD) -> PasswordLogin:
    with store.reading() as session:
        return check_user_password(session, alice.account_id, alice.name, password, now)


def test_check_user_password__right__tells_who_and_which_password(store: Store, alice: User) -> None:
    known = check(store, alice)
    assert (known.user.id, known.must_change, known.mfa_bind_required) == (alice.id, None, False)
    with store.reading() as session:
        assert known.password_id == newest_password_id(session, alice.id) > 0


MONTHLY = PasswordPolicy(max_age_days=30)
MONTHLY_HARD = PasswordPolicy(max_age_days=30, hard_expire=True)


@pytest.mark.parametrize(
    ("policy", "age_days", "reset", "must_change"),
    [
        (PasswordPolicy(), 10_000, False, None),
        (PasswordPolicy(), 0, True, MustChange.RESET_REQUIRED),
        (PasswordPolicy(hard_expire=True), 10_000, False, None),
        (MONTHLY, 29, False, None),
        (MONTHLY, 30, False, MustChange.EXPIRED),
        (MONTHLY, 30, True, MustChange.RESET_REQUIRED),
        (MONTHLY_HARD, 29, False, None),
    ],
)
def test_check_user_password__age_and_reset__decide(
    alice: User, store: Store, policy: PasswordPolicy, *, age_days: int, reset: bool, must_change: MustChange | None
) -> None:
    now = NOON + age_days * DAY
    settle(store, alice, policy, initial_since=None, password_used_at=now, password_reset_required=reset)
    assert check(store, alice, now).must_change == must_change


@pytest.mark.parametrize("reset", [True, False])
def test_check_user_password__too_old_and_that_is_final__refused(store: Store, alice: User, reset: bool) -> None:
    now = NOON + 30 * DAY
    settle(store, alice, MONTHLY_HARD, initial_since=None, password_used_at=now, password_reset_required=reset)
    with refused(CredentialError, Reason.PASSWORD_EXPIRED, ""):
        check(store, alice, now)


def test_check_user_password__wrong_while_expired__is_wrong(store: Store, alice: User) -> None:
    settle(store, alice, PasswordPolicy(max_age_days=1, hard_expire=True))
    with refused(CredentialError, Reason.LOGIN_FAILED, ""):
        check(store, alice, NOON + 9 * DAY, OTHER)


@pytest.mark.parametrize(
    ("age_days", "days", "status"),
    [
        (14, 13, PasswordStatus.INITIAL_VALID),
        (14, 14, PasswordStatus.INITIAL_EXPIRED),
        (0, 9999, PasswordStatus.INITIAL_VALID),
        (90, 89, PasswordStatus.INITIAL_VALID),
    ],
)
def test_first_password__not_used_in_time__opens_nothing(
    store: Store, alice: User, age_days: int, days: int, status: PasswordStatus
) -> None:
    settle(store, alice, PasswordPolicy(initial_age_days=age_days), password_used_at=NOON + days * DAY)
    now = NOON + days * DAY
    with store.reading() as session:
        policy = get_password_policy(session, alice.account_id)
        assert password_status(get_login_profile(session, alice), policy, now) == status
    if status is PasswordStatus.INITIAL_EXPIRED:
        with refused(CredentialError, Reason.PASSWORD_EXPIRED, ""):
            check(store, alice, now)
    else:
        assert check(store, alice, now).must_change is None


def test_first_password__used_once__is_none_any_more_until_the_profile_is_enabled_again(
    store: Store, alice: User
) -> None:
    known = check(store, alice)
    with store.transaction() as session:
        use_password(session, alice.id, known.password_id, NOON + DAY)
    with store.transaction() as session:
        profile = get_login_profile(session, alice)
        assert (profile.initial_since, profile.password_used_at) == (None, NOON + DAY)
        update_login_profile(session, alice, status=LoginProfileStatus.INACTIVE, now=NOON + 2 * DAY)
        assert get_login_profile(session, alice).initial_since is None
        update_login_profile(session, alice, status=LoginProfileStatus.ACTIVE, now=NOON + 3 * DAY)
        assert get_login_profile(session, alice).initial_since == NOON + 3 * DAY


def test_idle_user__beyond_the_limit__is_refused_until_an_administrator_changes_the_profile(
    store: Store, alice: User
) -> None:
    used = {"initial_since": None, "password_used_at": NOON, "updated_at": NOON}
    settle(store, alice, PasswordPolicy(initial_age_days=0), **used)
    with store.transaction() as session:
        set_security_preference(session, alice.account_id, SecurityChange(max_idle_days_for_users=90))
    assert check(store, alice, NOON + 89 * DAY).must_change is None
    with refused(CredentialError, Reason.LOGIN_IDLE, ""):
        check(store, alice, NOON + 90 * DAY)
    with refused(CredentialError, Reason.LOGIN_FAILED, ""):
        check(store, alice, NOON + 90 * DAY, OTHER)
    with store.transaction() as session:
        update_login_profile(session, alice, status=LoginProfileStatus.ACTIVE, now=NOON + 90 * DAY)
    assert check(store, alice, NOON + 96 * DAY).must_change is None
    with refused(CredentialError, Reason.LOGIN_IDLE, ""):
        check(store, alice, NOON + 97 * DAY)


def test_use_password__changed_disabled_or_taken_since__refused(store: Store, alice: User) -> None:
    known = check(store, alice)
    changes = (
        lambda session: update_login_profile(session, alice, status=LoginProfileStatus.INACTIVE, now=NOON),
        lambda session: update_login_profile(
            session, alice, password=prepare_password(session, alice, OTHER), status=LoginProfileStatus.ACTIVE, now=NOON
        ),
        lambda session: delete_login_profile(session, alice),
    )
    for change in changes:
        with store.transaction() as session:
            change(session)
        with refused(CredentialError, Reason.LOGIN_FAILED, ""), store.transaction() as session:
            use_password(session, alice.id, known.password_id, NOON)


def test_change_own_password__proved__ends_the_reset_and_starts_the_age_anew(store: Store, alice: User) -> None:
    settle(store, alice, PasswordPolicy(max_age_days=30), password_reset_required=True)
    now = NOON + 5 * DAY
    known = check(store, alice, now)
    with store.reading() as session:
        prepared = prepare_own_password(session, alice, known.password_id, OTHER)
    with store.transaction() as session:
        profile = change_own_password(session, alice, prepared, now)
        assert (profile.password_set_at, profile.initial_since, profile.password_reset_required) == (now, None, False)
    assert check(store, alice, now + 29 * DAY, OTHER).must_change is None
    with refused(CredentialError, Reason.LOGIN_FAILED, ""):
        check(store, alice, now)


def test_prepare_own_password__the_present_one__refused_whatever_the_policy(store: Store, alice: User) -> None:
    known = check(store, alice)
    with store.reading() as session, refused(InputError, Reason.PASSWORD_REUSED, "Password"):
        prepare_own_password(session, alice, known.password_id, PASSWORD)


def test_prepared_password__another_was_set_or_the_profile_disabled_since__is_refused(
    store: Store, alice: User
) -> None:
    known = check(store, alice)
    with store.reading() as session:
        first = prepare_own_password(session, alice, known.password_id, OTHER)
        second = prepare_own_password(session, alice, known.password_id, Secret("a third one 3"))
        by_admin = prepare_password(session, alice, Secret("a fourth one 4"))
    with store.transaction() as session:
        change_own_password(session, alice, first, NOON)
    with refused(Conflict, Reason.CHANGED_MEANWHILE, "User.LoginProfile"), store.transaction() as session:
        change_own_password(session, alice, second, NOON)
    with refused(Conflict, Reason.CHANGED_MEANWHILE, "User.LoginProfile"), store.transaction() as session:
        update_login_profile(session, alice, password=by_admin, now=NOON)
    known = check(store, alice, NOON, OTHER)
    with store.reading() as session:
        third = prepare_own_password(session, alice, known.password_id, Secret("a third one 3"))
    settle(store, alice, status=LoginProfileStatus.INACTIVE)
    with refused(Conflict, Reason.CHANGED_MEANWHILE, "User.LoginProfile"), store.transaction() as session:
        change_own_password(session, alice, third, NOON)


def test_prepared_password__of_a_user_made_anew_under_the_name__is_refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        prepared = prepare_password(session, user(session), PASSWORD)
        recycle_user(session, account, get_user(session, account, "alice").id, NOON)
        again = user(session)
        with refused(Conflict, Reason.CHANGED_MEANWHILE, "User.LoginProfile"):
            add_login_profile(session, again, prepared, now=NOON)


def past_hashes(session: Session) -> list[str]:
    return list(session.scalars(select(PastPassword.password_hash).order_by(PastPassword.id)))


def test_password_history__more_than_24__keeps_the_newest_and_goes_with_the_user(
    store: Store, account: str, alice: User
) -> None:
    with store.transaction() as session:
        bob = user(session, "bob")
        remember_password(session, bob.id, "bob's", NOON)
        for number in range(MOST_KEPT + 3):
            remember_password(session, alice.id, f"hash {number}", NOON)
        kept = [text for text in past_hashes(session) if text != "bob's"]
    assert kept == [f"hash {number}" for number in range(3, MOST_KEPT + 3)]
    with store.transaction() as session:
        delete_login_profile(session, alice)
        recycle_user(session, account, alice.id, NOON)
        assert past_hashes(session) == ["bob's"]


def test_prepare_password__reuse_prevention__looks_back_so_far_and_no_further(store: Store, alice: User) -> None:
    settle(store, alice, PasswordPolicy(reuse_prevention=2))
    for text in ("the second 2", "the third one"):
        with store.transaction() as session:
            update_login_profile(session, alice, password=prepare_password(session, alice, Secret(text)), now=NOON)
    with store.reading() as session:
        for text in ("the second 2", "the third one"):
            with refused(InputError, Reason.PASSWORD_REUSED, "Password"):
                prepare_password(session, alice, Secret(text))
        prepare_password(session, alice, PASSWORD)
        hashes = past_hashes(session)
    assert len({text.rpartition("$")[0] for text in hashes}) == 1


def test_prepare_password__old_hashes_with_other_salts_or_damaged__are_looked_at_too(store: Store, alice: User) -> None:
    settle(store, alice, PasswordPolicy(reuse_prevention=24))
    with store.transaction() as session:
        remember_password(session, alice.id, hash_password(Secret("of long ago")), NOON)
        remember_password(session, alice.id, "damaged", NOON)
    with store.reading() as session:
        for password in (PASSWORD, Secret("of long ago")):
            with refused(InputError, Reason.PASSWORD_REUSED, "Password"):
                prepare_password(session, alice, password)
        prepare_password(session, alice, OTHER)


@pytest.mark.parametrize("name", ["alice", "nobody"])
def test_lockout__as_many_failures_as_the_policy_says__locks_every_name_for_an_hour(
    store: Store, alice: User, name: str
) -> None:
    settle(store, alice, PasswordPolicy(max_login_attempts=2))
    attempt, now = user_attempt(alice.account_id, name), NOON
    with store.transaction() as session:
        count_failure(session, attempt, now)
    now += timedelta(minutes=59)  # within the hour: still the second in a row
    with store.transaction() as session:
        count_failure(session, attempt, now)
    for at in (now, now + LOCKED_FOR - timedelta(seconds=1)):
        with store.reading() as session, pytest.raises(Throttled) as caught:
            check_not_blocked(session, attempt, at)
        assert caught.value.reason is Reason.LOGIN_LOCKED
        assert caught.value.retry_after_s == int((now + LOCKED_FOR - at).total_seconds())
        with refused(Throttled, Reason.LOGIN_LOCKED, ""), store.transaction() as session:
            count_failure(session, attempt, at)
    with store.transaction() as session:
        check_not_blocked(session, attempt, now + LOCKED_FOR)
        count_failure(session, attempt, now + LOCKED_FOR)
        check_not_blocked(session, attempt, now + LOCKED_FOR)


def test_lockout__failures_more_than_an_hour_apart__do_not_add_up(store: Store, alice: User) -> None:
    settle(store, alice, PasswordPolicy(max_login_attempts=2))
    attempt = user_attempt(alice.account_id, "alice")
    for hour in range(4):
        with store.transaction() as session:
            count_failure(session, attempt, NOON + hour * LOCKED_FOR)
            check_not_blocked(session, attempt, NOON + hour * LOCKED_FOR)


def test_lockout__new_password_by_an_administrator__frees_the_name(store: Store, alice: User) -> None:
    settle(store, alice, PasswordPolicy(max_login_attempts=1))
    attempt = user_attempt(alice.account_id, "ALICE")
    with store.transaction() as session:
        count_failure(session, attempt, NOON)
        update_login_profile(session, alice, mfa_bind_required=True, now=NOON)
    with store.transaction() as session:
        with refused(Throttled, Reason.LOGIN_LOCKED, ""):
            check_not_blocked(session, attempt, NOON)
        update_login_profile(session, alice, password=prepare_password(session, alice, OTHER), now=NOON)
    with store.reading() as session:
        check_not_blocked(session, attempt, NOON)
        assert session.scalars(select(LoginAttempts)).all() == []


def test_lockout__while_the_own_password_is_changed__stops_the_change(store: Store, alice: User) -> None:
    settle(store, alice, PasswordPolicy(max_login_attempts=1))
    known = check(store, alice)
    with store.reading() as session:
        prepared = prepare_own_password(session, alice, known.password_id, OTHER)
    with store.transaction() as session:
        count_failure(session, user_attempt(alice.account_id, "alice"), NOON)
    with refused(Throttled, Reason.LOGIN_LOCKED, ""), store.transaction() as session:
        change_own_password(session, alice, prepared, NOON)
