"""The demo company's sign-in by OpenID Connect: to a RAM user in one account, to roles in the other."""

from playwright.sync_api import Page, expect

from gateway.demo.people import ALIAS, LAB_ALIAS, OIDC_PROVIDER
from gateway.oidc.names import start_path
from tests.browser.conftest import PHONE, NewPage, TakePicture
from tests.browser.demo_process import DemoRun
from tests.browser.steps import sign_in_at_idp


def start(page: Page, demo: DemoRun, alias: str) -> None:
    page.goto(demo.base_url + start_path(alias, OIDC_PROVIDER))
    page.wait_for_url(f"{demo.idp_url}/**")


def sign_in(page: Page, demo: DemoRun, alias: str, name: str) -> None:
    """The whole login, by one click at the company's page."""
    start(page, demo, alias)
    page.get_by_role("button", name=f"Continue as {name}").click()
    page.wait_for_url(f"{demo.base_url}/**")


def test_welcome__says_where_both_protocols_begin(demo: DemoRun) -> None:
    text = "".join(demo.output)
    for alias in (ALIAS, LAB_ALIAS):
        assert demo.base_url + start_path(alias, OIDC_PROVIDER) in text
    assert f"{demo.base_url}/example/login.htm" in text


def test_user__alice__arrives_at_the_session_page(page: Page, demo: DemoRun, picture: TakePicture) -> None:
    start(page, demo, ALIAS)
    picture(page, "oidc-demo-sign-in")
    sign_in_at_idp(page, demo, "alice")
    page.wait_for_url(f"{demo.base_url}/session")
    expect(page.locator("#arn")).to_have_text(f"acs:ram::{demo.state['account_id']}:user/alice")
    picture(page, "oidc-demo-session")


def test_user__dave_without_ram_user__is_told_why(page: Page, demo: DemoRun, picture: TakePicture) -> None:
    sign_in(page, demo, ALIAS, "Dave")
    expect(page.locator("main")).to_contain_text("UserNoMatch")
    picture(page, "oidc-demo-no-match")
    page.goto(f"{demo.base_url}/session")
    expect(page.locator("#arn")).to_have_count(0)


def test_role__carol__takes_the_role_that_a_claim_names(page: Page, demo: DemoRun) -> None:
    sign_in(page, demo, LAB_ALIAS, "Carol")
    page.wait_for_url(f"{demo.base_url}/session")
    expect(page.locator("#arn")).to_contain_text("assumed-role/visitor/carol@example.com")


def test_role__bob__takes_the_role_that_a_rule_gives(page: Page, demo: DemoRun) -> None:
    sign_in(page, demo, LAB_ALIAS, "Bob")
    page.wait_for_url(f"{demo.base_url}/session")
    expect(page.locator("#arn")).to_contain_text("assumed-role/tester/bob@example.com")


def test_role__dave__may_take_none(page: Page, demo: DemoRun) -> None:
    sign_in(page, demo, LAB_ALIAS, "Dave")
    expect(page.locator("main")).to_contain_text("RoleNoneAllowed")


def test_portal__tiles__begin_logins_of_both_protocols(page: Page, demo: DemoRun, picture: TakePicture) -> None:
    page.goto(f"{demo.idp_url}/")
    page.get_by_role("button", name="Continue as Carol").click()
    page.get_by_text("What we say about you").click()
    picture(page, "oidc-demo-portal")
    page.locator("#tile-ramgate-user").click()
    page.wait_for_url(f"{demo.base_url}/session")
    expect(page.locator("#arn")).to_contain_text("user/carol")
    page.goto(f"{demo.idp_url}/")
    page.locator("#tile-ramgate-role").click()
    page.wait_for_url(f"{demo.base_url}/session")
    expect(page.locator("#arn")).to_contain_text("assumed-role/visitor/carol@example.com")


def test_sign_out__at_the_company__ends_the_session_here(page: Page, demo: DemoRun) -> None:
    sign_in(page, demo, LAB_ALIAS, "Carol")
    page.wait_for_url(f"{demo.base_url}/session")
    page.goto(f"{demo.idp_url}/")
    page.get_by_role("button", name="Sign out").click()
    page.goto(f"{demo.base_url}/session")
    expect(page.locator("#arn")).to_have_count(0)


def test_sign_out__here_and_then_there__is_asked_for_and_comes_back(
    page: Page, demo: DemoRun, picture: TakePicture
) -> None:
    sign_in(page, demo, ALIAS, "Carol")
    page.wait_for_url(f"{demo.base_url}/session")
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign out at").click()
    expect(page.get_by_role("heading", name="Sign out of Example Trading?")).to_be_visible()
    picture(page, "oidc-demo-sign-out")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{demo.base_url}/oidc/signed-out/**")
    expect(page.locator("main")).to_contain_text("Here, and at")


def test_phone__sign_in_and_portal__fit(new_page: NewPage, demo: DemoRun, picture: TakePicture) -> None:
    page = new_page(viewport=PHONE)
    start(page, demo, ALIAS)
    picture(page, "oidc-demo-sign-in-phone")
    assert fits(page)
    page.get_by_role("button", name="Continue as Alice").click()
    page.wait_for_url(f"{demo.base_url}/session")
    page.goto(f"{demo.idp_url}/")
    page.get_by_text("What we say about you").click()
    picture(page, "oidc-demo-portal-phone")
    assert fits(page)


def fits(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))
