"""How long a whole role login takes with ten, a thousand and a hundred thousand registered identity providers.

A login is the browser's POST to the role consumer, through all of the WSGI application: verification, the durable
claim of the assertion, mapping, trust policy, session, receipt. Each provider has a certificate, a source and a
document. The three gateways take turns in one process, each with a database of its own; the ratio of the medians
counts.

Run: python benchmarks/login_scale.py [--rounds 200] [--most 100000]
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.medians import measure
from gateway.store.engine import Store
from gateway.store.migrate import upgrade
from tests.many_providers import fill
from tests.unit.web.site import Site, make_site, role_spec, signed

TARGET = 1.10
BLOCK = 10


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--rounds", type=int, default=200)
    arguments.add_argument("--most", type=int, default=100_000)
    chosen = arguments.parse_args()
    sizes = (10, 1_000, chosen.most)
    with tempfile.TemporaryDirectory() as directory:
        runs = {f"{size:>7} providers": logins(Path(directory), size, chosen.rounds) for size in sizes}
        medians = measure(runs, chosen.rounds, BLOCK)
    least = medians[f"{sizes[0]:>7} providers"]
    for name, taken in medians.items():
        print(f"{name}  {taken / 1000:7.2f} ms  x {taken / least:.2f}")
    print(f"target: below x {TARGET:.2f}")


def logins(folder: Path, size: int, rounds: int) -> Callable[[], None]:
    """One login a call, each with a response of its own."""
    url = f"sqlite:///{folder / f'{size}.sqlite3'}"
    store = Store(url)
    upgrade(store)
    started = time.monotonic()
    fill(store, size)
    store.dispose()
    site = make_site(url, folder / "certs")
    (role,) = site.roles("reader")
    responses = iter([_response(role, number) for number in range(rounds + rounds // BLOCK + BLOCK)])
    print(f"{size:>7} providers are there after {time.monotonic() - started:.0f} s", file=sys.stderr)
    return lambda: _log_in(site, responses)


def _response(role: str, number: int) -> str:
    return signed(role_spec(role, response_id=f"_r{number}", assertion_id=f"_a{number}"))


def _log_in(site: Site, responses: Iterator[str]) -> None:
    answer = site.browser().post("/saml-role/sso", data={"SAMLResponse": next(responses)})
    assert answer.status_code == 303, answer.text


if __name__ == "__main__":
    main()
