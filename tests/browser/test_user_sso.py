"""User-based single sign-on, begun at our sign-in page, with an IdP on another site."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, TakePicture
from tests.browser.demo_process import DemoRun
from tests.browser.steps import sign_in_at_idp, start_user_sso, user_sso


def test_user_sso__alice__arrives_at_the_session_page(page: Page, demo: DemoRun, picture: TakePicture) -> None:
    page.goto(f"{demo.base_url}/example/login.htm")
    picture(page, "login-user")
    start_user_sso(page, demo)
    picture(page, "idp-sign-in")
    sign_in_at_idp(page, demo, "alice")
    page.wait_for_url(f"{demo.base_url}/session")
    expect(page.locator("#arn")).to_have_text(f"acs:ram::{demo.state['account_id']}:user/alice")
    picture(page, "session-user")


def test_user_sso__callback__leads_back_to_where_somebody_wanted_to_go(page: Page, demo: DemoRun) -> None:
    page.goto(f"{demo.base_url}/admin/user-sso")
    page.get_by_label("Account alias").fill("example.com")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name="company sign-in").click()
    sign_in_at_idp(page, demo, "alice")
    page.wait_for_url(f"{demo.base_url}/admin/user-sso")
    expect(page.get_by_role("heading", name="User SSO", exact=True)).to_be_visible()


def test_user_sso__bob__may_do_what_his_group_may(page: Page, demo: DemoRun, picture: TakePicture) -> None:
    user_sso(page, demo, "bob")
    page.wait_for_url(f"{demo.base_url}/session")
    _ask(page, "oss:PutObject", "acs:oss:*:*:example-team/report.csv")
    answer = page.locator("#may-i").get_by_role("status")
    expect(answer).to_contain_text("Yes.")
    expect(page.locator("#may-i")).to_contain_text("team-bucket")
    picture(page, "may-i-yes")
    _ask(page, "oss:PutObject", "acs:oss:*:*:example-books/report.csv")
    expect(answer).to_contain_text("No.")
    picture(page, "may-i-no")


def test_user_sso__dave_without_ram_user__is_told_why(page: Page, demo: DemoRun, picture: TakePicture) -> None:
    user_sso(page, demo, "dave")
    expect(page.locator("main")).to_contain_text("UserNoMatch")
    expect(page.locator("#request-id")).not_to_be_empty()
    picture(page, "error-no-match")
    page.goto(f"{demo.base_url}/session")
    expect(page.locator("#arn")).to_have_count(0)


def test_user_sso__sign_out_here__ends_the_session_and_then_the_companys(
    page: Page, demo: DemoRun, picture: TakePicture
) -> None:
    user_sso(page, demo, "carol")
    page.wait_for_url(f"{demo.base_url}/session")
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url(f"{demo.base_url}/saml/signed-out/**")
    picture(page, "saml-signed-out")
    page.get_by_role("link", name="Sign out at").click()
    expect(page.locator("main")).to_contain_text("Here, and at")
    page.goto(f"{demo.base_url}/session")
    expect(page.locator("#arn")).to_have_count(0)
    page.goto(f"{demo.idp_url}/")
    expect(page.get_by_label("Password")).to_be_visible()


def test_user_sso__sign_out_at_the_company__ends_the_sessions_here(page: Page, demo: DemoRun) -> None:
    user_sso(page, demo, "carol")
    page.wait_for_url(f"{demo.base_url}/session")
    page.goto(f"{demo.idp_url}/")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_label("Password")).to_be_visible()
    page.goto(f"{demo.base_url}/session")
    expect(page.locator("#arn")).to_have_count(0)


def test_user_sso__started_at_the_idp__works_without_a_request(page: Page, demo: DemoRun) -> None:
    page.goto(f"{demo.idp_url}/")
    sign_in_at_idp(page, demo, "carol")
    page.locator("#tile-user").click()
    page.wait_for_url(f"{demo.base_url}/session")
    expect(page.locator("#arn")).to_contain_text("user/carol")


def test_user_sso__without_javascript__works_by_buttons(new_page: NewPage, demo: DemoRun, picture: TakePicture) -> None:
    page = new_page(java_script_enabled=False)
    start_user_sso(page, demo)
    sign_in_at_idp(page, demo, "alice")
    page.get_by_role("button", name="Continue").click()  # the IdP's form, to our consumer URL
    picture(page, "re-post-without-javascript")
    page.get_by_role("button", name="Continue").click()  # ours, to ourselves, so that the cookie comes along
    page.wait_for_url(f"{demo.base_url}/session")
    expect(page.locator("#arn")).to_contain_text("user/alice")


def test_user_sso__response_of_another_browser__is_refused(new_page: NewPage, demo: DemoRun) -> None:
    """What a victim's browser gets when somebody else's login is slipped to it."""
    attacker, victim = new_page(java_script_enabled=False), new_page()
    start_user_sso(attacker, demo)
    sign_in_at_idp(attacker, demo, "alice")
    response = attacker.locator("input[name=SAMLResponse]").input_value()
    victim.set_content(
        f'<form method="post" action="{demo.base_url}/saml/SSO">'
        f'<input name="SAMLResponse" value="{response}"><button>Go</button></form>'
    )
    victim.get_by_role("button", name="Go").click()
    expect(victim.locator("main")).to_contain_text("LoginOtherBrowser")


def _ask(page: Page, action: str, resource: str) -> None:
    page.get_by_label("Action").fill(action)
    page.get_by_label("Resource").fill(resource)
    page.get_by_role("button", name="Ask").click()
