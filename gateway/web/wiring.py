"""Puts the browser edge into an app: limits, form tokens, sessions, pages, headers, refusals."""

from collections.abc import Iterator

from flask import Flask, Response, request
from flask_wtf.csrf import CSRFProtect

from gateway.errors import InputError, Reason
from gateway.services import Services
from gateway.web.admin_adoption import create_adoption_blueprint
from gateway.web.admin_assurance import create_assurance_blueprint
from gateway.web.admin_connection import create_connection_blueprint
from gateway.web.admin_expiry import create_expiry_blueprint
from gateway.web.admin_federations import create_federations_blueprint
from gateway.web.admin_metadata_life import create_metadata_life_blueprints
from gateway.web.admin_oidc import create_oidc_providers_blueprint
from gateway.web.admin_oidc_login import create_oidc_login_blueprint
from gateway.web.admin_providers import create_providers_blueprint
from gateway.web.admin_request_options import create_request_options_blueprint
from gateway.web.admin_rules import create_rules_blueprints
from gateway.web.admin_sessions import create_sessions_blueprint
from gateway.web.admin_simulate import create_simulate_blueprint
from gateway.web.admin_traces import create_traces_blueprint
from gateway.web.admin_user_sso import create_user_sso_blueprint
from gateway.web.admin_why import create_why_blueprint
from gateway.web.app_signin import create_app_pages_blueprint, create_enter_blueprint
from gateway.web.connection_attack import create_attack_blueprint
from gateway.web.cookies import Cookies, cookies_for
from gateway.web.edge import Edge, see_other, sentence
from gateway.web.expiry_feed import create_expiry_feed_blueprint
from gateway.web.failed_logins import install_failed_logins
from gateway.web.forward_auth import create_forward_auth_blueprint
from gateway.web.headers import add_security_headers
from gateway.web.metrics import create_metrics_blueprint
from gateway.web.oidc_logout import create_oidc_logout_blueprint
from gateway.web.own_security import create_own_security_blueprint
from gateway.web.password_step import create_password_step_blueprint
from gateway.web.portal import create_portal_blueprint
from gateway.web.refusals import install_refusals
from gateway.web.relay import form_sources
from gateway.web.role_switch import create_role_switch_blueprint
from gateway.web.saml_answers import RESPONSE_MAX_BYTES
from gateway.web.saml_logout import LOGOUT_MAX_BYTES, create_saml_logout_blueprint
from gateway.web.second_factor import create_steps_blueprint
from gateway.web.session import install_sessions
from gateway.web.signin import create_signin_blueprint
from gateway.web.sso_oidc import create_oidc_blueprint
from gateway.web.sso_saml import create_role_blueprint, create_sso_blueprint
from gateway.web.visit import begin_visit, current_visit, has_visit

_FORM_MAX_BYTES = 64 * 1024
_SLACK_BYTES = 16 * 1024  # percent signs and the other fields of a form
_UPLOAD_MAX_BYTES = 1_200_000
_FIRST_ERROR = 400
_LIMITS = {
    "sso.user_acs": RESPONSE_MAX_BYTES + _SLACK_BYTES,
    "sso.user_acs_of_account": RESPONSE_MAX_BYTES + _SLACK_BYTES,
    "sso.role_acs": RESPONSE_MAX_BYTES + _SLACK_BYTES,
    "saml_logout.role": LOGOUT_MAX_BYTES + _SLACK_BYTES,
    "saml_logout.user": LOGOUT_MAX_BYTES + _SLACK_BYTES,
    "saml_logout.user_of_account": LOGOUT_MAX_BYTES + _SLACK_BYTES,
    "connection.paste": RESPONSE_MAX_BYTES + _SLACK_BYTES,
    "providers.preview_new": _UPLOAD_MAX_BYTES,
    "providers.preview_replacement": _UPLOAD_MAX_BYTES,
    "user_sso.preview": _UPLOAD_MAX_BYTES,
    # The confirmed document comes back in Base64, a third longer.
    "providers.create": _UPLOAD_MAX_BYTES * 4 // 3,
    "providers.replace": _UPLOAD_MAX_BYTES * 4 // 3,
    "user_sso.replace_metadata": _UPLOAD_MAX_BYTES * 4 // 3,
}


