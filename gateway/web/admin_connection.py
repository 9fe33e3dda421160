"""Test my connection: an administrator begins a dry login, brings an answer, and reads what became of it.

Whoever may change a provider may test it. A test is seen by the administrator who began it, in the session in which he
did, and by nobody else.
"""

from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Response
from sqlalchemy.orm import Session

from gateway.directory.connection_tests import (
    ConnectionTest,
    Starter,
    arm_test,
    get_test,
    open_answer,
)
from gateway.directory.oidc_providers import OidcProvider, get_oidc_provider
from gateway.directory.provider_keys import oidc_provider_key, saml_provider_key, user_sso_key
from gateway.directory.saml_providers import SamlProvider, get_saml_provider
from gateway.errors import InputError, NotFound, Reason
from gateway.federation.aims import TEST
from gateway.principal import Principal
from gateway.web.acs import Posted
from gateway.web.admin import allowed_to
from gateway.web.admin_oidc import oidc_path
from gateway.web.admin_providers import provider_path
from gateway.web.caught import keep_or_refuse, page_of_test, saml_answer
from gateway.web.company_login import login_occasion
from gateway.web.connection import SamlConnection, connection_of_key
from gateway.web.connection_trial import load_caught, try_saml
from gateway.web.edge import Edge, form_text, page, see_other
from gateway.web.oidc_setup import get_browser_provider
from gateway.web.oidc_start import OidcStart, start_oidc_login
from gateway.web.saml_pages import on_to_provider
from gateway.web.session import current_handle, current_session, delete_cookie, set_cookie
from gateway.web.sso_start import Start, ask, door_of_key

PASTED_MAX = 300 * 1024


@dataclass(frozen=True, slots=True)
class Tested:
    """The provider that a test is about, for its pages. Whoever may do `action` on `entity` may test it."""

    key: str
    name: str
    active: str  # which of the pages of the console it belongs to
    path: str
    action: str
    entity: str


def create_connection_blueprint(edge: Edge) -> Blueprint:
    views = Blueprint("connection", __name__, url_prefix="/admin")
    _add_start_views(views, edge)
    _add_test_views(views, edge)
    return views


def _add_start_views(views: Blueprint, edge: Edge) -> None:
    @views.post("/providers/<name>/test")
    def test_role_sso(name: str) -> Response:
        return _arm(edge, lambda session, who: saml_tested(get_saml_provider(session, who.account_id, name)))

    @views.post("/user-sso/test")
    def test_user_sso() -> Response:
        return _arm(edge, lambda _session, who: user_sso_tested(who.account_id))

    @views.post("/oidc/<name>/test")
    def test_oidc(name: str) -> Response:
        return _arm(edge, lambda session, who: oidc_tested(get_oidc_provider(session, who.account_id, name)))


def _add_test_views(views: Blueprint, edge: Edge) -> None:
    services = edge.services

    @views.get("/tests/<test_id>")
    def show(test_id: str) -> Response:
        with services.store.reading() as session:
            test, tested = get_own_test(session, edge, test_id)
            return _test_page(session, edge, test, tested)

    @views.get("/tests/<test_id>/go")
    def go(test_id: str) -> Response:
        with services.store.reading() as session:
            test, _ = get_own_test(session, edge, test_id)
        if test.caught_at is not None:
            return see_other(page_of_test(test.id))
        return _go(edge, test)

    @views.post("/tests/<test_id>/paste")
    def paste(test_id: str) -> Response:
        message, now = form_text("SAMLResponse", max_length=PASTED_MAX).strip(), services.clock.now()
        with services.store.reading() as session:
            test, _ = get_own_test(session, edge, test_id)
            connection = get_connection(session, edge, test)
        posted = Posted(message, now)
        keep_or_refuse(edge, test, try_saml(services, connection, saml_answer(posted, None), login_occasion(now)))
        response = see_other(page_of_test(test.id))
        delete_cookie(response, edge.cookies.test)
        return response


