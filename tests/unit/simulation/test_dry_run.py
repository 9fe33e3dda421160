"""Recorded decisions under a change: what flips must be what deciding each of them twice says."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from gateway.audit.batches import read_decisions
from gateway.directory.attachments import attach_policy, detach_policy
from gateway.directory.authorization import Authorizer
from gateway.directory.groups import get_group
from gateway.directory.policies import create_policy_version
from gateway.directory.roles import get_role, update_role
from gateway.directory.users import get_user
from gateway.errors import NotFound, Reason
from gateway.policy import Outcome
from gateway.principal import RamUser, RoleSession
from gateway.simulation.changes import (
    Change,
    change_attached,
    change_detached,
    change_policy,
    change_trust,
)
from gateway.simulation.dry_run import Window
from gateway.simulation.flips import Turn, as_json
from tests.fake_clock import NOON
from tests.unit.directory.world import ACCOUNT, refused
from tests.unit.simulation.world import BUCKET, INSIDE, World, document, statement, trust

OPEN = document(statement("oss:Get*", f"{BUCKET}/*"), statement("oss:Put*", f"{BUCKET}/1"))
NARROW = document(statement("oss:Get*", f"{BUCKET}/3", condition=INSIDE))
MAKERS: dict[str, tuple[Callable[[Session], Change], Callable[[Session], object]]] = {
    "opened": (
        lambda session: change_policy(session, ACCOUNT, "reads", OPEN),
        lambda session: create_policy_version(session, ACCOUNT, "reads", OPEN, set_as_default=True, now=NOON),
    ),
    "narrowed": (
        lambda session: change_policy(session, ACCOUNT, "READS", NARROW),
        lambda session: create_policy_version(session, ACCOUNT, "reads", NARROW, set_as_default=True, now=NOON),
    ),
    "attached": (
        lambda session: change_attached(session, ACCOUNT, "Custom", "chains", get_user(session, ACCOUNT, "bob")),
        lambda session: attach_policy(session, ACCOUNT, "Custom", "chains", get_user(session, ACCOUNT, "bob"), NOON),
    ),
    "system attached to a group": (
        lambda session: change_attached(
            session, ACCOUNT, "System", "AliyunOSSFullAccess", get_group(session, ACCOUNT, "staff")
        ),
        lambda session: attach_policy(
            session, ACCOUNT, "System", "AliyunOSSFullAccess", get_group(session, ACCOUNT, "staff"), NOON
        ),
    ),
    "detached": (
        lambda session: change_detached(session, "Custom", "chains", get_role(session, ACCOUNT, "reader")),
        lambda session: detach_policy(session, ACCOUNT, "Custom", "chains", get_role(session, ACCOUNT, "reader")),
    ),
}


def answers(world: World) -> list[tuple[str, str, str, bool]]:
    """Every record decided again, one by one, by an authorizer that remembers nothing."""
    found = []
    with world.store.reading() as session:
        for record in read_decisions(session, ACCOUNT).records:
            who = (
                RamUser(ACCOUNT, record.principal_id, "x")
                if record.principal_kind == "User"
                else RoleSession(ACCOUNT, record.principal_id, "x", "y", record.session_policy)
            )
            decision = Authorizer(world.clock).decide(session, who, record.action, record.resource, record.context)
            arn = str(record.context["acs:PrincipalARN"][0])
            found.append((arn, record.action, record.request_id, decision.outcome is Outcome.ALLOW))
    return found


@pytest.mark.parametrize("name", MAKERS)
def test_dry_run__change__flips_what_making_it_flips(world: World, name: str) -> None:
    propose, make = MAKERS[name]
    world.record_many(63)
    run = world.dry_run(propose).run
    before = answers(world)
    world.write(make)
    flips = Counter(
        (Turn.TO_ALLOW if now else Turn.TO_DENY, arn, action)
        for (arn, action, _, then), (_, _, _, now) in zip(before, answers(world), strict=True)
        if then is not now
    )
    told = Counter[tuple[Turn, str, str]]()
    for each in run.flips.ordered():
        told[each.turn, each.principal_arn, each.action] += each.count
    assert told == flips
    assert sum(flips.values()) > 0
    assert (run.records, run.decided, run.differ_from_record) == (63, 63, 0)


def test_dry_run__any_change__writes_nothing(world: World) -> None:
    world.record_many(9)
    before = world.contents()
    for propose, _ in MAKERS.values():
        world.dry_run(propose)
    assert world.contents() == before


def test_dry_run__flip__has_one_example_with_both_statements(world: World) -> None:
    world.record_many(63)
    run = world.dry_run(MAKERS["narrowed"][0]).run
    lost = run.flips.ordered()[0]
    assert (lost.turn, lost.principal_arn, lost.action) == (Turn.TO_DENY, world.alice.arn, "oss:GetObject")
    assert lost.pattern == f"{BUCKET}/*"
    assert "policy `reads` v1" in lost.example.before
    assert "proposed" in lost.example.after or "no statement" in lost.example.after
    told = json.loads(json.dumps(as_json(run)))
    assert told["allow_to_deny"] == sum(each["count"] for each in told["flips"] if each["turn"] == "AllowToDeny")


def test_dry_run__principals_without_the_policy__are_decided_once(world: World) -> None:
    world.record_many(63)
    run = world.dry_run(MAKERS["narrowed"][0]).run
    assert run.untouched == 42  # those of bob and of the reader


def test_dry_run__rules_changed_since__differs_from_the_record_and_flips_nothing(world: World) -> None:
    world.record_many(63)
    world.write(MAKERS["narrowed"][1])
    run = world.dry_run(MAKERS["narrowed"][0]).run
    assert run.differ_from_record > 0
    assert run.flips.totals == {Turn.TO_DENY: 0, Turn.TO_ALLOW: 0}


def test_dry_run__same_document__nothing_flips_and_nothing_moves(world: World) -> None:
    world.record_many(9)
    same = document(statement("sts:AssumeRole"), statement("oss:*"))
    run = world.dry_run(lambda session: change_policy(session, ACCOUNT, "chains", same)).run
    assert (sum(run.flips.totals.values()), run.other_statement) == (0, 0)
    swapped = document(statement("oss:*"), statement("sts:AssumeRole"))
    run = world.dry_run(lambda session: change_policy(session, ACCOUNT, "chains", swapped)).run
    assert (sum(run.flips.totals.values()), run.other_statement) == (0, 3)


def test_dry_run__user_gone__is_counted_as_such(world: World) -> None:
    world.record(RamUser(ACCOUNT, "200000000000000009", "gone"), "oss:GetObject", f"{BUCKET}/1", {})
    world.pack()
    run = world.dry_run(MAKERS["opened"][0]).run
    assert (run.records, run.decided, run.principal_gone) == (1, 0, 1)


def test_dry_run__done_to_itself__flips_only_where_a_policy_denies(world: World) -> None:
    world.record(world.bob, "ram:ChangePassword", f"acs:ram:*:{ACCOUNT}:user/bob", {}, reason="OnItself")
    world.pack()
    run = world.dry_run(MAKERS["attached"][0]).run
    assert (sum(run.flips.totals.values()), run.differ_from_record) == (0, 0)
    deny = document(statement("ram:*", effect="Deny"))

    world.write(lambda session: create_policy_version(session, ACCOUNT, "chains", deny, set_as_default=True, now=NOON))
    run = world.dry_run(MAKERS["attached"][0]).run
    assert run.flips.totals[Turn.TO_DENY] == 1


def test_dry_run__window__takes_what_lies_in_it_and_goes_on_where_it_stopped(world: World) -> None:
    world.record_many(9)
    world.record_many(9)
    since, until = NOON + timedelta(minutes=2), NOON + timedelta(minutes=5)
    assert world.dry_run(MAKERS["opened"][0], Window(since, until)).run.records == 6
    first = world.dry_run(MAKERS["opened"][0], Window(most=9))
    assert (first.run.records, first.run.complete) == (9, False)
    second = world.dry_run(MAKERS["opened"][0], Window(after=first.after))
    assert (second.run.records, second.run.complete, second.after) == (9, True, None)


def test_dry_run__trust_policy__tells_who_could_not_assume_the_role_any_more(world: World) -> None:
    context = {"acs:SourceIp": ("192.0.2.1",)}
    assert world.record(world.alice, "sts:AssumeRole", f"acs:ram::{ACCOUNT}:role/reader", context)
    world.pack()
    inside = trust(world.alice.arn, condition=INSIDE)
    run = world.dry_run(lambda session: change_trust(session, ACCOUNT, "reader", inside)).run
    (flip,) = run.flips.ordered()
    assert (flip.turn, flip.principal_arn, flip.count) == (Turn.TO_DENY, world.alice.arn, 1)
    world.write(lambda session: update_role(session, ACCOUNT, "reader", trust_document=inside, now=NOON))
    run = world.dry_run(lambda session: change_trust(session, ACCOUNT, "reader", inside)).run
    assert sum(run.flips.totals.values()) == 0


def test_changes__unknown_names__are_refused(world: World) -> None:
    with world.store.reading() as session:
        with refused(NotFound, Reason.NOT_FOUND, "Policy"):
            change_policy(session, ACCOUNT, "nothing", OPEN)
        with refused(NotFound, Reason.NOT_FOUND, "User.Policy"):
            change_detached(session, "Custom", "reads", get_user(session, ACCOUNT, "bob"))
