"""Role SSO providers: list, look at, register, replace, delete."""

from urllib.parse import quote

from flask import Blueprint, Response, flash
from sqlalchemy.orm import Session

from gateway.directory.accounts import get_account
from gateway.directory.mapping_rules import list_rules
from gateway.directory.metadata_view import view_metadata
from gateway.directory.provider_keys import saml_provider_key
from gateway.directory.provider_logins import get_login_settings
from gateway.directory.saml_providers import (
    SamlProvider,
    create_saml_provider,
    delete_saml_provider,
    find_saml_provider,
    get_saml_provider,
    list_saml_providers,
    provider_certificates,
    update_saml_provider,
)
from gateway.errors import GatewayError, InputError, SamlError, UpstreamError
from gateway.federation.dropped_metadata import broken_files
from gateway.federation.vouching import SAML_DEFAULT
from gateway.saml.names import role_sso_recipient
from gateway.web.admin import allowed_to, changing
from gateway.web.admin_metadata import (
    confirmed_metadata,
    preview_metadata,
    sent_or_fetched,
    sent_sign_algorithm,
    sent_source,
)
from gateway.web.advice import status_of
from gateway.web.edge import Edge, form_text, page, see_other
from gateway.web.metadata_acts import keep_source, offer_uploaded
from gateway.web.session import current_session

_NAME_MAX = 128
_DESCRIPTION_MAX = 256


def create_providers_blueprint(edge: Edge) -> Blueprint:
    views = Blueprint("providers", __name__, url_prefix="/admin/providers")
    _add_reading_views(views, edge)
    _add_preview_views(views, edge)
    _add_changing_views(views, edge)
    return views


def _add_reading_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.get("")
    def listing() -> Response:
        with services.store.reading() as session:
            who = allowed_to(session, services, "ListSAMLProviders")
            rows = [
                (row, provider_certificates(session, row), provider_path(row.name))
                for row in list_saml_providers(session, who.account_id)
            ]
            account, folder = get_account(session, who.account_id), services.metadata_dir
            broken = broken_files(session, folder, account, services.domain_suffix, services.clock.now())
        return page(
            "admin/providers.html", active="providers", rows=rows, broken=broken, now=services.clock.now(), sp=_sp(edge)
        )

    @views.get("/new")
    def new() -> Response:
        with services.store.reading() as session:
            allowed_to(session, services, "CreateSAMLProvider", "saml-provider/*")
        return _upload_page(name="", description="", sign_algo="rsa-sha256")

    @views.get("/<name>")
    def detail(name: str) -> Response:
        with services.store.reading() as session:
            who = allowed_to(session, services, "GetSAMLProvider", saml_entity(session, name))
            provider = get_saml_provider(session, who.account_id, name)
            return _detail_page(edge, session, provider)


def _add_preview_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.post("/new/preview")
    def preview_new() -> Response:
        name = form_text("name", max_length=_NAME_MAX)
        fields = {"name": name, "description": _sent_description(), "sign_algo": sent_sign_algorithm()}
        with services.store.reading() as session:
            allowed_to(session, services, "CreateSAMLProvider", f"saml-provider/{name}")
        return _preview_page(edge, "/admin/providers/new", fields)

    @views.post("/<name>/preview")
    def preview_replacement(name: str) -> Response:
        with services.store.reading() as session:
            who = allowed_to(session, services, "UpdateSAMLProvider", saml_entity(session, name))
            provider = get_saml_provider(session, who.account_id, name)
        return _preview_page(edge, provider_path(provider.name), {"name": provider.name}, provider)


