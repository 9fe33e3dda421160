"""What somebody sees who mistypes a password too often."""

from contextlib import ExitStack

import pytest
from werkzeug.test import TestResponse

from tests.unit.web.site import PASSWORD, Browser, Site
from tests.unit.web.test_signin import give_password

OWNER = ("/owner/login.htm", "login", "owner@acme.example")
ALICE = ("/acme/login.htm", "user", "alice")
NOBODY = ("/owner/login.htm", "login", "nobody@acme.example")
NO_USER = ("/acme/login.htm", "user", "nobody")
SPELLINGS = ["alice", "ALICE", " alice ", "alice@acme.onaliyun.com", "Alice@ACME"]


def attempt(browser: Browser, who: tuple[str, str, str], password: str = "Wrong-Horse-7") -> TestResponse:
    path, field, name = who
    return browser.post(path, data={"csrf_token": browser.csrf(path), field: name, "password": password})


def fail(browser: Browser, who: tuple[str, str, str], times: int = 5) -> None:
    for _ in range(times):
        answer = attempt(browser, who)
        assert (answer.status_code, answer.headers.get("Retry-After")) == (401, None)


@pytest.mark.parametrize("who", [OWNER, ALICE, NOBODY, NO_USER], ids=["owner", "user", "no owner", "no user"])
def test_login__sixth_wrong_password__is_told_to_wait(site: Site, browser: Browser, who: tuple[str, str, str]) -> None:
    give_password(site)
    fail(browser, who)
    answer = attempt(browser, who)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
    assert "Too many sign-ins with this name failed: wait 1 second, then try again." in answer.text
    assert f'value="{who[2]}"' in answer.text
    assert 'type="password"' in answer.text
    site.clock.advance(1)
    fail(browser, who, times=1)
    assert attempt(browser, who).headers["Retry-After"] == "2"


@pytest.mark.parametrize("who", [OWNER, ALICE], ids=["owner", "user"])
def test_login__right_password_while_blocked__is_refused_unread_and_accepted_later(
    site: Site, browser: Browser, who: tuple[str, str, str]
) -> None:
    give_password(site)
    fail(browser, who)
    answer = attempt(browser, who, PASSWORD)
    assert answer.status_code == 429
    assert "ramgate_session" not in str(answer.headers.getlist("Set-Cookie"))
    site.clock.advance(1)
    assert attempt(browser, who, PASSWORD).status_code == 303


@pytest.mark.parametrize("who", [OWNER, ALICE], ids=["owner", "user"])
def test_login__right_password__clears_the_failures(site: Site, browser: Browser, who: tuple[str, str, str]) -> None:
    give_password(site)
    for _ in range(2):
        fail(browser, who, times=4)
        assert attempt(browser, who, PASSWORD).status_code == 303


def test_user_login__any_spelling_of_a_name__counts_as_the_name(site: Site, browser: Browser) -> None:
    for spelling in SPELLINGS:
        fail(browser, ("/acme/login.htm", "user", spelling), times=1)
    assert attempt(browser, (f"/{site.account_id}/login.htm", "user", "alice")).status_code == 429


def test_user_login__company_sign_in_on__counts_nothing(site: Site, browser: Browser) -> None:
    path, field, name = ALICE
    token = browser.csrf(path)
    site.user_sso()
    for _ in range(7):
        form = {"csrf_token": token, field: name, "password": PASSWORD}
        assert browser.post(path, data=form).status_code == 401


@pytest.mark.parametrize("who", [OWNER, ALICE], ids=["owner", "user"])
def test_login__no_turn_to_hash__is_told_to_come_back_and_counts_nothing(
    site: Site, browser: Browser, who: tuple[str, str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    give_password(site)
    monkeypatch.setattr(site.services.hashing, "_wait_s", 0)
    with ExitStack() as turns:
        for _ in range(4):
            turns.enter_context(site.services.hashing.turn())
        for _ in range(6):
            answer = attempt(browser, who)
            assert (answer.status_code, answer.headers["Retry-After"]) == (429, "1")
            assert "Too many people are signing in at this moment" in answer.text
    assert attempt(browser, who, PASSWORD).status_code == 303
