"""How many questions of a resource service a second on one worker, beside a Flask hello-world on the same front.

    python -m benchmarks.authorize [--seconds 4] [--rounds 3]

`Authorize` may be no more than 2.5 times slower than hello-world. Requests are signed beforehand; 64 users of 8
accounts are asked about, and sign what is forwarded. A ratio is the median of the rounds' own ratios.
"""

import argparse
import base64
import hmac
import json
import secrets
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from benchmarks.api_calls import HELLO, ONE_WORKER, PLAIN, Caller, address, make_callers
from benchmarks.load import CONNECTIONS, rate, repeated
from gateway.clock import wire_time
from gateway.directory.access_keys import NewAccessKey, create_access_key
from gateway.directory.attachments import attach_policy
from gateway.directory.resource_services import register_service
from gateway.directory.users import create_user
from gateway.services import Services
from tests.live_gateway import live_gateway
from tests.wire.signed import SignedCall

VERSION = "2026-11-01"
CONTEXT = json.dumps({"acs:SourceIp": "192.0.2.1", "acs:SecureTransport": True, "oss:Prefix": "photos/"})
BATCH = 20


def make_service(services: Services, account_id: str) -> NewAccessKey:
    """A service that may ask about `oss` in every account."""
    now = datetime.now(UTC)
    with services.store.transaction() as session:
        user = create_user(session, account_id, "store", now=now)
        attach_policy(session, account_id, "System", "AdministratorAccess", user, now)
        register_service(session, user.arn, ["oss"], now)
        return create_access_key(session, services.ring, account_id=account_id, user_id=user.id, now=now)


def asked(caller: Caller, name: str) -> dict[str, str]:
    account = caller.role_arn.split(":")[3]
    return {
        "PrincipalArn": f"acs:ram::{account}:user/{name}",
        "RequestAction": "oss:GetObject",
        "Resource": f"acs:oss:cn-hangzhou:{account}:photos/a.jpg",
        "Context": CONTEXT,
    }


def forwarded(caller: Caller, name: str) -> dict[str, str]:
    text = "GET\n\n\nnow\n/photos/a.jpg"
    digest = hmac.digest(caller.key.secret.reveal().encode(), text.encode(), "sha1")
    question = asked(caller, name)
    question.pop("PrincipalArn")
    return question | {
        "ClientAccessKeyId": caller.key.access_key_id,
        "ClientSignatureMethod": "HMAC-SHA1",
        "StringToSign": text,
        "ClientSignature": base64.b64encode(digest).decode(),
        "SignedAt": wire_time(datetime.now(UTC)),
    }


def signed(service: NewAccessKey, action: str, callers: list[Caller], count: int) -> list[bytes]:
    requests = []
    for number in range(count):
        caller = callers[number % len(callers)]
        name = f"user-{number % 8}"  # as `make_callers` calls them
        query = forwarded(caller, name) if action == "VerifyRequest" else asked(caller, name)
        if action == "AuthorizeBatch":
            query = {"Authorizations": json.dumps([query | {"Context": json.loads(CONTEXT)}] * BATCH)}
        more = {"x-acs-action": action, "x-acs-version": VERSION}
        requests.append(SignedCall(service, nonce=secrets.token_hex(8), query=query, more=more).request())
    return requests


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    rounds: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        for folder in ("hello", "gateway"):
            (Path(name) / folder).mkdir()
        hello = stack.enter_context(live_gateway(Path(name) / "hello", program=HELLO, environ=ONE_WORKER))
        gateway = stack.enter_context(live_gateway(Path(name) / "gateway", environ=ONE_WORKER))
        services = gateway.services()
        callers = make_callers(services)
        service = make_service(services, callers[0].role_arn.split(":")[3])
        services.store.dispose()
        for _ in range(options.rounds):
            plain = rate(address(hello), repeated(PLAIN), options.seconds)
            rounds.append({"hello-world": plain})
            for action in ("Authorize", "VerifyRequest", "AuthorizeBatch"):
                enough = int(plain * options.seconds / (BATCH / 2 if action == "AuthorizeBatch" else 1)) + CONNECTIONS
                requests = signed(service, action, callers, enough)
                rounds[-1][action] = rate(address(gateway), requests, options.seconds)
    for what in rounds[0]:
        share = median(each["hello-world"] / each[what] for each in rounds)
        print(f"{what:16} {median(each[what] for each in rounds):6.0f}/s, {share:.2f} times slower than hello-world")


if __name__ == "__main__":
    main()
