"""The fixtures of every test that visits a site. A folder has them by importing them in its conftest."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.databases import SqliteFiles
from tests.unit.web.site import Browser, Site, make_site


@pytest.fixture(scope="session")
def certs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys are made once for all tests: it takes a second."""
    return tmp_path_factory.mktemp("certs")


@pytest.fixture
def site(sqlite_files: SqliteFiles, certs_dir: Path) -> Iterator[Site]:
    made = make_site(sqlite_files.migrated(), certs_dir)
    yield made
    made.services.store.dispose()


@pytest.fixture
def browser(site: Site) -> Browser:
    return site.browser()
