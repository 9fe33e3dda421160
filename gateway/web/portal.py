"""The session page: who I am and why, what I may do, and credentials to take along."""

import json
import re
from dataclasses import dataclass

from flask import Blueprint, Response, request
from sqlalchemy import text
from sqlalchemy.orm import Session

from gateway.audit.decisions import ASKED
from gateway.client import policy_context
from gateway.directory.accounts import get_account
from gateway.errors import InputError, Reason
from gateway.policy import Decision
from gateway.principal import AccountOwner, Principal, RamUser, RoleSession
from gateway.services import Services
from gateway.sts.credentials import Credentials, build_credentials
from gateway.sts.sessions import BrowserSession
from gateway.web.edge import Edge, page, see_other
from gateway.web.oidc_logout import after_sign_out
from gateway.web.records import remember
from gateway.web.rights import rights_of
from gateway.web.saml_sign_outs import offer_sign_out
from gateway.web.session import current_session, end_current, find_current_session, sign_out
from gateway.web.visit import current_visit

_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9*?]+", re.ASCII)
_ACTION_MAX = 128
_RESOURCE_MAX = 1024


@dataclass(frozen=True, slots=True)
class Question:
    """`May I do ACTION on RESOURCE?`, and the answer when there is one."""

    action: str
    resource: str
    decision: Decision | None = None


def create_portal_blueprint(edge: Edge) -> Blueprint:
    services = edge.services
    views = Blueprint("portal", __name__)

    @views.get("/session")
    def session_page() -> Response:
        who = current_session()
        action = request.args.get("action", "").strip()[:_ACTION_MAX]
        resource = request.args.get("resource", "").strip()[:_RESOURCE_MAX]
        with services.store.reading() as session:
            account = get_account(session, who.principal.account_id)
            rights = rights_of(session, who.principal, services.clock.now())
            question = _answered(session, services, who, Question(action, resource))
        credentials = build_credentials(services.ring, who.token) if who.token else None
        return page(
            "session.html",
            active="session",
            who=who,
            kind=_kind(who.principal),
            name=_name(who.principal),
            account=account,
            minutes=max(0, int((who.expires_at - services.clock.now()).total_seconds() // 60)),
            credentials=credentials,
            exports=environment_lines(credentials) if credentials else "",
            profile=cli_profile(credentials) if credentials else "",
            question=question,
            rights=rights,
        )

    @views.post("/logout")
    def logout() -> Response:
        ended = find_current_session()
        with services.store.transaction() as session:
            end_current(session, services, edge.cookies)
        # The session is over by now, whatever becomes of signing out at the company.
        browser = edge.browser_or_new()
        offered = None if ended is None else offer_sign_out(edge, ended, browser)
        if offered is None:
            return sign_out(see_other(after_sign_out(ended)), edge.cookies)
        return edge.bind(sign_out(see_other(offered), edge.cookies), browser)

    @views.get("/healthz")
    def healthz() -> Response:
        with services.store.reading() as session:
            session.execute(text("SELECT 1"))
        return Response("ok\n", mimetype="text/plain")

    return views


def environment_lines(credentials: Credentials) -> str:
    """What a shell, and through it the official tools and SDKs, take credentials from."""
    return (
        f"export ALIBABA_CLOUD_ACCESS_KEY_ID={credentials.access_key_id}\n"
        f"export ALIBABA_CLOUD_ACCESS_KEY_SECRET={credentials.access_key_secret.reveal()}\n"
        f"export ALIBABA_CLOUD_SECURITY_TOKEN={credentials.security_token}\n"
    )


def cli_profile(credentials: Credentials) -> str:
    """A profile for `profiles` in `~/.aliyun/config.json`. Rule: sso-contract §8."""
    profile = {
        "name": "ramgate",
        "mode": "StsToken",
        "access_key_id": credentials.access_key_id,
        "access_key_secret": credentials.access_key_secret.reveal(),
        "sts_token": credentials.security_token,
        "region_id": "cn-hangzhou",
        "output_format": "json",
        "language": "en",
    }
    return json.dumps(profile, indent=2)


def _answered(session: Session, services: Services, who: BrowserSession, question: Question) -> Question:
    if not question.action:
        return question
    if not _ACTION.fullmatch(question.action) or "\x00" in question.resource:
        raise InputError(Reason.PARAMETER_INVALID, "An action is written service:Name, such as oss:GetObject.")
    client, now, principal = current_visit().client, services.clock.now(), who.principal
    context = policy_context(client, now, principal.arn, mfa_present=who.mfa_present, mfa_at=who.mfa_at)
    resource = question.resource or "*"
    decision = services.authorizer.decide(session, principal, question.action, resource, context)
    remember(services, principal, decision, reason=ASKED)
    return Question(question.action, resource, decision)


def _kind(principal: Principal) -> str:
    match principal:
        case AccountOwner():
            return "Account owner"
        case RamUser():
            return "RAM user"
        case RoleSession():
            return "RAM role"


def _name(principal: Principal) -> str:
    match principal:
        case AccountOwner():
            return principal.login
        case RamUser():
            return principal.name
        case RoleSession():
            return principal.role_name
