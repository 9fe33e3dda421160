"""Sign-ins that owe a step, drafts of devices and tickets of browsers, on both databases."""

import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from gateway.directory.accounts import get_account
from gateway.directory.login_profiles import LoginProfile
from gateway.directory.mfa_devices import Codes, bind_seed, unbind_device
from gateway.directory.mfa_drafts import MOST_TRIES, start_draft, try_draft
from gateway.directory.mfa_tickets import LIFETIME as TICKET_LIFETIME
from gateway.directory.mfa_tickets import make_ticket, ticket_counts
from gateway.directory.password_holders import Holder
from gateway.directory.revocations import revoke
from gateway.directory.security_preference import MfaOperation, SecurityChange, set_security_preference
from gateway.directory.unfinished_logins import (
    LIFETIME,
    MOST_WRONG_CODES,
    LoginSoFar,
    LoginStep,
    SecondFactor,
    begin_unfinished,
    drop_unfinished,
    get_unfinished,
    note_second_factor,
    note_wrong_code,
    owed_step,
    take_unfinished,
)
from gateway.directory.users import User
from gateway.errors import AuthenticationError, InputError, NotFound, Reason
from gateway.keyring import KeyRing, new_master_key
from gateway.secret import Secret
from gateway.store.engine import Store
from gateway.totp import code_at, new_seed, step_at
from tests.fake_clock import NOON
from tests.unit.directory.world import ACCOUNT, refused, user

RING = KeyRing((new_master_key(),))
NOW = step_at(NOON)


def so_far(holder: Holder, *, must_change: bool = False) -> LoginSoFar:
    return LoginSoFar(holder, "1", must_change, SecondFactor.NONE, "/session")


def bind(session: Session, holder: Holder) -> None:
    bind_seed(session, RING, holder, new_seed(), used_step=0, now=NOON)


def profile(session: Session, who: User, *, must_bind: bool) -> None:
    session.add(
        LoginProfile(
            user_id=who.id,
            password_hash="",
            password_set_at=NOON,
            password_reset_required=False,
            mfa_bind_required=must_bind,
            status="Active",
            created_at=NOON,
            updated_at=NOON,
        )
    )
    session.flush()


def pair(seed: Secret, offset: int = 0) -> Codes:
    return Codes(Secret(code_at(seed, NOW + offset - 1)), Secret(code_at(seed, NOW + offset)))


def not_pending(call: Callable[[], object]) -> bool:
    with pytest.raises(AuthenticationError) as caught:
        call()
    return caught.value.reason is Reason.LOGIN_NOT_PENDING


