"""A gateway in this process, for jobs to work on."""

import pytest

from gateway.keyring import KeyRing, new_master_key
from gateway.services import Services
from gateway.store.engine import Store
from tests.fake_clock import FakeClock
from tests.in_process import make_services


@pytest.fixture
def services(store: Store, clock: FakeClock) -> Services:
    return make_services(store, clock, KeyRing((new_master_key(),)))
