"""What a SAML login must say to count as one with a second factor. For OpenID Providers it stands in their form."""

from dataclasses import replace

from flask import Blueprint, Response, flash

from gateway.directory.provider_keys import user_sso_key
from gateway.directory.provider_logins import get_login_settings, set_login_settings
from gateway.federation.registered import get_registered
from gateway.federation.vouching import SAML_DEFAULT
from gateway.identity import Protocol
from gateway.web.admin import changing
from gateway.web.admin_fields import sent_items
from gateway.web.admin_providers import provider_path, saml_entity
from gateway.web.edge import Edge, see_other


def create_assurance_blueprint(edge: Edge) -> Blueprint:
    services = edge.services
    views = Blueprint("assurance", __name__, url_prefix="/admin")

    @views.post("/providers/<name>/second-factor")
    def of_provider(name: str) -> Response:
        factors, now = sent_items("second_factors"), services.clock.now()
        with services.store.transaction() as session:
            who = changing(session, services, "UpdateSAMLProvider", saml_entity(session, name))
            provider = get_registered(session, who.account_id, Protocol.SAML, name)
            settings = replace(provider.settings, second_factors=factors)
            set_login_settings(session, who.account_id, provider.key, settings, now=now)
        flash("Saved.")
        return see_other(provider_path(name))

    @views.post("/user-sso/second-factor")
    def of_user_sso() -> Response:
        factors, now = sent_items("second_factors"), services.clock.now()
        with services.store.transaction() as session:
            who = changing(session, services, "SetUserSsoSettings")
            key = user_sso_key(who.account_id)
            settings = replace(get_login_settings(session, key, SAML_DEFAULT), second_factors=factors)
            set_login_settings(session, who.account_id, key, settings, now=now)
        flash("Saved.")
        return see_other("/admin/user-sso")

    return views
