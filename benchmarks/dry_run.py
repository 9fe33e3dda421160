"""How many recorded decisions a second a dry run asks again on one core, from the database to the report.

    python -m benchmarks.dry_run [--records 1000000] [--rounds 3]

An account of 300 users in 12 groups and 20 roles, whose policies ask for addresses, second factors and times of day.
The decisions lie in the database as the journal packs them; reading, opening, asking twice and grouping are counted.
Changes: a policy that every user has through a group (nothing can be left out), one that a single role has, and one
whose every question is another because the time decides. At least 50,000 a second are wanted of each.
"""

import argparse
import itertools
import json
import random
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from gateway.audit.batches import add_batch
from gateway.audit.chain import NOTHING_BEFORE, Head, micros
from gateway.audit.keeping import keep_records
from gateway.audit.lanes import open_lane
from gateway.audit.notary import notary_of
from gateway.clock import wire_time
from gateway.directory.attachments import attach_policy
from gateway.directory.groups import add_user, create_group
from gateway.directory.policies import create_policy
from gateway.directory.rights import NOTHING_PROPOSED
from gateway.directory.roles import create_role
from gateway.directory.users import create_user
from gateway.keyring import KeyRing, new_master_key
from gateway.simulation.changes import Change, change_policy
from gateway.simulation.dry_run import Window, dry_run
from gateway.simulation.judging import Bench
from gateway.store.engine import Store
from gateway.store.migrate import upgrade
from tests.in_process import bare_account
from tests.unit.directory.world import TRUST

ACCOUNT = "1234567890123456"
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
USERS, GROUPS, ROLES, BATCH = 300, 12, 20, 2000
ACTIONS = tuple(f"oss:{verb}{thing}" for verb in ("Get", "Put", "List", "Delete") for thing in ("Object", "Bucket"))
WANTED = 50_000


def statement(effect: str, action: str, resource: str, condition: object = None) -> dict[str, object]:
    made: dict[str, object] = {"Effect": effect, "Action": action, "Resource": resource}
    return made if condition is None else made | {"Condition": condition}


def document(*statements: dict[str, object]) -> str:
    return json.dumps({"Version": "1", "Statement": list(statements)})


BASE = document(
    statement("Allow", "oss:Get*", "acs:oss:*:*:*"),
    statement("Allow", "oss:List*", "acs:oss:*:*:*", {"IpAddress": {"acs:SourceIp": "10.0.0.0/8"}}),
    statement("Deny", "oss:Delete*", "*", {"Bool": {"acs:MFAPresent": "false"}}),
)
CHANGED = document(
    statement("Allow", "oss:Get*", "acs:oss:*:*:bucket1*"),
    statement("Allow", "oss:List*", "acs:oss:*:*:*", {"IpAddress": {"acs:SourceIp": "10.1.0.0/16"}}),
    statement("Deny", "oss:Delete*", "*", {"Bool": {"acs:MFAPresent": "false"}}),
)
OF_ROLE = document(statement("Allow", "oss:*", "acs:oss:*:*:bucket2*"))
BY_TIME = document(
    statement("Allow", "oss:Get*", "*", {"DateLessThan": {"acs:CurrentTime": "2026-02-15T00:00:00Z"}}),
    statement("Allow", "oss:*", "*", {"DateLessThan": {"acs:CurrentTime": "2026-02-20T00:00:00Z"}}),
)


def found(session: Session) -> tuple[Sequence[tuple[str, str]], Sequence[tuple[str, str]]]:
    """Users and roles, by id and name."""
    session.add(bare_account(ACCOUNT, "acme"))
    session.flush()
    for name, text in (("base", BASE), ("of-role", OF_ROLE)):
        create_policy(session, ACCOUNT, name, text, now=NOW)
    groups = [create_group(session, ACCOUNT, f"group{number}", now=NOW) for number in range(GROUPS)]
    for number, group in enumerate(groups):
        own = document(statement("Allow", "oss:Put*", f"acs:oss:*:*:bucket{number}*"))
        create_policy(session, ACCOUNT, f"own{number}", own, now=NOW)
        for name in ("base", f"own{number}"):
            attach_policy(session, ACCOUNT, "Custom", name, group, NOW)
    users = [create_user(session, ACCOUNT, f"user{number}", now=NOW) for number in range(USERS)]
    for number, user in enumerate(users):
        add_user(session, groups[number % GROUPS], user, NOW)
    roles = [create_role(session, ACCOUNT, f"role{n}", trust_document=TRUST, now=NOW) for n in range(ROLES)]
    for role in roles:
        attach_policy(session, ACCOUNT, "Custom", "base", role, NOW)
    attach_policy(session, ACCOUNT, "Custom", "of-role", roles[0], NOW)
    return [(user.id, user.name) for user in users], [(role.id, role.name) for role in roles]


