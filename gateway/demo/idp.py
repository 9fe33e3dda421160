"""The demo company's identity provider: a small web application on a port of its own that speaks real SAML.

It stands in for AD FS, Okta or Keycloak, so that the gateway can be tried without any of them. The password of
everybody is shown on its sign-in page: it must never guard anything. It keeps what is in progress in memory, so it
runs as one process.
"""

import secrets

from flask import Flask

from gateway.clock import Clock, SystemClock
from gateway.demo.idp_messages import DemoIdpConfig, DemoPerson, IdpMessages, SignStyle, idp_metadata
from gateway.demo.idp_pages import IdpPages

__all__ = ["DemoIdpConfig", "DemoPerson", "SignStyle", "create_idp", "idp_metadata"]

_MAX_FORM_BYTES = 128 * 1024


def create_idp(config: DemoIdpConfig, *, clock: Clock | None = None) -> Flask:
    """The identity provider as a WSGI application. Service providers' metadata is read at the first sign-in."""
    app = Flask(
        "gateway.demo.idp",
        template_folder=str(config.templates_dir / "demo_idp"),
        static_folder=str(config.templates_dir / "demo_idp" / "static"),
        static_url_path="/static",
    )
    app.config.update(
        SECRET_KEY=secrets.token_bytes(32),  # signing in again after a restart is fine
        SESSION_COOKIE_NAME="demo_idp",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_SECURE=config.base_url.startswith("https://"),
        MAX_CONTENT_LENGTH=_MAX_FORM_BYTES,
    )
    pages = IdpPages(IdpMessages(config), clock or SystemClock())
    pages.register(app)
    return app
