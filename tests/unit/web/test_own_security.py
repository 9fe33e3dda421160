"""My security: what somebody sees of, and changes about, themselves."""

import json

import pytest
from werkzeug.test import TestResponse

from gateway.audit.receipts import list_receipts
from gateway.directory.access_keys import create_access_key
from gateway.directory.accounts import get_account
from gateway.directory.attachments import attach_policy
from gateway.directory.mfa_devices import find_device_of, get_device_of
from gateway.directory.policies import create_policy
from gateway.directory.users import create_user, get_user
from gateway.principal import RamUser
from tests.fake_clock import NOON
from tests.unit.web.signing_in import (
    NEW_PASSWORD,
    alice,
    bind,
    code,
    give,
    has_session,
    post,
    prefer,
    seed_of,
)
from tests.unit.web.site import PASSWORD, Browser, Site, reason_of, role_spec, signed
from tests.unit.web.test_signin import give_password, owner_form

DEVICE = "/security/device"


@pytest.fixture
def ready(site: Site) -> Site:
    give_password(site)
    return site


def change(
    browser: Browser, old: str = PASSWORD, new: str = NEW_PASSWORD, repeated: str = NEW_PASSWORD
) -> TestResponse:
    return post(browser, "/security/password", old_password=old, new_password=new, repeated=repeated)


def deny(site: Site, action: str) -> None:
    document = {"Version": "1", "Statement": [{"Effect": "Deny", "Action": f"ram:{action}", "Resource": "*"}]}
    with site.services.store.transaction() as session:
        create_policy(session, site.account_id, "deny", json.dumps(document), now=NOON)
        attach_policy(session, site.account_id, "Custom", "deny", get_user(session, site.account_id, "alice"), NOON)


def test_security_page__not_signed_in__leads_to_sign_in(browser: Browser) -> None:
    assert browser.get("/security").headers["Location"].startswith("/login.htm")


def test_security_page__user__shows_own_keys_and_nobody_elses(ready: Site) -> None:
    with ready.services.store.transaction() as session:
        bob = create_user(session, ready.account_id, "bob", now=NOON)
        keys = [
            create_access_key(session, ready.services.ring, account_id=ready.account_id, user_id=user_id, now=NOON)
            for user_id in (ready.user_id, bob.id, None)
        ]
    page = ready.signed_in(ready.alice).get("/security").text
    assert [key.access_key_id in page for key in keys] == [True, False, False]
    assert not any(key.secret.reveal() in page for key in keys)
    page = ready.signed_in(ready.owner).get("/security").text
    assert [key.access_key_id in page for key in keys] == [False, False, True]


def test_security_page__role__has_none(site: Site, browser: Browser) -> None:
    (value,) = site.roles("reader")
    answer = browser.post("/saml-role/sso", data={"SAMLResponse": signed(role_spec(value))})
    assert answer.status_code == 303
    assert 'href="/security"' not in browser.get("/session").text
    assert browser.get("/security").status_code == 404


def test_bind__two_codes__device_is_asked_for_at_the_next_sign_in(ready: Site) -> None:
    browser = ready.signed_in(ready.alice)
    seed = seed_of(post(browser, DEVICE))
    answer = post(browser, f"{DEVICE}/codes", code1=code(ready, seed, -1), code2=code(ready, seed))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/security")
    page = browser.get("/security").text
    assert f"acs:ram::{ready.account_id}:mfa/alice" in page
    assert "not proved" in page
    assert seed.reveal() not in page
    assert give(ready.browser()).headers["Location"] == "/signin/code"
    with ready.services.store.reading() as session:
        assert "BindMFADevice" in [receipt.kind for receipt in list_receipts(session, account_id=ready.account_id)]


def test_bind__wrong_codes__asked_again_without_the_seed(ready: Site) -> None:
    browser = ready.signed_in(ready.alice)
    seed = seed_of(post(browser, DEVICE))
    answer = post(browser, f"{DEVICE}/codes", code1=code(ready, seed), code2=code(ready, seed))
    assert answer.status_code == 401
    assert "<svg" not in answer.text
    assert browser.get(f"{DEVICE}/codes").headers["Location"] == "/security"


def test_bind__seed_of_another_persons_page__refused(ready: Site) -> None:
    with ready.services.store.transaction() as session:
        bob = create_user(session, ready.account_id, "bob", now=NOON)
    seed = seed_of(post(ready.signed_in(RamUser(ready.account_id, bob.id, "bob")), DEVICE))
    browser = ready.signed_in(ready.alice)
    answer = post(browser, f"{DEVICE}/codes", code1=code(ready, seed, -1), code2=code(ready, seed))
    assert answer.status_code == 404
    with ready.services.store.reading() as session:
        assert find_device_of(session, alice(ready)) is None
        assert find_device_of(session, bob) is None


def test_bind__device_bound_already__refused(ready: Site) -> None:
    bind(ready)
    browser = ready.signed_in(ready.alice)
    assert reason_of(post(browser, DEVICE)) == "AlreadyExists"
    assert reason_of(post(browser, f"{DEVICE}/codes", code1="123456", code2="123457")) == "AlreadyExists"


