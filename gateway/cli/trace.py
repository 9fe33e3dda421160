"""`ramgate trace`: why company logins failed, those that concern no account among them."""

import click

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskGroup
from gateway.cli.printing import Row
from gateway.directory.login_traces import LoginTrace, all_traces_of, get_traces, page_traces
from gateway.directory.trace_body import TraceBody, load_body
from gateway.store.paging import Page

_MOST = 1000


@click.group("trace", cls=DeskGroup)
def trace() -> None:
    """Traces of company logins that failed, and of dry ones; each is kept for seven days."""


@trace.command("list")
@click.option("--nobody", is_flag=True, help="Only those that concern no account here.")
@click.option(
    "--provider", default=None, metavar="KEY", help="Only those of this provider: saml:1, oidc:1, user-sso:ID."
)
@click.option("--limit", type=click.IntRange(1, _MOST), default=50, show_default=True)
@pass_desk
def list_all(desk: Desk, provider: str | None, limit: int, *, nobody: bool) -> None:
    """List the latest traces, the newest first: of all accounts, unless --account names one."""
    with desk.reading() as session:
        account_id = "" if nobody else None if desk.account_text is None else desk.account(session).id
        found = page_traces(session, Page(limit), desk.now(), account_id=account_id, provider_key=provider)
        rows = [_summary(row) for row in found.rows]
    desk.out.rows(rows, ("at", "request_id", "account", "provider", "kind", "consumer", "evidence", "reason"))


@trace.command("show")
@click.argument("request_id")
@pass_desk
def show(desk: Desk, request_id: str) -> None:
    """Show what is known of one login, check by check; what concerns other accounts only without --account."""
    request_id = request_id.strip().upper()
    with desk.reading() as session:
        if desk.account_text is None:
            rows = all_traces_of(session, request_id, desk.now())
        else:
            rows = get_traces(session, desk.account(session).id, request_id, desk.now())
        found = [(_told(row), _checks(load_body(row.body))) for row in rows]
    if desk.out.as_json:
        desk.out.rows([{**told, "checks": checks} for told, checks in found], ())
        return
    for told, checks in found:
        desk.out.record(told)
        desk.out.rows(checks, ("check", "outcome", "seen", "expected", "problem"))


def _summary(row: LoginTrace) -> Row:
    return {
        "at": row.at,
        "request_id": row.request_id,
        "account": row.account_id,
        "provider": row.provider_key,
        "kind": row.kind,
        "consumer": row.consumer,
        "evidence": row.evidence,
        "reason": row.reason,
    }


def _told(row: LoginTrace) -> Row:
    body = load_body(row.body)
    return {**_summary(row), "said": body.public, "proven": body.proven, "notes": body.notes}


def _checks(body: TraceBody) -> list[Row]:
    return [
        {
            "check": each.check,
            "outcome": each.outcome,
            "seen": each.seen,
            "expected": each.expected,
            "problem": each.problem,
        }
        for each in body.checks
    ]
