"""Every operation, driven with hostile values: never a fault of ours, and a refused call changes nothing.

In process, through the whole pipeline, on real databases; signed by the account's owner, by a user who may do
everything, and by one who may do nothing.
"""

from collections.abc import Iterator, Mapping

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.api.action import AnyAction
from gateway.api.actions.table import ACTIONS
from tests.databases import PostgresServer, SqliteFiles
from tests.property.api_world import World
from tests.property.hostile_values import parameters_of

SIGNERS = st.sampled_from(("owner", "owner", "admin", "admin", "alice"))
QUIET = settings(deadline=None, database=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def sqlite_world(sqlite_files: SqliteFiles) -> Iterator[World]:
    world = World(sqlite_files)
    yield world
    world.close()


@pytest.fixture(scope="module")
def postgres_world(postgres_server: PostgresServer) -> Iterator[World]:
    world = World(postgres_server)
    yield world
    world.close()


@pytest.mark.parametrize("action", ACTIONS.values(), ids=lambda action: f"{action.version}-{action.name}")
def test_run__hostile_values__answered_or_refused_without_a_trace(sqlite_world: World, action: AnyAction) -> None:
    @settings(QUIET, max_examples=20)
    @given(signer=SIGNERS, sent=parameters_of(action.version, action.name))
    def one_call(signer: str, sent: Mapping[str, str]) -> None:
        check_call(sqlite_world, action, signer, sent)

    one_call()


@settings(QUIET, max_examples=150)
@given(
    signer=SIGNERS,
    call=st.sampled_from(tuple(ACTIONS.values())).flatmap(
        lambda action: st.tuples(st.just(action), parameters_of(action.version, action.name))
    ),
)
def test_run__hostile_values_on_postgresql__answered_or_refused_without_a_trace(
    postgres_world: World, signer: str, call: tuple[AnyAction, Mapping[str, str]]
) -> None:
    check_call(postgres_world, call[0], signer, call[1])


def check_call(world: World, action: AnyAction, signer: str, sent: Mapping[str, str]) -> None:
    reply = world.call(action, signer, sent)
    assert 200 <= reply.status < 500
    if reply.status == 200 and not action.reads:
        world.begin_anew()
        return
    assert reply.status == 200 or {"Code", "Message", "RequestId", "Reason"} <= reply.body.keys()
    assert world.contents() == world.pristine
