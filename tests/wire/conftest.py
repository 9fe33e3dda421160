"""One running gateway for the whole room, with a company in it; the same company over HTTPS; a Node of the clients."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.live_gateway import live_gateway
from tests.local_servers import Authority
from tests.wire.node_clients import NodeClients, node_clients
from tests.wire.seed import Seed, seed


@pytest.fixture(scope="session")
def company(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seed]:
    """It believes our authority, too, when it asks an identity provider for its keys."""
    trusts = {"RAMGATE_OUTBOUND_CA_FILE": str(authority.ca_file)}
    with live_gateway(tmp_path_factory.mktemp("gateway"), environ=trusts) as gateway:
        services = gateway.services()
        yield replace(seed(gateway, services), authority=authority)
        services.store.dispose()


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="session")
def secure_company(company: Seed, authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seed]:
    """The same company in a second gateway on the same database, which speaks TLS."""
    shared = {
        "RAMGATE_VAR_DIR": str(company.gateway.settings.var_dir),
        "RAMGATE_CERTS_DIR": str(company.gateway.settings.certs_dir),
        "RAMGATE_OUTBOUND_CA_FILE": str(authority.ca_file),
        "RAMGATE_OUTBOUND_NETWORKS": "127.0.0.0/8",
    }
    with live_gateway(tmp_path_factory.mktemp("secure"), environ=shared, authority=authority) as gateway:
        yield replace(company, gateway=gateway, trusted=authority.ca_file)


@pytest.fixture(params=["HTTP", "HTTPS"])
def over(request: pytest.FixtureRequest) -> Seed:
    """The company over plain HTTP, and over TLS: a test with this fixture runs once for each."""
    found: Seed = request.getfixturevalue("company" if request.param == "HTTP" else "secure_company")
    return found


@pytest.fixture(scope="session")
def node(authority: Authority) -> Iterator[NodeClients]:
    """The official JavaScript clients, in a process that trusts our authority."""
    with node_clients(authority.ca_file) as clients:
        yield clients
