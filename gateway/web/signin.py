"""The sign-in pages: which account, then company sign-in or a password; and the owner's own page."""

from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from gateway.directory.accounts import Account, check_owner_password, get_account
from gateway.directory.domains import find_account
from gateway.directory.guarded_check import guarded_check
from gateway.directory.login_attempts import Attempt, clear_failures, owner_attempt, user_attempt
from gateway.directory.login_network import check_login_network
from gateway.directory.password_login import PasswordLogin, check_user_password, use_password
from gateway.directory.security_preference import get_security_preference
from gateway.directory.user_sso import find_user_sso
from gateway.directory.users import record_login
from gateway.errors import CredentialError, NotFound, Reason, Throttled
from gateway.principal import AccountOwner, Principal, RamUser
from gateway.secret import Secret
from gateway.services import Services
from gateway.sts.duration import user_duration
from gateway.sts.sessions import open_session
from gateway.web.advice import status_of
from gateway.web.edge import Edge, form_text, page, see_other
from gateway.web.records import log_refused_password, record_password_login
from gateway.web.relay import HOME
from gateway.web.session import end_current, sign_in
from gateway.web.visit import current_visit

Found = TypeVar("Found")

_NAME_MAX = 320
_PASSWORD_MAX = 128
_TAKEN = {"owner", "static"}  # aliases whose sign-in address is another page


def create_signin_blueprint(edge: Edge) -> Blueprint:
    views = Blueprint("signin", __name__)
    _add_user_views(views, edge)
    _add_owner_views(views, edge)
    return views


def _add_user_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.get("/login.htm")
    def choose_account() -> Response:
        text = request.args.get("account", "").strip()[:_NAME_MAX]
        callback = _kept(edge.target(request.args.get("callback")))
        if not text:
            return _account_page(services, "", callback, None)
        with services.store.reading() as session:
            account = find_account(session, text.rpartition("@")[2], services.domain_suffix)
        if account is None:
            return _account_page(services, text, callback, "There is no such account here. Check the spelling.")
        name = account.id if account.alias in _TAKEN else account.alias
        return see_other(f"/{name}/login.htm" + _query(callback))

    @views.get("/<account>/login.htm")
    def user_page(account: str) -> Response:
        with services.store.reading() as session:
            return _user_page(edge, session, _named(session, services, account), "", None)

    @views.post("/<account>/login.htm")
    def user_login(account: str) -> Response:
        name = form_text("user", max_length=_NAME_MAX)
        password = Secret(form_text("password", max_length=_PASSWORD_MAX))
        with services.store.reading() as session:
            found = _named(session, services, account)
            bare = _bare_name(session, services, found, name)
        attempt = user_attempt(found.id, bare)
        try:
            with services.store.reading() as session:
                _check_network(session, found.id)
            known = _check(
                services,
                attempt,
                lambda session: check_user_password(session, found.id, bare, password, services.clock.now()),
            )
            return _signed_in_user(edge, known, found, attempt)
        except CredentialError as error:
            log_refused_password(error, found.id)
            with services.store.reading() as session:
                return _user_page(edge, session, found, name, error)


def _add_owner_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.get("/owner/login.htm")
    def owner_page() -> Response:
        return _form_page("login_owner.html", None, login="")

    @views.post("/owner/login.htm")
    def owner_login() -> Response:
        login = form_text("login", max_length=_NAME_MAX)
        password = Secret(form_text("password", max_length=_PASSWORD_MAX))
        attempt = owner_attempt(login)
        try:
            account = _check(services, attempt, lambda session: check_owner_password(session, login, password))
            return _signed_in(edge, AccountOwner(account.id, account.owner_login), account, attempt)
        except CredentialError as error:
            log_refused_password(error, "")
            return _form_page("login_owner.html", error, login=login)


def _check(services: Services, attempt: Attempt, check: Callable[[Session], Found]) -> Found:
    """Raises: CredentialError, as `guarded_check`."""
    return guarded_check(services.store, services.hashing, services.clock, attempt, check)


def _named(session: Session, services: Services, text: str) -> Account:
    account = find_account(session, text, services.domain_suffix)
    if account is None:
        raise NotFound(Reason.NOT_FOUND, "There is no such account here.", subject="Account")
    return account


def _bare_name(session: Session, services: Services, account: Account, name: str) -> str:
    """`alice@acme.onaliyun.com` is `alice` if the domain is one of the account's, and no user of it otherwise."""
    local, at, domain = name.strip().rpartition("@")
    if not at:
        return name.strip()
    owner = find_account(session, domain, services.domain_suffix)
    return local if owner is not None and owner.id == account.id else name


def _check_network(session: Session, account_id: str) -> None:
    """Raises: CredentialError(LOGIN_NETWORK). Looked at before the password: strangers learn nothing about it."""
    preference = get_security_preference(session, account_id)
    check_login_network(preference.login_network_masks, current_visit().client.address)


def _signed_in_user(edge: Edge, known: PasswordLogin, account: Account, attempt: Attempt) -> Response:
    """Raises: CredentialError(PASSWORD_CHANGE_REQUIRED) where the password must be changed first."""
    if known.must_change is not None:
        message = "the password must be changed before it can be used"
        raise CredentialError(Reason.PASSWORD_CHANGE_REQUIRED, message, f"user {known.user.name}: {known.must_change}")
    user = known.user
    return _signed_in(edge, RamUser(account.id, user.id, user.name), account, attempt, known)


def _signed_in(
    edge: Edge, principal: Principal, account: Account, attempt: Attempt, known: PasswordLogin | None = None
) -> Response:
    services, now = edge.services, edge.services.clock.now()
    with services.store.transaction() as session:
        clear_failures(session, attempt, now)
        if known is not None:
            _check_network(session, account.id)
            use_password(session, known.user.id, known.password_id, now)
            record_login(session, known.user, now)
        end_current(session, services, edge.cookies)
        hours = get_account(session, account.id).login_session_duration_h
        cap = user_duration(session_not_on_or_after=None, login_limit_h=hours, now=now)
        expires_at = now + timedelta(seconds=cap.seconds)
        handle = open_session(
            session,
            services.ring,
            principal,
            token=None,
            provenance=None,
            expires_at=expires_at,
            duration_cap=cap.name,
            now=now,
        )
        record_password_login(session, services, principal)
    response = see_other(edge.target(request.args.get("callback")))
    return sign_in(response, edge.cookies, handle, expires_at)


def _account_page(services: Services, text: str, callback: str, problem: str | None) -> Response:
    return page(
        "login_account.html",
        404 if problem else 200,
        account_text=text,
        callback=callback,
        problem=problem,
        domain_suffix=services.domain_suffix,
    )


def _user_page(edge: Edge, session: Session, account: Account, name: str, error: CredentialError | None) -> Response:
    settings = find_user_sso(session, account.id)
    query = _query(_kept(edge.target(request.args.get("callback"))))
    return _form_page(
        "login_user.html",
        error,
        account=account,
        sso_on=settings is not None and settings.enabled,
        start_url=f"/saml/start/{quote(account.id)}{query}",
        name=name,
    )


def _form_page(template: str, error: CredentialError | None, **values: object) -> Response:
    """A form to sign in with, and why the last attempt was refused."""
    response = page(template, status_of(error) if error else 200, problem=error.public if error else None, **values)
    if isinstance(error, Throttled):
        response.headers["Retry-After"] = str(error.retry_after_s)
    return response


def _kept(target: str) -> str:
    return "" if target == HOME else target


def _query(callback: str) -> str:
    return "?" + urlencode({"callback": callback}) if callback else ""
