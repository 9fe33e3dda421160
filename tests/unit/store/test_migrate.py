"""Migrations: from nothing to what the code expects, quickly when there is nothing to do."""

import importlib
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import text

import gateway.audit
import gateway.directory
import gateway.federation
import gateway.sts
from gateway.errors import ConfigError, Reason
from gateway.store.base import Base
from gateway.store.engine import Store
from gateway.store.fleeting_postgres import FLEETING_TABLES
from gateway.store.migrate import upgrade
from tests.databases import Databases, PostgresServer, opened

ROOMS_WITH_TABLES = (gateway.audit, gateway.directory, gateway.federation, gateway.sts)


@pytest.fixture
def empty_store(databases: Databases) -> Iterator[Store]:
    url = databases.empty()
    with opened(url) as store:
        yield store
    if isinstance(databases, PostgresServer):
        databases.drop(url)


def import_all(room: ModuleType) -> None:
    for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
        importlib.import_module(module.name)


def test_upgrade__empty_database__has_exactly_the_tables_of_the_code(empty_store: Store) -> None:
    for room in ROOMS_WITH_TABLES:
        import_all(room)
    for module in ("claims", "jobs"):
        importlib.import_module(f"gateway.store.{module}")
    upgrade(empty_store)
    with empty_store.engine.connect() as connection:
        opts = {"compare_type": True, "include_name": lambda name, _kind, _parents: name not in FLEETING_TABLES}
        context = MigrationContext.configure(connection, opts=opts)
        assert compare_metadata(context, Base.metadata) == []


def test_upgrade__again__changes_nothing(empty_store: Store) -> None:
    upgrade(empty_store)
    upgrade(empty_store)
    with empty_store.reading() as session:
        assert session.execute(text("SELECT count(*) FROM alembic_version")).scalar() == 1


def test_upgrade__database_of_a_newer_version__refused(empty_store: Store) -> None:
    upgrade(empty_store)
    with empty_store.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(ConfigError) as refused:
        upgrade(empty_store)
    assert refused.value.reason is Reason.CONFIG_INVALID


def test_upgrade__database_of_an_unknown_version__refused(empty_store: Store) -> None:
    upgrade(empty_store)
    with empty_store.transaction() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '0000'"))
    with pytest.raises(ConfigError) as refused:
        upgrade(empty_store)
    assert refused.value.reason is Reason.CONFIG_INVALID


def test_upgrade__server_not_there__refused_without_the_password(tmp_path: Path) -> None:
    with opened(f"postgresql://user:hunter2@/database?host={tmp_path}") as store, pytest.raises(ConfigError) as refused:
        upgrade(store)
    assert refused.value.reason is Reason.CONFIG_INVALID
    assert "hunter2" not in f"{refused.value}{refused.value.detail}"


def test_upgrade__up_to_date__does_not_load_alembic(database_url: str) -> None:
    program = (
        "import sys; from gateway.store.engine import Store; from gateway.store.migrate import upgrade; "
        "upgrade(Store(sys.argv[1])); assert 'alembic' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", program, database_url], check=True)


def test_upgrade__three_processes_at_once__one_migrates_and_all_succeed(empty_store: Store) -> None:
    program = (
        "import sys; from gateway.store.engine import Store; from gateway.store.migrate import upgrade; "
        "store = Store(sys.argv[1]); sys.stdin.readline(); upgrade(store)"
    )
    url = empty_store.engine.url.render_as_string(hide_password=False)
    starting = [
        subprocess.Popen([sys.executable, "-c", program, url], stdin=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    outcomes = [process.communicate("\n", timeout=60)[1] for process in starting]
    assert [process.returncode for process in starting] == [0, 0, 0], outcomes
