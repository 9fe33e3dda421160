"""What a proxy says of a request that it asks about: believed if it comes from a proxy of ours and shows the secret.

Nothing of it is believed otherwise. Each kind of proxy has its own headers, and those of another kind are not looked
at: a client can send them.
"""

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from werkzeug.http import parse_cookie

from gateway.client import Client, client_of_environ, is_trusted_peer
from gateway.errors import AuthenticationError, InputError, NotFound, Reason
from gateway.guard.routes import RESERVED, App
from gateway.services import Services
from gateway.web.cookies import Cookie

PAGES = f"/{RESERVED}"  # where an application's host has the gateway's own pages
_SECRET = "HTTP_X_RAMGATE_PROXY"  # noqa: S105 - the name of a header
_OVERRIDES = ("HTTP_X_HTTP_METHOD_OVERRIDE", "HTTP_X_HTTP_METHOD", "HTTP_X_METHOD_OVERRIDE")
_HOST = re.compile(r"[A-Za-z0-9.-]{1,253}(?::[0-9]{1,5})?")
_ENVOY_PREFIX = "/auth/envoy"
_HANDLE_MAX_LENGTH = 100
_LONGEST_RETURN = 1024
_RETURN = re.compile(r"/(?:[!-\[\]-~]*)")


class Kind(StrEnum):
    NGINX = "nginx"
    TRAEFIK = "traefik"
    ENVOY = "envoy"


_METHOD = {Kind.NGINX: "HTTP_X_ORIGINAL_METHOD", Kind.TRAEFIK: "HTTP_X_FORWARDED_METHOD", Kind.ENVOY: "REQUEST_METHOD"}
_TARGET = {Kind.NGINX: "HTTP_X_ORIGINAL_URI", Kind.TRAEFIK: "HTTP_X_FORWARDED_URI"}
_HOST_OF = {Kind.NGINX: "HTTP_X_ORIGINAL_HOST", Kind.TRAEFIK: "HTTP_X_FORWARDED_HOST", Kind.ENVOY: "HTTP_HOST"}


@dataclass(frozen=True, slots=True)
class Proxied:
    """A request of somebody's browser to an application. Method and target are as the proxy got them, unchecked."""

    app: App
    method: str
    target: str
    client: Client
    handle: str  # of the application's cookie; empty without one


def check_proxy(environ: Mapping[str, Any], services: Services) -> None:
    """Refuse whoever is not one of our proxies.

    Raises: NotFound(PAGE_NOT_FOUND) where there is none; AuthenticationError(PROXY_UNKNOWN).
    """
    secret = services.proxy_secret.reveal()
    if not secret:
        raise NotFound(Reason.PAGE_NOT_FOUND, "There is no page at this address.", subject="Page")
    shown = str(environ.get(_SECRET, "")).encode("latin-1", "replace")
    right = hmac.compare_digest(shown, secret.encode())
    if not right or not is_trusted_peer(environ, services.trusted_proxies):
        message = "Only the proxy in front of an application can ask this."
        raise AuthenticationError(Reason.PROXY_UNKNOWN, message, "wrong secret" if not right else "unknown address")


def read_app(environ: Mapping[str, Any], services: Services, kind: Kind) -> App:
    """The application whose host was called. Owed before: `check_proxy`.

    Raises: InputError(PARAMETER_INVALID), subject "Host"; Denied(ACCESS_DENIED), subject "Route".
    """
    host = str(environ.get(_HOST_OF[kind], ""))
    if not _HOST.fullmatch(host):
        raise InputError(Reason.PARAMETER_INVALID, "the host can't be read", host[:100], subject="Host")
    return services.routes.get(host)


def read_proxied(environ: Mapping[str, Any], services: Services, kind: Kind) -> Proxied:
    """The request that the proxy asks about.

    Raises: as `check_proxy` and `read_app`; InputError(PARAMETER_INVALID), subject "Method", for one that asks the
    application to take it for another method.
    """
    check_proxy(environ, services)
    app = read_app(environ, services, kind)
    if any(name in environ for name in _OVERRIDES):
        message = "the request asks to be taken for another method"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="Method")
    target = _envoy_target(environ) if kind is Kind.ENVOY else str(environ.get(_TARGET[kind], ""))
    return Proxied(
        app=app,
        method=str(environ.get(_METHOD[kind], "")),
        target=target,
        client=client_of_environ(environ, services.trusted_proxies),
        handle=sent_cookie(environ, session_cookie(app)),
    )


def session_cookie(app: App) -> Cookie:
    return _cookie(app, "ramgate_app")


def flow_cookie(app: App) -> Cookie:
    return _cookie(app, "ramgate_app_flow", max_age_s=600)


def sent_cookie(environ: Mapping[str, Any], cookie: Cookie) -> str:
    """The value of a cookie; empty for none, for one that was sent twice, and for what no handle looks like."""
    values = parse_cookie(str(environ.get("HTTP_COOKIE", ""))).getlist(cookie.name)
    value = values[0] if len(values) == 1 else ""
    return value if len(value) <= _HANDLE_MAX_LENGTH and value.isascii() else ""


def sign_in_path(method: str, target: str) -> str:
    """Where a browser that is not signed in goes, on the application's host; it comes back to what it asked for."""
    back = target if method in {"GET", "HEAD"} else "/"
    return f"{PAGES}/start?" + urlencode({"rd": return_path(back)})


def return_path(text: str) -> str:
    """A path of the application, and nothing that a browser could take for another host."""
    fits = len(text) <= _LONGEST_RETURN and _RETURN.fullmatch(text) and not text.startswith("//")
    return text if fits and not text.startswith(PAGES) else "/"


def _cookie(app: App, name: str, max_age_s: int | None = None) -> Cookie:
    secure = app.origin.startswith("https://")
    return Cookie(("__Host-" if secure else "") + name, secure, "Lax", max_age_s)


def _envoy_target(environ: Mapping[str, Any]) -> str:
    """As it came: the decoded path has lost what has to be looked at."""
    raw = str(environ.get("RAW_URI", ""))
    return raw.removeprefix(_ENVOY_PREFIX) if raw.startswith(_ENVOY_PREFIX + "/") else ""
