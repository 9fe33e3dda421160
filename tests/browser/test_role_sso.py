"""Role-based single sign-on, begun in the company's portal, and the credentials it ends in."""

import json

from alibabacloud_sts20150401.client import Client
from alibabacloud_tea_openapi.models import Config
from playwright.sync_api import Page, expect

from tests.browser.conftest import NewPage, TakePicture
from tests.browser.demo_process import DemoRun
from tests.browser.steps import role_sso, sign_in_at_idp


def test_role_sso__alice__chooses_among_roles_of_two_accounts(page: Page, demo: DemoRun, picture: TakePicture) -> None:
    role_sso(page, demo, "alice")
    expect(page.get_by_role("heading", name="Choose a role")).to_be_visible()
    picture(page, "chooser")
    expect(page.locator("section.card h2")).to_have_count(2)
    expect(page.locator("button.choice")).to_have_count(len(demo.roles("alice")))
    page.get_by_role("button", name="reader").click()
    page.wait_for_url(f"{demo.base_url}/session")
    expect(page.locator("#arn")).to_have_text(
        f"acs:ram::{demo.state['account_id']}:assumed-role/reader/alice@example.com"
    )
    page.get_by_text("Show credentials").click()
    picture(page, "session-role")


def test_role_sso__role_of_the_other_account__is_taken_there(page: Page, demo: DemoRun) -> None:
    role_sso(page, demo, "carol")
    page.get_by_role("button", name="visitor").click()
    page.wait_for_url(f"{demo.base_url}/session")
    lab = next(arn.split(":")[3] for arn in demo.roles("carol") if arn.endswith("role/visitor"))
    assert lab != demo.state["account_id"]
    expect(page.locator("#arn")).to_have_text(f"acs:ram::{lab}:assumed-role/visitor/carol@example.com")


def test_role_sso__one_role__needs_no_choice(page: Page, demo: DemoRun) -> None:
    role_sso(page, demo, "bob")
    page.wait_for_url(f"{demo.base_url}/session")
    expect(page.locator("#arn")).to_contain_text("assumed-role/developer/bob@example.com")


def test_role_sso__dave_without_ram_user__gets_in_as_a_role(page: Page, demo: DemoRun) -> None:
    role_sso(page, demo, "dave")
    page.wait_for_url(f"{demo.base_url}/session")
    expect(page.locator("#arn")).to_contain_text("assumed-role/reader/dave@example.com")


def test_role_sso__credentials_of_the_page__name_the_role_session_to_the_official_sdk(
    page: Page, demo: DemoRun
) -> None:
    role_sso(page, demo, "bob")
    page.wait_for_url(f"{demo.base_url}/session")
    page.get_by_text("Show credentials").click()
    profile = json.loads(page.locator("#profile").inner_text())
    client = Client(
        Config(
            access_key_id=profile["access_key_id"],
            access_key_secret=profile["access_key_secret"],
            security_token=profile["sts_token"],
            endpoint=demo.base_url.removeprefix("http://"),
            protocol="HTTP",
            region_id="cn-hangzhou",
        )
    )
    caller = client.get_caller_identity().body
    assert caller.arn == page.locator("#arn").inner_text()
    assert caller.account_id == demo.state["account_id"]
    lines = page.locator("#exports").inner_text().splitlines()
    exports = dict(line.removeprefix("export ").split("=", 1) for line in lines if line)
    assert exports["ALIBABA_CLOUD_SECURITY_TOKEN"] == profile["sts_token"]


def test_role_sso__response_posted_again__is_refused(new_page: NewPage, demo: DemoRun, picture: TakePicture) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(f"{demo.idp_url}/")
    sign_in_at_idp(page, demo, "bob")
    page.locator("#tile-role").click()
    response = page.locator("input[name=SAMLResponse]").input_value()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{demo.base_url}/session")
    again = page.request.post(f"{demo.base_url}/saml-role/sso", form={"SAMLResponse": response})
    assert again.status >= 400
    assert "SamlReplayed" in again.text()


def test_role_sso__without_javascript__is_chosen_by_buttons(new_page: NewPage, demo: DemoRun) -> None:
    page = new_page(java_script_enabled=False)
    page.goto(f"{demo.idp_url}/")
    sign_in_at_idp(page, demo, "alice")
    page.locator("#tile-role").click()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="admin").click()
    page.wait_for_url(f"{demo.base_url}/session")
    expect(page.locator("#arn")).to_contain_text("assumed-role/admin/alice@example.com")
