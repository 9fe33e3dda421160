"""The page of sessions: who is signed in, a page at a time, and ending it."""

import re
from datetime import timedelta

import pytest

from gateway.audit.receipts import list_receipts
from gateway.errors import Reason
from gateway.sts import live_sessions
from gateway.sts.live_sessions import list_live_sessions
from gateway.sts.sessions import end_session
from tests.unit.web.saml_logout_site import is_in, role_login, role_site
from tests.unit.web.site import Browser, Site, reason_of

PATH = "/admin/sessions"


def revoke(browser: Browser, kind: str, value: str) -> str:
    form = {"csrf_token": browser.csrf(PATH), "kind": kind, "value": value}
    answer = browser.post(PATH + "/revoke", data=form)
    return answer.headers["Location"] if answer.status_code == 303 else reason_of(answer)


def ids_on(text: str) -> list[str]:
    return re.findall(r'name="value" value="([0-9A-F-]{36})"', text)


def test_listing__live_sessions__says_who_since_when_and_from_where(site: Site) -> None:
    owner = site.signed_in(site.owner)
    role_login(site, role_site(site))
    site.signed_in(site.alice)
    text = owner.get(PATH).text
    for told in ("owner@acme.example", "this is you", "reader as alice", "alice@example.com", "saml-provider/corp"):
        assert told in text
    assert "a password" in text
    assert len(ids_on(text)) == 3


def test_listing__ended_expired_or_revoked_sessions__are_not_there(site: Site) -> None:
    owner, alice = site.signed_in(site.owner), site.signed_in(site.alice)
    role = role_login(site, role_site(site))
    assert len(ids_on(owner.get(PATH).text)) == 3
    cookie = alice.get_cookie("__Host-ramgate_session", domain="sso.example.com")
    assert cookie is not None
    with site.services.store.transaction() as session:
        end_session(session, cookie.value, site.clock.now())
    assert revoke(owner, "role", "reader") == PATH
    assert not is_in(role)
    assert len(ids_on(owner.get(PATH).text)) == 1


def test_listing__more_than_a_page__goes_on_where_it_stopped(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_sessions, "PAGE", 2)
    owner = site.signed_in(site.owner)
    for _ in range(4):
        site.signed_in(site.alice)
    seen: list[str] = []
    path: str | None = PATH
    while path is not None:
        text = owner.get(path).text
        assert len(ids_on(text)) <= 2
        seen += ids_on(text)
        found = re.search(r'href="(/admin/sessions\?after=[^"]+)"', text)
        path = found[1] if found else None
    assert len(seen) == len(set(seen)) == 5


@pytest.mark.parametrize("after", ["x", "1", "-1_a", "9" * 30, "999999999999999999_x", "%00", "_"])
def test_listing__page_that_is_none__is_refused_or_empty(site: Site, after: str) -> None:
    assert site.signed_in(site.owner).get(f"{PATH}?after={after}").status_code in {200, 400}


def test_revoke__one_session__ends_that_one_and_leaves_a_receipt(site: Site) -> None:
    owner, one, two = site.signed_in(site.owner), site.signed_in(site.alice), site.signed_in(site.alice)
    with site.services.store.reading() as session:
        live = list_live_sessions(session, site.services.ring, site.account_id, site.clock.now()).sessions
    target = live[0] if live[0].principal == site.alice else live[1]
    assert revoke(owner, "session", target.session_id) == PATH
    assert sorted([is_in(one), is_in(two)]) == [False, True]
    assert is_in(owner)
    with site.services.store.reading() as session:
        receipt = list_receipts(session, account_id=site.account_id)[0]
    assert (receipt.kind, receipt.details["entity"]) == ("RevokeSessions", f"session/{target.session_id}")


def test_revoke__new_sign_in__is_let_in_again(site: Site) -> None:
    owner, alice = site.signed_in(site.owner), site.signed_in(site.alice)
    assert revoke(owner, "user", "alice") == PATH
    assert not is_in(alice)
    site.clock.advance(1)
    assert is_in(site.signed_in(site.alice))


@pytest.mark.parametrize(
    ("kind", "value", "reason"),
    [
        ("everything", "x", Reason.PARAMETER_INVALID),
        ("session", "x", Reason.PARAMETER_INVALID),
        ("user", "nobody", Reason.NOT_FOUND),
        ("provider", "acs:ram::1111111111111111:saml-provider/corp", Reason.NOT_FOUND),
        ("provider", "corp", Reason.ARN_MALFORMED),
    ],
)
def test_revoke__what_can_not_be_meant__is_refused(site: Site, kind: str, value: str, reason: Reason) -> None:
    assert revoke(site.signed_in(site.owner), kind, value) == reason


def test_sessions__without_the_right__are_hidden_and_stay(site: Site) -> None:
    owner, alice = site.signed_in(site.owner), site.signed_in(site.alice)
    token = owner.csrf(PATH)
    assert reason_of(alice.get(PATH)) == Reason.ACCESS_DENIED
    own = alice.csrf("/session")
    refused = alice.post(PATH + "/revoke", data={"csrf_token": own, "kind": "user", "value": "alice"})
    assert reason_of(refused) == Reason.ACCESS_DENIED
    assert reason_of(owner.post(PATH + "/revoke", data={"kind": "user", "value": "alice"})) == Reason.CSRF
    stranger = site.browser().post(PATH + "/revoke", data={"csrf_token": token, "kind": "user", "value": "alice"})
    assert stranger.status_code in {400, 401}
    assert is_in(alice)


def test_listing__sessions_of_another_account__are_not_there(site: Site) -> None:
    with site.services.store.reading() as session:
        now = site.clock.now() + timedelta(seconds=1)
        found = list_live_sessions(session, site.services.ring, "1111111111111111", now)
    assert (list(found.sessions), found.next_after) == ([], "")
