"""`make demo`: set the company up, start the gateway and its IdP, say who can sign in, stop both together."""

import os
import signal
import sys
import time
from collections.abc import Mapping, Sequence

from gateway.clock import SystemClock
from gateway.demo.places import Places, find_places
from gateway.demo.servers import Server, check_port_free, start_server, stop_servers, wait_until_ready
from gateway.demo.state import DemoState, load_state, save_state
from gateway.demo.welcome import welcome
from gateway.errors import ConfigError, GatewayError, Reason
from gateway.key_files import KEYRING

_LOOK_EVERY_S = 0.5


def run() -> int:
    """Run the demo until Ctrl-C or SIGTERM. The exit code is 0 then, 1 if it could not start or a server died."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _stop)
    servers: list[Server] = []
    try:
        places = find_places()
        check_port_free(places.settings.host, places.settings.port, "PORT")
        check_port_free(places.settings.host, places.idp_port, "IDP_PORT")
        if os.environ.get("RESET", "") not in {"", "0"}:
            start_over(places)
        state = prepare(places)
        servers += _start(places)
        wait_until_ready(servers)
        print(welcome(places, state), flush=True)
        return _watch(servers)
    except GatewayError as exc:
        print(f"error: {exc.public}", file=sys.stderr, flush=True)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. The data stays; `make demo` goes on where you left, RESET=1 starts over.", flush=True)
        return 0
    finally:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        stop_servers(servers)


def prepare(places: Places) -> DemoState:
    """Have keys, database and company ready for these addresses.

    Raises: ConfigError(CONFIG_INVALID) if parts of an earlier run are missing.
    """
    state = load_state(places.state) if places.database.exists() else None
    ring = places.settings.certs_dir / KEYRING
    if state is not None and not ring.exists():
        raise ConfigError(Reason.CONFIG_INVALID, f"{ring} is gone, which the data needs; start over with RESET=1")
    has_idp_keys = places.idp_key.exists() and places.idp_certificate.exists()
    here = (places.settings.base_url, places.idp_url)
    if state is not None and has_idp_keys and (state.base_url, state.idp_url) == here:
        return state
    # What sets a company up loads libraries for a second that a plain start can do without.
    from gateway.demo.setting_up import move, set_up  # noqa: PLC0415

    print(
        "Setting up the sample company ..." if state is None else "Moving the company to new addresses ...", flush=True
    )
    now = SystemClock().now()
    state = set_up(places, now) if state is None else move(places, state, now)
    save_state(places.state, state)
    return state


def start_over(places: Places) -> None:
    """Remove all that the demo made, and nothing that the gateway's own keys sealed elsewhere."""
    database = places.database
    side_files = [database.with_name(database.name + ending) for ending in ("-wal", "-shm")]
    for path in (database, *side_files, places.state, places.idp_key, places.idp_certificate, places.idp_metadata):
        path.unlink(missing_ok=True)


def child_environ(places: Places, environ: Mapping[str, str]) -> dict[str, str]:
    """What the two servers inherit: everything, and the demo's own database."""
    return {**environ, "RAMGATE_DATABASE_URL": places.settings.database_url}


def _start(places: Places) -> list[Server]:
    environ = child_environ(places, os.environ)
    host = f"http://{places.settings.host}"
    servers: list[Server] = []
    try:
        for name, port, path in (("gateway", places.settings.port, "/healthz"), ("idp", places.idp_port, "/metadata")):
            servers.append(start_server(name, f"{host}:{port}{path}", places.log(name), environ))
    except BaseException:
        stop_servers(servers)
        raise
    return servers


def _watch(servers: Sequence[Server]) -> int:
    while True:
        for server in servers:
            if server.process.poll() is not None:
                print(f"error: the {server.name} stopped:\n{server.log_tail()}", file=sys.stderr, flush=True)
                return 1
        time.sleep(_LOOK_EVERY_S)


def _stop(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt
