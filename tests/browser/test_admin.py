"""The administrator's side: the owner's way in, and switching user SSO off and on."""

from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, TakePicture
from tests.browser.demo_process import DemoRun
from tests.browser.steps import role_sso, sign_in_as_owner, sign_in_by_password, user_sso


def test_user_sso_switch__off__lets_passwords_in_again(new_page: NewPage, demo: DemoRun, picture: TakePicture) -> None:
    owner = new_page()
    sign_in_as_owner(owner, demo)
    _switch_user_sso(owner, demo, on=False)
    picture(owner, "admin-user-sso")
    try:
        bob = new_page()
        sign_in_by_password(bob, demo, "bob")
        bob.wait_for_url(f"{demo.base_url}/session")
        expect(bob.locator("#arn")).to_have_text(f"acs:ram::{demo.state['account_id']}:user/bob")
    finally:
        _switch_user_sso(owner, demo, on=True)
    carol = new_page()
    carol.goto(f"{demo.base_url}/example/login.htm")
    expect(carol.get_by_label("Password")).to_have_count(0)
    user_sso(carol, demo, "carol")
    carol.wait_for_url(f"{demo.base_url}/session")


def test_owner__while_user_sso_is_on__signs_in_by_password(page: Page, demo: DemoRun, picture: TakePicture) -> None:
    sign_in_as_owner(page, demo)
    expect(page.locator("#arn")).to_have_text(f"acs:ram::{demo.state['account_id']}:root")
    page.goto(f"{demo.base_url}/admin/providers")
    expect(page.locator("main")).to_contain_text("CompanyIdP")
    picture(page, "admin-providers")


def test_admin__role_without_rights__is_refused(page: Page, demo: DemoRun) -> None:
    role_sso(page, demo, "bob")
    page.wait_for_url(f"{demo.base_url}/session")
    reply = page.goto(f"{demo.base_url}/admin/user-sso")
    assert reply is not None
    assert reply.status == 403
    expect(page.locator("main")).to_contain_text("AccessDenied")


def _switch_user_sso(page: Page, demo: DemoRun, *, on: bool) -> None:
    page.goto(f"{demo.base_url}/admin/user-sso")
    page.get_by_label("Company sign-in is on").set_checked(on)
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.locator(".head .tag")).to_have_text("On" if on else "Off")
