"""A site behind proxies: an application with routes, and requests as nginx, Traefik and Envoy make them."""

from typing import Any
from urllib.parse import urlsplit

from werkzeug.test import TestResponse

from gateway.directory.attachments import attach_policy
from gateway.directory.policies import create_policy
from gateway.directory.users import get_user
from gateway.guard.route_file import read_routes
from tests.databases import SqliteFiles
from tests.fake_clock import NOON
from tests.unit.web.site import Browser, Site, make_site

HOST, ORIGIN = "wiki.example.com", "https://wiki.example.com"
SECRET = "a-secret-of-the-proxy-for-tests-0123456789"
POLICY = '{"Version":"1","Statement":[{"Effect":"Allow","Action":"wiki:Read","Resource":"*"}]}'
ROUTES = f"""
[[app]]
name = "wiki"
origin = "{ORIGIN}"
[[app.rule]]
methods = ["GET", "POST"]
path = "/pages/{{page...}}"
action = "wiki:Read"
resource = "acs:wiki:*:{{CallerAccountId}}:page/{{page}}"
[[app.rule]]
methods = ["GET"]
path = "/admin"
action = "wiki:Administer"
resource = "acs:wiki:*:{{CallerAccountId}}:admin"
[[app]]
name = "shop"
origin = "https://shop.example.com"
"""


def make_proxied_site(sqlite_files: SqliteFiles, certs_dir: Any, tmp_path: Any) -> Site:
    from gateway.secret import Secret

    file = tmp_path / "routes.toml"
    file.write_text(ROUTES)
    assert read_routes(ROUTES).apps.keys() == {HOST, "shop.example.com"}
    made = make_site(
        sqlite_files.migrated(),
        certs_dir,
        routes_file=str(file),
        proxy_secret=Secret(SECRET),
        trusted_proxies=("192.0.2.0/24",),
    )
    with made.services.store.transaction() as session:
        create_policy(session, made.account_id, "wiki", POLICY, now=NOON)
        user = get_user(session, made.account_id, "alice")
        attach_policy(session, made.account_id, "Custom", "wiki", user, NOON)
    return made


class Proxy:
    """One kind of proxy; `cookie` is what the application's host has set."""

    def __init__(self, site: Site, kind: str) -> None:
        self.site, self.kind = site, kind
        self.cookies: dict[str, str] = {}
        self._browser = site.app.test_client(use_cookies=False)

    def ask(self, target: str = "/pages/home", method: str = "GET", host: str = HOST, **headers: str) -> TestResponse:
        own = {
            "nginx": {"X-Original-Method": method, "X-Original-URI": target, "X-Original-Host": host},
            "traefik": {"X-Forwarded-Method": method, "X-Forwarded-Uri": target, "X-Forwarded-Host": host},
            "envoy": {"Host": host},
        }[self.kind]
        path = f"/auth/envoy{target}" if self.kind == "envoy" else f"/auth/{self.kind}"
        return self._send(path, method if self.kind == "envoy" else "GET", {**own, **headers})

    def page(self, path: str, method: str = "GET", host: str = HOST, **headers: str) -> TestResponse:
        own = {"nginx": "X-Original-Host", "traefik": "X-Forwarded-Host", "envoy": "Host"}[self.kind]
        return self._send(f"/auth/pages/{self.kind}{path}", method, {own: host, **headers})

    def sign_in(self, browser: Browser, target: str = "/pages/home") -> TestResponse:
        """By the browser of somebody who is signed in at the gateway."""
        path = self.ask(target).headers["X-Ramgate-Sign-In"]
        started = self._kept(self.page(path.removeprefix("/.ramgate")))
        there = urlsplit(started.headers["Location"])
        entered = browser.get(f"{there.path}?{there.query}")
        back = urlsplit(entered.headers["Location"])
        assert f"{back.scheme}://{back.netloc}" == ORIGIN
        return self._kept(self.page(f"{back.path.removeprefix('/.ramgate')}?{back.query}"))

    def _kept(self, answer: TestResponse) -> TestResponse:
        for line in answer.headers.getlist("Set-Cookie"):
            if line.startswith("__Host-ramgate_app"):
                name, _, rest = line.partition("=")
                self.cookies[name] = rest.partition(";")[0]
        return answer

    def _send(self, path: str, method: str, headers: dict[str, str]) -> TestResponse:
        whole = {"X-Ramgate-Proxy": SECRET, "X-Forwarded-Proto": "https", "X-Forwarded-For": "198.51.100.9", **headers}
        if self.cookies:
            whole.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        given = {name: value for name, value in whole.items() if value}
        return self._browser.open(
            path, method=method, headers=given, environ_overrides={"REMOTE_ADDR": "192.0.2.1"}, base_url=None
        )