def get_own_test(session: Session, edge: Edge, test_id: str) -> tuple[ConnectionTest, Tested]:
    """The test of the administrator at the browser, who must still be allowed to change the provider.

    Raises: NotFound, subject "ConnectionTest"; Denied(ACCESS_DENIED).
    """
    who = current_session().principal
    test = get_test(session, starter_of(edge, who), test_id, edge.services.clock.now())
    tested = _tested_of_key(session, test.provider_key)
    if tested is None:
        raise NotFound(Reason.NOT_FOUND, "The provider of this test is gone.", subject="ConnectionTest")
    allowed_to(session, edge.services, tested.action, tested.entity)
    return test, tested


def get_connection(session: Session, edge: Edge, test: ConnectionTest) -> SamlConnection:
    """Raises: InputError(PARAMETER_INVALID) for an OpenID Provider, to which no response is posted."""
    connection = connection_of_key(session, edge.services, test.provider_key)
    if connection is None:
        message = "Responses can be tested of SAML providers only, and only once their metadata is registered."
        raise InputError(Reason.PARAMETER_INVALID, message, subject="SAMLResponse")
    return connection


def starter_of(edge: Edge, who: Principal) -> Starter:
    return Starter(who.account_id, who.arn, current_handle(edge.cookies))


def saml_tested(provider: SamlProvider) -> Tested:
    key, path = saml_provider_key(provider.id), provider_path(provider.name)
    return Tested(key, provider.name, "providers", path, "UpdateSAMLProvider", f"saml-provider/{provider.name}")


def user_sso_tested(account_id: str) -> Tested:
    return Tested(user_sso_key(account_id), "User SSO", "user-sso", "/admin/user-sso", "SetUserSsoSettings", "*")


def oidc_tested(provider: OidcProvider) -> Tested:
    key, path = oidc_provider_key(provider.id), oidc_path(provider.name)
    return Tested(key, provider.name, "oidc", path, "UpdateOIDCProvider", f"oidc-provider/{provider.name}")


def _tested_of_key(session: Session, key: str) -> Tested | None:
    kind, _, rest = key.partition(":")
    if kind == "user-sso":
        return user_sso_tested(rest)
    if kind == "saml":
        saml = session.get(SamlProvider, int(rest))
        return None if saml is None else saml_tested(saml)
    oidc = session.get(OidcProvider, int(rest))
    return None if oidc is None else oidc_tested(oidc)


def _arm(edge: Edge, find: Callable[[Session, Principal], Tested]) -> Response:
    services, who = edge.services, current_session().principal
    with services.store.transaction() as session:
        tested = find(session, who)
        allowed_to(session, services, tested.action, tested.entity)
        test_id, handle = arm_test(session, starter_of(edge, who), tested.key, services.clock.now())
    response = see_other(page_of_test(test_id))
    set_cookie(response, edge.cookies.test, handle.reveal())
    return response


def _go(edge: Edge, test: ConnectionTest) -> Response:
    """Send the browser to the provider with a request of ours, turned on or not."""
    services, browser, target = edge.services, edge.browser_or_new(), page_of_test(test.id)
    kind, _, number = test.provider_key.partition(":")
    with services.store.reading() as session:
        if kind == "oidc":
            row = session.get(OidcProvider, int(number))
            name = "" if row is None else row.name
            provider = get_browser_provider(session, services.ring, test.account_id, name, signing_out=True)
            start = OidcStart(provider, browser, target, "", TEST)
        else:
            door = door_of_key(session, test.provider_key, even_off=True)
    if kind == "oidc":
        return edge.bind(see_other(start_oidc_login(services, edge.lanes, start)), browser)
    return on_to_provider(edge, ask(services, door, Start(browser, target, TEST)), browser)


def _test_page(session: Session, edge: Edge, test: ConnectionTest, tested: Tested) -> Response:
    services, who = edge.services, current_session().principal
    connection = connection_of_key(session, services, test.provider_key)
    if test.caught_at is None:
        return page(
            "admin/test_waiting.html",
            active=tested.active,
            tested=tested,
            test=test,
            connection=connection,
            development=services.development,
        )
    payload = open_answer(session, services.ring, starter_of(edge, who), test.id, services.clock.now())
    caught = load_caught(payload)
    return page(
        "admin/test_report.html",
        active=tested.active,
        tested=tested,
        test=test,
        connection=connection,
        report=caught.report,
        attackable=caught.answer is not None and caught.report.body.proven and not caught.report.reason,
    )
