from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import SqliteFiles
from tests.unit.web.site import Site, make_site


@pytest.fixture(scope="session")
def certs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certs")


@pytest.fixture
def site(sqlite_files: SqliteFiles, certs_dir: Path) -> Iterator[Site]:
    made = make_site(sqlite_files.migrated(), certs_dir)
    yield made
    made.services.store.dispose()
