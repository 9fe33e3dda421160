"""What people do in front of the demo, in the words of the pages."""

from playwright.sync_api import Page

from tests.browser.demo_process import DemoRun


def sign_in_at_idp(page: Page, demo: DemoRun, login: str) -> None:
    page.get_by_label("Login").fill(login)
    page.get_by_label("Password").fill(demo.password(login))
    page.get_by_role("button", name="Sign in").click()


def start_user_sso(page: Page, demo: DemoRun) -> None:
    """From our sign-in page to the company's."""
    page.goto(f"{demo.base_url}/example/login.htm")
    page.get_by_role("link", name="company sign-in").click()
    page.wait_for_url(f"{demo.idp_url}/**")


def user_sso(page: Page, demo: DemoRun, login: str) -> None:
    """The whole user-based login, begun here."""
    start_user_sso(page, demo)
    sign_in_at_idp(page, demo, login)
    page.wait_for_url(f"{demo.base_url}/**")


def role_sso(page: Page, demo: DemoRun, login: str) -> None:
    """The role-based login, begun in the company's portal."""
    page.goto(f"{demo.idp_url}/")
    sign_in_at_idp(page, demo, login)
    page.locator("#tile-role").click()
    page.wait_for_url(f"{demo.base_url}/**")


def sign_in_as_owner(page: Page, demo: DemoRun) -> None:
    page.goto(f"{demo.base_url}/owner/login.htm")
    page.get_by_label("Owner login").fill(demo.state["owner"]["login"])
    page.get_by_label("Password").fill(demo.state["owner"]["password"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{demo.base_url}/session")


def sign_in_by_password(page: Page, demo: DemoRun, login: str) -> None:
    page.goto(f"{demo.base_url}/example/login.htm")
    page.get_by_label("RAM user name").fill(login)
    page.get_by_label("Password").fill(demo.password(login))
    page.get_by_role("button", name="Sign in").click()
