"""The page of a provider's metadata: where it comes from, what is staged or waits, what an administrator decides."""

from collections.abc import Callable
from datetime import datetime

from flask import Blueprint, Response, flash
from sqlalchemy.orm import Session

from gateway.directory.metadata_documents import DocumentState
from gateway.directory.metadata_life import (
    Turn,
    approve_document,
    discard_document,
    promote_document,
    roll_back_document,
)
from gateway.directory.metadata_view import view_metadata
from gateway.federation.metadata_refresh import refresh_source
from gateway.federation.metadata_use import record_turn
from gateway.principal import Principal
from gateway.web.admin import allowed_to, changing
from gateway.web.admin_metadata import sent_source
from gateway.web.edge import Edge, page, see_other
from gateway.web.metadata_acts import keep_source
from gateway.web.metadata_owner_pages import ROLE_SSO, USER_SSO, OwnerPages
from gateway.web.visit import current_visit

Decision = Callable[[Session, str, Principal, datetime], Turn]

_DECISIONS: dict[str, tuple[str, Decision, str]] = {
    "promote": (
        "MetadataPromoted",
        lambda session, key, who, now: promote_document(session, key, by=f"by hand, {who.arn}", now=now),
        "The document is in force.",
    ),
    "approve": (
        "MetadataApproved",
        lambda session, key, _who, now: approve_document(session, key, now),
        "The document is staged.",
    ),
    "rollback": (
        "MetadataRolledBack",
        lambda session, key, who, now: roll_back_document(session, key, why=f"Rolled back by {who.arn}.", now=now),
        "The previous document is in force again.",
    ),
    "discard-staged": (
        "MetadataDiscarded",
        lambda session, key, _who, now: discard_document(session, key, DocumentState.STAGED, now),
        "The staged document is discarded.",
    ),
    "discard-waiting": (
        "MetadataDiscarded",
        lambda session, key, _who, now: discard_document(session, key, DocumentState.WAITING, now),
        "The document is discarded.",
    ),
    "forget-previous": (
        "MetadataDiscarded",
        lambda session, key, _who, now: discard_document(session, key, DocumentState.PREVIOUS, now),
        "The previous document is forgotten. There is no way back to it.",
    ),
}


def create_metadata_life_blueprints(edge: Edge) -> tuple[Blueprint, Blueprint]:
    return _blueprint(edge, ROLE_SSO), _blueprint(edge, USER_SSO)


def _blueprint(edge: Edge, pages: OwnerPages) -> Blueprint:
    services = edge.services
    views = Blueprint(pages.blueprint, __name__, url_prefix=pages.prefix)

    @views.get("")
    def show(name: str = "") -> Response:
        with services.store.reading() as session:
            who = allowed_to(session, services, pages.reading, pages.entity(session, name))
            view = view_metadata(session, pages.key(session, who.account_id, name))
        return page(
            "admin/metadata_life.html",
            active=pages.active,
            view=view,
            back=pages.path(name),
            path=f"{pages.path(name)}/document",
            now=services.clock.now(),
        )

    @views.post("/source")
    def source(name: str = "") -> Response:
        sent = sent_source()
        if sent.url:
            services.fetcher.check_url(sent.url)
        with services.store.transaction() as session:
            who = changing(session, services, pages.changing, pages.entity(session, name))
            key = pages.key(session, who.account_id, name)
            keep_source(session, key, sent, services.clock.now())
        flash("The metadata is fetched from there within a minute." if sent.url else "Nothing is fetched any more.")
        return see_other(f"{pages.path(name)}/document")

    @views.post("/refresh")
    def refresh(name: str = "") -> Response:
        with services.store.transaction() as session:
            who = changing(session, services, pages.changing, pages.entity(session, name))
            key = pages.key(session, who.account_id, name)
        with edge.errands.enter(who.account_id):
            done = refresh_source(services.store, services.fetcher, services.clock, key, only_due=False)
        flash(done.text if done else "There is no URL to fetch from.")
        return see_other(f"{pages.path(name)}/document")

    _add_decisions(views, edge, pages)
    return views


def _add_decisions(views: Blueprint, edge: Edge, pages: OwnerPages) -> None:
    services = edge.services

    @views.post("/<any(" + ", ".join(f'"{each}"' for each in _DECISIONS) + "):decision>")
    def decide(decision: str, name: str = "") -> Response:
        kind, act, said = _DECISIONS[decision]
        now = services.clock.now()
        with services.store.transaction() as session:
            who = allowed_to(session, services, pages.changing, pages.entity(session, name))
            turn = act(session, pages.key(session, who.account_id, name), who, now)
            record_turn(
                session,
                kind,
                turn,
                request_id=current_visit().request_id,
                now=now,
                principal_arn=who.arn,
                more={"client": current_visit().client.address},
            )
        flash(said)
        return see_other(f"{pages.path(name)}/document")
