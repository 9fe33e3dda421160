"""Federations: which there are, how their last refresh ended, and registering or removing one."""

from urllib.parse import quote

from flask import Blueprint, Response, flash
from sqlalchemy.orm import Session

from gateway.directory.adoptions import adoptions_of, remove_federation
from gateway.directory.federations import (
    Federation,
    FederationKind,
    change_federation,
    create_federation,
    find_federation,
    get_federation,
    list_federations,
)
from gateway.errors import GatewayError, InputError, Reason, SamlError, UpstreamError
from gateway.web.admin import allowed_to, changing
from gateway.web.advice import status_of
from gateway.web.edge import Edge, form_text, page, see_other
from gateway.web.session import current_session

PATH = "/admin/federations"
_NAME_MAX = 128
_URL_MAX = 2048
_ANCHORS_MAX = 65_536
_KIND_MAX = 20
_KINDS = {"aggregate": FederationKind.AGGREGATE, "mdq": FederationKind.MDQ}
_NOTHING_SENT = {"name": "", "kind": "aggregate", "url": "", "anchors": ""}


def create_federations_blueprint(edge: Edge) -> Blueprint:
    services = edge.services
    views = Blueprint("federations", __name__, url_prefix=PATH)

    @views.get("")
    def listing() -> Response:
        with services.store.reading() as session:
            who = allowed_to(session, services, "ListFederations")
            rows = [
                (found, len(adoptions_of(session, found.id)), federation_path(found.name))
                for found in list_federations(session, who.account_id)
            ]
        return page("admin/federations.html", active="providers", rows=rows, now=services.clock.now())

    @views.get("/new")
    def new() -> Response:
        with services.store.reading() as session:
            allowed_to(session, services, "CreateFederation", "federation/*")
        return _new_page(_NOTHING_SENT)

    @views.post("/new")
    def create() -> Response:
        return _create(edge)

    @views.post("/<name>/refresh")
    def refresh(name: str) -> Response:
        with services.store.transaction() as session:
            who = changing(session, services, "RefreshFederation", federation_entity(session, name))
            found = get_federation(session, who.account_id, name)
            if found.url and found.kind == FederationKind.AGGREGATE:
                found.next_refresh_at = services.clock.now()
        flash("It is fetched within a minute. Come back to see how that ended.")
        return see_other(federation_path(name))

    @views.post("/<name>/source")
    def source(name: str) -> Response:
        url, anchors = form_text("url", max_length=_URL_MAX, required=False).strip(), _sent_anchors()
        if url:
            services.fetcher.check_url(url)
        with services.store.transaction() as session:
            who = changing(session, services, "UpdateFederation", federation_entity(session, name))
            found = get_federation(session, who.account_id, name)
            change_federation(session, found, url=url, anchors_pem=anchors, now=services.clock.now())
        flash("Saved. What is there stays until the federation is fetched again.")
        return see_other(federation_path(name))

    @views.post("/<name>/remove")
    def remove(name: str) -> Response:
        with services.store.transaction() as session:
            who = changing(session, services, "DeleteFederation", federation_entity(session, name))
            remove_federation(session, get_federation(session, who.account_id, name), services.clock.now())
        flash(f"{name} is removed.")
        return see_other(PATH)

    return views


def federation_path(name: str) -> str:
    """Names are found in any case, so one called `new` stays clear of the page for new ones."""
    return f"{PATH}/{quote('NEW' if name == 'new' else name, safe='')}"


def federation_entity(session: Session, name: str) -> str:
    """What policies are asked about: the name as registered, since addresses find it in any case."""
    found: Federation | None = find_federation(session, current_session().principal.account_id, name)
    return f"federation/{found.name if found else name}"


def _create(edge: Edge) -> Response:
    services = edge.services
    sent = {
        "name": form_text("name", max_length=_NAME_MAX),
        "kind": form_text("kind", max_length=_KIND_MAX),
        "url": form_text("url", max_length=_URL_MAX, required=False).strip(),
        "anchors": _sent_anchors(),
    }
    try:
        kind = _kind(sent["kind"])
        if sent["url"]:
            services.fetcher.check_url(sent["url"])
        with services.store.transaction() as session:
            who = changing(session, services, "CreateFederation", f"federation/{sent['name']}")
            create_federation(
                session,
                who.account_id,
                sent["name"],
                kind=kind,
                url=sent["url"],
                anchors_pem=sent["anchors"],
                now=services.clock.now(),
            )
    except (InputError, SamlError, UpstreamError) as error:
        return _new_page(sent, error)
    flash(f"{sent['name']} is registered.")
    return see_other(federation_path(sent["name"]))


def _sent_anchors() -> str:
    return form_text("anchors", max_length=_ANCHORS_MAX, required=False).strip()


def _kind(text: str) -> FederationKind:
    """Raises: InputError(PARAMETER_INVALID)."""
    if text not in _KINDS:
        raise InputError(Reason.PARAMETER_INVALID, "Choose what the address gives.", subject="kind")
    return _KINDS[text]


def _new_page(sent: dict[str, str], problem: GatewayError | None = None) -> Response:
    return page(
        "admin/federation_new.html",
        status_of(problem) if problem else 200,
        active="providers",
        sent=sent,
        problem=problem.public if problem else None,
    )
