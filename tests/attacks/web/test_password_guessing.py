"""Guessing passwords, many at once."""

import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from gateway.directory.accounts import Account, check_owner_password
from gateway.directory.login_attempts import LoginAttempts
from gateway.web import signin
from tests.attacks.web.test_write_lock import watched
from tests.unit.web.site import PASSWORD, Browser, Site

WRONG = "Wrong-Horse-7"
LOGIN = "owner@acme.example"
PATH = "/owner/login.htm"
AT_ONCE = 16


def guesser(site: Site, password: str = WRONG, login: str = LOGIN) -> Callable[[], int]:
    """A browser with the form open; sending it gives the status."""
    browser = site.browser()
    form = {"csrf_token": browser.csrf(PATH), "login": login, "password": password}
    return lambda: browser.post(PATH, data=form).status_code


def at_once(guesses: Sequence[Callable[[], int]]) -> Counter[int]:
    """Send all at the same moment; how often each status came back."""
    start = threading.Barrier(len(guesses))

    def send(guess: Callable[[], int]) -> int:
        start.wait(timeout=30)
        return guess()

    with ThreadPoolExecutor(len(guesses)) as pool:
        return Counter(pool.map(send, guesses))


def patient(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """However slow the machine is and however many come, nobody is refused for want of a turn."""
    monkeypatch.setattr(site.services.hashing, "_wait_s", 60)
    monkeypatch.setattr(site.services.hashing, "_places", threading.BoundedSemaphore(4 * AT_ONCE))


def counted(site: Site) -> list[int]:
    with site.services.store.reading() as session:
        return list(session.scalars(select(LoginAttempts.failures)))


@pytest.mark.parametrize("login", [LOGIN, "nobody@acme.example"])
def test_wrong_guesses__at_once__are_worth_five_and_one_after_each_wait(
    site: Site, monkeypatch: pytest.MonkeyPatch, login: str
) -> None:
    patient(site, monkeypatch)
    guesses = [guesser(site, login=login) for _ in range(AT_ONCE)]
    assert at_once(guesses) == {401: 5, 429: AT_ONCE - 5}
    assert counted(site) == [5]
    site.clock.advance(1)
    assert at_once(guesses) == {401: 1, 429: AT_ONCE - 1}
    assert counted(site) == [6]


def test_right_guess__among_wrong_ones_that_block_the_name__opens_nothing(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    others = [guesser(site) for _ in range(5)]

    def check_slowly(*args: Any) -> Account:
        """The right password is found first, but the others come in before it."""
        monkeypatch.setattr(signin, "check_owner_password", check_owner_password)
        account = check_owner_password(*args)
        assert [other() for other in others] == [401] * 5
        return account

    monkeypatch.setattr(signin, "check_owner_password", check_slowly)
    right = guesser(site, PASSWORD)
    assert right() == 429
    site.clock.advance(1)
    assert right() == 303


def test_blocked_name__is_refused_without_any_hashing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(5):
        assert guesser(site)() == 401
    checked: list[object] = []
    monkeypatch.setattr(signin, "check_owner_password", lambda *args: checked.append(args))
    assert guesser(site, PASSWORD)() == 429
    assert checked == []


def test_persistent_guesser__before_and_during_the_block__owner_is_in_after_a_minute(site: Site) -> None:
    guess = guesser(site)
    for _ in range(12):
        guess()
        site.clock.advance(60)
    assert guess() == 401
    for _ in range(59):
        assert guess() == 429
        site.clock.advance(1)
    site.clock.advance(1)
    assert guesser(site, PASSWORD)() == 303


def test_many_names__at_once__are_hashed_four_at_a_time(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    patient(site, monkeypatch)
    lock, running, most = threading.Lock(), 0, 0

    def check(*args: Any) -> Account:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        try:
            return check_owner_password(*args)
        finally:
            with lock:
                running -= 1

    monkeypatch.setattr(signin, "check_owner_password", check)
    guesses = [guesser(site, login=f"somebody{number}") for number in range(AT_ONCE)]
    assert at_once(guesses) == {401: AT_ONCE}
    assert 1 <= most <= 4


def test_password__while_it_is_checked__others_can_write(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[bool] = []
    monkeypatch.setattr(signin, "check_owner_password", watched(site, check_owner_password, seen))
    assert [guesser(site)(), guesser(site, PASSWORD)()] == [401, 303]
    assert seen == [True, True]


def test_name__of_any_sort__is_a_clean_page(browser: Browser) -> None:
    for name in ("\N{GRINNING FACE}", "ﬀ", "'; DROP TABLE login_attempts; --", "x" * 320, "İ"):
        for path, field in ((PATH, "login"), ("/acme/login.htm", "user")):
            form = {"csrf_token": browser.csrf(path), field: name, "password": WRONG}
            assert browser.post(path, data=form).status_code in {401, 429}
