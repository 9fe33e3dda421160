"""`ramgate federation`: thousands of IdPs behind one signature, and those of them that an account trusts."""

from pathlib import Path
from typing import BinaryIO

import click

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskGroup
from gateway.cli.printing import Row
from gateway.directory import adoptions, federations
from gateway.directory.federation_entities import search_entities
from gateway.directory.federations import Federation, FederationKind
from gateway.errors import GatewayError, InputError, Reason
from gateway.federation.federation_refresh import clear_away, refresh_federation
from gateway.federation.metadata_queries import adopt, get_answer
from gateway.store.paging import Page

_PAGE = 50
_BY = "the command line"


@click.group("federation", cls=DeskGroup)
def federation() -> None:
    """Federations: find identity providers in them, and adopt those that may sign people in."""


@federation.command("add")
@click.argument("name")
@click.option("--url", default="", help="Where the aggregate is; without one it is given to `refresh --file`.")
@click.option("--mdq", "is_mdq", is_flag=True, help="The URL is the base of a metadata query service.")
@click.option(
    "--anchor",
    type=click.Path(path_type=Path, dir_okay=False, exists=True),
    required=True,
    help="PEM certificates that the federation signs with.",
)
@pass_desk
def add(desk: Desk, name: str, url: str, anchor: Path, *, is_mdq: bool) -> None:
    """Register a federation. Compare the anchor's fingerprint with what the federation announces."""
    if url:
        desk.fetcher.check_url(url)
    with desk.transaction() as session:
        made = federations.create_federation(
            session,
            desk.account(session).id,
            name,
            kind=FederationKind.MDQ if is_mdq else FederationKind.AGGREGATE,
            url=url,
            anchors_pem=anchor.read_text(errors="replace"),
            now=desk.now(),
        )
        record = _record(made)
    desk.out.record(record)


@federation.command("set")
@click.argument("name")
@click.option("--url", default=None, help="Another address.")
@click.option("--anchor", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Other PEM certificates.")
@pass_desk
def set_one(desk: Desk, name: str, url: str | None, anchor: Path | None) -> None:
    """Change a federation's address or anchors. While it changes its key, give both certificates in one file."""
    if url:
        desk.fetcher.check_url(url)
    pem = None if anchor is None else anchor.read_text(errors="replace")
    with desk.transaction() as session:
        found = federations.get_federation(session, desk.account(session).id, name)
        federations.change_federation(session, found, url=url, anchors_pem=pem, now=desk.now())
        record = _record(found)
    desk.out.record(record)


@federation.command("list")
@pass_desk
def list_all(desk: Desk) -> None:
    """List the federations of an account, and how their last refresh ended."""
    with desk.reading() as session:
        rows = [_record(found) for found in federations.list_federations(session, desk.account(session).id)]
    desk.out.rows(rows, ("name", "kind", "providers", "refreshed_at", "outcome"))


@federation.command("refresh")
@click.argument("name")
@click.option("--file", type=click.File("rb"), help="Take this aggregate instead of fetching one.")
@pass_desk
def refresh(desk: Desk, name: str, file: BinaryIO | None) -> None:
    """Take a federation's aggregate now. Exit code 1 if it can't be used; what is there stays then."""
    with desk.reading() as session:
        found = federations.get_federation(session, desk.account(session).id, name)
    if adoptions.is_queried(found):
        message = "a metadata query service has no aggregate: its adopted entities are asked for by schedule"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="FederationName")
    done = refresh_federation(desk.store, desk.fetcher, desk.clock, found.id, only_due=False, uploaded=file)
    if done is None:
        message = "another process refreshes the federation now, or it was removed"
        raise InputError(Reason.CHANGED_MEANWHILE, message)
    desk.leave_receipt()
    if done.failed:
        raise GatewayError(Reason(done.outcome), done.text)
    desk.out.record({"outcome": done.outcome, "text": done.text})


@federation.command("search")
@click.argument("name")
@click.argument("words", nargs=-1)
@click.option("--broken", is_flag=True, help="Those that can't be used, and why.")
@click.option("--after", default="", help="The next page: the `next` of the page before.")
@pass_desk
def search(desk: Desk, name: str, words: tuple[str, ...], after: str, *, broken: bool) -> None:
    """Find identity providers by WORDS of their names, entity ID or registrar; 50 at a time."""
    with desk.reading() as session:
        found = federations.get_federation(session, desk.account(session).id, name)
        page = search_entities(session, found.id, " ".join(words), Page(_PAGE, after), broken=broken)
    rows: list[Row] = [
        {
            "display_name": row.display_name,
            "entity_id": row.entity_id,
            "registrar": row.registrar,
            "problem": row.problem,
            "next": row.sort_key,
        }
        for row in page.rows
    ]
    desk.out.rows(rows, ("display_name", "entity_id", "problem" if broken else "registrar"))
    if page.next_after is not None:
        click.echo(f"There are more: --after '{page.next_after}'", err=True)


@federation.command("adopt")
@click.argument("name")
@click.argument("entity_id")
@click.argument("provider")
@pass_desk
def adopt_one(desk: Desk, name: str, entity_id: str, provider: str) -> None:
    """Register an entity of the federation NAME as the identity provider PROVIDER, and keep it up to date."""
    with desk.reading() as session:
        found = federations.get_federation(session, desk.account(session).id, name)
    queried = adoptions.is_queried(found)
    answer = get_answer(desk.fetcher, found, entity_id, desk.clock) if queried else None
    with desk.transaction() as session:
        live = federations.get_federation(session, desk.account(session).id, name)
        made = adopt(session, live, entity_id, provider, answer, by=_BY, clock=desk.clock)
        record: Row = {"name": made.name, "arn": made.arn, "entity_id": made.entity_id}
    desk.out.record(record)


@federation.command("remove")
@click.argument("name")
@pass_desk
def remove(desk: Desk, name: str) -> None:
    """Forget a federation from which no provider is adopted any more."""
    with desk.transaction() as session:
        found = federations.get_federation(session, desk.account(session).id, name)
        adoptions.remove_federation(session, found, desk.now())
    clear_away(desk.store, found.id)
    desk.out.done(f"removed federation {name}")


def _record(found: Federation) -> Row:
    return {
        "name": found.name,
        "kind": found.kind,
        "url": found.url,
        "anchors": [each.fingerprint for each in found.anchors],
        "providers": found.providers,
        "entities": found.entities,
        "broken": found.broken,
        "valid_until": found.valid_until,
        "refreshed_at": found.refreshed_at,
        "next_refresh_at": found.next_refresh_at,
        "outcome": found.outcome,
        "text": found.outcome_text,
    }
