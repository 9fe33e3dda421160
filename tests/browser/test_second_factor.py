"""Signing in with a second factor, binding it, and looking after it: in Chromium, with and without JavaScript."""

import json
import secrets
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Error, Page, expect

from gateway.directory.access_keys import create_access_key
from gateway.directory.accounts import create_account
from gateway.directory.attachments import attach_policy
from gateway.directory.login_profiles import create_login_profile
from gateway.directory.mfa_devices import bind_seed
from gateway.directory.roles import create_role
from gateway.directory.security_preference import SecurityChange, set_security_preference
from gateway.directory.users import create_user, get_user
from gateway.secret import Secret
from gateway.services import Services
from gateway.totp import code_at, new_seed, step_at
from tests.browser.conftest import PHONE, NewPage, TakePicture
from tests.browser.test_phone import check_fits
from tests.live_gateway import LiveGateway, live_gateway

PASSWORD, NEW_PASSWORD = "Correct-Horse-7-Battery", "Another-Horse-8-Battery"
OWNER = "owner@acme.example"


@dataclass(frozen=True, slots=True)
class Place:
    gateway: LiveGateway
    services: Services
    account_id: str

    def new_user(self, *, must_bind: bool = False, must_change: bool = False, seed: Secret | None = None) -> str:
        """A user with a password; with a seed, whose device has it."""
        name, now = "user-" + secrets.token_hex(4), datetime.now(UTC)
        with self.services.store.transaction() as session:
            user = create_user(session, self.account_id, name, now=now)
            create_login_profile(
                session,
                user,
                Secret(PASSWORD),
                mfa_bind_required=must_bind,
                password_reset_required=must_change,
                now=now,
            )
            if seed is not None:
                bind_seed(session, self.services.ring, user, seed, used_step=0, now=now)
        return name

    def give_key(self, name: str) -> None:
        with self.services.store.transaction() as session:
            user = get_user(session, self.account_id, name)
            now = datetime.now(UTC)
            create_access_key(session, self.services.ring, account_id=self.account_id, user_id=user.id, now=now)

    @property
    def careful_trust(self) -> str:
        """Lets in users of the account who proved a second factor."""
        statement = {
            "Effect": "Allow",
            "Action": "sts:AssumeRole",
            "Principal": {"RAM": [f"acs:ram::{self.account_id}:root"]},
            "Condition": {"Bool": {"acs:MFAPresent": "true"}},
        }
        return json.dumps({"Version": "1", "Statement": [statement]})

    def password_page(self, page: Page, name: str) -> None:
        """Up to the first step that is owed, by the keyboard alone."""
        page.goto(f"{self.gateway.base_url}/acme/login.htm")
        expect(page.get_by_label("RAM user name")).to_be_focused()
        page.keyboard.type(name)
        page.keyboard.press("Tab")
        page.keyboard.type(PASSWORD)
        page.keyboard.press("Enter")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with live_gateway(tmp_path_factory.mktemp("gateway")) as gateway:
        services, now = gateway.services(), datetime.now(UTC)
        with services.store.transaction() as session:
            account = create_account(
                session,
                alias="acme",
                display_name="Acme Robotics",
                owner_login=OWNER,
                owner_password=Secret(PASSWORD),
                now=now,
            )
            set_security_preference(session, account.id, SecurityChange(enable_save_mfa_ticket=True))
        yield Place(gateway, services, account.id)
        services.store.dispose()


def code(seed: Secret, offset: int = 0) -> str:
    return code_at(seed, step_at(datetime.now(UTC)) + offset)


def seed_on(page: Page) -> Secret:
    return Secret((page.locator("#seed").text_content() or "").replace(" ", ""))


def type_pair(page: Page, seed: Secret) -> None:
    page.get_by_label("First code").fill(code(seed, -1))
    page.get_by_label("The code after it").fill(code(seed))
    page.get_by_role("button", name="Bind the device").click()


def test_code__keyboard_alone__signs_in(page: Page, place: Place, picture: TakePicture) -> None:
    seed = new_seed()
    name = place.new_user(seed=seed)
    place.password_page(page, name)
    page.wait_for_url("**/signin/code")
    expect(page.get_by_label("Code", exact=True)).to_be_focused()
    picture(page, "signin-code")
    page.keyboard.type("000000")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("The code is wrong")
    picture(page, "signin-code-wrong")
    page.keyboard.type(code(seed))
    page.keyboard.press("Enter")
    page.wait_for_url("**/session")
    expect(page.get_by_text("Proved at sign-in")).to_be_visible()


def test_code__remembered_browser__is_spared_it(page: Page, place: Place) -> None:
    seed = new_seed()
    name = place.new_user(seed=seed)
    place.password_page(page, name)
    page.get_by_label("Code", exact=True).fill(code(seed))
    page.get_by_label("Do not ask again in this browser for 7 days").check()
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/session")
    page.get_by_role("button", name="Sign out").click()
    place.password_page(page, name)
    page.wait_for_url("**/session")
    expect(page.get_by_text("Not asked at sign-in")).to_be_visible()


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
def test_device_and_password__both_owed__bound_and_changed(
    new_page: NewPage, place: Place, picture: TakePicture, javascript: bool
) -> None:
    page = new_page(java_script_enabled=javascript)
    name = place.new_user(must_bind=True, must_change=True)
    place.password_page(page, name)
    page.wait_for_url("**/signin/device")
    picture(page, "signin-device")
    page.get_by_role("button", name="Show the QR code").click()
    seed = seed_on(page)
    expect(page.get_by_role("img", name="QR code")).to_be_visible()
    picture(page, "signin-device-seed")
    page.get_by_label("First code").fill("111111")
    page.get_by_label("The code after it").fill("222222")
    page.get_by_role("button", name="Bind the device").click()
    expect(page.get_by_role("alert")).to_contain_text("The codes are wrong")
    assert page.locator("#seed").count() == 0
    picture(page, "signin-device-codes")
    type_pair(page, seed)
    page.wait_for_url("**/signin/password")
    picture(page, "signin-password")
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password, once more").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change it and go on").click()
    page.wait_for_url("**/session")
    expect(page.get_by_text("Proved at sign-in")).to_be_visible()


