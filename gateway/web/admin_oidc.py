"""OpenID Providers of the account: list, register by discovery, change, delete."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import quote

from flask import Blueprint, Response, flash
from sqlalchemy.orm import Session

from gateway.directory import quotas
from gateway.directory.oidc_providers import (
    DEFAULT_ISSUANCE_LIMIT_H,
    OidcProvider,
    add_fingerprint,
    create_oidc_provider,
    delete_oidc_provider,
    find_oidc_provider,
    get_oidc_provider,
    list_oidc_providers,
    remove_fingerprint,
    update_oidc_provider,
)
from gateway.directory.oidc_texts import check_issuer_url
from gateway.errors import GatewayError, InputError, OidcError, UpstreamError
from gateway.oidc.findings import Finding, findings_of
from gateway.oidc.key_cache import check_fingerprints
from gateway.services import Services
from gateway.store.paging import Page
from gateway.web.admin import allowed_to, changing
from gateway.web.admin_fields import sent_items, sent_number
from gateway.web.admin_oidc_page import oidc_page
from gateway.web.advice import status_of
from gateway.web.edge import Edge, form_text, page, see_other
from gateway.web.session import current_session

_NAME_MAX = 128
_ISSUER_MAX = 255
_DESCRIPTION_MAX = 256


@dataclass(frozen=True, slots=True)
class Form:
    """A registration as it was typed. Lists are as they are sent on."""

    name: str = ""
    issuer_url: str = ""
    description: str = ""
    client_ids: tuple[str, ...] = ()
    fingerprints: tuple[str, ...] = ()
    issuance_limit_h: int = DEFAULT_ISSUANCE_LIMIT_H


@dataclass(frozen=True, slots=True)
class Seen:
    """What the provider says of itself, or why that can't be had."""

    findings: Sequence[Finding] = ()
    thumbprints: tuple[str, ...] = ()  # of the authorities behind its server's certificate
    problem: GatewayError | None = None


def create_oidc_providers_blueprint(edge: Edge) -> Blueprint:
    views = Blueprint("oidc_providers", __name__, url_prefix="/admin/oidc")
    _add_reading_views(views, edge)
    _add_registration_views(views, edge)
    _add_changing_views(views, edge)
    return views


def _add_reading_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.get("")
    def listing() -> Response:
        with services.store.reading() as session:
            who = allowed_to(session, services, "ListOIDCProviders")
            found = list_oidc_providers(session, who.account_id, Page(quotas.OIDC_PROVIDERS_PER_ACCOUNT))
        rows = [(row, oidc_path(row.name)) for row in found.rows]
        return page("admin/oidc_providers.html", active="oidc", rows=rows)

    @views.get("/<name>")
    def detail(name: str) -> Response:
        with services.store.reading() as session:
            who = allowed_to(session, services, "GetOIDCProvider", oidc_entity(session, name))
            provider = get_oidc_provider(session, who.account_id, name)
            return oidc_page(edge, session, provider, oidc_path(provider.name))

    @views.get("/<name>/discovery")
    def discovery(name: str) -> Response:
        with services.store.reading() as session:
            who = allowed_to(session, services, "GetOIDCProvider", oidc_entity(session, name))
            provider = get_oidc_provider(session, who.account_id, name)
        seen = _look_at(services, provider.issuer_url, provider.fingerprints)
        path = oidc_path(provider.name)
        return page("admin/oidc_preview.html", active="oidc", name=provider.name, form=None, seen=seen, back=path)


