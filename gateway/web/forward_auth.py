"""A proxy asks: who comes, and may they? For nginx (`auth_request`), Traefik (`forwardAuth`), Envoy (HTTP `ext_authz`).

Allowed is 200 with a signed identity token; else it is 401, with where to sign in, or 403, with the reason, and nothing
else: nginx makes a fault of every other status. Rule: decision 0021; docs/proxies.md.
"""

from typing import Any

from flask import Blueprint, Response, make_response, request

from gateway.audit.log import log_event
from gateway.errors import AuthenticationError, Denied, GatewayError, Reason
from gateway.guard.proof import Caller
from gateway.guard.questions import told_of
from gateway.guard.ruling import Ruling, rule
from gateway.ids import new_handle
from gateway.oidc.identity_token import (
    IDENTITY_PURPOSE,
    JWKS_PATH,
    Identity,
    PublicKey,
    issue_identity,
    key_set_document,
)
from gateway.principal import AccountOwner, Principal, RamUser
from gateway.services import Services
from gateway.signing import SigningKey, signing_keys
from gateway.sts.app_sessions import find_app_session
from gateway.web.app_page import refusal_page
from gateway.web.edge import Edge, see_other
from gateway.web.proxied import Kind, Proxied, read_proxied, sign_in_path
from gateway.web.records import remember
from gateway.web.visit import current_visit

IDENTITY_HEADER = "X-Ramgate-Identity"
_SIGN_IN_HEADER = "X-Ramgate-Sign-In"
_REASON_HEADER = "X-Ramgate-Reason"
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


def identity_keys(services: Services) -> tuple[SigningKey, ...]:
    """What identity tokens are signed with, newest first. To be made once and kept."""
    return signing_keys(services.ring, IDENTITY_PURPOSE)


def create_forward_auth_blueprint(edge: Edge) -> Blueprint:
    """Takes no form token: nothing here is changed, and only a proxy can ask."""
    services, keys = edge.services, identity_keys(edge.services)
    views = Blueprint("forward_auth", __name__)

    @views.get("/auth/nginx")
    def nginx() -> Response:
        return _answer(services, keys[0], Kind.NGINX)

    @views.get("/auth/traefik")
    def traefik() -> Response:
        return _answer(services, keys[0], Kind.TRAEFIK)

    @views.route("/auth/envoy/", defaults={"rest": ""}, methods=_METHODS)
    @views.route("/auth/envoy/<path:rest>", methods=_METHODS)
    def envoy(rest: str) -> Response:  # noqa: ARG001 - the path is read as it came
        return _answer(services, keys[0], Kind.ENVOY)

    @views.get(JWKS_PATH)
    def key_set() -> Response:
        response = make_response(key_set_document([PublicKey(key.key_id, key.public) for key in keys]))
        response.content_type = "application/jwk-set+json"
        response.headers["Cache-Control"] = "public, max-age=300"
        return response

    return views


def decide(services: Services, proxied: Proxied) -> tuple[Principal, Ruling]:
    """Who it is, and what the first fitting rule asks, decided.

    Raises: AuthenticationError(NOT_SIGNED_IN), before anything is said of the application's routes; as `App.find`.
    """
    now = services.clock.now()
    with services.store.reading() as session:
        live = (
            find_app_session(session, services.ring, proxied.app.host, proxied.handle, now) if proxied.handle else None
        )
        if live is None:
            raise AuthenticationError(Reason.NOT_SIGNED_IN, "You are not signed in.")
        found, captured = proxied.app.find(proxied.method, proxied.target)
        caller = Caller(live.principal, live.token, live.mfa_present, live.mfa_at)
        question = found.question(captured, told_of(proxied.client))
        ruling = rule(session, services.authorizer, caller, question, now)
    if ruling.decision is not None:
        remember(services, live.principal, ruling.decision)
    return live.principal, ruling


def check_allowed(ruling: Ruling) -> None:
    """Raises: Denied(ACCESS_DENIED), with the decision."""
    if not ruling.allowed:
        message = "you are not authorized to do this action"
        raise Denied(Reason.ACCESS_DENIED, message, ruling.decision, ruling.explain())


def _answer(services: Services, key: SigningKey, kind: Kind) -> Response:
    proxied = None
    try:
        proxied = read_proxied(request.environ, services, kind)
        principal, ruling = decide(services, proxied)
        check_allowed(ruling)
    except GatewayError as error:
        return _refuse(error, proxied, kind)
    response = make_response(b"", 200)
    response.headers[IDENTITY_HEADER] = _token(services, key, proxied, principal, ruling)
    _log(proxied, principal.arn, ruling.question.action)
    return response


def _refuse(error: GatewayError, proxied: Proxied | None, kind: Kind) -> Response:
    status = 401 if error.reason is Reason.NOT_SIGNED_IN else 403
    _log(proxied, "", "", error)
    # A browser that goes somewhere is sent on by the proxies that pass our answer on; nginx is told by a header.
    pages = kind is not Kind.NGINX and "text/html" in request.headers.get("Accept", "")
    if status == 401 and proxied is not None:  # noqa: PLR2004
        path = sign_in_path(proxied.method, proxied.target)
        leads_on = pages and proxied.method in {"GET", "HEAD"}
        response = see_other(proxied.app.origin + path) if leads_on else make_response({"Reason": error.reason}, 401)
        response.headers[_SIGN_IN_HEADER] = path
    else:
        response = refusal_page(error, status) if pages else make_response({"Reason": error.reason}, status)
    response.headers[_REASON_HEADER] = error.reason
    return response


def _token(services: Services, key: SigningKey, proxied: Proxied, principal: Principal, ruling: Ruling) -> str:
    identity = Identity(
        issuer=services.base_url,
        audience=proxied.app.host,
        subject=principal.arn,
        principal_id=_id_of(principal),
        account_id=principal.account_id,
        action=ruling.question.action,
        resource=ruling.question.resource,
    )
    return issue_identity(identity, key.key_id, key.sign, services.clock.now(), new_handle())


def _id_of(principal: Principal) -> str:
    match principal:
        case AccountOwner():
            return principal.account_id
        case RamUser():
            return principal.user_id
        case _:
            return f"{principal.role_id}:{principal.session_name}"


def _log(proxied: Proxied | None, caller: str, action: str, error: GatewayError | None = None) -> None:
    visit = current_visit()
    fields: dict[str, Any] = {"reason": error.reason, "detail": error.detail} if error is not None else {}
    log_event(
        "proxy.refused" if error is not None else "proxy.allowed",
        request_id=visit.request_id,
        app="" if proxied is None else proxied.app.name,
        method="" if proxied is None else proxied.method[:20],
        path="" if proxied is None else proxied.target.partition("?")[0][:200],
        action=action,
        caller=caller,
        client=visit.client.address,
        **fields,
    )
