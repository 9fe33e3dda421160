"""The fixtures of every test that visits a site. A folder has them by importing them in its conftest."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.databases import SqliteFiles
from tests.openid_provider import OpenIdProvider
from tests.unit.web.oidc_site import DEVELOPMENT, OidcSite
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


@pytest.fixture
def oidc(sqlite_files: SqliteFiles, certs_dir: Path) -> Iterator[OidcSite]:
    made = make_site(sqlite_files.migrated(), certs_dir, base_url=DEVELOPMENT)
    with ExitStack() as close:
        yield OidcSite(made, close.enter_context(OpenIdProvider(made.clock)), close)
    made.services.store.dispose()
