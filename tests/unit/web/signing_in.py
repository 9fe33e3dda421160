"""Short ways to sign in at a site, one step after the other."""

import re

from werkzeug.test import TestResponse

from gateway.directory.accounts import get_account
from gateway.directory.login_profiles import update_login_profile
from gateway.directory.mfa_devices import bind_seed
from gateway.directory.password_holders import Holder
from gateway.directory.security_preference import SecurityChange, set_security_preference
from gateway.directory.users import User, get_user
from gateway.secret import Secret
from gateway.totp import code_at, new_seed, step_at
from tests.unit.web.site import PASSWORD, Browser, Site

NEW_PASSWORD = "Another-Horse-8-Battery"


def prefer(site: Site, **changes: object) -> None:
    with site.services.store.transaction() as session:
        set_security_preference(session, site.account_id, SecurityChange(**changes))  # type: ignore[arg-type]


def profile(site: Site, **changes: object) -> None:
    with site.services.store.transaction() as session:
        update_login_profile(session, get_user(session, site.account_id, "alice"), now=site.clock.now(), **changes)  # type: ignore[arg-type]


def alice(site: Site) -> User:
    with site.services.store.reading() as session:
        return get_user(session, site.account_id, "alice")


def bind(site: Site, *, owner: bool = False) -> Secret:
    """Give alice, or the owner, a device; gives its seed."""
    seed = new_seed()
    with site.services.store.transaction() as session:
        holder: Holder = get_account(session, site.account_id) if owner else get_user(session, site.account_id, "alice")
        bind_seed(session, site.services.ring, holder, seed, used_step=0, now=site.clock.now())
    return seed


def code(site: Site, seed: Secret, offset: int = 0) -> str:
    return code_at(seed, step_at(site.clock.now()) + offset)


def give(browser: Browser, password: str = PASSWORD, callback: str = "") -> TestResponse:
    path = "/acme/login.htm" + (f"?callback={callback}" if callback else "")
    form = {"csrf_token": browser.csrf(path), "user": "alice", "password": password}
    return browser.post(path, data=form)


def post(browser: Browser, path: str, **fields: str) -> TestResponse:
    token = browser.csrf("/owner/login.htm")
    return browser.post(path, data={"csrf_token": token, **fields})


def has_session(browser: Browser) -> bool:
    return browser.get("/session").status_code == 200


def seed_of(answer: TestResponse) -> Secret:
    found = re.search(r'<code id="seed">([A-Z2-7 ]+)</code>', answer.text)
    assert found, answer.text[:3000]
    return Secret(found[1].replace(" ", ""))