@pytest.mark.parametrize("how", ["setting", "policy"])
@pytest.mark.parametrize("path", [DEVICE, f"{DEVICE}/codes"])
def test_bind__not_allowed__denied(ready: Site, how: str, path: str) -> None:
    if how == "setting":
        prefer(ready, allow_user_to_manage_mfa_devices=False)
    else:
        deny(ready, "BindMFADevice")
    browser = ready.signed_in(ready.alice)
    assert "Bind a device" not in browser.get("/security").text
    assert reason_of(post(browser, path, code1="123456", code2="123457")) == "AccessDenied"


def test_remove__a_code__device_and_key_are_gone(ready: Site) -> None:
    seed = bind(ready)
    browser = ready.signed_in(ready.alice)
    wrong = post(browser, f"{DEVICE}/remove", code=code(ready, seed, 50))
    assert wrong.status_code == 401
    assert "The code is wrong" in wrong.text
    assert post(browser, f"{DEVICE}/remove", code=code(ready, seed)).headers["Location"] == "/security"
    assert give(ready.browser()).headers["Location"] == "/session"


def test_remove__many_wrong_codes__throttled(ready: Site) -> None:
    seed = bind(ready)
    browser = ready.signed_in(ready.alice)
    for _ in range(5):
        assert post(browser, f"{DEVICE}/remove", code=code(ready, seed, 50)).status_code == 401
    answer = post(browser, f"{DEVICE}/remove", code=code(ready, seed))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    with ready.services.store.reading() as session:
        assert get_device_of(session, alice(ready)).wrong_codes == 5


@pytest.mark.parametrize("how", ["setting", "policy"])
def test_remove__not_allowed__denied(ready: Site, how: str) -> None:
    seed = bind(ready)
    if how == "setting":
        prefer(ready, allow_user_to_manage_mfa_devices=False)
    else:
        deny(ready, "UnbindMFADevice")
    browser = ready.signed_in(ready.alice)
    assert "Take the device off" not in browser.get("/security").text
    assert reason_of(post(browser, f"{DEVICE}/remove", code=code(ready, seed))) == "AccessDenied"


def test_remove__no_device__not_found(ready: Site) -> None:
    assert reason_of(post(ready.signed_in(ready.alice), f"{DEVICE}/remove", code="123456")) == "NotFound"


def test_owner__binds_and_removes_a_device__whatever_users_may(site: Site) -> None:
    prefer(site, allow_user_to_manage_mfa_devices=False)
    browser = site.signed_in(site.owner)
    seed = seed_of(post(browser, DEVICE))
    assert post(browser, f"{DEVICE}/codes", code1=code(site, seed, -1), code2=code(site, seed)).status_code == 303
    other = site.browser()
    assert other.post("/owner/login.htm", data=owner_form(other)).headers["Location"] == "/signin/code"
    assert post(browser, f"{DEVICE}/remove", code=code(site, seed, 1)).headers["Location"] == "/security"
    with site.services.store.reading() as session:
        assert find_device_of(session, get_account(session, site.account_id)) is None


def test_password__right_one__changed_and_other_browsers_signed_out(ready: Site) -> None:
    browser, other = ready.signed_in(ready.alice), ready.signed_in(ready.alice)
    assert change(browser).headers["Location"] == "/security"
    assert has_session(browser)
    assert not has_session(other)
    assert give(ready.browser()).status_code == 401
    assert give(ready.browser(), NEW_PASSWORD).headers["Location"] == "/session"


def test_password__of_the_owner__changed_and_other_browsers_signed_out(site: Site) -> None:
    browser, other = site.signed_in(site.owner), site.signed_in(site.owner)
    assert change(browser).headers["Location"] == "/security"
    assert has_session(browser)
    assert not has_session(other)
    fresh = site.browser()
    form = owner_form(fresh, password=NEW_PASSWORD)
    assert fresh.post("/owner/login.htm", data=form).headers["Location"] == "/session"


@pytest.mark.parametrize(
    ("old", "new", "repeated", "status"),
    [
        ("Wrong-Horse-7", NEW_PASSWORD, NEW_PASSWORD, 401),
        (PASSWORD, "short", "short", 400),
        (PASSWORD, NEW_PASSWORD, "another", 400),
        (PASSWORD, PASSWORD, PASSWORD, 400),
    ],
)
def test_password__unusable__asked_again(ready: Site, old: str, new: str, repeated: str, status: int) -> None:
    browser = ready.signed_in(ready.alice)
    answer = change(browser, old, new, repeated)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert give(ready.browser()).headers["Location"] == "/session"


def test_password__wrong_too_often__throttled_like_sign_ins(ready: Site) -> None:
    browser = ready.signed_in(ready.alice)
    for _ in range(5):
        assert change(browser, "Wrong-Horse-7").status_code == 401
    assert change(browser).status_code == 429
    assert give(ready.browser()).status_code == 429


@pytest.mark.parametrize("how", ["setting", "policy"])
def test_password__not_allowed__denied(ready: Site, how: str) -> None:
    if how == "setting":
        prefer(ready, allow_user_to_change_password=False)
    else:
        deny(ready, "ChangePassword")
    browser = ready.signed_in(ready.alice)
    assert "old_password" not in browser.get("/security").text
    assert reason_of(change(browser)) == "AccessDenied"


@pytest.mark.parametrize("path", [DEVICE, f"{DEVICE}/codes", f"{DEVICE}/remove", "/security/password"])
def test_security_forms__without_form_token__refused(ready: Site, path: str) -> None:
    assert reason_of(ready.signed_in(ready.alice).post(path)) == "CsrfTokenInvalid"
