"""A gateway in this process that knows an instance, and the calls that the instance makes to it."""

import itertools
import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.api.pipeline import run
from gateway.api.versions import RESOURCES
from gateway.clock import wire_time
from gateway.directory.instances import Registered, register_instance
from gateway.directory.roles import create_role
from gateway.instance.proof import call_text, enrolment_text
from gateway.keyring import KeyRing, new_master_key
from gateway.store.engine import Store
from tests.fake_clock import FakeClock
from tests.in_process import bare_account, make_services, posted_form

ACCOUNT, OTHER = "1234567890123456", "6543210987654321"
ORIGIN = "https://sso.example.com"


def trust(*services: str) -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": list(services)}}
    return json.dumps({"Version": "1", "Statement": [statement]})


class InstancePlace:
    """Two accounts; ours has the role `app`, and the instance `web-1` registered for it."""

    def __init__(self, store: Store, clock: FakeClock) -> None:
        self.ring = KeyRing((new_master_key(),))
        self.store, self.clock = store, clock
        self.services = make_services(store, clock, self.ring)
        self._nonces = itertools.count()
        with store.transaction() as session:
            session.add_all([bare_account(ACCOUNT, "ours"), bare_account(OTHER, "theirs")])
            session.flush()
            self.role_id = create_role(
                session, ACCOUNT, "app", trust_document=trust("ecs.aliyuncs.com"), now=clock.now()
            ).id
        self.token = self.register("web-1").token.reveal()
        self.key = Ed25519PrivateKey.generate()
        self.arn = ""

    def register(self, name: str) -> Registered:
        with self.store.transaction() as session:
            return register_instance(session, ACCOUNT, name, "app", self.clock.now())

    def call(self, action: str, **parameters: str) -> tuple[int, Any]:
        """Status and body of the answer."""
        reply = run(
            replace(posted_form({"Action": action, "Version": RESOURCES, "Format": "JSON", **parameters})),
            self.services,
        )
        return reply.status, json.loads(reply.body)

    def public(self, key: Ed25519PrivateKey | None = None) -> str:
        return (key or self.key).public_key().public_bytes_raw().hex()

    def enrolment(self, token: str = "", origin: str = ORIGIN, **changes: str) -> dict[str, str]:
        told = token or self.token
        signature = self.key.sign(enrolment_text(origin, told, self.public())).hex()
        return {"EnrolmentToken": told, "PublicKey": self.public(), "InstanceSignature": signature, **changes}

    def enrol(self) -> None:
        status, answer = self.call("EnrolInstance", **self.enrolment())
        assert status == 200, answer
        self.arn = answer["InstanceArn"]

    def asked(
        self, *, arn: str = "", origin: str = ORIGIN, duration: int | None = None, at_s: float = 0, **changes: str
    ) -> dict[str, str]:
        """A call for credentials, signed for these values; `changes` are made after it was signed."""
        told, nonce = arn or self.arn, f"nonce-{next(self._nonces)}"
        signed_at = wire_time(self.clock.now() + timedelta(seconds=at_s))
        signature = self.key.sign(call_text(origin, told, duration, signed_at, nonce)).hex()
        wanted = {} if duration is None else {"DurationSeconds": str(duration)}
        call = {"InstanceArn": told, "SignedAt": signed_at, "Nonce": nonce, "InstanceSignature": signature}
        return {**call, **wanted, **changes}

    def assume(self, **changes: Any) -> tuple[int, Any]:
        return self.call("AssumeInstanceRole", **self.asked(**changes))

    def code(self, **changes: Any) -> str:
        """What a call for credentials is refused with."""
        status, answer = self.assume(**changes)
        assert 400 <= status < 500, answer
        assert "Credentials" not in answer
        return str(answer["Reason"])
