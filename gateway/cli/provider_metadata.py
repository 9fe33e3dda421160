"""`ramgate provider source|refresh|staged|approve|promote|discard|rollback`: the life of an IdP's metadata.

Each takes the NAME of a role SSO provider, or `--user-sso` for the IdP of user SSO.
"""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click
from sqlalchemy.orm import Session

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskCommand, DeskGroup
from gateway.cli.printing import Row
from gateway.directory.metadata_documents import DocumentState
from gateway.directory.metadata_life import (
    Turn,
    approve_document,
    discard_document,
    promote_document,
    roll_back_document,
)
from gateway.directory.metadata_offers import Offered, Origin, OriginKind, offer_document
from gateway.directory.metadata_owners import get_owner, lock_owner
from gateway.directory.metadata_sources import lock_source, set_pasted_source, set_url_source
from gateway.directory.metadata_view import view_metadata
from gateway.directory.provider_keys import saml_provider_key, user_sso_key
from gateway.directory.saml_providers import get_saml_provider
from gateway.errors import InputError, NotFound, Reason
from gateway.federation.metadata_refresh import record_offer, refresh_source
from gateway.federation.metadata_use import PROMOTED, ROLLED_BACK, record_turn
from gateway.ids import new_request_id

_BY = "the command line"
Decorated = TypeVar("Decorated", bound=Callable[..., Any])


def add_metadata_commands(group: DeskGroup) -> None:
    for command in (_source, _refresh, _staged, _approve, _promote, _discard, _rollback):
        group.add_command(command)


def offer(session: Session, provider_key: str, xml: bytes, now: datetime) -> Offered:
    """A document that an administrator gives to a command, for a provider that has one. Leaves a receipt."""
    offered = offer_document(session, provider_key, xml, Origin(OriginKind.ADMINISTRATOR, _BY), now)
    record_offer(session, offered, provider_key, by=_BY, request_id=new_request_id(), now=now)
    return offered


def _whose(function: Decorated) -> Decorated:
    name = click.argument("name", required=False)
    flag = click.option("--user-sso", "is_user_sso", is_flag=True, help="The IdP of user SSO instead of a NAME.")
    return name(flag(function))


def _key(desk: Desk, session: Session, name: str | None, *, is_user_sso: bool) -> str:
    """Raises: InputError(PARAMETER_INVALID) unless exactly one is given; NotFound."""
    if is_user_sso is (name is not None):
        message = "give the NAME of a provider, or --user-sso"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="name")
    account_id = desk.account(session).id
    if name is None:
        key = user_sso_key(account_id)
        get_owner(session, key)
        return key
    return saml_provider_key(get_saml_provider(session, account_id, name).id)


@click.command("source", cls=DeskCommand)
@_whose
@click.option("--url", help="Fetch the metadata from there, now and again.")
@click.option("--anchor", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="PEM certificates.")
@click.option("--trust-tls", is_flag=True, help="Without --anchor, believe the server's TLS certificate.")
@click.option("--none", "fetches_nothing", is_flag=True, help="Fetch nothing any more.")
@pass_desk
def _source(
    desk: Desk,
    name: str | None,
    url: str | None,
    anchor: Path | None,
    *,
    is_user_sso: bool,
    trust_tls: bool,
    fetches_nothing: bool,
) -> None:
    """Show where an IdP's metadata comes from, or change it."""
    if url is not None and fetches_nothing:
        raise InputError(Reason.PARAMETER_INVALID, "--url and --none exclude each other", subject="url")
    if url is not None:
        desk.fetcher.check_url(url)
    pem = "" if anchor is None else anchor.read_text(errors="replace")
    with desk.transaction() if url is not None or fetches_nothing else desk.reading() as session:
        key = _key(desk, session, name, is_user_sso=is_user_sso)
        if url is not None or fetches_nothing:
            owner, now = lock_owner(session, key), desk.now()
            source = lock_source(session, key, owner.account_id, now)
            if url is not None:
                set_url_source(source, url=url, anchors_pem=pem, trust_tls=trust_tls, now=now)
            else:
                set_pasted_source(source)
            session.flush()
        record = _source_record(session, key)
    desk.out.record(record)


@click.command("refresh", cls=DeskCommand)
@_whose
@pass_desk
def _refresh(desk: Desk, name: str | None, *, is_user_sso: bool) -> None:
    """Fetch an IdP's metadata from its URL now."""
    with desk.reading() as session:
        key = _key(desk, session, name, is_user_sso=is_user_sso)
    done = refresh_source(desk.store, desk.fetcher, desk.clock, key, only_due=False)
    if done is None:
        message = "there is no URL to fetch from; set one with `ramgate provider source --url`"
        raise NotFound(Reason.NOT_FOUND, message, subject="Url")
    desk.leave_receipt()
    desk.out.record({"outcome": done.outcome, "text": done.text})


