"""`ramgate simulate` and `ramgate reach`: asked in advance, without anything coming of it."""

from collections.abc import Sequence
from typing import cast

import click
from sqlalchemy.orm import Session

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskGroup, TextFile
from gateway.cli.printing import Row
from gateway.directory.authorization import Authorizer
from gateway.errors import InputError, Reason
from gateway.federation.registered import get_registered
from gateway.identity import Protocol
from gateway.oidc.sample import read_sample
from gateway.saml.names import role_sso_recipient
from gateway.simulation.call import Stage, Supposed, simulate_call
from gateway.simulation.chain import Chain, chain_fields, statement_fields
from gateway.simulation.circumstances import Context, read_circumstances
from gateway.simulation.login import SupposedLogin, simulate_login
from gateway.simulation.reach import Reach, who_reaches
from gateway.simulation.reach_role import Trusted, who_takes_role
from gateway.store.paging import Page

_PAGE = 200
_MARKS = {True: "yes", False: "NO", None: "-"}
_ROLES = click.option("--role", "roles", multiple=True, metavar="ARN", help="Assumed on the way, in this order.")
_POLICY = click.option("--session-policy", type=TextFile(), metavar="FILE", help="Of the last session.")
_CONTEXT = click.option("--context", metavar="JSON", help='Circumstances: {"acs:SourceIp": "10.0.0.1"}.')


@click.group("simulate", cls=DeskGroup)
def simulate() -> None:
    """Foresee a call or a login, step by step."""


@simulate.command("call")
@click.argument("principal_arn")
@click.argument("action", default="")
@click.argument("resource", default="")
@_ROLES
@_POLICY
@_CONTEXT
@pass_desk
def call(
    desk: Desk,
    principal_arn: str,
    action: str,
    resource: str,
    *,
    roles: Sequence[str],
    session_policy: str | None,
    context: str | None,
) -> None:
    """May the user or the role PRINCIPAL_ARN do ACTION on RESOURCE, over the roles that are assumed on the way?

    Ends with 1 if not.
    """
    supposed = Supposed(principal_arn, tuple(roles), session_policy, action, _resource(action, resource))
    with desk.reading() as session:
        chain = simulate_call(_stage(desk, session), supposed, read_circumstances(context, desk.now()))
    _show(desk, chain)


@simulate.command("login")
@click.argument("claims", type=TextFile())
@click.argument("action", default="")
@click.argument("resource", default="")
@click.option("--saml", metavar="NAME", help="The SAML provider that it comes from.")
@click.option("--oidc", metavar="NAME", help="The OpenID Provider that it comes from.")
@click.option("--take", default="", metavar="ARN", help="The role that is taken.")
@_ROLES
@_POLICY
@_CONTEXT
@pass_desk
def login(
    desk: Desk,
    claims: str,
    action: str,
    resource: str,
    *,
    saml: str | None,
    oidc: str | None,
    take: str,
    roles: Sequence[str],
    session_policy: str | None,
    context: str | None,
) -> None:
    """What would come of a login that says CLAIMS (a JSON file)? Which roles could it take, and what do there?

    Ends with 1 if it is stopped.
    """
    if (saml is None) == (oidc is None):
        raise InputError(Reason.PARAMETER_MISSING, "name one provider, with --saml or --oidc", subject="provider")
    protocol = Protocol.SAML if oidc is None else Protocol.OIDC
    supposed = Supposed("", tuple(roles), session_policy, action, _resource(action, resource))
    with desk.reading() as session:
        stage = _stage(desk, session)
        provider = get_registered(session, stage.account_id, protocol, saml or oidc or "")
        supposing = SupposedLogin(provider, read_sample(claims), role_sso_recipient(desk.settings.base_url), take)
        chain = simulate_login(stage, supposing, supposed, read_circumstances(context, desk.now()))
    _show(desk, chain)


@click.group("reach", cls=DeskGroup)
def reach() -> None:
    """Who can take a role, or do something to a resource?"""


@reach.command("role")
@click.argument("name")
@_CONTEXT
@pass_desk
def reach_role(desk: Desk, name: str, *, context: str | None) -> None:
    """List who can take the role NAME: users and roles by both sides, others as its trust policy names them."""
    found: list[Reach] = []
    trusted: list[Trusted] = []
    after: str | None = ""
    with desk.reading() as session:
        stage, given = _stage(desk, session), _given(desk, context)
        while after is not None:
            page = who_takes_role(stage, name, given, Page(_PAGE, after))
            found += page.found
            trusted += page.trusted
            after = page.after
    rows = [_reach_row(each) for each in found]
    rows += [
        {
            "principal": each.name,
            "reaches": f"{each.kind}: trust {each.effect.value}",
            "statement": None,
            "such_as": [*each.conditions, *each.rules],
            "complete": True,
        }
        for each in trusted
    ]
    desk.out.rows(rows, ("principal", "reaches", "such_as"))


@reach.command("resource")
@click.argument("action")
@click.argument("resource")
@_CONTEXT
@pass_desk
def reach_resource(desk: Desk, action: str, resource: str, *, context: str | None) -> None:
    """List the users and roles that can do ACTION on RESOURCE, always or in the right circumstances."""
    found: list[Reach] = []
    after: str | None = ""
    with desk.reading() as session:
        stage, given = _stage(desk, session), _given(desk, context)
        while after is not None:
            page = who_reaches(stage, action, resource, given, Page(_PAGE, after))
            found += page.found
            after = page.after
    desk.out.rows([_reach_row(each) for each in found], ("principal", "reaches", "such_as"))


def _stage(desk: Desk, session: Session) -> Stage:
    return Stage(session, Authorizer(desk.clock), desk.account(session).id, desk.now())


def _given(desk: Desk, context: str | None) -> Context:
    return read_circumstances(context, desk.now(), open_otherwise=True)


def _resource(action: str, resource: str) -> str:
    if action and not resource:
        raise click.UsageError("On what? Write the resource behind the action.")
    return resource


def _show(desk: Desk, chain: Chain) -> None:
    if desk.out.as_json:
        desk.out.record(cast("Row", chain_fields(chain)))
    else:
        for step in chain.steps:
            click.echo(f"{_MARKS[step.passed]:>3}  {step.kind.value}: {step.sentence}")
        stopped = chain.stopped_at
        click.echo(
            "allowed" if stopped is None else f"denied at {stopped.kind.value}. What would help: {stopped.helps}"
        )
    if not chain.allowed:
        raise click.exceptions.Exit(1)


def _reach_row(each: Reach) -> Row:
    return {
        "principal": each.principal_arn,
        "reaches": each.reaching.value,
        "statement": None if each.statement is None else cast("Row", statement_fields(each.statement)),
        "such_as": [f"{key}={value}" for key, values in each.such_as.items() for value in values],
        "complete": each.complete,
    }
