"""A directory with as many users as wanted, put in below the directory's rules: SQL copies of one user."""

from dataclasses import dataclass

from sqlalchemy import Table, text
from sqlalchemy.orm import Session

from gateway.directory.access_keys import AccessKeyRow
from gateway.directory.accounts import Account
from gateway.directory.attachments import Attachment
from gateway.directory.users import User
from gateway.store.base import Base
from gateway.store.engine import Store

USERS_PER_ACCOUNT = 5000
_BATCH = 100_000


def add_crowd(store: Store, user_id: str, count: int) -> None:
    """Copies of this user, each with an access key and an attached policy, in accounts of 5000 users. SQLite only."""
    with store.transaction() as session:
        accounts = -(-count // USERS_PER_ACCOUNT)
        account = "printf('7%015d', n.i)"
        user = session.get(User, user_id)
        assert user is not None
        changed = {"id": account, "alias": f"'crowd-' || {account}", "owner_login": f"'crowd-' || {account}"}
        _copy(session, _Template(Account, "id", user.account_id), changed, range(accounts))
    for start in range(0, count, _BATCH):
        with store.transaction() as session:
            _add_users(session, user_id, start, min(_BATCH, count - start))


def _add_users(session: Session, user_id: str, start: int, count: int) -> None:
    numbers = range(start, start + count)
    account = f"printf('7%015d', n.i / {USERS_PER_ACCOUNT})"
    user, key = "printf('8%017d', n.i)", "printf('LTAIcrowd%015d', n.i)"
    name = "printf('user%d', n.i)"
    own = {"account_id": account}
    _copy(session, _Template(User, "id", user_id), own | {"id": user, "name": name, "name_key": name}, numbers)
    _copy(session, _Template(AccessKeyRow, "user_id", user_id), own | {"id": key, "user_id": user}, numbers)
    _copy(session, _Template(Attachment, "target_id", user_id), own | {"id": "NULL", "target_id": user}, numbers)


@dataclass(frozen=True, slots=True)
class _Template:
    """A row to be copied: the first one with this value in this column."""

    row: type[Base]
    column: str
    value: str


def _copy(session: Session, template: _Template, changed: dict[str, str], numbers: range) -> None:
    """The row once for each number, with some columns changed: SQL expressions over the number `n.i`."""
    table = template.row.__table__
    assert isinstance(table, Table)
    columns = [column.name for column in table.columns]
    values = ", ".join(changed.get(column, f"t.{column}") for column in columns)
    statement = f"""
        WITH RECURSIVE n(i) AS (SELECT :first UNION ALL SELECT i + 1 FROM n WHERE i + 1 < :end)
        INSERT INTO {table.name} ({", ".join(columns)})
        SELECT {values} FROM n, (SELECT * FROM {table.name} WHERE {template.column} = :value LIMIT 1) AS t
    """
    session.execute(text(statement), {"first": numbers.start, "end": numbers.stop, "value": template.value})