def install_web(app: Flask, services: Services) -> CSRFProtect:
    """Register everything the browser sees. Returns the form protection: what takes no form of ours is exempted."""
    edge = Edge(services, cookies_for(services.base_url))
    _configure(app, services, edge.cookies)
    app.before_request(lambda: _begin(services))
    app.after_request(lambda response: _finish(services, response))
    protection = CSRFProtect(app)
    install_sessions(app, services, edge.cookies)
    install_refusals(app, services)
    install_failed_logins(app, edge)
    sso = create_sso_blueprint(edge)
    oidc_logout = create_oidc_logout_blueprint(edge)
    protection.exempt(sso)
    protection.exempt(oidc_logout)
    for_proxies = (create_forward_auth_blueprint(edge), create_app_pages_blueprint(edge))
    for blueprint in for_proxies:
        protection.exempt(blueprint)
    saml_logout = create_saml_logout_blueprint(edge)
    protection.exempt(saml_logout)
    for blueprint in (
        sso,
        oidc_logout,
        *for_proxies,
        create_enter_blueprint(edge),
        saml_logout,
        create_oidc_blueprint(edge),
        create_role_blueprint(edge),
        create_signin_blueprint(edge),
        create_steps_blueprint(edge),
        create_password_step_blueprint(edge),
        create_portal_blueprint(edge),
        create_own_security_blueprint(edge),
        create_role_switch_blueprint(edge),
        create_providers_blueprint(edge),
        create_federations_blueprint(edge),
        create_adoption_blueprint(edge),
        create_oidc_providers_blueprint(edge),
        create_oidc_login_blueprint(edge),
        *create_rules_blueprints(edge),
        *create_metadata_life_blueprints(edge),
        create_assurance_blueprint(edge),
        create_request_options_blueprint(edge),
        create_user_sso_blueprint(edge),
        create_sessions_blueprint(edge),
        create_connection_blueprint(edge),
        create_attack_blueprint(edge),
        create_traces_blueprint(edge),
        create_why_blueprint(edge),
        create_simulate_blueprint(edge),
        create_expiry_blueprint(edge),
        create_expiry_feed_blueprint(edge),
        create_metrics_blueprint(edge),
    ):
        app.register_blueprint(blueprint)
    app.add_url_rule("/admin", "admin", lambda: see_other("/admin/providers"))
    return protection


def _configure(app: Flask, services: Services, cookies: Cookies) -> None:
    app.config.update(
        SECRET_KEY=services.ring.derive("form-cookie"),
        SESSION_COOKIE_NAME=cookies.form.name,
        SESSION_COOKIE_SECURE=cookies.form.secure,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE=cookies.form.same_site,
        SESSION_COOKIE_PATH="/",
        # A token lives as long as its cookie, until the browser closes or somebody signs in or out. A page left
        # open over lunch must not fail, and the library would measure the age with a clock that is not ours.
        WTF_CSRF_TIME_LIMIT=None,
        # The token alone decides. Whether WSGI sees https behind a proxy must not change what is checked.
        WTF_CSRF_SSL_STRICT=False,
        # Not used. A cookie of this name would make flask-login overlook the session, and its usual name has no
        # prefix: any sibling host could plant it.
        REMEMBER_COOKIE_NAME=cookies.session.name + "_remembered",
    )
    # Redirects of the router name the host that the client claimed to call, and http behind a proxy.
    app.url_map.merge_slashes = False
    app.jinja_env.filters["sentence"] = sentence
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True


def _begin(services: Services) -> None:
    begin_visit(services)
    if request.blueprint != "api":
        limit = _LIMITS.get(request.endpoint or "", _FORM_MAX_BYTES)
        request.max_content_length = request.max_form_memory_size = limit
        _check_no_nul()


def _app_origins(services: Services) -> Iterator[str]:
    return (app.origin for app in services.routes.apps.values())


def _check_no_nul() -> None:
    """No text column takes a NUL, and no address of ours has one."""
    if "\x00" in request.path or any("\x00" in value for value in request.args.values()):
        raise InputError(Reason.PARAMETER_INVALID, "The address can't be read.")


def _finish(services: Services, response: Response) -> Response:
    visit = current_visit() if has_visit() else begin_visit(services)
    response.headers.setdefault("X-Request-Id", visit.request_id)  # a call's answer tells its own
    add_security_headers(
        response.headers,
        secure=services.base_url.startswith("https://"),
        # A browser checks where a form leads to in the end: a sign-in may end at an application.
        form_targets=(*form_sources(services.relay_hosts), *visit.form_targets, *_app_origins(services)),
        static=request.endpoint == "static" and response.status_code < _FIRST_ERROR,
    )
    return response
