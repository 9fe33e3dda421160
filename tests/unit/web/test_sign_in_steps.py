"""What a right password owes before it becomes a session: a code, a device, another password."""

import logging

import pytest

from gateway.audit.receipts import list_receipts
from gateway.directory.accounts import set_owner_password
from gateway.directory.login_profiles import (
    LoginProfileStatus,
    get_login_profile,
    prepare_password,
)
from gateway.directory.mfa_devices import find_device_of, get_device_of, unbind_device
from gateway.directory.security_preference import MfaOperation
from gateway.directory.users import get_user
from gateway.secret import Secret
from tests.unit.web.signing_in import NEW_PASSWORD, alice, bind, code, give, has_session, post, prefer, profile, seed_of
from tests.unit.web.site import PASSWORD, Browser, Site, reason_of
from tests.unit.web.test_signin import give_password, owner_form

PAGES = ("/signin/code", "/signin/device", "/signin/password")
POSTS = ("/signin/code", "/signin/device", "/signin/device/codes", "/signin/password")


@pytest.fixture
def ready(site: Site) -> Site:
    give_password(site)
    return site


def test_code__right__opens_the_session_with_a_second_factor(ready: Site, browser: Browser) -> None:
    seed = bind(ready)
    answer = give(browser, callback="/admin/providers")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/signin/code")
    cookies = str(answer.headers.getlist("Set-Cookie"))
    assert "__Host-ramgate_step=" in cookies
    assert "ramgate_session" not in cookies
    assert not has_session(browser)
    typed = code(ready, seed)
    answer = post(browser, "/signin/code", code=f"{typed[:3]} {typed[3:]}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/providers")
    assert has_session(browser)
    assert "Second factor</dt><dd>Proved" in browser.get("/session").text
    with ready.services.store.reading() as session:
        (receipt,) = list_receipts(session, account_id=ready.account_id)
    assert receipt.details["second_factor"] == "proved"


def test_code__steps_done__handle_is_used_up(ready: Site, browser: Browser) -> None:
    seed = bind(ready)
    handle = give(browser).headers["Set-Cookie"].split(";")[0].split("=")[1]
    assert post(browser, "/signin/code", code=code(ready, seed)).status_code == 303
    thief = ready.browser()
    thief.set_cookie("__Host-ramgate_step", handle, domain="sso.example.com")
    for path in PAGES:
        assert reason_of(thief.get(path)) == "LoginNotPending"
    assert not has_session(thief)


@pytest.mark.parametrize("path", PAGES)
def test_step_page__without_a_sign_in__refused(browser: Browser, path: str) -> None:
    assert reason_of(browser.get(path)) == "LoginNotPending"


@pytest.mark.parametrize("path", POSTS)
def test_step_form__without_a_sign_in__refused(browser: Browser, path: str) -> None:
    fields = {"code": "123456", "code1": "123456", "code2": "123456"}
    fields |= {"new_password": NEW_PASSWORD, "repeated": NEW_PASSWORD}
    assert reason_of(post(browser, path, **fields)) == "LoginNotPending"


@pytest.mark.parametrize("path", [*POSTS, "/signin/cancel"])
def test_step_form__without_form_token__refused(ready: Site, browser: Browser, path: str) -> None:
    bind(ready)
    give(browser)
    assert reason_of(browser.post(path, data={"code": "123456"})) == "CsrfTokenInvalid"


def test_steps__addresses_of_later_ones__lead_back_to_the_one_owed(ready: Site, browser: Browser) -> None:
    bind(ready)
    profile(ready, password_reset_required=True)
    give(browser)
    for path in PAGES[1:]:
        assert browser.get(path).headers["Location"] == "/signin/code"
    fields = {"code1": "123456", "code2": "123456", "new_password": NEW_PASSWORD, "repeated": NEW_PASSWORD}
    for path in ("/signin/device", "/signin/device/codes"):
        assert post(browser, path, **fields).headers["Location"] == "/signin/code"
    answer = post(browser, "/signin/password", **fields)
    assert answer.status_code == 303
    assert browser.get(answer.headers["Location"]).headers["Location"] == "/signin/code"
    for path in ("/session", "/security", "/admin/providers"):
        assert browser.get(path).headers["Location"].startswith("/login.htm")
    with ready.services.store.reading() as session:
        assert get_login_profile(session, get_user(session, ready.account_id, "alice")).password_reset_required


