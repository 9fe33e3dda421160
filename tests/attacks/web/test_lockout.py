"""Locking a name out, and what the pages tell about it: nothing about who exists, and nothing that a guess is worth."""

from collections import Counter

import pytest

from gateway.directory import login_attempts
from gateway.directory.login_attempts import LOCKED_FOR, MOST_ROWS
from gateway.directory.login_profiles import LoginProfile
from gateway.directory.password_policy import set_password_policy
from gateway.directory.passwords import PasswordPolicy
from gateway.web import signin
from tests.attacks.web.test_password_guessing import at_once, patient
from tests.unit.web.site import PASSWORD, Site
from tests.unit.web.test_signin import give_password
from tests.unit.web.test_signin_throttle import attempt

ALICE = ("/acme/login.htm", "user", "alice")
NOBODY = ("/acme/login.htm", "user", "nobody")
OWNER = ("/owner/login.htm", "login", "owner@acme.example")


def set_policy(site: Site, policy: PasswordPolicy) -> None:
    with site.services.store.transaction() as session:
        set_password_policy(session, site.account_id, policy)


@pytest.mark.parametrize("who", [ALICE, NOBODY], ids=["somebody", "nobody"])
def test_lockout__after_as_many_failures__same_answer_for_every_name_and_password(
    site: Site, monkeypatch: pytest.MonkeyPatch, who: tuple[str, str, str]
) -> None:
    give_password(site)
    set_policy(site, PasswordPolicy(max_login_attempts=3))
    browser = site.browser()
    assert [attempt(browser, who).status_code for _ in range(3)] == [401] * 3
    checked: list[object] = []
    with monkeypatch.context() as patched:
        patched.setattr(signin, "check_user_password", lambda *args: checked.append(args))
        for password in ("Wrong-Horse-7", PASSWORD):
            answer = attempt(browser, who, password)
            assert (answer.status_code, answer.headers["Retry-After"]) == (429, "3600")
            assert "it is locked for 60 more minutes" in answer.text
    assert checked == []
    site.clock.advance(LOCKED_FOR.total_seconds())
    assert attempt(browser, who, PASSWORD).status_code == (303 if who == ALICE else 401)


def test_lockout__owner__is_never_locked(site: Site) -> None:
    set_policy(site, PasswordPolicy(max_login_attempts=1))
    browser = site.browser()
    for _ in range(4):
        assert attempt(browser, OWNER).status_code == 401
    assert attempt(browser, OWNER, PASSWORD).status_code == 303


def test_lockout__many_guesses_at_once__are_worth_as_many_as_the_policy_says(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    give_password(site)
    patient(site, monkeypatch)
    set_policy(site, PasswordPolicy(max_login_attempts=2))
    browsers = [site.browser() for _ in range(8)]
    forms = [{"csrf_token": each.csrf(ALICE[0]), "user": "alice", "password": "Wrong-Horse-7"} for each in browsers]
    guesses = [
        lambda browser=browser, form=form: browser.post(ALICE[0], data=form).status_code
        for browser, form in zip(browsers, forms, strict=True)
    ]
    assert at_once(guesses) == Counter({401: 2, 429: 6})


def test_lockout__flood_of_other_names__does_not_free_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    give_password(site)
    set_policy(site, PasswordPolicy(max_login_attempts=1))
    monkeypatch.setattr(login_attempts, "MOST_ROWS", 3)
    assert MOST_ROWS > 3
    browser = site.browser()
    attempt(browser, ALICE)
    for number in range(6):
        attempt(browser, ("/acme/login.htm", "user", f"nobody{number}"))
    assert attempt(browser, ALICE, PASSWORD).status_code == 429


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        (PasswordPolicy(max_age_days=1, hard_expire=True), "The password has expired"),
        (PasswordPolicy(initial_age_days=1), "The password has expired"),
    ],
    ids=["hard", "first"],
)
def test_expired_password__only_who_knows_it__is_told(site: Site, policy: PasswordPolicy, text: str) -> None:
    give_password(site)
    set_policy(site, policy)
    site.clock.advance(2 * 24 * 3600)
    browser = site.browser()
    answer = attempt(browser, ALICE, PASSWORD)
    assert answer.status_code == 401
    assert text in answer.text
    assert "ramgate_session" not in str(answer.headers.getlist("Set-Cookie"))
    assert text not in attempt(browser, ALICE).text


def test_idle_user__right_password__is_told_whom_to_ask(site: Site) -> None:
    give_password(site)
    set_policy(site, PasswordPolicy(initial_age_days=0))
    site.clock.advance(731 * 24 * 3600)
    answer = attempt(site.browser(), ALICE, PASSWORD)
    assert answer.status_code == 401
    assert "has not signed in for 730 days" in answer.text


def test_right_password__signs_in__is_remembered(site: Site) -> None:
    give_password(site)
    site.clock.advance(60)
    assert attempt(site.browser(), ALICE, PASSWORD).status_code == 303
    with site.services.store.reading() as session:
        profile = session.get_one(LoginProfile, site.user_id)
    assert (profile.password_used_at, profile.initial_since) == (site.clock.now(), None)
