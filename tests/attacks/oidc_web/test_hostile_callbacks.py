"""Answers of a provider that are not what they should be: each has its own reason, and none leaves anything behind."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from gateway.directory.oidc_providers import delete_oidc_provider
from gateway.directory.oidc_sign_in import SignInWish
from gateway.directory.provider_logins import LoginSettings, Use
from gateway.errors import Reason
from tests.attacks.oidc_web.stored import everything, logins_under_way
from tests.unit.web.oidc_site import BY_EMAIL, OidcSite
from tests.unit.web.site import reason_of

R = Reason
ROLES = LoginSettings(use=Use.ROLE, roles_key="oidc:claim/roles")

CALLBACKS: dict[str, tuple[Reason, dict[str, Any]]] = {
    "no code": (R.OIDC_CALLBACK, {"code": None}),
    "empty code": (R.OIDC_CALLBACK, {"code": ""}),
    "two codes": (R.OIDC_CALLBACK, {"code": ["a", "b"]}),
    "code beyond ASCII": (R.OIDC_CALLBACK, {"code": "ü"}),
    "huge code": (R.OIDC_CALLBACK, {"code": "c" * 5000}),
    "invented code": (R.OIDC_REFUSED, {"code": "guessed"}),
    "issuer missing though announced": (R.OIDC_CALLBACK_ISSUER, {"iss": None}),
    "foreign issuer": (R.OIDC_CALLBACK_ISSUER, {"iss": "https://evil.example"}),
    "issuer with a slash": (R.OIDC_CALLBACK_ISSUER, {"iss": "http://127.0.0.1/"}),
    "issuer twice": (R.OIDC_CALLBACK, {"iss": ["a", "b"]}),
    "refused by the person": (R.OIDC_REFUSED, {"code": None, "error": "access_denied", "error_description": "No."}),
    "error beside a code": (R.OIDC_REFUSED, {"error": "server_error"}),
    "error in markup": (R.OIDC_REFUSED, {"code": None, "error": "<script>alert(1)</script>"}),
    "error of a foreign issuer": (R.OIDC_CALLBACK_ISSUER, {"iss": "https://evil.example", "error": "access_denied"}),
}


@pytest.mark.parametrize(("reason", "changes"), CALLBACKS.values(), ids=CALLBACKS)
def test_callback__bad_answer__is_refused_and_uses_the_login_up(
    oidc: OidcSite, reason: Reason, changes: dict[str, Any]
) -> None:
    oidc.register()
    browser = oidc.browser()
    url = oidc.begin(browser)
    before = everything(oidc.site.services.store)
    answer = oidc.come_back(browser, oidc.op.authorize(url, **changes))
    assert reason_of(answer) == reason
    assert "<script>alert" not in answer.text
    assert (browser.session(), logins_under_way(oidc.site.services.store)) == ("", 0)
    assert everything(oidc.site.services.store) == before


NOT_OURS: dict[str, tuple[Reason, dict[str, Any]]] = {
    "no state": (R.OIDC_CALLBACK, {"state": None}),
    "empty state": (R.OIDC_CALLBACK, {"state": ""}),
    "two states": (R.OIDC_CALLBACK, {"state": ["a", "b"]}),
    "invented state": (R.LOGIN_NOT_PENDING, {"state": "guessed"}),
    "state beyond ASCII": (R.OIDC_CALLBACK, {"state": "ü"}),
    "huge state": (R.OIDC_CALLBACK, {"state": "s" * 5000}),
}


@pytest.mark.parametrize(("reason", "changes"), NOT_OURS.values(), ids=NOT_OURS)
def test_callback__no_state_of_ours__is_refused_and_asks_the_provider_nothing(
    oidc: OidcSite, reason: Reason, changes: dict[str, Any]
) -> None:
    oidc.register()
    browser = oidc.browser()
    url = oidc.begin(browser)
    before = everything(oidc.site.services.store)
    assert reason_of(oidc.come_back(browser, oidc.op.authorize(url, **changes))) == reason
    assert "/token" not in oidc.op.paths()
    assert everything(oidc.site.services.store) == before
    assert logins_under_way(oidc.site.services.store) == 1


def test_callback__code_replayed__is_refused_without_asking_the_provider_again(oidc: OidcSite) -> None:
    oidc.register()
    browser = oidc.browser()
    url = oidc.op.authorize(oidc.begin(browser))
    assert oidc.come_back(browser, url).status_code == 303
    before = everything(oidc.site.services.store)
    assert reason_of(oidc.come_back(browser, url)) == R.LOGIN_NOT_PENDING
    assert oidc.op.paths().count("/token") == 1
    assert everything(oidc.site.services.store) == before


def test_callback__code_of_another_login_of_this_browser__is_refused(oidc: OidcSite) -> None:
    """The code was made for another challenge, so the verifier does not fit."""
    oidc.register()
    browser = oidc.browser()
    first = oidc.op.authorize(oidc.begin(browser))
    code = first.partition("code=")[2].partition("&")[0]
    second = oidc.op.authorize(oidc.begin(browser), code=code)
    assert reason_of(oidc.come_back(browser, second)) == R.OIDC_REFUSED
    assert not browser.session()


def test_callback__state_of_another_browser__is_refused_and_stays_good_there(oidc: OidcSite) -> None:
    """Login CSRF: somebody else's answer, slipped to a victim, signs nobody in; whoever began can go on."""
    oidc.register()
    attacker, victim = oidc.browser(), oidc.browser()
    oidc.begin(victim)
    url = oidc.op.authorize(oidc.begin(attacker))
    assert reason_of(oidc.come_back(victim, url)) == R.LOGIN_OTHER_BROWSER
    assert reason_of(oidc.come_back(oidc.browser(), url)) == R.LOGIN_OTHER_BROWSER
    assert not victim.session()
    assert oidc.come_back(attacker, url).status_code == 303