def test_code__used_before__refused_in_another_browser_too(ready: Site, browser: Browser) -> None:
    seed = bind(ready)
    give(browser)
    typed = code(ready, seed)
    assert post(browser, "/signin/code", code=typed).status_code == 303
    other = ready.browser()
    give(other)
    answer = post(other, "/signin/code", code=typed)
    assert answer.status_code == 401
    assert "The code is wrong, too old, or was used already." in answer.text
    assert not has_session(other)


def test_code__five_wrong__ends_the_sign_in_and_blocks_the_device(ready: Site, browser: Browser) -> None:
    seed = bind(ready)
    give(browser)
    wrong = code(ready, seed, 50)
    for _ in range(4):
        assert post(browser, "/signin/code", code=wrong).status_code == 401
    assert reason_of(post(browser, "/signin/code", code=wrong)) == "LoginNotPending"
    give(browser)
    answer = post(browser, "/signin/code", code=code(ready, seed))
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "30")
    ready.clock.advance(30)
    assert post(browser, "/signin/code", code=code(ready, seed)).status_code == 303


@pytest.mark.parametrize("typed", ["12345", "abcdef", "1234567", "\u0661\u0662\u0663\u0664\u0665\u0666"])
def test_code__not_six_digits__refused_and_not_counted(ready: Site, browser: Browser, typed: str) -> None:
    bind(ready)
    give(browser)
    assert post(browser, "/signin/code", code=typed).status_code == 400
    with ready.services.store.reading() as session:
        assert get_device_of(session, alice(ready)).wrong_codes == 0


def test_code__ten_minutes_later__too_late(ready: Site, browser: Browser) -> None:
    seed = bind(ready)
    give(browser)
    ready.clock.advance(600)
    assert reason_of(post(browser, "/signin/code", code=code(ready, seed))) == "LoginNotPending"


def test_code__device_unbound_meanwhile__goes_on_without_a_second_factor(ready: Site, browser: Browser) -> None:
    bind(ready)
    give(browser)
    with ready.services.store.transaction() as session:
        unbind_device(session, alice(ready))
    assert browser.get("/signin/code").headers["Location"] == "/session"
    assert "Second factor</dt><dd>Not asked" in browser.get("/session").text


@pytest.mark.parametrize("what", ["password", "disabled", "sso", "network"])
def test_code__something_else_changed_meanwhile__no_session(ready: Site, browser: Browser, what: str) -> None:
    seed = bind(ready)
    give(browser)
    match what:
        case "password":
            with ready.services.store.reading() as session:
                prepared = prepare_password(session, alice(ready), Secret(NEW_PASSWORD))
            profile(ready, password=prepared)
        case "disabled":
            profile(ready, status=LoginProfileStatus.INACTIVE)
        case "sso":
            ready.user_sso()
        case _:
            prefer(ready, login_network_masks="192.0.2.0/24")
    answer = post(browser, "/signin/code", code=code(ready, seed))
    assert reason_of(answer) in {"LoginFailed", "PasswordLoginDisabled", "LoginNetwork"}
    assert not has_session(browser)


def test_cancel__code_owed__ends_it(ready: Site, browser: Browser) -> None:
    bind(ready)
    give(browser)
    assert post(browser, "/signin/cancel").headers["Location"] == "/login.htm"
    assert reason_of(browser.get("/signin/code")) == "LoginNotPending"


def test_owner__device_bound__owes_a_code_and_no_more(site: Site, browser: Browser) -> None:
    seed = bind(site, owner=True)
    prefer(site, mfa_operation_for_login=MfaOperation.MANDATORY)
    answer = browser.post("/owner/login.htm", data=owner_form(browser))
    assert answer.headers["Location"] == "/signin/code"
    assert "owner@acme.example" in browser.get("/signin/code").text
    assert post(browser, "/signin/code", code=code(site, seed)).headers["Location"] == "/session"
    assert has_session(browser)


