"""Logins foreseen, and recorded ones asked again under other rules or another trust policy."""

import json
from collections.abc import Mapping

import pytest
from sqlalchemy.orm import Session

from gateway.audit.personal import compared
from gateway.audit.receipts import Receipt, record
from gateway.directory.mapping_rules import RuleContent, create_rule
from gateway.directory.oidc_providers import create_oidc_provider
from gateway.directory.roles import get_role, update_role
from gateway.federation.registered import RegisteredProvider, get_registered
from gateway.identity import Protocol
from gateway.oidc.sample import read_sample
from gateway.simulation.call import Supposed
from gateway.simulation.chain import Chain, StepKind
from gateway.simulation.changes import change_rule, change_trust, drop_rule
from gateway.simulation.circumstances import read_circumstances
from gateway.simulation.flips import Turn
from gateway.simulation.login import SupposedLogin, simulate_login
from tests.fake_clock import NOON
from tests.unit.directory.world import ACCOUNT
from tests.unit.simulation.world import BUCKET, World, trust

ISSUER = "https://issuer.example.com"
PROVIDER = f"acs:ram::{ACCOUNT}:oidc-provider/issuer"
READER, BOSS = f"acs:ram::{ACCOUNT}:role/reader", f"acs:ram::{ACCOUNT}:role/boss"
ADMINS = '{"StringEquals": {"oidc:claim/groups": ["admins"]}}'
CI_ONLY = {"StringEquals": {"oidc:sub": "ci"}}
SAYS = {"sub": "ci", "groups": ["admins"]}


@pytest.fixture
def company(world: World) -> World:
    """The reader lets in whom the issuer calls `ci`; a rule offers it to admins."""

    def found(session: Session) -> None:
        create_oidc_provider(session, ACCOUNT, "issuer", ISSUER, client_ids=["sts"], now=NOON)
        provider = registered(session)
        create_rule(session, ACCOUNT, provider.key, "admins", RuleContent(ADMINS, (READER,), "${oidc:sub}"), now=NOON)
        text = trust(PROVIDER, condition=CI_ONLY, kind="Federated")
        update_role(session, ACCOUNT, "reader", trust_document=text, now=NOON)

    world.write(found)
    return world


def registered(session: Session) -> RegisteredProvider:
    return get_registered(session, ACCOUNT, Protocol.OIDC, "issuer")


def foresee(world: World, says: Mapping[str, object], role: str = "", supposed: Supposed | None = None) -> Chain:
    sample = read_sample(json.dumps(says))
    return world.read(
        lambda stage: simulate_login(
            stage,
            SupposedLogin(registered(stage.session), sample, "https://sso.example.com/saml-role/sso", role),
            supposed or Supposed(""),
            read_circumstances(None, stage.now),
        )
    )


def test_simulate_login__rule_met_and_trusted__goes_on_to_the_action(company: World) -> None:
    put = Supposed("", action="oss:PutObject", resource=f"{BUCKET}/1")
    chain = foresee(company, SAYS, READER, put)
    assert [(step.kind, step.passed) for step in chain.steps] == [
        (StepKind.MAPPING_RULE, None),
        (StepKind.TRUST, True),
        (StepKind.IDENTITY, True),
    ]
    assert chain.allowed


def test_simulate_login__rule_missed_by_a_hair__tells_how(company: World) -> None:
    chain = foresee(company, {"sub": "ci", "groups": ["Admins"]}, READER)
    assert chain.steps[0].outcome == "NotMet"
    assert "upper and lower case" in chain.steps[0].helps
    assert chain.stopped_at == chain.steps[-1]
    assert chain.steps[-1].kind is StepKind.ROLE_OFFER


def test_simulate_login__trust_policy_in_the_way__is_the_step_that_stops_it(company: World) -> None:
    chain = foresee(company, {**SAYS, "sub": "xy"}, READER)
    stopped = chain.stopped_at
    assert stopped is not None
    assert (stopped.kind, stopped.values[0].seen) == (StepKind.TRUST, ("xy",))


def test_simulate_login__no_role_named__tells_of_all_and_writes_nothing(company: World) -> None:
    before = company.contents()
    assert foresee(company, SAYS).allowed
    assert not foresee(company, {"sub": "ci"}).allowed
    assert not foresee(company, SAYS, BOSS).allowed
    assert company.contents() == before


