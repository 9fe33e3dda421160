"""User SSO of the account: which identity provider, and under which rules."""

from flask import Blueprint, Response, flash, request
from sqlalchemy.orm import Session

from gateway.directory.accounts import get_account
from gateway.directory.provider_keys import user_sso_key
from gateway.directory.provider_logins import get_login_settings
from gateway.directory.user_sso import find_user_sso, set_user_sso, user_sso_certificates
from gateway.errors import GatewayError, InputError, SamlError
from gateway.federation.user_matching import accepted_domains
from gateway.federation.vouching import SAML_DEFAULT
from gateway.saml.names import user_sso_consumer_url, user_sso_entity_id, user_sso_metadata_url
from gateway.web.admin import allowed_to, changing
from gateway.web.admin_metadata import confirmed_metadata, preview_metadata, sent_metadata, sent_sign_algorithm
from gateway.web.advice import status_of
from gateway.web.edge import Edge, page, see_other

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

    @views.post("/preview")
    def preview() -> Response:
        now = services.clock.now()
        with services.store.reading() as session:
            who = allowed_to(session, services, "SetUserSsoSettings")
            try:
                previewed = preview_metadata(sent_metadata(), now)
            except (SamlError, InputError) as error:
                return _settings_page(edge, session, who.account_id, error)
            settings = find_user_sso(session, who.account_id)
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
            fields={},
        )

    @views.post("/metadata")
    def replace_metadata() -> Response:
        with services.store.transaction() as session:
            who = changing(session, services, "SetUserSsoSettings")
            set_user_sso(session, who.account_id, metadata_xml=confirmed_metadata(), now=services.clock.now())
        flash("The identity provider is registered.")
        return see_other(_PATH)

    return views


def _settings_page(edge: Edge, session: Session, account_id: str, problem: GatewayError | None = None) -> Response:
    services = edge.services
    account = get_account(session, account_id)

    return page(
        "admin/user_sso.html",
        status_of(problem) if problem else 200,
        active="user-sso",
        account=account,
        settings=find_user_sso(session, account_id),
        certificates=user_sso_certificates(session, account_id),
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