def test_owner__no_device_and_mandatory__signs_in(site: Site, browser: Browser) -> None:
    prefer(site, mfa_operation_for_login=MfaOperation.MANDATORY)
    assert browser.post("/owner/login.htm", data=owner_form(browser)).headers["Location"] == "/session"


def test_owner__password_changed_meanwhile__no_session(site: Site, browser: Browser) -> None:
    seed = bind(site, owner=True)
    browser.post("/owner/login.htm", data=owner_form(browser))
    with site.services.store.transaction() as session:
        set_owner_password(session, site.account_id, Secret(NEW_PASSWORD))
    assert reason_of(post(browser, "/signin/code", code=code(site, seed))) == "LoginFailed"
    assert not has_session(browser)


@pytest.mark.parametrize("why", ["account", "profile"])
def test_device__must_be_bound__two_codes_bind_it_and_sign_in(ready: Site, browser: Browser, why: str) -> None:
    if why == "account":
        prefer(ready, mfa_operation_for_login=MfaOperation.MANDATORY)
    else:
        profile(ready, mfa_bind_required=True)
    assert give(browser).headers["Location"] == "/signin/device"
    shown = post(browser, "/signin/device")
    seed = seed_of(shown)
    assert "<svg" in shown.text
    assert shown.headers["Cache-Control"] == "no-store"
    assert not has_session(browser)
    answer = post(browser, "/signin/device/codes", code1=code(ready, seed, -1), code2=code(ready, seed))
    assert (answer.status_code, answer.headers["Location"]) == (303, "/session")
    assert "Second factor</dt><dd>Proved" in browser.get("/session").text
    with ready.services.store.reading() as session:
        assert get_device_of(session, alice(ready)).serial_number == f"acs:ram::{ready.account_id}:mfa/alice"
    other = ready.browser()
    assert give(other).headers["Location"] == "/signin/code"
    assert post(other, "/signin/code", code=code(ready, seed)).status_code == 401  # used up by the binding
    assert post(other, "/signin/code", code=code(ready, seed, 1)).status_code == 303


