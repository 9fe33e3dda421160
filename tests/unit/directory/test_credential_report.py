"""Credential reports."""

import csv
import io
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from gateway.clock import wire_time
from gateway.directory import credential_report
from gateway.directory.access_keys import create_access_key, set_status
from gateway.directory.credential_report import (
    COLUMNS,
    draft_report,
    find_report,
    get_report,
    header_line,
    is_fresh,
    keep_report,
    read_lines,
)
from gateway.directory.login_profiles import LoginProfile, LoginProfileStatus
from gateway.directory.mfa_devices import bind_device, create_device
from gateway.directory.password_policy import set_password_policy
from gateway.directory.passwords import PasswordPolicy
from gateway.directory.users import record_login
from gateway.errors import NotFound, Reason
from gateway.keyring import KeyRing, new_master_key
from gateway.store.engine import Store
from gateway.store.fleeting import KeyUse, Nonce
from tests.fake_clock import NOON
from tests.unit.directory.world import OTHER_ACCOUNT, refused, user

RING = KeyRing((new_master_key(),))
DOMAIN = "company.onaliyun.com"
LATER = NOON + timedelta(hours=1)


def rows(store: Store, account: str) -> list[Mapping[str, str]]:
    with store.reading() as session:
        draft = draft_report(session, store.fleeting, account, DOMAIN, LATER)
    return list(csv.DictReader(io.StringIO(header_line() + "".join(draft.lines))))


def profile(user_id: str, **fields: Any) -> LoginProfile:
    values = {
        "user_id": user_id,
        "password_hash": "",
        "password_set_at": NOON,
        "password_reset_required": False,
        "mfa_bind_required": False,
        "status": LoginProfileStatus.ACTIVE,
        "created_at": NOON,
        "updated_at": NOON,
    }
    return LoginProfile(**{**values, **fields})


def use(store: Store, access_key_id: str) -> None:
    nonce = Nonce(access_key_id, LATER, LATER + timedelta(hours=1))
    assert store.fleeting.claim_nonce(nonce, KeyUse(access_key_id, "Ram"), LATER)


def test_draft_report__bare_account__has_its_owner_and_users_by_name(store: Store, account: str) -> None:
    with store.transaction() as session:
        user(session, "bob")
        user(session, "Alice")
        user(session, "eve", OTHER_ACCOUNT)
    found = rows(store, account)
    assert [row["user"] for row in found] == ["<root>", f"Alice@{DOMAIN}", f"bob@{DOMAIN}"]
    assert (found[0]["password_exist"], found[0]["password_active"], found[0]["mfa_active"]) == ("TRUE", "N/A", "FALSE")
    assert list(found[1].values())[1:] == [
        wire_time(NOON),
        "-",
        "FALSE",
        "N/A",
        "N/A",
        "N/A",
        "FALSE",
        *["FALSE", "-", "-", "-"] * 5,
    ]
    assert len(COLUMNS) == len(set(COLUMNS)) == 28


def test_draft_report__everything_in_use__tells_it(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        record_login(session, alice, LATER)
        session.add(profile(alice.id))
        set_password_policy(session, account, PasswordPolicy(max_age_days=30))
        device = create_device(session, RING, account, "phone", NOON).device
        bind_device(session, device.id, alice, NOON)
        keys = [
            create_access_key(session, RING, account_id=account, user_id=alice.id, now=NOON + timedelta(minutes=minute))
            for minute in range(2)
        ]
        set_status(
            session,
            account_id=account,
            user_id=alice.id,
            access_key_id=keys[1].access_key_id,
            status="Inactive",
            now=LATER,
        )
        own = create_access_key(session, RING, account_id=account, user_id=None, now=NOON)
    use(store, keys[0].access_key_id)
    use(store, own.access_key_id)
    owner, alice_row = rows(store, account)
    assert alice_row["user_last_logon"] == wire_time(LATER)
    assert (alice_row["password_exist"], alice_row["password_active"]) == ("TRUE", "TRUE")
    assert alice_row["password_last_changed"] == wire_time(NOON)
    assert alice_row["password_next_rotation"] == wire_time(NOON + timedelta(days=30))
    assert alice_row["mfa_active"] == "TRUE"
    first = [alice_row[f"access_key_1_{name}"] for name in ("exist", "active", "last_rotated", "last_used")]
    assert first == ["TRUE", "TRUE", wire_time(NOON), wire_time(LATER)]
    second = [alice_row[f"access_key_2_{name}"] for name in ("exist", "active", "last_rotated", "last_used")]
    assert second == ["TRUE", "FALSE", wire_time(NOON + timedelta(minutes=1)), "-"]
    assert (owner["access_key_1_exist"], owner["access_key_1_last_used"]) == ("TRUE", wire_time(LATER))
    assert (owner["access_key_2_exist"], owner["additional_access_key_3_exist"]) == ("FALSE", "FALSE")


def test_draft_report__disabled_profile_and_no_maximal_age__tells_it(store: Store, account: str) -> None:
    with store.transaction() as session:
        session.add(profile(user(session).id, status=LoginProfileStatus.INACTIVE))
    row = rows(store, account)[1]
    assert (row["password_exist"], row["password_active"], row["password_next_rotation"]) == ("TRUE", "FALSE", "-")


def test_draft_report__secrets__are_not_in_it(store: Store, account: str) -> None:
    with store.transaction() as session:
        made = create_access_key(session, RING, account_id=account, user_id=user(session).id, now=NOON)
    text = str(rows(store, account))
    assert made.secret.reveal() not in text
    assert made.access_key_id not in text


def test_keep_report__many_users__is_read_back_from_any_line(
    store: Store, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(credential_report, "LINES_PER_PART", 3)
    with store.transaction() as session:
        for number in range(9):
            user(session, f"user-{number}")
        draft = draft_report(session, store.fleeting, account, DOMAIN, NOON)
        keep_report(session, account, draft)
    with store.reading() as session:
        assert get_report(session, account).line_count == len(draft.lines) == 10
        for start in range(10):
            for count in (1, 2, 3, 4, 10, 3501):
                assert tuple(read_lines(session, account, start, count)) == draft.lines[start : start + count]
        with refused(NotFound, Reason.NOT_FOUND, "CredentialReport"):
            get_report(session, OTHER_ACCOUNT)


def test_keep_report__within_four_hours__keeps_the_one_that_is_there(store: Store, account: str) -> None:
    with store.transaction() as session:
        keep_report(session, account, draft_report(session, store.fleeting, account, DOMAIN, NOON))
        user(session)
        soon = NOON + timedelta(hours=4) - timedelta(seconds=1)
        keep_report(session, account, draft_report(session, store.fleeting, account, DOMAIN, soon))
        assert get_report(session, account).line_count == 1
        assert is_fresh(find_report(session, account), soon)
        then = NOON + timedelta(hours=4)
        assert not is_fresh(find_report(session, account), then)
        keep_report(session, account, draft_report(session, store.fleeting, account, DOMAIN, then))
        report = get_report(session, account)
        assert (report.line_count, report.generated_at) == (2, then)
        assert len(read_lines(session, account, 0, 3501)) == 2
        assert not is_fresh(None, then)
