"""Whatever single thing somebody changes who can write the database and has no keys: a check finds it."""

from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, reject, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from gateway.audit.export import export_chains, verify_lines
from gateway.audit.notary import notary_of
from gateway.audit.stored import our_keys, verify_database
from gateway.store.engine import Store
from tests.databases import SqliteFiles, opened
from tests.receipt_world import fill

TABLES = ("receipts", "decision_batches", "chain_heads")


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder: Path = tmp_path_factory.mktemp("chains")
    with opened(SqliteFiles(folder).migrated()) as store:
        fill(store)
        yield store


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_verify__one_bit_of_one_value_changed__is_found(filled: Store, data: st.DataObject) -> None:
    def change(session: Session) -> None:
        table = data.draw(st.sampled_from(TABLES))
        row_id, row = data.draw(st.sampled_from(_rows(session, table)))
        column = data.draw(st.sampled_from(sorted(row)))
        changed = _flipped(row[column], data)
        try:
            session.execute(
                text(f"UPDATE {table} SET {column} = :value WHERE rowid = :id"), {"value": changed, "id": row_id}
            )
        except IntegrityError:  # the database itself has something against a number that is taken
            reject()

    _is_found(filled, change)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_verify__entries_deleted__are_missed(filled: Store, data: st.DataObject) -> None:
    def change(session: Session) -> None:
        table = data.draw(st.sampled_from(TABLES))
        ids = [row_id for row_id, _ in _rows(session, table)]
        for row_id in data.draw(st.sets(st.sampled_from(ids), min_size=1)):
            session.execute(text(f"DELETE FROM {table} WHERE rowid = :id"), {"id": row_id})

    _is_found(filled, change)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_verify__two_entries_swapped__are_found(filled: Store, data: st.DataObject) -> None:
    def change(session: Session) -> None:
        table = data.draw(st.sampled_from(("receipts", "decision_batches")))
        rows = _rows(session, table)
        first, second = data.draw(st.lists(st.sampled_from(range(len(rows))), min_size=2, max_size=2, unique=True))
        (one, one_row), (two, two_row) = rows[first], rows[second]
        for row_id, sequence in ((one, -1), (two, one_row["sequence"]), (one, two_row["sequence"])):
            session.execute(
                text(f"UPDATE {table} SET sequence = :sequence WHERE rowid = :id"), {"sequence": sequence, "id": row_id}
            )

    _is_found(filled, change)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_verify__entry_put_in__is_found(filled: Store, data: st.DataObject) -> None:
    def change(session: Session) -> None:
        table = data.draw(st.sampled_from(("receipts", "decision_batches")))
        _, row = data.draw(st.sampled_from(_rows(session, table)))
        copy = row | {"id": 1000, "sequence": data.draw(st.sampled_from((0, 100, 8)))}
        if data.draw(st.booleans()):
            copy["lane"] = data.draw(st.sampled_from(("07", "d-0000000000000000")))
        names = ", ".join(copy)
        marks = ", ".join(f":{name}" for name in copy)
        session.execute(text(f"INSERT INTO {table} ({names}) VALUES ({marks})"), copy)

    _is_found(filled, change)


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_verify_lines__one_bit_changed__is_found(filled: Store, data: st.DataObject) -> None:
    with filled.reading() as session:
        notary = notary_of(session)
        lines = [line.encode() + b"\n" for line in export_chains(session, notary)]
        keys = our_keys(session, notary)
    place = data.draw(st.integers(0, len(lines) - 1))
    line = bytearray(lines[place])
    line[data.draw(st.integers(0, len(line) - 2))] ^= 1 << data.draw(st.integers(0, 7))
    assert not verify_lines([*lines[:place], bytes(line), *lines[place + 1 :]], keys).sound


class _UndoneError(Exception):
    """Nothing of what was tried stays."""


def _is_found(store: Store, change: Callable[[Session], None]) -> None:
    sound = [True]

    def attempt() -> None:
        with store.transaction() as session:
            assert verify_database(session, notary_of(session)).sound
            change(session)
            sound.append(verify_database(session, notary_of(session)).sound)
            raise _UndoneError

    with pytest.raises(_UndoneError):
        attempt()
    assert sound == [True, False]


def _rows(session: Session, table: str) -> list[tuple[int, dict[str, Any]]]:
    found = session.execute(text(f"SELECT rowid AS place, * FROM {table}")).mappings()
    rows = [dict(row) for row in found]
    return [(row.pop("place"), row) for row in rows]


def _flipped(value: Any, data: st.DataObject) -> Any:
    if value is None:
        return data.draw(st.sampled_from((b"", "", b"x")))
    if isinstance(value, bytes) and value:
        changed = bytearray(value)
        changed[data.draw(st.integers(0, len(value) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        return bytes(changed)
    if isinstance(value, int):
        return value ^ (1 << data.draw(st.integers(0, 20)))
    assert isinstance(value, str)
    if _is_instant(value):  # another instant, since what is none can't be read at all
        return value[:-1] + str((int(value[-1]) + 1) % 10)
    if not value:
        return "x"
    place = data.draw(st.integers(0, len(value) - 1))
    return value[:place] + chr(ord(value[place]) ^ 1) + value[place + 1 :]


def _is_instant(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return len(value) > len("2026-01-01")