def _add_changing_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.post("/new")
    def create() -> Response:
        name, source = form_text("name", max_length=_NAME_MAX), sent_source()
        with services.store.transaction() as session:
            who = changing(session, services, "CreateSAMLProvider", f"saml-provider/{name}")
            made = create_saml_provider(
                session,
                who.account_id,
                name,
                confirmed_metadata(),
                description=_sent_description(),
                authn_sign_algo=sent_sign_algorithm(),
                by=source.url or who.arn,
                now=services.clock.now(),
            )
            if source.url:
                keep_source(session, saml_provider_key(made.id), source, services.clock.now())
        flash(f"{name} is registered.")
        return see_other(provider_path(name))

    @views.post("/<name>")
    def replace(name: str) -> Response:
        source = sent_source()
        with services.store.transaction() as session:
            who, now = (
                changing(session, services, "UpdateSAMLProvider", saml_entity(session, name)),
                services.clock.now(),
            )
            key = saml_provider_key(get_saml_provider(session, who.account_id, name).id)
            said = offer_uploaded(session, key, confirmed_metadata(), who, now)
            if source.url:
                keep_source(session, key, source, now)
        flash(said)
        return see_other(f"{provider_path(name)}/document")

    @views.post("/<name>/settings")
    def settings(name: str) -> Response:
        with services.store.transaction() as session:
            who = changing(session, services, "UpdateSAMLProvider", saml_entity(session, name))
            update_saml_provider(
                session,
                who.account_id,
                name,
                description=_sent_description(),
                authn_sign_algo=sent_sign_algorithm(),
                now=services.clock.now(),
            )
        flash("Saved.")
        return see_other(provider_path(name))

    @views.post("/<name>/delete")
    def delete(name: str) -> Response:
        with services.store.transaction() as session:
            who = changing(session, services, "DeleteSAMLProvider", saml_entity(session, name))
            delete_saml_provider(session, who.account_id, name)
        flash(f"{name} is deleted. Sessions that came through it are over.")
        return see_other("/admin/providers")


def provider_path(name: str) -> str:
    """The page of a provider. Names are found in any case, so one called `new` stays clear of the page for new ones."""
    return "/admin/providers/" + quote("NEW" if name == "new" else name, safe="")


def saml_entity(session: Session, name: str) -> str:
    """What policies are asked about: the provider's name as registered, since addresses find it in any case."""
    found = find_saml_provider(session, current_session().principal.account_id, name)
    return f"saml-provider/{found.name if found else name}"


def _sent_description() -> str:
    return form_text("description", max_length=_DESCRIPTION_MAX, required=False)


def _preview_page(edge: Edge, action: str, fields: dict[str, str], provider: SamlProvider | None = None) -> Response:
    """What was found in the document; or the form again, with what is wrong with it."""
    now = edge.services.clock.now()
    try:
        preview = preview_metadata(
            sent_or_fetched(edge, current_session().principal.account_id, now),
            now,
            None if provider is None else provider.metadata_xml,
        )
    except (SamlError, InputError, UpstreamError) as error:
        if provider is not None:
            with edge.services.store.reading() as session:
                return _detail_page(edge, session, provider, error)
        return _upload_page(
            name=fields["name"],
            description=fields["description"],
            sign_algo=fields["sign_algo"],
            problem=error,
        )
    return page(
        "admin/preview.html",
        active="providers",
        heading=f"Replace the metadata of {provider.name}" if provider else f"Register {fields['name']}",
        preview=preview,
        now=now,
        action=action,
        back=provider_path(provider.name) if provider else "/admin/providers/new",
        changed_issuer=provider.entity_id if provider and provider.entity_id != preview.found.entity_id else None,
        fields={**fields, **sent_source().fields()},
        staged=provider is not None,
    )


def _upload_page(*, name: str, description: str, sign_algo: str, problem: GatewayError | None = None) -> Response:
    return page(
        "admin/provider_new.html",
        status_of(problem) if problem else 200,
        active="providers",
        name=name,
        description=description,
        sign_algo=sign_algo,
        problem=problem.public if problem else None,
    )


def _detail_page(edge: Edge, session: Session, provider: SamlProvider, problem: GatewayError | None = None) -> Response:
    return page(
        "admin/provider.html",
        status_of(problem) if problem else 200,
        active="providers",
        provider=provider,
        arn=provider.arn,
        path=provider_path(provider.name),
        second_factors=get_login_settings(session, saml_provider_key(provider.id), SAML_DEFAULT).second_factors,
        rules=len(list_rules(session, saml_provider_key(provider.id))),
        view=view_metadata(session, saml_provider_key(provider.id)),
        now=edge.services.clock.now(),
        sp=_sp(edge),
        problem=problem.public if problem else None,
    )


def _sp(edge: Edge) -> dict[str, str]:
    """What the people at the identity provider need to know about us."""
    return {
        "metadata": f"{edge.services.base_url}/saml-role/sp-metadata.xml",
        "acs": role_sso_recipient(edge.services.base_url),
        "audience": edge.services.role_sso_urn,
    }