def test_callback__states_of_two_browsers_swapped__neither_is_signed_in(oidc: OidcSite) -> None:
    oidc.register()
    one, two = oidc.browser(), oidc.browser()
    of_one, of_two = oidc.op.authorize(oidc.begin(one)), oidc.op.authorize(oidc.begin(two))
    assert reason_of(oidc.come_back(one, of_two)) == R.LOGIN_OTHER_BROWSER
    assert reason_of(oidc.come_back(two, of_one)) == R.LOGIN_OTHER_BROWSER
    assert (one.session(), two.session()) == ("", "")


def test_callback__answer_at_the_address_of_another_provider__is_refused_and_used_up(oidc: OidcSite) -> None:
    """Mix-up: the code of one provider must not be redeemed at another."""
    other = oidc.other()
    oidc.register()
    oidc.register(name="other", op=other)
    browser = oidc.browser()
    url = oidc.op.authorize(oidc.begin(browser)).replace("/corp?", "/other?")
    assert reason_of(oidc.come_back(browser, url)) == R.LOGIN_NOT_PENDING
    assert "/token" not in oidc.op.paths() + other.paths()
    assert logins_under_way(oidc.site.services.store) == 0


def test_callback__issuer_of_another_provider_of_ours__is_refused(oidc: OidcSite) -> None:
    other = oidc.other()
    oidc.register()
    oidc.register(name="other", op=other)
    browser = oidc.browser()
    url = oidc.op.authorize(oidc.begin(browser), iss=other.issuer)
    assert reason_of(oidc.come_back(browser, url)) == R.OIDC_CALLBACK_ISSUER


def test_callback__login_begun_ten_minutes_ago__is_refused(oidc: OidcSite) -> None:
    oidc.register()
    browser = oidc.browser()
    url = oidc.op.authorize(oidc.begin(browser))
    oidc.site.clock.advance(600)
    assert reason_of(oidc.come_back(browser, url)) == R.LOGIN_NOT_PENDING


@pytest.mark.parametrize("path", ["9999999999999999/corp", "acme/corp", "{account}/ghost", "{account}/other"])
def test_callback__address_of_nobodys__is_refused(oidc: OidcSite, path: str) -> None:
    oidc.register()
    oidc.register(LoginSettings(), name="other", op=oidc.other())
    browser = oidc.browser()
    query = oidc.op.authorize(oidc.begin(browser)).partition("?")[2]
    answer = browser.get(f"/oidc/callback/{path.format(account=oidc.account_id)}?{query}")
    assert reason_of(answer) == R.SSO_DISABLED
    assert not browser.session()


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"]
)
def test_start__foreign_target__leads_home(oidc: OidcSite, target: str) -> None:
    oidc.register()
    assert oidc.sign_in(oidc.browser(), callback=target).headers["Location"] == "/session"


TOKENS: dict[str, tuple[Reason, dict[str, Any]]] = {
    "nonce of another login": (R.OIDC_NONCE, {"nonce": "other"}),
    "no nonce": (R.OIDC_NONCE, {"nonce": None}),
    "another issuer": (R.OIDC_ISSUER, {"iss": "https://evil.example"}),
    "another client": (R.OIDC_AUDIENCE, {"aud": "other"}),
    "also for a stranger": (R.OIDC_AUDIENCE_UNTRUSTED, {"aud": ["ramgate-web", "stranger"], "azp": "ramgate-web"}),
    "issued to another": (R.OIDC_AUTHORIZED_PARTY, {"azp": "other"}),
    "another access token": (R.OIDC_ACCESS_TOKEN_HASH, {"at_hash": "x"}),
    "another code": (R.OIDC_CODE_HASH, {"c_hash": "x"}),
    "expired": (R.OIDC_EXPIRED, {"exp": 1}),
    "too old": (R.OIDC_ISSUANCE_LIMIT, {"iat": 1}),
    "no subject": (R.OIDC_SUBJECT, {"sub": None}),
    "a logout token": (R.OIDC_TYPE, {"events": {}}),
    "nobody's name": (R.USER_NO_MATCH, {"email": "ghost@acme.onaliyun.com"}),
    "no name": (R.USER_NAME_CLAIM, {"email": None}),
    "address not confirmed": (R.USER_NAME_CLAIM, {"email_verified": False}),
    "foreign domain": (R.USER_DOMAIN_NOT_ACCEPTED, {"email": "alice@evil.example"}),
}


