"""User SSO of the account: which identity provider, and under which rules."""

from flask import Blueprint, Response, flash, request
from sqlalchemy.orm import Session

from gateway.directory.accounts import get_account
from gateway.directory.metadata_view import view_metadata
from gateway.directory.provider_keys import user_sso_key
from gateway.directory.provider_logins import get_login_settings
from gateway.directory.user_sso import find_user_sso, set_user_sso
from gateway.errors import GatewayError, InputError, SamlError, UpstreamError
from gateway.federation.user_matching import accepted_domains
from gateway.federation.vouching import SAML_DEFAULT
from gateway.saml.names import user_sso_consumer_url, user_sso_entity_id, user_sso_metadata_url
from gateway.web.admin import allowed_to, changing
from gateway.web.admin_metadata import (
    confirmed_metadata,
    preview_metadata,
    sent_or_fetched,
    sent_sign_algorithm,
    sent_source,
)
from gateway.web.advice import status_of
from gateway.web.edge import Edge, page, see_other
from gateway.web.metadata_acts import keep_source, offer_uploaded

_PATH = "/admin/user-sso"


def create_user_sso_blueprint(edge: Edge) -> Blueprint:
    services = edge.services
    views = Blueprint("user_sso", __name__, url_prefix=_PATH)

    @views.get("")
    def settings_page() -> Response:
        with services.store.reading() as session:
            who = allowed_to(session, services, "GetUserSsoSettings")
            return _settings_page(edge, session, who.account_id)

    @views.post("")
    def save() -> Response:
        with services.store.transaction() as session:
            who = changing(session, services, "SetUserSsoSettings")
            set_user_sso(
                session,
                who.account_id,
                enabled="enabled" in request.form,
                login_with_domain="login_with_domain" in request.form,
                idp_initiated="idp_initiated" in request.form,
                authn_sign_algo=sent_sign_algorithm(),
                now=services.clock.now(),
            )
        flash("Saved.")
        return see_other(_PATH)

    _add_metadata_views(views, edge)
    return views


def _add_metadata_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.post("/preview")
    def preview() -> Response:
        now = services.clock.now()
        with services.store.reading() as session:
            who = allowed_to(session, services, "SetUserSsoSettings")
            settings = find_user_sso(session, who.account_id)
        try:
            in_force = settings.metadata_xml if settings else None
            previewed = preview_metadata(sent_or_fetched(edge, who.account_id, now), now, in_force)
        except (SamlError, InputError, UpstreamError) as error:
            with services.store.reading() as session:
                return _settings_page(edge, session, who.account_id, error)
        before = settings.entity_id if settings else None
        return page(
            "admin/preview.html",
            active="user-sso",
            heading="Identity provider for user SSO",
            preview=previewed,
            now=now,
            action=f"{_PATH}/metadata",
            back=_PATH,
            changed_issuer=before if before and before != previewed.found.entity_id else None,
            fields=sent_source().fields(),
            staged=before is not None,
        )

    @views.post("/metadata")
    def replace_metadata() -> Response:
        source, now = sent_source(), services.clock.now()
        with services.store.transaction() as session:
            who = changing(session, services, "SetUserSsoSettings")
            settings, key = find_user_sso(session, who.account_id), user_sso_key(who.account_id)
            if settings is not None and settings.metadata_xml is not None:
                said = offer_uploaded(session, key, confirmed_metadata(), who, now)
            else:
                by = source.url or who.arn
                set_user_sso(session, who.account_id, metadata_xml=confirmed_metadata(), by=by, now=now)
                said = "The identity provider is registered."
            if source.url:
                keep_source(session, key, source, now)
        flash(said)
        return see_other(_PATH)


def _settings_page(edge: Edge, session: Session, account_id: str, problem: GatewayError | None = None) -> Response:
    services = edge.services
    account = get_account(session, account_id)
    settings = find_user_sso(session, account_id)
    registered = settings is not None and settings.metadata_xml is not None
    return page(
        "admin/user_sso.html",
        status_of(problem) if problem else 200,
        active="user-sso",
        account=account,
        settings=settings,
        view=view_metadata(session, user_sso_key(account_id)) if registered else None,
        second_factors=get_login_settings(session, user_sso_key(account_id), SAML_DEFAULT).second_factors,
        domains=accepted_domains(session, account, services.domain_suffix),
        now=services.clock.now(),
        sp={
            "metadata": user_sso_metadata_url(services.base_url, account_id),
            "acs": user_sso_consumer_url(services.base_url),
            "audience": user_sso_entity_id(services.base_url, account_id),
            "login": f"{services.base_url}/{account.alias}/login.htm",
        },
        problem=problem.public if problem else None,
    )
