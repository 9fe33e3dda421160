"""MFA devices: their life, and that no code works twice."""

import threading
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from gateway.directory import quotas, ties
from gateway.directory.accounts import get_account
from gateway.directory.mfa_devices import (
    BLOCKING_FROM,
    Codes,
    MfaDevice,
    NewDevice,
    bind_device,
    bind_seed,
    check_may_bind,
    create_device,
    delete_device,
    drop_device_of,
    find_device_of,
    get_device,
    get_device_of,
    list_devices,
    spend_codes,
    unbind_device,
)
from gateway.errors import AlreadyExists, Conflict, InputError, LimitExceeded, NotFound, Reason, Throttled
from gateway.keyring import KeyRing, new_master_key
from gateway.secret import Secret
from gateway.store.engine import Store
from gateway.store.paging import Page
from gateway.totp import code_at, new_seed, step_at
from tests.fake_clock import NOON
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT, refused, user

RING = KeyRing((new_master_key(),))


def device(session: Session, name: str = "phone", account_id: str = ACCOUNT) -> NewDevice:
    return create_device(session, RING, account_id, name, NOON)


def code(made: NewDevice, now: datetime = NOON, offset: int = 0) -> Codes:
    return Codes(Secret(code_at(made.seed, step_at(now) + offset)))


def pair(made: NewDevice, now: datetime = NOON) -> Codes:
    step = step_at(now)
    return Codes(Secret(code_at(made.seed, step - 1)), Secret(code_at(made.seed, step)))


def a_wrong_code(made: NewDevice) -> Codes:
    right = {code_at(made.seed, step_at(NOON) + offset) for offset in range(-400, 400)}
    return Codes(Secret(next(f"{number:06}" for number in range(10_000) if f"{number:06}" not in right)))


def test_create_device__new__has_a_serial_number_and_a_sealed_seed(store: Store, account: str) -> None:
    with store.transaction() as session:
        made = device(session)
    assert made.device.serial_number == f"acs:ram::{account}:mfa/phone"
    assert made.seed.reveal().encode() not in made.device.sealed_seed
    with store.reading() as session:
        assert get_device(session, account, f"acs:ram::{account}:mfa/PHONE").id == made.device.id


def test_create_device__same_name_in_other_case__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        device(session)
        device(session, account_id=OTHER_ACCOUNT)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "VirtualMFADevice"):
            device(session, "PHONE")


@pytest.mark.parametrize(
    ("name", "reason"), [("a_b", Reason.NAME_INVALID_CHARS), ("", Reason.NAME_LENGTH), ("a" * 65, Reason.NAME_LENGTH)]
)
def test_create_device__bad_name__refused(store: Store, account: str, name: str, reason: Reason) -> None:
    with store.transaction() as session, refused(InputError, reason, "VirtualMFADeviceName"):
        device(session, name)


def test_create_device__account_full__refused(store: Store, account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quotas, "MFA_DEVICES_PER_ACCOUNT", 1)
    with store.transaction() as session:
        device(session)
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "VirtualMFADevice"):
            device(session, "tablet")


def test_get_device__of_another_account__not_found(store: Store, account: str) -> None:
    with store.transaction() as session:
        made = device(session)
        with refused(NotFound, Reason.NOT_FOUND, "VirtualMFADevice"):
            get_device(session, OTHER_ACCOUNT, made.device.serial_number)


def test_life__create_bind_unbind_delete(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, made = user(session), device(session)
        serial = made.device.serial_number
        assert spend_codes(session, RING, made.device.id, pair(made), NOON)
        bind_device(session, made.device.id, alice, NOON)
        assert get_device_of(session, alice).bound_at == NOON
        with refused(Conflict, Reason.DELETE_CONFLICT, "VirtualMFADevice.User"):
            delete_device(session, account, serial)
        with refused(Conflict, Reason.DELETE_CONFLICT, "User.MFADevice"):
            ties.check_user_untied(session, alice.id)
        unbind_device(session, alice)
        with refused(NotFound, Reason.NOT_FOUND, "User.MFADevice"):
            get_device_of(session, alice)
        delete_device(session, account, serial)
        with refused(NotFound, Reason.NOT_FOUND, "VirtualMFADevice"):
            get_device(session, account, serial)
        ties.check_user_untied(session, alice.id)


def test_bind_device__second_device_or_second_user__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, bob = user(session), user(session, "bob")
        first, second = device(session), device(session, "tablet")
        bind_device(session, first.device.id, alice, NOON)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "User.MFADevice"):
            bind_device(session, second.device.id, alice, NOON)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "VirtualMFADevice.User"):
            bind_device(session, first.device.id, bob, NOON)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "VirtualMFADevice.User"):
            check_may_bind(session, first.device, bob)


def test_bind_device__user_of_another_account__not_found(store: Store, account: str) -> None:
    with store.transaction() as session:
        stranger, made = user(session, account_id=OTHER_ACCOUNT), device(session)
        with refused(NotFound, Reason.NOT_FOUND, "VirtualMFADevice"):
            bind_device(session, made.device.id, stranger, NOON)