def entries(
    bench: Bench, users: Sequence[tuple[str, str]], roles: Sequence[tuple[str, str]], count: int
) -> Iterator[list[Any]]:
    """As `decisions.dump` writes them, with the answers of today."""
    chance = random.Random(7)  # the same records every time
    for number in range(count):
        at = NOW - timedelta(days=30) + timedelta(seconds=number * 30 * 86400 / count)
        if chance.random() < 0.6:
            own_id, name = chance.choice(users)
            kind, arn = "User", f"acs:ram::{ACCOUNT}:user/{name}"
            principal, mfa = arn, {}
        else:
            own_id, name = chance.choice(roles)
            kind, arn = "Role", f"acs:ram::{ACCOUNT}:assumed-role/{name}/person{number % 500}"
            principal = f"acs:ram::{ACCOUNT}:role/{name}"
            mfa = {"acs:MFAPresent": ("true" if chance.random() < 0.5 else "false",)}
        action = chance.choice(ACTIONS)
        name = f"acs:oss:cn-hangzhou:{ACCOUNT}:bucket{chance.randrange(20)}/folder/{chance.randrange(200)}"
        context = {
            "acs:CurrentTime": (wire_time(at),),
            "acs:SecureTransport": ("true",),
            "acs:SourceIp": (f"10.{chance.randrange(4)}.0.{chance.randrange(200)}",),
            "acs:PrincipalARN": (principal,),
            **mfa,
        }
        judge = bench.judge(kind, own_id, None, arn)
        assert judge is not None
        decision = judge.ask(action, name, context).before
        ref = decision.statement
        told = (
            None
            if ref is None
            else [
                ref.policy_name,
                ref.policy_type.value,
                ref.policy_version,
                ref.index,
                ref.effect.value,
                ref.attached_to,
                ref.via,
            ]
        )
        who = [ACCOUNT, kind, own_id, arn, None]
        outcome, layer = decision.outcome.value, decision.layer.value
        request = str(UUID(int=chance.getrandbits(128))).upper()
        yield [micros(at), request, who, "Authorize", action, name, context, outcome, layer, told, None, [], ""]


def fill(store: Store, count: int) -> None:
    with store.transaction() as session:
        users, roles = found(session)
    with store.reading() as session:
        bench = Bench(session, ACCOUNT, NOTHING_PROPOSED, NOW)
        made = entries(bench, users, roles, count)
        head = Head("d-00000000000000aa", 0, NOTHING_BEFORE)
        with store.transaction() as writing:
            open_lane(writing, notary_of(writing), head.lane)
        number = 0
        while batch := list(itertools.islice(made, BATCH)):
            number += 1
            with store.transaction() as writing:
                head = add_batch(writing, notary_of(writing), head, number, batch)


def measure(store: Store, name: str, text: str) -> tuple[float, float, str]:
    """Decisions a second of wall clock and of processor time, and what came of it."""
    with store.reading() as session:
        change: Change = change_policy(session, ACCOUNT, name, text)
        wall, used = time.perf_counter(), time.process_time()
        run = dry_run(session, ACCOUNT, change, Window(), NOW).run
        wall, used = time.perf_counter() - wall, time.process_time() - used
    told = f"{run.records} records, {run.untouched} untouched, {sum(run.flips.totals.values())} flips"
    assert run.decided == run.records
    assert not run.differ_from_record
    return run.records / wall, run.records / used, f"{told} in {len(run.flips.groups)} groups"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{Path(folder) / 'gateway.db'}")
        upgrade(store)
        ring = KeyRing((new_master_key(),))
        keep_records(store, lambda: ring)
        begun = time.perf_counter()
        fill(store, given.records)
        print(f"{given.records} decisions written in {time.perf_counter() - begun:.0f} s")
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        changes = (("base", CHANGED), ("of-role", BASE), ("base", BY_TIME))
        for (name, text), told in zip(changes, ("everybody's", "of one role", "by the time"), strict=True):
            rounds = [measure(store, name, text) for _ in range(given.rounds)]
            wall, used = median(each[0] for each in rounds), median(each[1] for each in rounds)
            verdict = "ok" if used >= WANTED else "TOO SLOW"
            print(f"{told:12} {wall:9,.0f} a second, {used:9,.0f} a second of processor: {verdict} ({rounds[0][2]})")
        after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"memory: {after} MB at most, {after - before} MB more than after writing")
        store.dispose()


if __name__ == "__main__":
    main()
