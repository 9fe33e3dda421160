"""Users and memberships of a database from before there was a recycle bin."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, column
from sqlalchemy import table as sql_table

import gateway.store.migrate
from gateway.directory.groups import get_group, page_members
from gateway.directory.recycle_bin import recycle_user, restore_user
from gateway.store.base import UtcDateTime
from gateway.store.engine import Store
from gateway.store.migrate import upgrade
from gateway.store.paging import Page
from tests.databases import Databases, PostgresServer, opened
from tests.fake_clock import NOON

ACCOUNT, LATER = "1234567890123456", NOON + timedelta(days=1)
NAMED = {"account_id": ACCOUNT, "display_name": "", "comments": ""}
OWNED = {"alias": "company", "display_name": "", "owner_login": "o@example.com", "owner_password_hash": ""}


@pytest.fixture
def old_store(databases: Databases) -> Iterator[Store]:
    """A database as an earlier version left it, with two members in a group."""
    url = databases.empty()
    with opened(url) as store:
        config = Config()
        config.set_main_option("script_location", str(Path(gateway.store.migrate.__file__).parent / "migrations"))
        with store.write_connection() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0004")
            _fill(connection)
        yield store
    if isinstance(databases, PostgresServer):
        databases.drop(url)


def _fill(connection: Connection) -> None:
    account = {"id": ACCOUNT, **OWNED, "login_session_duration_h": 6, "policy_stamp": 1}
    _insert(connection, "accounts", **account, created_at=NOON)
    for table, row_id, name, at in (
        ("users", "1", "Alice", NOON),
        ("users", "2", "bob", LATER),
        ("groups", "3", "staff", NOON + timedelta(hours=1)),
    ):
        named = {"id": row_id, "name": name, "name_key": name.lower(), **NAMED}
        _insert(connection, table, **named, created_at=at, updated_at=at)
    for user_id in ("1", "2"):
        _insert(connection, "group_memberships", group_id="3", user_id=user_id)


def _insert(connection: Connection, table: str, **row: object) -> None:
    columns = [column(name, UtcDateTime() if isinstance(value, datetime) else None) for name, value in row.items()]
    connection.execute(sql_table(table, *columns).insert().values(**row))


def test_upgrade__members_of_before__joined_when_both_were_there(old_store: Store) -> None:
    upgrade(old_store)
    with old_store.reading() as session:
        members = page_members(session, get_group(session, ACCOUNT, "staff"), Page(size=10)).rows
        assert {each.user.name: each.joined_at for each in members} == {
            "Alice": NOON + timedelta(hours=1),
            "bob": LATER,
        }
        assert {(each.user.email, each.user.mobile_phone, each.user.provision_type) for each in members} == {
            ("", "", "Manual")
        }


def test_upgrade__user_of_before__goes_to_the_recycle_bin_and_comes_back(old_store: Store) -> None:
    upgrade(old_store)
    with old_store.transaction() as session:
        recycle_user(session, ACCOUNT, "1", LATER)
        assert restore_user(session, ACCOUNT, "1", LATER).lost == []
        members = page_members(session, get_group(session, ACCOUNT, "staff"), Page(size=10)).rows
        assert [each.user.name for each in members] == ["Alice", "bob"]
