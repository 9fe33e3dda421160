"""A gateway on somebody's own machine, and an OpenID Provider beside it that signs people in there."""

from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.directory.oidc_providers import OidcProvider, create_oidc_provider, get_oidc_provider
from gateway.directory.oidc_sign_in import SignInWish, set_oidc_sign_in
from gateway.directory.provider_keys import oidc_provider_key
from gateway.directory.provider_logins import LoginSettings, Use, set_login_settings
from gateway.directory.roles import create_role
from gateway.oidc.client_authentication import ClientMethod
from gateway.principal import Principal
from gateway.secret import Secret
from gateway.sts.sessions import open_session
from gateway.web.cookies import cookies_for
from tests.fake_clock import NOON
from tests.openid_provider import CLIENT, SECRET, OpenIdProvider
from tests.unit.web.site import Site, csrf_of

DEVELOPMENT = "http://127.0.0.1:8080"
BY_EMAIL = LoginSettings(use=Use.USER, logon_name_key="oidc:claim/email")


class LocalBrowser(FlaskClient):
    """Opens everything at the gateway's own origin, and reads each answer to its end, as a server sends it."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        kwargs.setdefault("base_url", self.application.extensions["ramgate"].base_url)
        answer = super().open(*args, **kwargs)
        answer.get_data()
        answer.close()  # what is done once an answer is sent is done
        return answer

    def csrf(self, path: str) -> str:
        return csrf_of(self.get(path).text)

    def session(self) -> str:
        """The session cookie; empty without one."""
        cookies = cookies_for(self.application.extensions["ramgate"].base_url)
        host = urlsplit(self.application.extensions["ramgate"].base_url).hostname or ""
        cookie = self.get_cookie(cookies.session.name, domain=host)
        return cookie.value if cookie else ""


@dataclass(slots=True)
class OidcSite:
    site: Site
    op: OpenIdProvider
    close: ExitStack

    @property
    def account_id(self) -> str:
        return self.site.account_id

    def other(self, name: str = "other") -> OpenIdProvider:
        """Another provider, with keys of its own."""
        return self.close.enter_context(OpenIdProvider(self.site.clock, name))

    def browser(self) -> LocalBrowser:
        made = LocalBrowser(self.site.app)
        assert isinstance(made, LocalBrowser)
        return made

    def signed_in(self, principal: Principal) -> LocalBrowser:
        browser, now = self.browser(), self.site.clock.now()
        with self.site.services.store.transaction() as session:
            handle = open_session(
                session,
                self.site.services.ring,
                principal,
                token=None,
                provenance=None,
                expires_at=now + timedelta(hours=1),
                duration_cap="a test",
                now=now,
            )
        base_url = self.site.services.base_url
        browser.set_cookie(cookies_for(base_url).session.name, handle, domain=urlsplit(base_url).hostname or "")
        return browser

    def arn(self, name: str = "corp") -> str:
        return f"acs:ram::{self.account_id}:oidc-provider/{name}"

    def register(
        self,
        settings: LoginSettings = BY_EMAIL,
        *,
        name: str = "corp",
        op: OpenIdProvider | None = None,
        method: ClientMethod = ClientMethod.BASIC,
        wish: SignInWish = SignInWish(),  # noqa: B008 - frozen
        fingerprints: tuple[str, ...] = (),
    ) -> str:
        """Register the provider for the browser; gives its key."""
        op = op or self.op
        op.method = method.value
        with self.site.services.store.transaction() as session:
            provider = create_oidc_provider(
                session,
                self.account_id,
                name,
                op.issuer,
                fingerprints=fingerprints,
                development=True,
                now=NOON,
            )
            secret = None if method is ClientMethod.PRIVATE_KEY else Secret(SECRET)
            self._sign_in(session, provider, method, secret, wish)
            key = oidc_provider_key(provider.id)
            set_login_settings(session, self.account_id, key, settings, now=NOON)
        return key

    def wish(self, wish: SignInWish, *, client_id: str = CLIENT, name: str = "corp") -> None:
        """Change what is asked of the provider."""
        with self.site.services.store.transaction() as session:
            provider = get_oidc_provider(session, self.account_id, name)
            set_oidc_sign_in(
                session,
                self.site.services.ring,
                provider,
                client_id=client_id,
                method=ClientMethod.BASIC,
                client_secret=None,
                wish=wish,
                now=NOON,
            )

    def _sign_in(
        self, session: Any, provider: OidcProvider, method: ClientMethod, secret: Secret | None, wish: SignInWish
    ) -> None:
        set_oidc_sign_in(
            session,
            self.site.services.ring,
            provider,
            client_id=CLIENT,
            method=method,
            client_secret=secret,
            wish=wish,
            now=NOON,
        )

    def roles(self, *names: str, provider: str = "corp") -> None:
        """Make roles that trust the provider."""
        with self.site.services.store.transaction() as session:
            for name in names:
                create_role(session, self.account_id, name, trust_document=self.trust(provider), now=NOON)

    def trust(self, provider: str = "corp") -> str:
        condition = f'{{"StringEquals":{{"oidc:iss":"{self.op.issuer}","oidc:aud":"{CLIENT}"}}}}'
        principal = f'{{"Federated":["{self.arn(provider)}"]}}'
        return (
            f'{{"Version":"1","Statement":[{{"Effect":"Allow","Action":"sts:AssumeRole","Principal":{principal},'
            f'"Condition":{condition}}}]}}'
        )

    def begin(self, browser: LocalBrowser, *, name: str = "corp", **query: str) -> str:
        """Start a login; where the browser is sent."""
        answer = browser.get(f"/oidc/start/acme/{name}", query_string=query)
        assert answer.status_code == 303, answer.text[:3000]
        return answer.headers["Location"]

    def come_back(self, browser: LocalBrowser, url: str) -> TestResponse:
        assert url.startswith(self.site.services.base_url + "/oidc/callback/")
        parts = urlsplit(url)
        return browser.get(parts.path, query_string=parts.query)

    def sign_in(self, browser: LocalBrowser, *, name: str = "corp", **query: str) -> TestResponse:
        """A whole login at the provider, which consents to everything."""
        return self.come_back(browser, self.op.authorize(self.begin(browser, name=name, **query)))
