"""The sign-in pages: which account, then company sign-in or a password; and the owner's own page."""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import quote, urlencode

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from gateway.directory.accounts import Account, check_owner_password
from gateway.directory.domains import find_account
from gateway.directory.guarded_check import guarded_check
from gateway.directory.login_attempts import Attempt, clear_failures, owner_attempt, user_attempt
from gateway.directory.oidc_sign_in import list_sign_in_providers
from gateway.directory.password_holders import Holder
from gateway.directory.password_login import check_user_password
from gateway.directory.provider_keys import saml_provider_key
from gateway.directory.provider_logins import keys_without_browsers
from gateway.directory.saml_providers import SamlProvider, list_saml_providers
from gateway.directory.unfinished_logins import LoginSoFar, SecondFactor
from gateway.directory.user_sso import passwords_are_off
from gateway.errors import CredentialError, NotFound, Reason
from gateway.oidc.names import start_path
from gateway.saml.names import role_start_path
from gateway.secret import Secret
from gateway.services import Services
from gateway.web.edge import Edge, form_text, page, see_other
from gateway.web.form_page import form_page
from gateway.web.login_steps import begin_steps, check_network, owner_mark
from gateway.web.refused_sign_ins import password_refused
from gateway.web.relay import HOME

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
        return see_other(f"/{name}/login.htm" + _query(callback=callback, user=text if "@" in text else ""))

    @views.get("/<account>/login.htm")
    def user_page(account: str) -> Response:
        with services.store.reading() as session:
            typed = request.args.get("user", "").strip()[:_NAME_MAX]
            return _user_page(edge, session, _named(session, services, account), typed, None)

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
                check_network(session, found.id)
            known = _check(
                services,
                attempt,
                lambda session: check_user_password(session, found.id, bare, password, services.clock.now()),
            )
            return _accepted(
                edge, attempt, known.user, str(known.password_id), must_change=known.must_change is not None
            )
        except CredentialError as error:
            password_refused(services, error, found.id, bare)
            with services.store.reading() as session:
                return _user_page(edge, session, found, name, error)


def _add_owner_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.get("/owner/login.htm")
    def owner_page() -> Response:
        return form_page("login_owner.html", None, login="")

    @views.post("/owner/login.htm")
    def owner_login() -> Response:
        login = form_text("login", max_length=_NAME_MAX)
        password = Secret(form_text("password", max_length=_PASSWORD_MAX))
        attempt = owner_attempt(login)
        try:
            account = _check(services, attempt, lambda session: check_owner_password(session, login, password))
            return _accepted(edge, attempt, account, owner_mark(account), must_change=False)  # it is never too old
        except CredentialError as error:
            password_refused(services, error, "", login)
            return form_page("login_owner.html", error, login=login)


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


def _accepted(edge: Edge, attempt: Attempt, holder: Holder, password_mark: str, *, must_change: bool) -> Response:
    """The password is right: on to what else is owed."""
    target = edge.target(request.args.get("callback"))
    with edge.services.store.transaction() as session:
        clear_failures(session, attempt, edge.services.clock.now())
        return begin_steps(edge, session, LoginSoFar(holder, password_mark, must_change, SecondFactor.NONE, target))


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
    callback = _kept(edge.target(request.args.get("callback")))
    to_provider = _query(callback=callback, login_hint=name)
    return form_page(
        "login_user.html",
        error,
        account=account,
        sso_on=passwords_are_off(session, account.id),
        start_url=f"/saml/start/{quote(account.id)}{_query(callback=callback)}",
        providers=[
            (provider, start_path(account.id, provider.name) + to_provider)
            for provider in list_sign_in_providers(session, account.id)
        ],
        role_providers=[
            (provider, role_start_path(account.id, provider.name) + _query(callback=callback))
            for provider in _role_providers(session, account.id)
        ],
        name=name,
    )


def _role_providers(session: Session, account_id: str) -> list[SamlProvider]:
    """Providers through which people of the account take roles. Two queries."""
    by_key = {saml_provider_key(each.id): each for each in list_saml_providers(session, account_id)}
    closed = keys_without_browsers(session, by_key)
    return [provider for key, provider in by_key.items() if key not in closed]


def _kept(target: str) -> str:
    return "" if target == HOME else target


def _query(**values: str) -> str:
    given = {name: value for name, value in values.items() if value}
    return "?" + urlencode(given) if given else ""
