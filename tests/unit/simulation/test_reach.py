"""Who reaches what: the same as asking for every principal under contexts written down by hand."""

import itertools

from sqlalchemy import insert

from gateway.directory.attachments import attach_policy
from gateway.directory.groups import GroupMembership, get_group
from gateway.directory.policies import create_policy
from gateway.directory.roles import update_role
from gateway.directory.users import User, get_user
from gateway.principal import RamUser, RoleSession
from gateway.simulation.reach import Reaching, ReachPage, who_reaches
from gateway.simulation.reach_role import RoleReach, who_takes_role
from gateway.store.paging import Page
from tests.fake_clock import NOON
from tests.statements import counted_queries
from tests.unit.directory.world import ACCOUNT
from tests.unit.simulation.world import BUCKET, INSIDE, World, document, statement, trust

CONTEXTS = [
    {key: (value,) for key, value in (("acs:SourceIp", address), ("acs:MFAPresent", mfa)) if value}
    for address, mfa in itertools.product(("10.0.0.1", "192.0.2.1", ""), ("true", "false", ""))
]


def everybody(world: World, action: str, resource: str, size: int = 100) -> dict[str, Reaching]:
    found: dict[str, Reaching] = {}
    after: str | None = ""
    while after is not None:
        page: ReachPage = world.read(
            lambda stage, after=after: who_reaches(stage, action, resource, {}, Page(size, after))  # type: ignore[misc]
        )
        found |= {each.principal_arn: each.reaching for each in page.found}
        after = page.after
    return found


def by_hand(world: World, action: str, resource: str) -> dict[str, Reaching]:
    found: dict[str, Reaching] = {}
    principals: list[RamUser | RoleSession] = [world.alice, world.bob, world.reader, world.boss]
    with world.store.reading() as session:
        for who in principals:
            allowed = [world.authorizer.decide(session, who, action, resource, each).allowed for each in CONTEXTS]
            arn = who.arn if isinstance(who, RamUser) else who.role_arn
            if any(allowed):
                found[arn] = Reaching.ALWAYS if all(allowed) else Reaching.IF
    return found


def test_who_reaches__any_question__agrees_with_deciding_for_everybody(world: World) -> None:
    more = document(
        statement("oss:*", f"{BUCKET}/own/*"),
        statement("oss:Put*", effect="Deny", condition={"NotIpAddress": {"acs:SourceIp": "10.0.0.0/8"}}),
        statement("oss:List*", condition={"Bool": {"acs:MFAPresent": "true"}, **INSIDE}),
    )
    world.write(lambda session: create_policy(session, ACCOUNT, "more", more, now=NOON))
    world.write(
        lambda session: attach_policy(session, ACCOUNT, "Custom", "more", get_user(session, ACCOUNT, "bob"), NOON)
    )
    kinds = set()
    for action, resource in itertools.product(
        ("oss:GetObject", "oss:PutObject", "oss:DeleteObject", "oss:ListObjects", "ecs:Any"),
        (f"{BUCKET}/1", f"{BUCKET}/own/1", f"acs:oss:*:{ACCOUNT}:elsewhere"),
    ):
        expected = by_hand(world, action, resource)
        assert everybody(world, action, resource) == expected, (action, resource)
        kinds |= set(expected.values())
    assert kinds == {Reaching.ALWAYS, Reaching.IF}


def test_who_reaches__conditional__shows_circumstances_in_which_it_is_allowed(world: World) -> None:
    page = world.read(lambda stage: who_reaches(stage, "oss:GetObject", f"{BUCKET}/1", {}, Page(10)))
    (alice,) = page.found
    with world.store.reading() as session:
        assert world.authorizer.decide(session, world.alice, "oss:GetObject", f"{BUCKET}/1", alice.such_as).allowed
    assert (alice.principal_arn, alice.complete) == (world.alice.arn, True)
    given = {"acs:SourceIp": ("10.0.0.9",)}
    page = world.read(lambda stage: who_reaches(stage, "oss:GetObject", f"{BUCKET}/1", given, Page(10)))
    assert [each.reaching for each in page.found] == [Reaching.ALWAYS]


def test_who_reaches__pages__find_the_same(world: World) -> None:
    whole = everybody(world, "oss:GetObject", f"{BUCKET}/1")
    assert everybody(world, "oss:GetObject", f"{BUCKET}/1", size=1) == whole
    assert len(whole) == 3


def test_who_reaches__thousands_of_users__reads_rights_of_alike_ones_once(world: World) -> None:
    count = 3000
    with world.store.transaction() as session:
        staff = get_group(session, ACCOUNT, "staff").id
        rows = [
            {
                "id": f"3000000000000{number:05}",
                "account_id": ACCOUNT,
                "name": f"u{number}",
                "name_key": f"u{number}",
                "display_name": "",
                "comments": "",
                "created_at": NOON,
                "updated_at": NOON,
            }
            for number in range(count)
        ]
        session.execute(insert(User), rows)
        members = [{"group_id": staff, "user_id": row["id"], "joined_at": NOON} for row in rows]
        session.execute(insert(GroupMembership), members)
    with world.store.reading() as session, counted_queries(session) as queries:
        assert len(everybody(world, "oss:GetObject", f"{BUCKET}/1")) == count + 3
    assert len(queries) < count / 4


def takers(world: World, name: str) -> RoleReach:
    return world.read(lambda stage: who_takes_role(stage, name, {}, Page(100)))


def test_who_takes_role__both_sides__are_asked_together(world: World) -> None:
    assert [(each.principal_arn, each.reaching) for each in takers(world, "reader").found] == [
        (world.alice.arn, Reaching.ALWAYS)
    ]
    assert takers(world, "boss").found == []
    roles = world.read(lambda stage: who_takes_role(stage, "boss", {}, Page(100, "role/")))
    ((found),) = roles.found
    assert (found.principal_arn, found.reaching) == (world.reader.role_arn, Reaching.IF)
    assert found.such_as["acs:mfapresent"] == ("true",)


def test_who_takes_role__sides_that_exclude_each_other__reach_nothing(world: World) -> None:
    outside = {"NotIpAddress": {"acs:SourceIp": "10.0.0.0/8"}}
    guarded = document(statement("sts:AssumeRole", condition=INSIDE))
    world.write(lambda session: create_policy(session, ACCOUNT, "inside", guarded, now=NOON))
    world.write(
        lambda session: attach_policy(session, ACCOUNT, "Custom", "inside", get_user(session, ACCOUNT, "bob"), NOON)
    )
    for condition, expected in ((outside, 0), (INSIDE, 1)):
        text = trust(world.bob.arn, condition=condition)
        world.write(lambda session, text=text: update_role(session, ACCOUNT, "reader", trust_document=text, now=NOON))  # type: ignore[misc]
        assert len(takers(world, "reader").found) == expected


def test_who_takes_role__others__are_told_by_trust_alone(world: World) -> None:
    provider = f"acs:ram::{ACCOUNT}:saml-provider/company"
    text = trust(provider, condition={"StringEquals": {"saml:recipient": "x"}}, kind="Federated")
    world.write(lambda session: update_role(session, ACCOUNT, "reader", trust_document=text, now=NOON))
    (told,) = takers(world, "reader").trusted
    assert (told.kind, told.name, told.conditions) == ("Provider", provider, ("saml:recipient StringEquals x",))
