"""How many calls a second on one worker: GetCallerIdentity and AssumeRole, signed, with 100 and with a million users.

    python -m benchmarks.api_calls [--seconds 5] [--users 1000000] [--rounds 3]

Beside them a Flask hello-world on the same front, and moto's STS server. The ratios count; absolute numbers are those
of the machine. Requests are signed beforehand; 64 users of 8 accounts call in turn. Every round measures all of them,
one after the other; a ratio is the median of the rounds' own ratios, so that a machine that is busy for a while does
not decide it.
"""

import argparse
import json
import secrets
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.crowd import add_crowd
from benchmarks.load import CONNECTIONS, rate, repeated
from benchmarks.moto_sts import SERVER, moto_request, moto_server
from gateway.directory.access_keys import NewAccessKey, create_access_key
from gateway.directory.accounts import create_account
from gateway.directory.attachments import attach_policy
from gateway.directory.roles import create_role
from gateway.directory.users import create_user
from gateway.secret import Secret
from gateway.services import Services
from tests.live_gateway import LiveGateway, live_gateway
from tests.wire.signed import SignedCall

ACCOUNTS, USERS_EACH = 8, 8
FEW = 100
ONE_WORKER = {"RAMGATE_WORKERS": "1", "RAMGATE_LOG_LEVEL": "INFO"}
HELLO = """
from flask import Flask
from gateway.audit.log import set_up_log
from gateway.server import serve_application
from gateway.settings import load_settings

app = Flask("hello")
app.add_url_rule("/", "hello", lambda: "hello", methods=["POST"])
set_up_log("WARNING")
serve_application(app, load_settings())
"""
PLAIN = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n"


@dataclass(frozen=True)
class Caller:
    key: NewAccessKey
    user_id: str
    role_arn: str


def make_callers(services: Services) -> list[Caller]:
    now, callers = datetime.now(UTC), []
    for number in range(ACCOUNTS):
        with services.store.transaction() as session:
            account = create_account(
                session,
                alias=f"company-{number}",
                display_name="Company",
                owner_login=f"owner@company-{number}.example",
                owner_password=Secret("Correct-Horse-7-Battery"),
                now=now,
            )
            statement = {
                "Effect": "Allow",
                "Action": "sts:AssumeRole",
                "Principal": {"RAM": [f"acs:ram::{account.id}:root"]},
            }
            document = json.dumps({"Version": "1", "Statement": [statement]})
            role = create_role(session, account.id, "worker", trust_document=document, now=now)
            for name in (f"user-{index}" for index in range(USERS_EACH)):
                user = create_user(session, account.id, name, now=now)
                attach_policy(session, account.id, "System", "AliyunSTSAssumeRoleAccess", user, now)
                key = create_access_key(session, services.ring, account_id=account.id, user_id=user.id, now=now)
                callers.append(Caller(key, user.id, role.arn))
    return callers


def signed(callers: list[Caller], action: str, count: int) -> list[bytes]:
    requests = []
    for number in range(count):
        caller = callers[number % len(callers)]
        assumes = action == "AssumeRole"
        query = {"RoleArn": caller.role_arn, "RoleSessionName": "alice"} if assumes else {}
        call = SignedCall(caller.key, nonce=secrets.token_hex(8), query=query, more={"x-acs-action": action})
        requests.append(call.request())
    return requests


def address(gateway: LiveGateway) -> tuple[str, int]:
    return gateway.settings.host, gateway.settings.port


class Contest:
    """The servers, running side by side but asked one after the other."""

    def __init__(self, stack: ExitStack, directory: Path, users: int) -> None:
        self.rounds: list[dict[str, float]] = []
        (directory / "hello").mkdir()
        self.hello = stack.enter_context(live_gateway(directory / "hello", program=HELLO, environ=ONE_WORKER))
        self.gateways: dict[str, tuple[LiveGateway, list[Caller]]] = {}
        for count in dict.fromkeys((FEW, users)):
            place = directory / str(count)
            place.mkdir()
            gateway = stack.enter_context(live_gateway(place, environ=ONE_WORKER))
            services = gateway.services()
            callers = make_callers(services)
            add_crowd(services.store, callers[0].user_id, count)
            services.store.dispose()
            self.gateways[f"{count:,} users"] = gateway, callers
        self.moto = stack.enter_context(moto_server()) if SERVER.exists() else None

    def run(self, seconds: float) -> None:
        """One round."""
        self.rounds.append({})
        hello = self._measure("hello-world", address(self.hello), repeated(PLAIN), seconds)
        enough = int(hello * seconds) + CONNECTIONS
        for crowd, (gateway, callers) in self.gateways.items():
            for action in ("GetCallerIdentity", "AssumeRole"):
                self._measure(f"{action}, {crowd}", address(gateway), signed(callers, action, enough), seconds)
        if self.moto is not None:
            identity = moto_request("GetCallerIdentity")
            role = {"RoleArn": "arn:aws:iam::123456789012:role/worker", "RoleSessionName": "alice"}
            self._measure("moto GetCallerIdentity", self.moto, repeated(identity), seconds)
            self._measure("moto AssumeRole", self.moto, repeated(moto_request("AssumeRole", **role)), seconds)

    def _measure(self, name: str, where: tuple[str, int], requests: list[bytes], seconds: float) -> float:
        measured = rate(where, requests, seconds)
        self.rounds[-1][name] = measured
        return measured


def report(rounds: list[dict[str, float]]) -> None:
    for name in rounds[0]:
        rates = median(each[name] for each in rounds)
        share = median(each[name] / each["hello-world"] for each in rounds)
        peer = "moto " + name.partition(",")[0]
        times = f", {median(each[name] / each[peer] for each in rounds):.1f} times moto" if peer in rounds[0] else ""
        print(f"{name:36} {rates:6.0f}/s, {share:.2f} of hello-world{times}")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--users", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        contest = Contest(stack, Path(name), options.users)
        for _ in range(options.rounds):
            contest.run(options.seconds)
        report(contest.rounds)


if __name__ == "__main__":
    main()
