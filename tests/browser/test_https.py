"""User-based single sign-on on https, where the binding cookie goes along with the IdP's cross-site POST itself."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Request, expect

from tests.browser.conftest import NewPage
from tests.browser.demo_process import DemoRun, free_port, start_demo
from tests.browser.steps import user_sso
from tests.browser.tls_proxy import TlsProxy


@pytest.fixture(scope="module")
def https_demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoRun]:
    outer, inner = free_port(), free_port()
    variables = {
        "PORT": str(inner),
        "RAMGATE_BASE_URL": f"https://127.0.0.1:{outer}",
        "RAMGATE_TRUSTED_PROXIES": "127.0.0.1",
    }
    folder = tmp_path_factory.mktemp("https-demo")
    with TlsProxy(folder, outer, inner):
        run = start_demo(folder, **variables)
        yield run
        run.stop()


def test_user_sso__https__needs_one_post_only(new_page: NewPage, https_demo: DemoRun) -> None:
    page = new_page(ignore_https_errors=True)
    posts: list[str] = []

    def note(request: Request) -> None:
        if request.method == "POST" and request.url.startswith(https_demo.base_url):
            posts.append(request.url)

    page.on("request", note)
    user_sso(page, https_demo, "alice")
    page.wait_for_url(f"{https_demo.base_url}/session")
    expect(page.locator("#arn")).to_contain_text(":user/alice")
    assert posts == [f"{https_demo.base_url}/saml/SSO"]


def test_user_sso__https__cookies_are_bound_to_the_host(new_page: NewPage, https_demo: DemoRun) -> None:
    page = new_page(ignore_https_errors=True)
    user_sso(page, https_demo, "bob")
    page.wait_for_url(f"{https_demo.base_url}/session")
    cookies = {cookie["name"]: cookie for cookie in page.context.cookies(https_demo.base_url)}
    session, flow = cookies["__Host-ramgate_session"], cookies["__Host-ramgate_flow"]
    assert (session["sameSite"], session["secure"], session["httpOnly"]) == ("Lax", True, True)
    assert (flow["sameSite"], flow["secure"], flow["httpOnly"]) == ("None", True, True)
