"""Fixtures that every room may use: databases, and a clock that stands still.

`store` runs a test on SQLite and on PostgreSQL; `database_url` does the same for code that opens its own store.
"""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher

from gateway.directory import passwords
from gateway.store.engine import Store
from tests.databases import Databases, PostgresServer, SqliteFiles, opened
from tests.fake_clock import FakeClock

FULL_PRICE = passwords._HASHER
BACKENDS = ("sqlite", "postgresql")


@pytest.fixture(scope="session", autouse=True)
def cheap_passwords() -> Iterator[None]:
    """argon2id, at the lowest cost it has: nearly every test makes an account, and its owner's password would take most
    of that time. What is about the cost itself says `full_price`; programs that tests start know nothing of this.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
        yield


@pytest.fixture
def full_price() -> Iterator[None]:
    """Passwords are hashed as they are outside of tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(passwords, "_HASHER", FULL_PRICE)
        passwords._hash_of_nobody.cache_clear()
        yield
    passwords._hash_of_nobody.cache_clear()


@pytest.fixture(scope="session")
def sqlite_files(tmp_path_factory: pytest.TempPathFactory) -> SqliteFiles:
    return SqliteFiles(tmp_path_factory.mktemp("sqlite"))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """One server per test process, so that workers of pytest-xdist do not share one."""
    with PostgresServer() as server:
        yield server


@pytest.fixture(params=BACKENDS)
def databases(request: pytest.FixtureRequest) -> Databases:
    """Databases of one kind; a test with this fixture runs once for each kind."""
    name = "sqlite_files" if request.param == "sqlite" else "postgres_server"
    found: Databases = request.getfixturevalue(name)
    return found


@pytest.fixture
def database_url(databases: Databases) -> Iterator[str]:
    """The URL of a migrated database that no other test sees."""
    url = databases.migrated()
    yield url
    if isinstance(databases, PostgresServer):
        databases.drop(url)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """A migrated store that no other test sees."""
    with opened(database_url) as opened_store:
        yield opened_store


@pytest.fixture
def sqlite_store(sqlite_files: SqliteFiles) -> Iterator[Store]:
    """A migrated SQLite store, for tests whose subject is not the database."""
    with opened(sqlite_files.migrated()) as opened_store:
        yield opened_store


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
