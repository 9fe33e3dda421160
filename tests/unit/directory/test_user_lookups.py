"""Looking users, groups and deleted things up costs the same however many there are: each step goes by an index."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import event
from sqlalchemy.orm import Session

from gateway.directory.access_keys import find_user_of_key
from gateway.directory.account_summary import count_things
from gateway.directory.accounts import create_account
from gateway.directory.groups import add_user, find_group, memberships_of, page_groups, page_members
from gateway.directory.recycle_bin import find_recycled_user, page_recycled_users, recycle_user, restore_user
from gateway.directory.recycled_keys import get_recycled_key, list_recycled_keys, purge_keys_of
from gateway.directory.tags import TagKind, set_tags
from gateway.directory.users import find_user, find_user_by_id, page_users
from gateway.secret import Secret
from gateway.store.engine import Store
from gateway.store.paging import Page
from tests.fake_clock import NOON
from tests.unit.directory.world import group, user

AFTER = Page(size=10, after="m")


@contextmanager
def statements(store: Store) -> Iterator[list[tuple[str, Any]]]:
    """Each statement of the block, with its parameters."""
    seen: list[tuple[str, Any]] = []

    def see(_connection: Any, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        seen.append((statement, parameters))

    event.listen(store.engine, "before_cursor_execute", see)
    yield seen
    event.remove(store.engine, "before_cursor_execute", see)


def plans(session: Session, seen: list[tuple[str, Any]]) -> list[str]:
    """How SQLite goes about them, step by step."""
    steps = []
    for statement, parameters in seen:
        if statement.lstrip().upper().startswith(("SELECT", "DELETE", "UPDATE")):
            rows = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters)
            steps += [f"{row[3]}    <- {' '.join(statement.split())[:200]}" for row in rows]
    return steps


def test_lookups__every_step__goes_by_an_index(sqlite_store: Store) -> None:
    password = Secret("Correct-Horse-7")
    with sqlite_store.transaction() as session:
        owned = create_account(
            session, alias=None, display_name="", owner_login="o@example.com", owner_password=password, now=NOON
        )
        account = owned.id
        alice, staff = user(session, account_id=account), group(session, account_id=account)
        add_user(session, staff, alice, NOON)
        set_tags(session, account, TagKind.USER, alice.id, {"team": "blue"})
        with statements(sqlite_store) as seen:
            find_user(session, account, "alice")
            find_user_by_id(session, account, alice.id)
            find_user_of_key(session, account, "LTAI0")
            page_users(session, account, AFTER)
            page_users(session, account, AFTER, [("team", "blue"), ("site", "")])
            find_group(session, account, "staff")
            page_groups(session, account, AFTER)
            page_members(session, staff, AFTER)
            memberships_of(session, alice)
            count_things(session, account)
            recycle_user(session, account, alice.id, NOON)
            find_recycled_user(session, account, alice.id, NOON)
            page_recycled_users(session, account, AFTER, NOON)
            page_recycled_users(session, account, AFTER, NOON, name="alice")
            list_recycled_keys(session, account, alice.id, NOON)
            purge_keys_of(session, account, alice.id)
            restore_user(session, account, alice.id, NOON)
            with pytest.raises(Exception, match="recycle bin"):
                get_recycled_key(session, account, "LTAI0", NOON)
        steps = plans(session, seen)
    assert len(seen) > 30
    assert len(steps) >= len(seen) / 2
    assert [step for step in steps if step.startswith("SCAN ") and "CONSTANT" not in step] == []
