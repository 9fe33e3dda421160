"""`ramgate rule`: which roles people may take, by what their identity provider says of them."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, TypeVar

import click
from sqlalchemy.orm import Session

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.dry_run import dry_run_options, show_dry_run
from gateway.cli.frame import DeskGroup, TextFile
from gateway.cli.printing import Row
from gateway.directory import mapping_rules
from gateway.directory.mapping_rules import MappingRuleRow, RuleContent
from gateway.errors import InputError, Reason
from gateway.federation.facts import Occasion
from gateway.federation.registered import RegisteredProvider, get_registered
from gateway.federation.rule_trial import try_rules
from gateway.federation.rules import check_session_name_template
from gateway.identity import Protocol
from gateway.oidc.sample import read_sample
from gateway.simulation.changes import Change, change_rule, drop_rule

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def of_provider(function: Decorated) -> Decorated:
    """Whose rules: one of the two options."""
    saml = click.option("--saml", metavar="NAME", help="The rules of this SAML provider.")
    oidc = click.option("--oidc", metavar="NAME", help="The rules of this OpenID Provider.")
    return saml(oidc(function))


@click.group("rule", cls=DeskGroup)
def rule() -> None:
    """Mapping rules of identity providers."""


@rule.command("list")
@of_provider
@pass_desk
def list_all(desk: Desk, saml: str | None, oidc: str | None) -> None:
    """List the rules in the order in which they are asked."""
    with desk.reading() as session:
        provider = _provider(desk, session, saml, oidc)
        rows = [_record(row) for row in mapping_rules.list_rules(session, provider.key)]
    desk.out.rows(rows, ("name", "condition", "roles", "session_name"))


@rule.command("create")
@click.argument("name")
@of_provider
@click.option("--condition", type=TextFile(), metavar="FILE", help="Condition block in JSON; met by all if not given.")
@click.option("--role", "roles", multiple=True, required=True, metavar="ARN", help="May be repeated.")
@click.option("--session-name", required=True, help="Template, such as ${oidc:claim/email}.")
@click.option("--max-duration", type=int, default=None, help="Seconds.")
@dry_run_options
@pass_desk
def create(
    desk: Desk,
    name: str,
    saml: str | None,
    oidc: str | None,
    *,
    condition: str | None,
    roles: Sequence[str],
    session_name: str,
    max_duration: int | None,
    dry: bool,
    since: timedelta,
) -> None:
    """Add a rule after those that are there."""
    check_session_name_template(session_name)
    content = RuleContent(condition or "{}", tuple(roles), session_name, max_duration)
    if dry:
        show_dry_run(
            desk, lambda session, _: change_rule(session, _provider(desk, session, saml, oidc), name, content), since
        )
        return
    with desk.transaction() as session:
        provider = _provider(desk, session, saml, oidc)
        made = mapping_rules.create_rule(session, provider.account_id, provider.key, name, content, now=desk.now())
        record = _record(made)
    desk.out.record(record)


@rule.command("update")
@click.argument("name")
@of_provider
@click.option("--condition", type=TextFile(), metavar="FILE", help="Condition block in JSON.")
@click.option("--role", "roles", multiple=True, metavar="ARN", help="Replaces all of them; may be repeated.")
@click.option("--session-name", default=None)
@click.option("--max-duration", type=int, default=None, help="Seconds; 0 leaves it to the role.")
@dry_run_options
@pass_desk
def update(
    desk: Desk,
    name: str,
    saml: str | None,
    oidc: str | None,
    *,
    condition: str | None,
    roles: Sequence[str],
    session_name: str | None,
    max_duration: int | None,
    dry: bool,
    since: timedelta,
) -> None:
    """Change what is given. The rule keeps its place."""

    def changed_content(before: MappingRuleRow) -> RuleContent:
        return RuleContent(
            before.condition_text if condition is None else condition,
            tuple(roles) or before.role_arns,
            session_name or before.session_name,
            before.max_duration_s if max_duration is None else (max_duration or None),
        )

    if dry:

        def make(session: Session, _account_id: str) -> Change:
            provider = _provider(desk, session, saml, oidc)
            before = mapping_rules.get_rule(session, provider.key, name)
            return change_rule(session, provider, before.name, changed_content(before))

        show_dry_run(desk, make, since)
        return
    with desk.transaction() as session:
        provider = _provider(desk, session, saml, oidc)
        content = changed_content(mapping_rules.get_rule(session, provider.key, name))
        check_session_name_template(content.session_name)
        changed = mapping_rules.update_rule(session, provider.account_id, provider.key, name, content, now=desk.now())
        record = _record(changed)
    desk.out.record(record)


@rule.command("move")
@click.argument("name")
@click.argument("place", type=click.IntRange(min=1))
@of_provider
@pass_desk
def move(desk: Desk, name: str, place: int, saml: str | None, oidc: str | None) -> None:
    """Let a rule be asked as the PLACE-th."""
    with desk.transaction() as session:
        provider = _provider(desk, session, saml, oidc)
        mapping_rules.move_rule(session, provider.account_id, provider.key, name, place)
    desk.out.done(f"moved rule {name}")


@rule.command("delete")
@click.argument("name")
@of_provider
@dry_run_options
@pass_desk
def delete(desk: Desk, name: str, saml: str | None, oidc: str | None, *, dry: bool, since: timedelta) -> None:
    """Delete a rule. Sessions that it led to go on."""
    if dry:
        show_dry_run(desk, lambda session, _: drop_rule(session, _provider(desk, session, saml, oidc), name), since)
        return
    with desk.transaction() as session:
        provider = _provider(desk, session, saml, oidc)
        mapping_rules.delete_rule(session, provider.account_id, provider.key, name)
    desk.out.done(f"deleted rule {name}")


@rule.command("try")
@click.argument("claims", type=TextFile())
@of_provider
@pass_desk
def try_with(desk: Desk, claims: str, saml: str | None, oidc: str | None) -> None:
    """Say which rules a login with these CLAIMS (a JSON file) would meet, and why not the others."""
    sample = read_sample(claims)
    with desk.reading() as session:
        provider = _provider(desk, session, saml, oidc)
        trial = try_rules(session, provider, sample, Occasion("", desk.now()))
    rows: list[Row] = [
        {"name": hit.rule.name, "met": True, "session_name": hit.session_name, "why": ""} for hit in trial.hits
    ]
    rows += [{"name": miss.rule.name, "met": False, "session_name": "", "why": miss.why} for miss in trial.misses]
    desk.out.rows(rows, ("name", "met", "session_name", "why"))


def _provider(desk: Desk, session: Session, saml: str | None, oidc: str | None) -> RegisteredProvider:
    """Raises: InputError(PARAMETER_MISSING) unless one of the two is named; NotFound."""
    if (saml is None) == (oidc is None):
        raise InputError(Reason.PARAMETER_MISSING, "name one provider, with --saml or --oidc", subject="provider")
    protocol = Protocol.SAML if oidc is None else Protocol.OIDC
    return get_registered(session, desk.account(session).id, protocol, saml or oidc or "")


def _record(row: MappingRuleRow) -> Row:
    return {
        "name": row.name,
        "condition": row.condition_text,
        "roles": row.role_arns,
        "session_name": row.session_name,
        "max_duration_s": row.max_duration_s,
    }
