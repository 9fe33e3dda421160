"""Alice in group staff, bob, roles reader and boss; policies that ask for an address, a second factor, a time."""

import json
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.audit.decisions import decision_record, record_decision
from gateway.audit.keeping import keep_records
from gateway.audit.packing import pack
from gateway.directory.attachments import attach_policy
from gateway.directory.authorization import Authorizer
from gateway.directory.groups import add_user
from gateway.directory.policies import create_policy
from gateway.directory.roles import create_role
from gateway.keyring import KeyRing, new_master_key
from gateway.principal import Principal, RamUser, RoleSession
from gateway.simulation.call import Stage
from gateway.simulation.changes import Change
from gateway.simulation.dry_run import DryRunPage, Window, dry_run
from gateway.store.base import Base
from gateway.store.engine import Store
from tests.fake_clock import NOON, FakeClock
from tests.in_process import bare_account
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT, group, user

T = TypeVar("T")

BUCKET = f"acs:oss:*:{ACCOUNT}:bucket"
INSIDE = {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}


def statement(action: str, resource: str = "*", effect: str = "Allow", condition: object = None) -> dict[str, object]:
    made: dict[str, object] = {"Effect": effect, "Action": action, "Resource": resource}
    return made if condition is None else made | {"Condition": condition}


def document(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "1", "Statement": list(statements)})


def trust(*names: str, condition: object = None, kind: str = "RAM") -> str:
    made: dict[str, object] = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {kind: list(names)}}
    return json.dumps({"Version": "1", "Statement": [made if condition is None else made | {"Condition": condition}]})


class World:
    def __init__(self, store: Store) -> None:
        self.store = store
        ring = KeyRing((new_master_key(),))
        keep_records(store, lambda: ring, Path(tempfile.mkdtemp(prefix="ramgate-simulation-")))
        self.clock = FakeClock()
        self.authorizer = Authorizer(self.clock)
        with store.transaction() as session:
            session.add_all([bare_account(ACCOUNT, "company"), bare_account(OTHER_ACCOUNT, "other")])
            session.flush()
            alice, bob, staff = user(session), user(session, "bob"), group(session)
            add_user(session, staff, alice, NOON)
            self.alice = RamUser(ACCOUNT, alice.id, "alice")
            self.bob = RamUser(ACCOUNT, bob.id, "bob")
            reads = document(
                statement("oss:Get*", f"{BUCKET}/*", condition=INSIDE),
                statement("oss:Delete*", effect="Deny", condition={"Bool": {"acs:MFAPresent": "false"}}),
            )
            for name, text, holder in (
                ("reads", reads, staff),
                ("assumes", document(statement("sts:AssumeRole", f"acs:ram:*:{ACCOUNT}:role/reader")), alice),
                ("chains", document(statement("sts:AssumeRole"), statement("oss:*")), None),
            ):
                create_policy(session, ACCOUNT, name, text, now=NOON)
                if holder is not None:
                    attach_policy(session, ACCOUNT, "Custom", name, holder, NOON)
            reader = create_role(session, ACCOUNT, "reader", trust_document=trust(self.alice.arn), now=NOON)
            attach_policy(session, ACCOUNT, "Custom", "chains", reader, NOON)
            boss_trust = trust(reader.arn, condition={"Bool": {"acs:MFAPresent": "true"}})
            boss = create_role(session, ACCOUNT, "boss", trust_document=boss_trust, now=NOON)
            attach_policy(session, ACCOUNT, "System", "AdministratorAccess", boss, NOON)
            self.reader = RoleSession(ACCOUNT, reader.id, "reader", "alice")
            self.boss = RoleSession(ACCOUNT, boss.id, "boss", "alice")

    def stage(self, session: Session) -> Stage:
        return Stage(session, self.authorizer, ACCOUNT, self.clock.now())

    def read(self, work: Callable[[Stage], T]) -> T:
        with self.store.reading() as session:
            return work(self.stage(session))

    def write(self, work: Callable[[Session], T]) -> T:
        with self.store.transaction() as session:
            return work(session)

    def record(  # noqa: PLR0917 - who did what on what, and when
        self,
        who: Principal,
        action: str,
        resource: str,
        context: Mapping[str, tuple[str, ...]],
        at: datetime = NOON,
        reason: str = "",
    ) -> bool:
        """Decide, and hand it to the journal; whether it was allowed."""
        with self.store.reading() as session:
            decision = self.authorizer.decide(session, who, action, resource, context)
        kept = decision_record(decision, who, at=at, request_id=str(hash(at)), operation="Test", reason=reason)
        record_decision(self.store, kept)
        return decision.allowed

    def record_many(self, count: int) -> None:
        """Of alice and bob and the reader, a minute after each other, from inside and outside in turn."""
        for number in range(count):
            address = "10.0.0.1" if number % 2 else "192.0.2.1"
            who = (self.alice, self.bob, self.reader)[number % 3]
            action = ("oss:GetObject", "oss:PutObject", "oss:DeleteObject")[number // 3 % 3]
            context = {"acs:SourceIp": (address,), "acs:MFAPresent": ("true" if number % 5 else "false",)}
            self.record(who, action, f"{BUCKET}/{number % 7}", context, NOON + timedelta(minutes=number))
        self.pack()

    def pack(self) -> None:
        pack(self.store, self.clock)

    def dry_run(self, make: Callable[[Session], Change], window: Window | None = None) -> DryRunPage:
        with self.store.reading() as session:
            return dry_run(session, ACCOUNT, make(session), window or Window(), self.clock.now())

    def contents(self) -> list[object]:
        """Everything in every table."""
        with self.store.reading() as session:
            tables = Base.metadata.sorted_tables
            return [(table.name, [tuple(row) for row in session.execute(select(*table.columns))]) for table in tables]


def renamed(who: RoleSession, session_policy: str) -> RoleSession:
    return replace(who, session_policy=session_policy)
