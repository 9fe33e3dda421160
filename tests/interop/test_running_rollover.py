"""A running gateway of several processes takes changed keys up by itself, and no broken ones."""

import http.client
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from gateway.key_rollover import make_next_keys, switch_keys
from gateway.own_keys import MANIFEST
from tests.live_gateway import LiveGateway, live_gateway

_DEADLINE_S = 20.0
_AT_ONCE = 12  # connections, so that each process has some


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveGateway]:
    with live_gateway(tmp_path_factory.mktemp("running"), environ={"RAMGATE_WORKERS": "3"}) as running:
        yield running


def seen(gateway: LiveGateway) -> set[tuple[str, ...]]:
    """The signing certificates that our metadata shows, from whatever processes answer."""
    connections = [http.client.HTTPConnection(gateway.endpoint, timeout=10) for _ in range(_AT_ONCE)]
    found = set()
    for connection in connections:
        connection.request("GET", "/saml-role/sp-metadata.xml")
    for connection in connections:
        answer = connection.getresponse()
        assert answer.status == 200
        found.add(tuple(re.findall(r"<ds:X509Certificate>([^<]+)<", answer.read().decode())))
        connection.close()
    return found


def until(gateway: LiveGateway, holds: Callable[[set[tuple[str, ...]]], bool]) -> set[tuple[str, ...]]:
    deadline = time.monotonic() + _DEADLINE_S
    while time.monotonic() < deadline:
        found = seen(gateway)
        if holds(found):
            return found
        time.sleep(0.1)
    raise AssertionError(f"not within {_DEADLINE_S} seconds: {[len(each) for each in found]}")


def test_running_gateway__keys_changed_switched_and_broken__all_processes_go_along(gateway: LiveGateway) -> None:
    certs: Path = gateway.settings.certs_dir
    ((old,),) = seen(gateway)
    make_next_keys(certs, datetime.now(UTC))
    ((first, new),) = until(gateway, lambda found: {len(each) for each in found} == {2})
    assert first == old
    switch_keys(certs, datetime.now(UTC), datetime.now(UTC) + timedelta(seconds=1))
    until(gateway, lambda found: found == {(new, old)})

    good = (certs / MANIFEST).read_text()
    (certs / MANIFEST).write_text(good.replace("-2", "-3"))
    deadline = time.monotonic() + _DEADLINE_S
    while gateway.log_text().count("our own keys were changed, and stay as they were") < 1:
        assert time.monotonic() < deadline
        assert seen(gateway) == {(new, old)}
        time.sleep(0.1)
    assert seen(gateway) == {(new, old)}
    (certs / MANIFEST).write_text(good)
    nobody_waits = re.sub(r'"leaves_at": "[^"]+"', '"leaves_at": "2020-01-01T00:00:00Z"', good)
    (certs / MANIFEST).write_text(nobody_waits)
    until(gateway, lambda found: found == {(new,)})
    assert "Traceback" not in gateway.log_text()
    assert "PRIVATE" not in gateway.log_text()
