"""What each login asks of a SAML provider: the form, for a role SSO provider and for that of user SSO."""

from flask import Blueprint, Response, flash, request
from sqlalchemy.orm import Session

from gateway.asking import Comparison, RequestOptions, ResponseBinding
from gateway.directory.provider_keys import user_sso_key
from gateway.directory.request_options import get_request_options, resolves_artifacts, set_request_options
from gateway.errors import GatewayError, InputError, Reason
from gateway.federation.registered import get_registered
from gateway.identity import Protocol
from gateway.saml.names import role_start_path
from gateway.web.admin import allowed_to, changing
from gateway.web.admin_fields import sent_items
from gateway.web.admin_providers import provider_path, saml_entity
from gateway.web.advice import status_of
from gateway.web.edge import Edge, form_text, page, see_other

_FORMAT_MAX = 256
_USER_SSO = "/admin/user-sso"


def create_request_options_blueprint(edge: Edge) -> Blueprint:
    views = Blueprint("request_options", __name__, url_prefix="/admin")
    _add_provider_views(views, edge)
    _add_user_sso_views(views, edge)
    return views


def _add_provider_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.get("/providers/<name>/request-options")
    def of_provider(name: str) -> Response:
        with services.store.reading() as session:
            who = allowed_to(session, services, "GetSAMLProvider", saml_entity(session, name))
            return _provider_page(edge, session, who.account_id, name, None)

    @views.post("/providers/<name>/request-options")
    def change_of_provider(name: str) -> Response:
        now = services.clock.now()
        try:
            options = _sent_options()
            with services.store.transaction() as session:
                who = changing(session, services, "UpdateSAMLProvider", saml_entity(session, name))
                provider = get_registered(session, who.account_id, Protocol.SAML, name)
                set_request_options(session, who.account_id, provider.key, options, now=now)
        except InputError as error:
            with services.store.reading() as session:
                who = allowed_to(session, services, "UpdateSAMLProvider", saml_entity(session, name))
                return _provider_page(edge, session, who.account_id, name, error)
        flash("Saved.")
        return see_other(provider_path(provider.name) + "/request-options")


def _add_user_sso_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.get("/user-sso/request-options")
    def of_user_sso() -> Response:
        with services.store.reading() as session:
            who = allowed_to(session, services, "GetUserSsoSettings")
            return _user_sso_page(session, who.account_id, None)

    @views.post("/user-sso/request-options")
    def change_of_user_sso() -> Response:
        now = services.clock.now()
        try:
            options = _sent_options()
            with services.store.transaction() as session:
                who = changing(session, services, "SetUserSsoSettings")
                set_request_options(session, who.account_id, user_sso_key(who.account_id), options, now=now)
        except InputError as error:
            with services.store.reading() as session:
                who = allowed_to(session, services, "SetUserSsoSettings")
                return _user_sso_page(session, who.account_id, error)
        flash("Saved.")
        return see_other(f"{_USER_SSO}/request-options")


def _sent_options() -> RequestOptions:
    """Raises: InputError."""
    return RequestOptions(
        authn_contexts=sent_items("authn_contexts"),
        comparison=Comparison(_choice("comparison", [each.value for each in Comparison])),
        force_authn="force_authn" in request.form,
        is_passive="is_passive" in request.form,
        name_id_format=form_text("name_id_format", max_length=_FORMAT_MAX, required=False).strip(),
        allow_create="allow_create" in request.form,
        binding=ResponseBinding(_choice("binding", [each.value for each in ResponseBinding])),
    )


def _choice(name: str, known: list[str]) -> str:
    text = form_text(name, max_length=20)
    if text not in known:
        raise InputError(Reason.PARAMETER_INVALID, f"`{name}` must be one of {', '.join(known)}.", subject=name)
    return text


def _provider_page(edge: Edge, session: Session, account_id: str, name: str, error: GatewayError | None) -> Response:
    provider = get_registered(session, account_id, Protocol.SAML, name)
    path = provider_path(provider.name)
    start = edge.services.base_url + role_start_path(account_id, provider.name)
    return _page(session, provider.key, f"What {provider.name} is asked", "providers", path, error, start)


def _user_sso_page(session: Session, account_id: str, error: GatewayError | None) -> Response:
    return _page(session, user_sso_key(account_id), "What user SSO asks", "user-sso", _USER_SSO, error, "")


def _page(  # noqa: PLR0917 - of what, in what words, where
    session: Session, key: str, heading: str, active: str, path: str, error: GatewayError | None, start: str
) -> Response:
    return page(
        "admin/request_options.html",
        status_of(error) if error else 200,
        active=active,
        heading=heading,
        path=path,
        options=get_request_options(session, key),
        comparisons=list(Comparison),
        artifacts=resolves_artifacts(session, key),
        start=start,
        problem=error.public if error else None,
    )