def _add_registration_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.get("/new")
    def new() -> Response:
        with services.store.reading() as session:
            allowed_to(session, services, "CreateOIDCProvider", "oidc-provider/*")
        return page("admin/oidc_new.html", active="oidc", form=Form(), problem=None)

    @views.post("/new/preview")
    def preview() -> Response:
        form = _sent_form()
        with services.store.reading() as session:
            allowed_to(session, services, "CreateOIDCProvider", f"oidc-provider/{form.name}")
        try:
            check_issuer_url(form.issuer_url, development=services.development)
        except InputError as error:
            problem = error.public
            return page("admin/oidc_new.html", status_of(error), active="oidc", form=form, problem=problem)
        seen = _look_at(services, form.issuer_url, form.fingerprints)
        back = "/admin/oidc/new"
        return page("admin/oidc_preview.html", active="oidc", name=form.name, form=form, seen=seen, back=back)

    @views.post("/new")
    def create() -> Response:
        form = _sent_form()
        with services.store.transaction() as session:
            who = changing(session, services, "CreateOIDCProvider", f"oidc-provider/{form.name}")
            create_oidc_provider(
                session,
                who.account_id,
                form.name,
                form.issuer_url,
                client_ids=form.client_ids,
                fingerprints=form.fingerprints,
                issuance_limit_h=form.issuance_limit_h,
                description=form.description,
                development=services.development,
                now=services.clock.now(),
            )
        flash(
            f"{form.name} is registered. Set up how people sign in through it, or leave it to the exchange of tokens."
        )
        return see_other(oidc_path(form.name))


def _add_changing_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.post("/<name>/settings")
    def settings(name: str) -> Response:
        with services.store.transaction() as session:
            who = changing(session, services, "UpdateOIDCProvider", oidc_entity(session, name))
            update_oidc_provider(
                session,
                who.account_id,
                name,
                client_ids=sent_items("client_ids"),
                issuance_limit_h=_sent_limit(),
                description=_sent_description(),
                now=services.clock.now(),
            )
            _set_fingerprints(session, services, who.account_id, name)
        flash("Saved.")
        return see_other(oidc_path(name))

    @views.post("/<name>/delete")
    def delete(name: str) -> Response:
        with services.store.transaction() as session:
            who = changing(session, services, "DeleteOIDCProvider", oidc_entity(session, name))
            delete_oidc_provider(session, who.account_id, name)
        flash(f"{name} is deleted, with its rules and links. Sessions that came through it are over.")
        return see_other("/admin/oidc")


def oidc_path(name: str) -> str:
    """The page of a provider. Names are found in any case, so one called `new` stays clear of the page for new ones."""
    return "/admin/oidc/" + quote("NEW" if name == "new" else name, safe="")


def oidc_entity(session: Session, name: str) -> str:
    """What policies are asked about: the provider's name as registered, since addresses find it in any case."""
    found = find_oidc_provider(session, current_session().principal.account_id, name)
    return f"oidc-provider/{found.name if found else name}"


def _look_at(services: Services, issuer: str, fingerprints: tuple[str, ...]) -> Seen:
    """Ask the provider; without a connection to the database, since it may take its time."""
    try:
        known = services.oidc_providers.get(issuer)
    except (OidcError, UpstreamError) as error:
        return Seen(problem=error)
    try:
        check_fingerprints(known, fingerprints)
    except OidcError as error:
        return Seen(findings_of(known), known.ca_thumbprints, error)
    return Seen(findings_of(known), known.ca_thumbprints)


def _set_fingerprints(session: Session, services: Services, account_id: str, name: str) -> None:
    now, wanted = services.clock.now(), sent_items("fingerprints")
    provider: OidcProvider = get_oidc_provider(session, account_id, name)
    before, after = ({text.lower() for text in texts} for texts in (provider.fingerprints, wanted))
    for text in provider.fingerprints:
        if text.lower() not in after:
            remove_fingerprint(session, account_id, name, text, now)
    for text in dict.fromkeys(text.lower() for text in wanted):
        if text not in before:
            add_fingerprint(session, account_id, name, text, now)


def _sent_form() -> Form:
    return Form(
        name=form_text("name", max_length=_NAME_MAX).strip(),
        issuer_url=form_text("issuer_url", max_length=_ISSUER_MAX).strip(),
        description=_sent_description(),
        client_ids=sent_items("client_ids"),
        fingerprints=sent_items("fingerprints"),
        issuance_limit_h=_sent_limit(),
    )


def _sent_limit() -> int:
    return sent_number("issuance_limit_h") or DEFAULT_ISSUANCE_LIMIT_H


def _sent_description() -> str:
    return form_text("description", max_length=_DESCRIPTION_MAX, required=False)
