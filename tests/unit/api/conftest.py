"""The stage that every test of the pipeline stands on."""

import pytest

from gateway.store.engine import Store
from tests.fake_clock import FakeClock
from tests.unit.api.stage import Stage, make_stage


@pytest.fixture
def stage(store: Store, clock: FakeClock) -> Stage:
    return make_stage(store, clock)
