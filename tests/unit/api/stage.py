"""A gateway with one user in it, and an operation to call: what tests of the pipeline stand on."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import func, select, text

from gateway.api.action import Action, AnyAction, Auth, Outcome, Target, Work
from gateway.api.call import WireRequest
from gateway.api.parameters import Parameters
from gateway.api.pipeline import ApiReply, run
from gateway.audit.receipts import Receipt, list_receipts
from gateway.client import Client
from gateway.directory.access_keys import NewAccessKey, create_access_key
from gateway.directory.accounts import create_account
from gateway.directory.attachments import attach_policy
from gateway.directory.roles import create_role
from gateway.directory.users import User, create_user
from gateway.keyring import KeyRing, new_master_key
from gateway.principal import RoleSession
from gateway.secret import Secret
from gateway.services import Services
from gateway.store.claims import OneTimeClaim
from gateway.store.engine import Store
from gateway.store.fleeting_postgres import PostgresFleeting
from gateway.store.fleeting_sqlite import SqliteFleeting
from gateway.sts.token import SessionToken, seal_token
from tests.fake_clock import FakeClock
from tests.in_process import make_services, signed_parameters
from tests.sessions import make_provenance

VERSION = "2015-05-01"


@dataclass
class Stage:
    """A gateway with one user, and the operation `Probe` that needs `ram:Probe` on the resource it is given."""

    services: Services
    clock: FakeClock
    account_id: str
    user: User
    key: NewAccessKey
    steps: list[str] = field(default_factory=list)
    fault: Exception | None = None

    def action(self, auth: Auth = Auth.SIGNED) -> AnyAction:
        return Action(
            name="Probe",
            version=VERSION,
            auth=auth,
            parse=self._parse,
            perform=self._perform,
            permission="ram:Probe",
            targets=self._targets,
        )

    def reading_action(self) -> AnyAction:
        return replace(self.action(), name="Look", reads=True)

    def _parse(self, parameters: Parameters) -> str:
        self.steps.append("parse")
        return parameters.text("Target", max_length=64)

    def _targets(self, work: Work, request: str) -> tuple[Target, ...]:
        self.steps.append("authorize")
        users = f"acs:ram::{work.account_id}:user"
        return Target(f"{users}/{request}"), Target(f"{users}/*")

    def _perform(self, work: Work, request: str) -> Outcome:
        self.steps.append("perform")
        receipt = Receipt(
            at=work.now,
            request_id=work.call.wire.request_id,
            account_id=self.account_id,
            kind="Probe",
            principal_arn=work.principal.arn if work.principal else None,
            outcome="Allow",
        )
        if self.fault is not None:
            raise self.fault
        return Outcome({"Target": request}, receipt=receipt)

    def call(
        self,
        *,
        auth: Auth = Auth.SIGNED,
        key: NewAccessKey | None = None,
        nonce: str = "n",
        action: AnyAction | None = None,
        **parameters: str,
    ) -> ApiReply:
        key = key or self.key
        chosen = action or self.action(auth)
        named = {"Action": chosen.name, "Version": chosen.version, "Target": "bob", **parameters}
        signed = signed_parameters(key, named, nonce=nonce, now=self.clock.now())
        return self.send(signed, chosen)

    def send(self, parameters: Mapping[str, str], action: AnyAction) -> ApiReply:
        wire = WireRequest(
            request_id="REQUEST-1",
            method="POST",
            query_string=urlencode(parameters),
            headers={"host": "sso.example.com"},
            body=b"",
            client=Client("192.0.2.7", secure=True),
        )
        return run(wire, self.services, lambda _version, _name: action)

    def grant(self) -> None:
        with self.services.store.transaction() as session:
            attach_policy(session, self.account_id, "System", "AdministratorAccess", self.user, self.clock.now())

    def left_behind(self) -> tuple[int, int]:
        """Nonces and receipts."""
        with self.services.store.reading() as session:
            nonces = session.scalar(select(func.count()).select_from(OneTimeClaim)) or 0
            return nonces, len(list_receipts(session))


def make_stage(store: Store, clock: FakeClock) -> Stage:
    ring = KeyRing((new_master_key(),))
    services = make_services(store, clock, ring)
    with store.transaction() as session:
        account = create_account(
            session,
            alias="acme",
            display_name="Acme",
            owner_login="owner@acme.example",
            owner_password=Secret("Correct-Horse-7-Battery"),
            now=clock.now(),
        )
        user = create_user(session, account.id, "alice", now=clock.now())
        key = create_access_key(session, ring, account_id=account.id, user_id=user.id, now=clock.now())
    return Stage(services, clock, account.id, user, key)


def forget_nonces(store: Store) -> None:
    """What a power cut can do at its worst."""
    fleeting = store.fleeting
    if isinstance(fleeting, PostgresFleeting):
        with fleeting.engine.connect() as connection:
            connection.execute(text("DELETE FROM nonces"))
    else:
        assert isinstance(fleeting, SqliteFleeting)
        fleeting._open().execute("DELETE FROM nonces")


def body_of(reply: ApiReply) -> Any:
    return json.loads(reply.body)


def reason_of(reply: ApiReply) -> str:
    return str(body_of(reply)["Reason"])


def session_key(stage: Stage, **changes: Any) -> tuple[NewAccessKey, str]:
    now = stage.clock.now()
    with stage.services.store.transaction() as session:
        trust = json.dumps(
            {
                "Version": "1",
                "Statement": [
                    {
                        "Effect": "Allow",
                        "Action": "sts:AssumeRole",
                        "Principal": {"RAM": [f"acs:ram::{stage.account_id}:root"]},
                    }
                ],
            }
        )
        role = create_role(session, stage.account_id, "reader", trust_document=trust, now=now)
        attach_policy(session, stage.account_id, "System", "AdministratorAccess", role, now)
    token = SessionToken(
        session_id="SESSION-1",
        principal=RoleSession(stage.account_id, role.id, role.name, "alice", **changes),
        access_key_id="STS.key",
        secret=Secret("secret"),
        issued_at=now,
        expires_at=now + timedelta(seconds=900),
        provenance=make_provenance(),
    )
    return NewAccessKey(token.access_key_id, token.secret), seal_token(stage.services.ring, token)
