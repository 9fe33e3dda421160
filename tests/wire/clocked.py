"""A gateway of one worker process whose clock is the test's: it reads how far it is ahead from a file."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tests.live_gateway import live_gateway
from tests.local_servers import Authority
from tests.wire.seed import Seed, seed

PROGRAM = """
import os
from datetime import timedelta
from pathlib import Path
from gateway.app import create_app
from gateway.audit.log import set_up_log
from gateway.clock import SystemClock
from gateway.server import serve_application
from gateway.settings import load_settings

AHEAD = Path(os.environ["AHEAD"])

class ClockOfTheTest:
    def now(self):
        return SystemClock().now() + timedelta(seconds=float(AHEAD.read_text()))

settings = load_settings()
set_up_log(settings.log_level)
serve_application(create_app(settings, clock=ClockOfTheTest()), settings)
"""


@dataclass
class ClockedCompany:
    """`ahead_s` is by how much the gateway's clock is ahead of ours."""

    seed: Seed
    file: Path

    @property
    def ahead_s(self) -> float:
        return float(self.file.read_text())

    def advance(self, seconds: float) -> None:
        _write(self.file, self.ahead_s + seconds)

    def set(self, moment: datetime) -> None:
        """It is this moment now. The clock runs on."""
        _write(self.file, (moment - datetime.now(UTC)).total_seconds())


def _write(file: Path, seconds: float) -> None:
    draft = file.with_suffix(".new")
    draft.write_text(str(seconds))
    draft.replace(file)  # in one step: it is read all the time


@contextmanager
def clocked_company(directory: Path, authority: Authority) -> Iterator[ClockedCompany]:
    file = directory / "ahead"
    _write(file, 0)
    environ = {"AHEAD": str(file), "RAMGATE_OUTBOUND_CA_FILE": str(authority.ca_file), "RAMGATE_WORKERS": "1"}
    with live_gateway(directory, program=PROGRAM, environ=environ) as gateway:
        services = gateway.services()
        yield ClockedCompany(replace(seed(gateway, services), authority=authority), file)
        services.store.dispose()
