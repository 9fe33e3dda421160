"""One running gateway for the whole room, with a company in it."""

from collections.abc import Iterator

import pytest

from tests.live_gateway import live_gateway
from tests.wire.seed import Seed, seed


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seed]:
    with live_gateway(tmp_path_factory.mktemp("gateway")) as gateway:
        services = gateway.services()
        yield seed(gateway, services)
        services.store.dispose()