@click.command("staged", cls=DeskCommand)
@_whose
@pass_desk
def _staged(desk: Desk, name: str | None, *, is_user_sso: bool) -> None:
    """Show the documents beside the one in force, and what each of them changes."""
    with desk.reading() as session:
        view = view_metadata(session, _key(desk, session, name, is_user_sso=is_user_sso))
    rows: list[Row] = [
        {
            "state": document.state.value,
            "risk": document.risk.value,
            "since": document.since,
            "brought_by": document.brought_by,
            "why": document.why,
            "changes": [f"{each.risk}: {each.sentence}" for each in document.differences],
            "what_next": document.what_next,
        }
        for document in view.documents
    ]
    desk.out.rows(rows, ("state", "risk", "since", "brought_by", "changes"))


@click.command("approve", cls=DeskCommand)
@_whose
@pass_desk
def _approve(desk: Desk, name: str | None, *, is_user_sso: bool) -> None:
    """Stage the document that waits, after you have compared it with what the IdP says."""
    _decide(desk, name, "MetadataApproved", approve_document, is_user_sso=is_user_sso)


@click.command("promote", cls=DeskCommand)
@_whose
@pass_desk
def _promote(desk: Desk, name: str | None, *, is_user_sso: bool) -> None:
    """Put the staged document in force without waiting for a login that it verifies."""

    def act(session: Session, key: str, now: datetime) -> Turn:
        return promote_document(session, key, by=f"by hand, {_BY}", now=now)

    _decide(desk, name, PROMOTED, act, is_user_sso=is_user_sso)


@click.command("discard", cls=DeskCommand)
@_whose
@click.option(
    "--state", type=click.Choice([state.value for state in DocumentState]), default="staged", show_default=True
)
@pass_desk
def _discard(desk: Desk, name: str | None, state: str, *, is_user_sso: bool) -> None:
    """Forget a document beside the one in force."""

    def act(session: Session, key: str, now: datetime) -> Turn:
        return discard_document(session, key, DocumentState(state), now)

    _decide(desk, name, "MetadataDiscarded", act, is_user_sso=is_user_sso)


@click.command("rollback", cls=DeskCommand)
@_whose
@pass_desk
def _rollback(desk: Desk, name: str | None, *, is_user_sso: bool) -> None:
    """Put the previous document in force again."""

    def act(session: Session, key: str, now: datetime) -> Turn:
        return roll_back_document(session, key, why=f"Rolled back by {_BY}.", now=now)

    _decide(desk, name, ROLLED_BACK, act, is_user_sso=is_user_sso)


def _decide(
    desk: Desk,
    name: str | None,
    kind: str,
    act: Callable[[Session, str, datetime], Turn],
    *,
    is_user_sso: bool,
) -> None:
    now = desk.now()
    with desk.transaction() as session:
        turn = act(session, _key(desk, session, name, is_user_sso=is_user_sso), now)
        record_turn(session, kind, turn, request_id=desk.request_id, now=now, more={"by": _BY})
    desk.out.record(
        {
            "provider": turn.provider_arn,
            "entity_id": turn.entity_id,
            "certificates_in_force": list(turn.certificates),
        }
    )


def _source_record(session: Session, key: str) -> Row:
    view = view_metadata(session, key)
    source = view.source
    record: dict[str, Any] = {
        "kind": source.kind if source else "pasted",
        "url": source.url if source else "",
        "anchors": [each.fingerprint for each in source.anchors] if source else [],
        "trust_tls": bool(source and source.trust_tls),
        "in_force_since": source.in_force_since if source else None,
        "brought_by": source.brought_by if source else "",
        "valid_until": source.valid_until if source else None,
        "lapsed": bool(source and source.lapsed),
        "last_attempt": source.tried_at if source else None,
        "last_outcome": source.outcome if source else "",
        "last_outcome_text": source.outcome_text if source else "",
        "failures": source.failures if source else 0,
        "next_attempt": source.next_refresh_at if source else None,
        "documents": sorted(view.states),
        "certificates": [
            {
                "fingerprint": row.fingerprint,
                "subject": row.subject,
                "state": row.state,
                "uses": row.use_count,
                "last_used_at": row.last_used_at,
            }
            for row in view.certificates
        ],
    }
    return record