def test_device__back_button__shows_no_old_seed(page: Page, place: Place) -> None:
    place.password_page(page, place.new_user(must_bind=True))
    page.get_by_role("button", name="Show the QR code").click()
    seed = seed_on(page)
    type_pair(page, seed)
    page.wait_for_url("**/session")
    with suppress(Error):  # Chromium says that the page is gone, and must be asked for again
        page.go_back()
    expect(page.locator("#seed")).to_have_count(0)
    expect(page.locator("body")).not_to_contain_text(seed.reveal()[:4])


def test_signing_in__back_button_after_the_code__is_still_signed_in(page: Page, place: Place) -> None:
    seed = new_seed()
    place.password_page(page, place.new_user(seed=seed))
    page.get_by_label("Code", exact=True).fill(code(seed))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url("**/session")
    page.go_back()
    page.goto(f"{place.gateway.base_url}/session")
    expect(page.get_by_text("Proved at sign-in")).to_be_visible()


def test_my_security__user__binds_a_device_and_takes_it_off(page: Page, place: Place, picture: TakePicture) -> None:
    name = place.new_user()
    place.give_key(name)
    place.password_page(page, name)
    page.get_by_role("link", name="My security").click()
    expect(page.get_by_text("No device is bound.")).to_be_visible()
    picture(page, "security")
    page.get_by_role("button", name="Bind a device").click()
    seed = seed_on(page)
    picture(page, "security-seed")
    type_pair(page, seed)
    expect(page.get_by_role("status")).to_contain_text("Your device is bound")
    page.get_by_text("Take the device off", exact=True).click()
    page.get_by_label("A code of the device").fill("000000")
    page.get_by_role("button", name="Take it off").click()
    expect(page.get_by_role("alert")).to_contain_text("The code is wrong")
    picture(page, "security-device")
    page.get_by_label("A code of the device").fill(code(seed, 1))
    page.get_by_role("button", name="Take it off").click()
    expect(page.get_by_text("No device is bound.")).to_be_visible()


def test_my_security__user__changes_the_password(page: Page, place: Place) -> None:
    place.password_page(page, place.new_user())
    page.get_by_role("link", name="My security").click()
    page.get_by_label("Present password").fill(PASSWORD)
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password, once more").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change password").click()
    expect(page.get_by_role("status")).to_contain_text("Your password was changed")


def test_role__asks_for_a_second_factor__taken_after_the_code(page: Page, place: Place, picture: TakePicture) -> None:
    seed = new_seed()
    name, now = place.new_user(seed=seed), datetime.now(UTC)
    with place.services.store.transaction() as session:
        user = get_user(session, place.account_id, name)
        attach_policy(session, place.account_id, "System", "AliyunSTSAssumeRoleAccess", user, now)
        create_role(session, place.account_id, "careful", trust_document=place.careful_trust, now=now)
    place.password_page(page, name)
    page.get_by_label("Code", exact=True).fill(code(seed))
    page.get_by_role("button", name="Continue").click()
    picture(page, "session-user")
    page.get_by_label("Role", exact=True).fill("careful")
    page.get_by_role("button", name="Change to it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("careful")
    expect(page.get_by_text("Proved at sign-in")).to_be_visible()
    picture(page, "session-role-of-user")


def test_phone__pages_of_the_second_factor__fit(new_page: NewPage, place: Place, picture: TakePicture) -> None:
    page = new_page(viewport=PHONE)
    place.password_page(page, place.new_user(seed=new_seed()))
    page.wait_for_url("**/signin/code")
    check_fits(page)
    picture(page, "phone-signin-code")
    name = place.new_user(must_bind=True, must_change=True)
    place.give_key(name)
    place.password_page(page, name)
    page.wait_for_url("**/signin/device")
    check_fits(page)
    picture(page, "phone-signin-device")
    page.get_by_role("button", name="Show the QR code").click()
    seed = seed_on(page)
    check_fits(page)
    picture(page, "phone-signin-device-seed")
    type_pair(page, seed)
    page.wait_for_url("**/signin/password")
    check_fits(page)
    picture(page, "phone-signin-password")
    page.get_by_label("New password", exact=True).fill(NEW_PASSWORD)
    page.get_by_label("New password, once more").fill(NEW_PASSWORD)
    page.get_by_role("button", name="Change it and go on").click()
    page.get_by_role("link", name="My security").click()
    check_fits(page)
    picture(page, "phone-security")


def test_gateway__after_all_this__has_no_code_or_seed_in_its_log(place: Place) -> None:
    assert "otpauth" not in place.gateway.log_text()
