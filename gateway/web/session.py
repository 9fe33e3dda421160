"""The browser session: flask-login on server-side sessions. The cookie holds a handle, and nothing else.

The session is looked up once per request, with its live check: a revoked role, provider or assertion ends it at
the next click. Signing in always makes a new handle, so a planted cookie is never promoted.
"""

from datetime import datetime

from flask import Flask, Request, Response, request
from flask import session as form_session
from flask_login import LoginManager, UserMixin, current_user
from sqlalchemy.orm import Session

from gateway.errors import AuthenticationError, GatewayError, Reason
from gateway.principal import RoleSession
from gateway.services import Services
from gateway.sts.sessions import BrowserSession, end_session, find_session
from gateway.web.cookies import Cookie, Cookies

_HANDLE_MAX_LENGTH = 100


class SignedIn(UserMixin):  # type: ignore[misc]  # the library is untyped
    """flask-login's idea of a user: somebody with a live session."""

    def __init__(self, browser_session: BrowserSession) -> None:
        self.browser_session = browser_session

    @property
    def is_person(self) -> bool:
        """Whether it is a user or an owner, who have passwords and devices, and not a role."""
        return not isinstance(self.browser_session.principal, RoleSession)

    def get_id(self) -> str:
        return self.browser_session.principal.arn


def install_sessions(app: Flask, services: Services, cookies: Cookies) -> None:
    manager = LoginManager()
    manager.session_protection = None  # it guards cookie-held sessions; ours are held by the server

    @manager.request_loader  # type: ignore[untyped-decorator]
    def load(incoming: Request) -> SignedIn | None:
        handle = sent_handle(incoming, cookies.session)
        if not handle:
            return None
        with services.store.reading() as session:
            try:
                found = find_session(session, services.ring, handle, services.clock.now())
            except GatewayError:
                return None
        return SignedIn(found) if found else None

    manager.init_app(app)


def current_session() -> BrowserSession:
    """The session of the person at the browser.

    Raises: AuthenticationError(NOT_SIGNED_IN).
    """
    if not current_user.is_authenticated:
        raise AuthenticationError(Reason.NOT_SIGNED_IN, "You are not signed in.")
    found = current_user.browser_session
    assert isinstance(found, BrowserSession)
    return found


def check_still_signed_in(session: Session, services: Services, cookies: Cookies) -> None:
    """For what makes one session of another, in its transaction: the session may have been called back since it was
    looked up, while the request waited. Raises: AuthenticationError(NOT_SIGNED_IN).
    """
    if find_session(session, services.ring, sent_handle(request, cookies.session), services.clock.now()) is None:
        raise AuthenticationError(Reason.NOT_SIGNED_IN, "You are not signed in.", "called back meanwhile")


def find_current_session() -> BrowserSession | None:
    """The session of the person at the browser, if there is one."""
    return current_session() if current_user.is_authenticated else None


def current_handle(cookies: Cookies) -> str:
    """The handle of the session that this browser has; empty without one."""
    return sent_handle(request, cookies.session)


def end_current(session: Session, services: Services, cookies: Cookies) -> None:
    """End the session that this browser has, if any; in the transaction of whatever replaces it."""
    handle = sent_handle(request, cookies.session)
    if handle:
        end_session(session, handle, services.clock.now())


def sign_in(response: Response, cookies: Cookies, handle: str, expires_at: datetime) -> Response:
    """Give the browser its new session. Form tokens made for whoever was here before stop working."""
    form_session.clear()
    set_cookie(response, cookies.session, handle, expires_at)
    return response


def sign_out(response: Response, cookies: Cookies) -> Response:
    form_session.clear()
    delete_cookie(response, cookies.session)
    delete_cookie(response, cookies.flow)
    return response


def set_cookie(response: Response, cookie: Cookie, value: str, expires_at: datetime | None = None) -> None:
    response.set_cookie(
        cookie.name,
        value,
        max_age=cookie.max_age_s,
        expires=expires_at,
        path="/",
        secure=cookie.secure,
        httponly=True,
        samesite=cookie.same_site,
    )


def delete_cookie(response: Response, cookie: Cookie) -> None:
    response.delete_cookie(cookie.name, path="/", secure=cookie.secure, httponly=True, samesite=cookie.same_site)


def sent_handle(incoming: Request, cookie: Cookie) -> str:
    """The handle that a cookie of this request holds; empty for none, and for what no handle looks like."""
    handle = incoming.cookies.get(cookie.name, "")
    return handle if len(handle) <= _HANDLE_MAX_LENGTH and handle.isascii() else ""