def test_simulate_login__role_asks_for_a_second_factor__says_so_and_leaves_no_decision(company: World) -> None:
    text = trust(PROVIDER, condition={"Bool": {"acs:MFAPresent": "true"}}, kind="Federated")
    company.write(lambda session: update_role(session, ACCOUNT, "reader", trust_document=text, now=NOON))
    before = company.contents()
    chain = foresee(company, SAYS, READER)
    company.pack()
    assert company.contents() == before
    stopped = chain.stopped_at
    assert stopped is not None
    assert "second factor" in stopped.helps


def login(world: World, subject: str, groups: list[str], number: int) -> None:
    """A receipt as a login through the rule has left it."""

    def leave(session: Session) -> None:
        role = get_role(session, ACCOUNT, "reader")
        details = {
            "protocol": "OIDC",
            "provider_arn": PROVIDER,
            "issuer": ISSUER,
            "subject": subject,
            "role_id": role.id,
            "client": "192.0.2.1",
            "offered_by": "mapping rule `admins`",
            "rules": ["admins: met"],
            "rule_values": [compared("oidc:claim/groups", "StringEquals", ["admins"], groups, of="admins")],
            "trust_values": [compared("oidc:sub", "StringEquals", ["ci"], [subject])],
        }
        details["protocol"] = Protocol.OIDC.value
        record(session, Receipt(NOON, f"LOGIN-{number}", ACCOUNT, "RoleLogin", READER, "Allow", details=details))

    world.write(leave)


def test_dry_run__rule_dropped_or_changed__tells_which_logins_lose_the_role(company: World) -> None:
    login(company, "ci", ["admins"], 1)
    login(company, "ci", ["admins", "ops"], 2)
    run = company.dry_run(lambda session: drop_rule(session, registered(session), "admins")).run
    (flip,) = run.flips.ordered()
    assert (flip.turn, flip.action, flip.example.resource, flip.count) == (Turn.TO_DENY, "sts:AssumeRole", READER, 2)
    ops = RuleContent('{"StringEquals": {"oidc:claim/groups": ["ops"]}}', (BOSS,), "${oidc:sub}")
    run = company.dry_run(lambda session: change_rule(session, registered(session), "ops", ops)).run
    assert [(each.turn, each.pattern, each.count) for each in run.flips.ordered()] == [
        (Turn.TO_ALLOW, "acs:ram::1234567890123456:role/*", 1)
    ]
    assert run.logins.asked == 2


def test_dry_run__rule_about_a_claim_that_was_not_kept__says_what_is_missing(company: World) -> None:
    login(company, "ci", ["admins"], 1)
    login(company, "ci", [str(number) for number in range(7)] + ["admins", "x"], 2)  # eight of them are kept
    unknown = RuleContent('{"StringEquals": {"oidc:claim/dept": ["x"]}}', (BOSS,), "${oidc:sub}")
    run = company.dry_run(lambda session: change_rule(session, registered(session), "dept", unknown)).run
    assert (run.logins.asked, run.logins.not_replayable) == (0, 2)
    assert run.logins.unknown_keys == {"oidc:claim/dept": 2, "oidc:claim/groups": 1}
    assert sum(run.flips.totals.values()) == 0


def test_dry_run__trust_policy__asks_logins_again(company: World) -> None:
    login(company, "ci", ["admins"], 1)
    other = trust(PROVIDER, condition={"StringEquals": {"oidc:sub": "cd"}}, kind="Federated")
    run = company.dry_run(lambda session: change_trust(session, ACCOUNT, "reader", other)).run
    (flip,) = run.flips.ordered()
    assert (flip.turn, flip.principal_arn, flip.count) == (Turn.TO_DENY, PROVIDER, 1)
    assert "`ci`" not in flip.example.after
    audience = trust(PROVIDER, condition={"StringEquals": {"oidc:aud": "sts"}}, kind="Federated")
    run = company.dry_run(lambda session: change_trust(session, ACCOUNT, "reader", audience)).run
    assert (run.logins.asked, run.logins.unknown_keys) == (0, {"oidc:aud": 1})