def test_bind_seed__owner_and_user__devices_called_like_them(store: Store, account: str) -> None:
    with store.transaction() as session:
        owner, alice = get_account(session, account), user(session, "al_ice")
        bind_seed(session, RING, owner, new_seed(), used_step=7, now=NOON)
        device(session, "al-ice")
        bind_seed(session, RING, alice, new_seed(), used_step=7, now=NOON)
    with store.reading() as session:
        mine, hers = get_device_of(session, owner), get_device_of(session, alice)
        assert (mine.name, mine.last_step, mine.user_id) == ("account-owner", 7, None)
        assert hers.name.startswith("al-ice-")
        assert hers.owner_of is None


def test_bind_seed__device_bound_already__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        bind_seed(session, RING, alice, new_seed(), used_step=7, now=NOON)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "User.MFADevice"):
            bind_seed(session, RING, alice, new_seed(), used_step=7, now=NOON)


def test_drop_device_of__bound__is_gone_for_good(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        bind_seed(session, RING, alice, new_seed(), used_step=7, now=NOON)
        drop_device_of(session, alice)
        assert find_device_of(session, alice) is None
        assert list_devices(session, account, Page(10)).rows == []


def test_list_devices__pages__by_name_with_their_users(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        for name in ("b", "a", "c"):
            device(session, name)
        bind_device(session, get_device(session, account, f"acs:ram::{account}:mfa/b").id, alice, NOON)
        device(session, "z", OTHER_ACCOUNT)
    with store.reading() as session:
        first = list_devices(session, account, Page(2))
        rest = list_devices(session, account, Page(2, first.next_after or ""))
    names = [(listed.device.name, listed.user.name if listed.user else None) for listed in (*first.rows, *rest.rows)]
    assert names == [("a", None), ("b", "alice"), ("c", None)]
    assert rest.next_after is None


def test_spend_codes__same_code_again__refused_and_the_next_accepted(store: Store, account: str) -> None:
    with store.transaction() as session:
        made = device(session)
        assert spend_codes(session, RING, made.device.id, code(made), NOON)
    with store.transaction() as session:
        assert not spend_codes(session, RING, made.device.id, code(made), NOON)
        assert not spend_codes(session, RING, made.device.id, code(made, offset=-1), NOON)
        assert spend_codes(session, RING, made.device.id, code(made, offset=1), NOON)


def test_spend_codes__code_used_before_it_was_unbound__stays_used(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, made = user(session), device(session)
        assert spend_codes(session, RING, made.device.id, pair(made), NOON)
        bind_device(session, made.device.id, alice, NOON)
        unbind_device(session, alice)
        assert not spend_codes(session, RING, made.device.id, pair(made), NOON)


def test_spend_codes__many_at_once__one_wins(store: Store, account: str) -> None:
    with store.transaction() as session:
        made = device(session)
    accepted: list[bool] = []
    start = threading.Barrier(8)

    def use() -> None:
        start.wait()
        with store.transaction() as session:
            try:
                accepted.append(spend_codes(session, RING, made.device.id, code(made), NOON))
            except Throttled:
                accepted.append(False)

    threads = [threading.Thread(target=use) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(accepted) == [False] * 7 + [True]


def test_spend_codes__wrong_codes_in_a_row__wait_longer_and_longer(store: Store, account: str) -> None:
    now = NOON
    with store.transaction() as session:
        made = device(session)
        wrong = a_wrong_code(made)
        for _ in range(BLOCKING_FROM):
            assert not spend_codes(session, RING, made.device.id, wrong, now)
        for expected in (30, 60, 120, 240, 480, 960, 1920, 3600, 3600):
            with pytest.raises(Throttled) as throttled:
                spend_codes(session, RING, made.device.id, code(made, now), now)
            assert throttled.value.retry_after_s == expected
            now += timedelta(seconds=expected)
            assert not spend_codes(session, RING, made.device.id, wrong, now)
        now += timedelta(hours=1)
        assert spend_codes(session, RING, made.device.id, code(made, now), now)
        row = session.get(MfaDevice, made.device.id)
        assert row is not None
        assert (row.wrong_codes, row.blocked_until) == (0, None)


def test_spend_codes__guesses_after_a_right_code_in_the_same_step__still_count(store: Store, account: str) -> None:
    with store.transaction() as session:
        made = device(session)
        assert spend_codes(session, RING, made.device.id, code(made), NOON)
        for _ in range(BLOCKING_FROM):
            assert not spend_codes(session, RING, made.device.id, code(made), NOON)
        with pytest.raises(Throttled):
            spend_codes(session, RING, made.device.id, code(made, offset=1), NOON)


def test_spend_codes__not_six_digits__refused_and_not_counted(store: Store, account: str) -> None:
    with store.transaction() as session:
        made = device(session)
        with refused(InputError, Reason.PARAMETER_INVALID, "AuthenticationCode"):
            spend_codes(session, RING, made.device.id, Codes(Secret("12345\ud800")), NOON)
        assert made.device.wrong_codes == 0