def test_owed_step__each_state__what_is_missing(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, owner = user(session), get_account(session, account)
        assert owed_step(session, so_far(alice)) is None
        assert owed_step(session, so_far(alice, must_change=True)) is LoginStep.PASSWORD
        set_security_preference(session, account, SecurityChange(mfa_operation_for_login=MfaOperation.MANDATORY))
        assert owed_step(session, so_far(alice, must_change=True)) is LoginStep.DEVICE
        assert owed_step(session, so_far(owner)) is None
        for holder in (alice, owner):
            bind(session, holder)
            login = so_far(holder)
            assert owed_step(session, login) is LoginStep.CODE
            for proved in (SecondFactor.PROVED, SecondFactor.REMEMBERED):
                assert owed_step(session, replace(login, second_factor=proved)) is None


@pytest.mark.parametrize("operation", list(MfaOperation))
def test_owed_step__login_profile_asks_for_a_device__whatever_the_account_says(
    store: Store, account: str, operation: MfaOperation
) -> None:
    with store.transaction() as session:
        alice, bob = user(session), user(session, "bob")
        profile(session, alice, must_bind=True)
        profile(session, bob, must_bind=False)
        set_security_preference(session, account, SecurityChange(mfa_operation_for_login=operation))
        assert owed_step(session, so_far(alice)) is LoginStep.DEVICE
        expected = LoginStep.DEVICE if operation is MfaOperation.MANDATORY else None
        assert owed_step(session, so_far(bob)) is expected


def test_unfinished__user_and_owner__come_back_as_they_were(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, owner = user(session), get_account(session, account)
        handles = [begin_unfinished(session, so_far(holder, must_change=True), NOON) for holder in (alice, owner)]
    with store.reading() as session:
        found = [get_unfinished(session, handle, NOON) for handle in handles]
        assert [login.holder.id for login in found] == [alice.id, account]
        assert {(login.account_id, login.must_change, login.target) for login in found} == {(ACCOUNT, True, "/session")}


@pytest.mark.parametrize("handle", ["", "nobody", "\ud800"])
def test_unfinished__unknown_handle__not_pending(store: Store, account: str, handle: str) -> None:
    with store.reading() as session:
        assert not_pending(lambda: get_unfinished(session, handle, NOON))


def test_unfinished__expired__not_pending(store: Store, account: str) -> None:
    with store.transaction() as session:
        handle = begin_unfinished(session, so_far(user(session)), NOON)
        get_unfinished(session, handle, NOON + LIFETIME - timedelta(seconds=1))
        assert not_pending(lambda: get_unfinished(session, handle, NOON + LIFETIME))


def test_unfinished__second_factor_proved__is_remembered(store: Store, account: str) -> None:
    with store.transaction() as session:
        handle = begin_unfinished(session, so_far(user(session)), NOON)
        note_second_factor(session, handle)
        assert get_unfinished(session, handle, NOON).second_factor is SecondFactor.PROVED
        drop_unfinished(session, handle)
        assert not_pending(lambda: note_second_factor(session, handle))


def test_unfinished__too_many_wrong_codes__is_over(store: Store, account: str) -> None:
    with store.transaction() as session:
        handle = begin_unfinished(session, so_far(user(session)), NOON)
        for _ in range(MOST_WRONG_CODES):
            get_unfinished(session, handle, NOON)
            note_wrong_code(session, handle)
        assert not_pending(lambda: get_unfinished(session, handle, NOON))
        note_wrong_code(session, handle)


def test_take_unfinished__many_at_once__one_wins(store: Store, account: str) -> None:
    with store.transaction() as session:
        handle = begin_unfinished(session, so_far(user(session)), NOON)
    taken: list[bool] = []
    start = threading.Barrier(6)

    def take() -> None:
        start.wait()
        try:
            with store.transaction() as session:
                take_unfinished(session, handle)
            taken.append(True)
        except AuthenticationError:
            taken.append(False)

    threads = [threading.Thread(target=take) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(taken) == [False] * 5 + [True]


def test_draft__two_codes__gives_the_seed_once(store: Store) -> None:
    with store.transaction() as session:
        seed = start_draft(session, RING, "key", NOON)
        assert try_draft(session, RING, "key", pair(seed, 5), NOON) is None
        proven = try_draft(session, RING, "key", pair(seed), NOON)
        assert proven is not None
        assert (proven.seed, proven.used_step) == (seed, NOW)
        with refused(NotFound, Reason.NOT_FOUND, "MFADraft"):
            try_draft(session, RING, "key", pair(seed), NOON)


def test_draft__another_key_a_newer_one_or_too_late__refused(store: Store) -> None:
    with store.transaction() as session:
        seed = start_draft(session, RING, "key", NOON)
        with refused(NotFound, Reason.NOT_FOUND, "MFADraft"):
            try_draft(session, RING, "other", pair(seed), NOON)
        newer = start_draft(session, RING, "key", NOON)
        assert try_draft(session, RING, "key", pair(seed), NOON) is None
        with refused(NotFound, Reason.NOT_FOUND, "MFADraft"):
            try_draft(session, RING, "key", pair(newer), NOON + timedelta(minutes=10))


def test_draft__wrong_too_often__is_gone(store: Store) -> None:
    with store.transaction() as session:
        seed = start_draft(session, RING, "key", NOON)
        with refused(InputError, Reason.PARAMETER_INVALID, "AuthenticationCode"):
            try_draft(session, RING, "key", Codes(Secret("1"), Secret("2")), NOON)
        for _ in range(MOST_TRIES):
            assert try_draft(session, RING, "key", pair(seed, 5), NOON) is None
        with refused(NotFound, Reason.NOT_FOUND, "MFADraft"):
            try_draft(session, RING, "key", pair(seed), NOON)


def test_ticket__what_it_was_made_for__counts_until_anything_changes(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, bob, owner = user(session), user(session, "bob"), get_account(session, account)
        devices = [
            bind_seed(session, RING, holder, new_seed(), used_step=0, now=NOON) for holder in (alice, bob, owner)
        ]
        ticket = make_ticket(RING, alice, devices[0], "7", NOON)

        def counts(
            text: str = ticket, holder: Holder = alice, mark: str = "7", after: timedelta = timedelta(0)
        ) -> bool:
            return ticket_counts(session, RING, text, holder, devices[0], mark, NOON + after)

        assert counts()
        assert counts(after=TICKET_LIFETIME - timedelta(seconds=1))
        assert not counts(after=TICKET_LIFETIME)
        assert not counts(after=-timedelta(seconds=1))
        assert not counts(holder=bob)
        assert not counts(holder=owner)
        assert not counts(mark="8")
        assert not ticket_counts(session, RING, ticket, alice, devices[1], "7", NOON)
        for broken in ("", "AAAA", ticket[:-4], ticket[4:], "\u00e9", "x" * 2000, ticket.replace(ticket[20], "!")):
            assert not counts(broken)
        assert not ticket_counts(session, KeyRing((new_master_key(),)), ticket, alice, devices[0], "7", NOON)
        revoke(session, "user", alice.id, NOON)
        assert not counts()


def test_ticket__device_bound_again__does_not_count(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        device = bind_seed(session, RING, alice, new_seed(), used_step=0, now=NOON)
        ticket = make_ticket(RING, alice, device, "7", NOON)
        unbind_device(session, alice)
        assert not ticket_counts(session, RING, ticket, alice, device, "7", NOON)
