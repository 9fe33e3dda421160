"""Browsers that are spared the second factor, and when they no longer are."""

import pytest

from gateway.directory.login_profiles import prepare_password
from gateway.directory.mfa_devices import unbind_device
from gateway.directory.revocations import revoke
from gateway.secret import Secret
from tests.unit.web.signing_in import NEW_PASSWORD, alice, bind, code, give, post, prefer, profile
from tests.unit.web.site import PASSWORD, Browser, Site
from tests.unit.web.test_signin import give_password


@pytest.fixture
def ready(site: Site) -> Site:
    give_password(site)
    return site


def remembered(site: Site, seed: Secret) -> Browser:
    """A browser whose person asked to be remembered, and signed out."""
    browser = site.browser()
    give(browser)
    assert "Do not ask again in this browser" in browser.get("/signin/code").text
    answer = post(browser, "/signin/code", code=code(site, seed), remember="1")
    assert "__Host-ramgate_ticket=" in str(answer.headers.getlist("Set-Cookie"))
    post_logout = browser.post("/logout", data={"csrf_token": browser.csrf("/session")})
    assert post_logout.status_code == 303
    return browser


def test_ticket__account_allows_it__spares_the_code_but_is_no_second_factor(ready: Site) -> None:
    seed = bind(ready)
    prefer(ready, enable_save_mfa_ticket=True)
    browser = remembered(ready, seed)
    assert give(browser).headers["Location"] == "/session"
    assert "Second factor</dt><dd>Not asked" in browser.get("/session").text
    assert give(ready.browser()).headers["Location"] == "/signin/code"


def test_ticket__account_does_not_allow_it__is_not_offered_and_not_made(ready: Site, browser: Browser) -> None:
    seed = bind(ready)
    give(browser)
    assert "Do not ask again" not in browser.get("/signin/code").text
    answer = post(browser, "/signin/code", code=code(ready, seed), remember="1")
    assert "ramgate_ticket" not in str(answer.headers.getlist("Set-Cookie"))


@pytest.mark.parametrize("what", ["forbidden", "week", "password", "rebound", "revoked", "broken"])
def test_ticket__no_longer_good__asks_for_the_code(ready: Site, what: str) -> None:
    seed = bind(ready)
    prefer(ready, enable_save_mfa_ticket=True)
    browser = remembered(ready, seed)
    password = PASSWORD
    match what:
        case "forbidden":
            prefer(ready, enable_save_mfa_ticket=False)
        case "week":
            ready.clock.advance(7 * 24 * 3600)
        case "password":
            with ready.services.store.reading() as session:
                prepared = prepare_password(session, alice(ready), Secret(NEW_PASSWORD))
            profile(ready, password=prepared)
            password = NEW_PASSWORD
        case "rebound":
            with ready.services.store.transaction() as session:
                unbind_device(session, alice(ready))
            bind(ready)
        case "revoked":
            with ready.services.store.transaction() as session:
                revoke(session, "user", ready.user_id, ready.clock.now())
            ready.clock.advance(1)
        case _:
            browser.set_cookie("__Host-ramgate_ticket", "AAAA", domain="sso.example.com")
    assert give(browser, password).headers["Location"] == "/signin/code"
