"""One running gateway for the whole room, with a company in it; the same company over HTTPS; a Node of the clients."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.authority import Authority, make_authority
from tests.live_gateway import live_gateway
from tests.wire.node_clients import NodeClients, node_clients
from tests.wire.seed import Seed, seed


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seed]:
    with live_gateway(tmp_path_factory.mktemp("gateway")) as gateway:
        services = gateway.services()
        yield seed(gateway, services)
        services.store.dispose()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def secure_company(company: Seed, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seed]:
    """The same company in a second gateway on the same database, which speaks TLS."""
    shared = {
        "RAMGATE_VAR_DIR": str(company.gateway.settings.var_dir),
        "RAMGATE_CERTS_DIR": str(company.gateway.settings.certs_dir),
    }
    with live_gateway(tmp_path_factory.mktemp("secure"), environ=shared, authority=authority) as gateway:
        yield replace(company, gateway=gateway, trusted=authority.trusted)


@pytest.fixture(params=["HTTP", "HTTPS"])
def over(request: pytest.FixtureRequest) -> Seed:
    """The company over plain HTTP, and over TLS: a test with this fixture runs once for each."""
    found: Seed = request.getfixturevalue("company" if request.param == "HTTP" else "secure_company")
    return found


@pytest.fixture(scope="session")
def node(authority: Authority) -> Iterator[NodeClients]:
    """The official JavaScript clients, in a process that trusts our authority."""
    with node_clients(authority.trusted) as clients:
        yield clients