def test_device__seed__is_on_one_page_and_in_no_log(
    ready: Site, browser: Browser, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    profile(ready, mfa_bind_required=True)
    give(browser)
    seed = seed_of(post(browser, "/signin/device")).reveal()
    spaced = " ".join(seed[start : start + 4] for start in range(0, len(seed), 4))
    pages = [browser.get("/signin/device"), browser.get("/signin/device/codes", follow_redirects=True)]
    pages.append(post(browser, "/signin/device/codes", code1="123456", code2="654321"))
    for shown in pages:
        assert seed not in shown.text
        assert spaced not in shown.text
        assert "<svg" not in shown.text
    assert seed not in caplog.text
    assert seed_of(post(browser, "/signin/device")).reveal() != seed


def test_device__codes_of_the_seed_before__refused(ready: Site, browser: Browser) -> None:
    profile(ready, mfa_bind_required=True)
    give(browser)
    first = seed_of(post(browser, "/signin/device"))
    second = seed_of(post(browser, "/signin/device"))
    answer = post(browser, "/signin/device/codes", code1=code(ready, first, -1), code2=code(ready, first))
    assert answer.status_code == 401
    answer = post(browser, "/signin/device/codes", code1=code(ready, second, -1), code2=code(ready, second))
    assert answer.status_code == 303


def test_device__codes_of_a_seed_shown_to_another_browser__refused(ready: Site, browser: Browser) -> None:
    profile(ready, mfa_bind_required=True)
    other = ready.browser()
    give(browser)
    give(other)
    seed = seed_of(post(browser, "/signin/device"))
    post(other, "/signin/device")
    answer = post(other, "/signin/device/codes", code1=code(ready, seed, -1), code2=code(ready, seed))
    assert answer.status_code == 401
    with ready.services.store.reading() as session:
        assert find_device_of(session, alice(ready)) is None


@pytest.mark.parametrize("tries", [5])
def test_device__five_wrong_tries__need_a_new_seed(ready: Site, browser: Browser, tries: int) -> None:
    profile(ready, mfa_bind_required=True)
    give(browser)
    seed = seed_of(post(browser, "/signin/device"))
    for _ in range(tries):
        answer = post(browser, "/signin/device/codes", code1=code(ready, seed), code2=code(ready, seed))
        assert answer.status_code == 401
    answer = post(browser, "/signin/device/codes", code1=code(ready, seed, -1), code2=code(ready, seed))
    assert answer.status_code == 404
    assert "begin with a new one" in answer.text
    assert not has_session(browser)


def test_device__bound_by_another_browser_meanwhile__owes_its_code(ready: Site, browser: Browser) -> None:
    profile(ready, mfa_bind_required=True)
    give(browser)
    mine = seed_of(post(browser, "/signin/device"))
    bind(ready)
    answer = post(browser, "/signin/device/codes", code1=code(ready, mine, -1), code2=code(ready, mine))
    assert answer.headers["Location"] == "/signin/code"


def test_password__must_change__new_one_signs_in_and_others_are_signed_out(ready: Site, browser: Browser) -> None:
    other = ready.browser()
    assert give(other).headers["Location"] == "/session"
    profile(ready, password_reset_required=True)
    assert give(browser).headers["Location"] == "/signin/password"
    assert not has_session(browser)
    answer = post(browser, "/signin/password", new_password=NEW_PASSWORD, repeated=NEW_PASSWORD)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/session")
    assert has_session(browser)
    assert not has_session(other)
    assert give(ready.browser(), NEW_PASSWORD).headers["Location"] == "/session"
    assert give(ready.browser()).status_code == 401
    with ready.services.store.reading() as session:
        kinds = [receipt.kind for receipt in list_receipts(session, account_id=ready.account_id)]
    assert kinds.count("ChangePassword") == 1


@pytest.mark.parametrize(
    ("new", "repeated"),
    [(PASSWORD, PASSWORD), ("short", "short"), (NEW_PASSWORD, NEW_PASSWORD + "x"), (NEW_PASSWORD, "")],
)
def test_password__unusable__asked_again(ready: Site, browser: Browser, new: str, repeated: str) -> None:
    profile(ready, password_reset_required=True)
    give(browser)
    answer = post(browser, "/signin/password", new_password=new, repeated=repeated)
    assert answer.status_code == 400
    assert 'name="new_password"' in answer.text
    assert new not in answer.text.replace('name="new_password"', "") or new == "short"
    assert not has_session(browser)


def test_password__changed_by_another_browser_meanwhile__no_session(ready: Site, browser: Browser) -> None:
    profile(ready, password_reset_required=True)
    other = ready.browser()
    give(browser)
    give(other)
    assert post(other, "/signin/password", new_password=NEW_PASSWORD, repeated=NEW_PASSWORD).status_code == 303
    third = "Third-Horse-9-Battery"
    assert reason_of(post(browser, "/signin/password", new_password=third, repeated=third)) == "ChangedMeanwhile"
    assert has_session(other)


def test_all_steps__device_then_password__in_this_order(ready: Site, browser: Browser) -> None:
    profile(ready, mfa_bind_required=True, password_reset_required=True)
    assert give(browser).headers["Location"] == "/signin/device"
    seed = seed_of(post(browser, "/signin/device"))
    answer = post(browser, "/signin/device/codes", code1=code(ready, seed, -1), code2=code(ready, seed))
    assert answer.headers["Location"] == "/signin/password"
    assert not has_session(browser)
    answer = post(browser, "/signin/password", new_password=NEW_PASSWORD, repeated=NEW_PASSWORD)
    assert answer.headers["Location"] == "/session"
    assert "Second factor</dt><dd>Proved" in browser.get("/session").text


def test_session__of_somebody_else_in_this_browser__ends_only_when_the_steps_are_done(ready: Site) -> None:
    seed = bind(ready)
    browser = ready.signed_in(ready.owner)
    give(browser)
    assert "owner@acme.example" in browser.get("/session").text
    post(browser, "/signin/code", code=code(ready, seed))
    assert "owner@acme.example" not in browser.get("/session").text
