"""On a phone nothing needs scrolling sideways."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, NewPage, TakePicture
from tests.browser.demo_process import DemoRun
from tests.browser.steps import role_sso, sign_in_as_owner, user_sso

OPEN_PAGES = ("/login.htm", "/example/login.htm", "/owner/login.htm", "/no-such-page")
OWNER_PAGES = (
    "/session",
    "/admin/providers",
    "/admin/providers/CompanyIdP",
    "/admin/providers/new",
    "/admin/user-sso",
    "/admin/expiry",
)


@pytest.mark.parametrize("path", OPEN_PAGES)
def test_phone__page_for_everybody__fits(path: str, new_page: NewPage, demo: DemoRun, picture: TakePicture) -> None:
    page = new_page(viewport=PHONE)
    page.goto(demo.base_url + path)
    check_fits(page)
    picture(page, "phone" + path.replace("/", "-").removesuffix(".htm"))


def test_phone__pages_of_the_owner__fit(new_page: NewPage, demo: DemoRun, picture: TakePicture) -> None:
    page = new_page(viewport=PHONE)
    sign_in_as_owner(page, demo)
    for path in OWNER_PAGES:
        page.goto(demo.base_url + path)
        check_fits(page)
        picture(page, "phone" + path.replace("/", "-"))


def test_phone__chooser_and_role_session__fit(new_page: NewPage, demo: DemoRun, picture: TakePicture) -> None:
    page = new_page(viewport=PHONE)
    role_sso(page, demo, "alice")
    check_fits(page)
    picture(page, "phone-chooser")
    page.get_by_role("button", name="reader").click()
    page.get_by_text("Show credentials").click()
    check_fits(page)
    picture(page, "phone-session-role")
    page.goto(f"{demo.base_url}/session?action=oss:DeleteBucket&resource=acs:oss:*:*:{'b' * 60}")
    check_fits(page)


def test_phone__refusal__fits(new_page: NewPage, demo: DemoRun) -> None:
    page = new_page(viewport=PHONE)
    user_sso(page, demo, "dave")
    expect(page.locator("#request-id")).to_be_visible()
    check_fits(page)


def check_fits(page: Page) -> None:
    widths = page.evaluate("[document.documentElement.scrollWidth, document.documentElement.clientWidth]")
    assert widths[0] <= widths[1], f"{page.url} is {widths[0]} wide"
