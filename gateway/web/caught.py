"""Where answers come in: one that belongs to a connection test is kept and judged, and signs nobody in.

A test is known by the cookie of the browser that began it. Whoever has no such cookie has no test, so a victim can't be
sent into one; and a login that was begun for a test is refused wherever a real one would end.
"""

from flask import Response, request

from gateway.asking import Asked
from gateway.directory.connection_tests import ConnectionTest, find_armed
from gateway.errors import AuthenticationError, GatewayError, Reason
from gateway.federation.aims import TEST
from gateway.federation.pending import PendingLogin, take_pending
from gateway.saml.sight import look_at
from gateway.web.acs import Posted
from gateway.web.company_login import login_occasion
from gateway.web.concerned import begun_login
from gateway.web.connection import SamlConnection, connection_of_key
from gateway.web.connection_trial import SamlAnswer, Tried, keep_tried, try_oidc, try_saml
from gateway.web.edge import Edge, see_other
from gateway.web.oidc_trail import OidcTrail
from gateway.web.session import delete_cookie, sent_handle


def catch_saml(edge: Edge, posted: Posted) -> Response | None:
    """Keep a response for the test that waits in this browser; None where none waits.

    Whatever comes is caught, since a response from the wrong issuer is what a test has to show, with one exception: an
    answer to a real login of this very browser.
    """
    handle = sent_handle(request, edge.cookies.test)
    if not handle:
        return None
    services = edge.services
    with services.store.reading() as session:
        test = find_armed(session, handle, posted.at)
        if test is None:
            return None
        sight = look_at(posted.saml_response, services.sp_keys.encryption)
        pending = begun_login(session, sight, edge.browser(), posted.at)
        if pending is not None and pending.purpose != TEST:
            return None
        connection = connection_of_key(session, services, test.provider_key)
    if connection is None:
        raise _gone(test)
    return _keep_saml(edge, posted, test, connection, pending)


def _keep_saml(
    edge: Edge, posted: Posted, test: ConnectionTest, connection: SamlConnection, pending: PendingLogin | None
) -> Response:
    services, occasion = edge.services, login_occasion(posted.at)
    answered = pending if pending is not None and pending.provider_key == test.provider_key else None
    tried = try_saml(services, connection, saml_answer(posted, answered), occasion)
    with services.store.transaction() as session:
        if answered is not None:
            take_pending(session, answered.request_id, edge.browser(), posted.at)
        if not keep_tried(session, services, test, tried, occasion):
            raise _gone(test)
    return _to_the_test(edge, test)


def saml_answer(posted: Posted, answered: PendingLogin | None) -> SamlAnswer:
    if answered is None:
        return SamlAnswer(posted.saml_response, None, Asked(), posted.at)
    return SamlAnswer(posted.saml_response, answered.request_id, answered.asked, posted.at)


def waits_for_test(edge: Edge) -> bool:
    """Whether this browser has the cookie of a test. Whether there is such a test, `catch_oidc` finds out."""
    return bool(sent_handle(request, edge.cookies.test))


def catch_oidc(edge: Edge, trail: OidcTrail, provider_key: str, refused: GatewayError | None) -> Response | None:
    """Keep what a login at an OpenID Provider came to, if it was begun for a test; None for a real one.

    Raises: AuthenticationError(LOGIN_NOT_PENDING) where no test waits for it in this browser.
    """
    if trail.purpose != TEST:
        return None
    services, occasion = edge.services, login_occasion(edge.services.clock.now())
    with services.store.reading() as session:
        test = find_armed(session, sent_handle(request, edge.cookies.test), occasion.now)
    if test is None or test.provider_key != provider_key:
        raise _gone(test)
    tried = try_oidc(services, trail, refused, occasion)
    keep_or_refuse(edge, test, tried)
    return _to_the_test(edge, test)


def keep_or_refuse(edge: Edge, test: ConnectionTest, tried: Tried) -> None:
    """Raises: AuthenticationError(LOGIN_NOT_PENDING) if the test has its answer already."""
    services = edge.services
    with services.store.transaction() as session:
        if not keep_tried(session, services, test, tried, login_occasion(services.clock.now())):
            raise _gone(test)


def page_of_test(test_id: str) -> str:
    return f"/admin/tests/{test_id}"


def _to_the_test(edge: Edge, test: ConnectionTest) -> Response:
    response = see_other(page_of_test(test.id))
    delete_cookie(response, edge.cookies.test)
    return response


def _gone(test: ConnectionTest | None) -> AuthenticationError:
    return AuthenticationError(
        Reason.LOGIN_NOT_PENDING,
        "This answer belongs to a test that does not wait for one any more. Start the test again.",
        detail="no test waits in this browser"
        if test is None
        else f"test {test.id}: answered, or its provider is gone",
    )