@pytest.mark.parametrize(("reason", "claims"), TOKENS.values(), ids=TOKENS)
def test_callback__bad_token__is_refused_and_nothing_stored(
    oidc: OidcSite, reason: Reason, claims: dict[str, Any]
) -> None:
    oidc.register()
    oidc.op.claims = claims
    browser = oidc.browser()
    url = oidc.op.authorize(oidc.begin(browser))
    before = everything(oidc.site.services.store)
    assert reason_of(oidc.come_back(browser, url)) == reason
    assert not browser.session()
    assert everything(oidc.site.services.store) == before


@pytest.mark.parametrize(
    ("reason", "wish", "claims"),
    [
        (R.OIDC_ACR, SignInWish(acr_values=("gold",)), {"acr": "bronze"}),
        (R.OIDC_ACR, SignInWish(acr_values=("gold",)), {}),
        (R.OIDC_AUTH_TIME, SignInWish(max_age_s=60), {}),
        (R.OIDC_AUTH_TIME, SignInWish(max_age_s=60), {"auth_time": 1}),
    ],
)
def test_callback__weaker_login_than_asked__is_refused(
    oidc: OidcSite, reason: Reason, wish: SignInWish, claims: dict[str, Any]
) -> None:
    oidc.register(wish=wish)
    oidc.op.claims = claims
    assert reason_of(oidc.sign_in(oidc.browser())) == reason


def test_callback__no_role_that_can_be_taken__is_refused_and_nothing_stored(oidc: OidcSite) -> None:
    oidc.register(ROLES)
    oidc.op.claims = {"roles": ["ghost", "acs:ram::1:role/x y"]}
    browser = oidc.browser()
    url = oidc.op.authorize(oidc.begin(browser))
    before = everything(oidc.site.services.store)
    assert reason_of(oidc.come_back(browser, url)) == R.ROLE_NONE_ALLOWED
    assert everything(oidc.site.services.store) == before


def test_callback__same_address_with_another_subject__is_not_that_user(oidc: OidcSite) -> None:
    oidc.register()
    assert oidc.sign_in(oidc.browser()).status_code == 303
    oidc.op.person = {**oidc.op.person, "sub": "somebody-else"}
    assert reason_of(oidc.sign_in(oidc.browser())) == R.USER_LINKED_ELSEWHERE


def test_callback__same_address_from_another_provider__is_not_that_user(oidc: OidcSite) -> None:
    other = oidc.other()
    oidc.register()
    oidc.register(name="other", op=other)
    assert oidc.sign_in(oidc.browser()).status_code == 303
    browser = oidc.browser()
    answer = oidc.come_back(browser, other.authorize(oidc.begin(browser, name="other")))
    assert reason_of(answer) == R.USER_LINKED_ELSEWHERE


Change = Callable[[OidcSite], None]


def _delete(oidc: OidcSite) -> None:
    with oidc.site.services.store.transaction() as session:
        delete_oidc_provider(session, oidc.account_id, "corp")


def _make_anew(oidc: OidcSite) -> None:
    _delete(oidc)
    oidc.register(replace(BY_EMAIL))


MEANWHILE: dict[str, tuple[Reason, Change]] = {
    "provider deleted": (R.SSO_DISABLED, _delete),
    "provider made anew": (R.LOGIN_NOT_PENDING, _make_anew),
    "client changed": (R.LOGIN_NOT_PENDING, lambda oidc: oidc.wish(SignInWish(), client_id="another")),
    "level raised": (R.LOGIN_NOT_PENDING, lambda oidc: oidc.wish(SignInWish(acr_values=("gold",)))),
    "age lowered": (R.LOGIN_NOT_PENDING, lambda oidc: oidc.wish(SignInWish(max_age_s=1))),
}


@pytest.mark.parametrize(("reason", "change"), MEANWHILE.values(), ids=MEANWHILE)
def test_callback__settings_changed_meanwhile__login_is_over(oidc: OidcSite, reason: Reason, change: Change) -> None:
    oidc.register()
    browser = oidc.browser()
    url = oidc.op.authorize(oidc.begin(browser))
    change(oidc)
    assert reason_of(oidc.come_back(browser, url)) == reason
    assert not browser.session()
    assert "/token" not in oidc.op.paths()


def test_callback__provider_deleted_while_its_code_is_redeemed__signs_nobody_in(oidc: OidcSite) -> None:
    oidc.register()
    browser = oidc.browser()
    url = oidc.op.authorize(oidc.begin(browser))
    right = oidc.op.jwks

    def deleted_now() -> tuple[int, Any]:
        _delete(oidc)
        return right()

    oidc.site.services.oidc_providers.forget(oidc.op.issuer)
    oidc.op.answers = {"/jwks": deleted_now}
    assert reason_of(oidc.come_back(browser, url)) in {R.SSO_DISABLED, R.LOGIN_NOT_PENDING}
    assert not browser.session()
