"""An account to simulate in, with another beside it."""

import pytest

from gateway.store.engine import Store
from tests.unit.simulation.world import World


@pytest.fixture
def world(store: Store) -> World:
    return World(store)
