"""What sign-ins by password leave behind, let in or refused."""

import pytest

from gateway.audit.notary import notary_of
from gateway.audit.packing import pack
from gateway.audit.receipts import Receipt, list_receipts
from gateway.audit.stored import verify_database
from gateway.audit.why import find_out
from gateway.directory.security_preference import SecurityChange, set_security_preference
from gateway.errors import Reason
from tests.unit.web.signing_in import bind, give, post
from tests.unit.web.site import PASSWORD, Browser, Site
from tests.unit.web.test_signin import give_password
from tests.unit.web.test_signin_throttle import ALICE, NO_USER, NOBODY, OWNER, attempt


def refusals(site: Site) -> list[Receipt]:
    """Oldest first."""
    with site.services.store.reading() as session:
        return [each for each in reversed(list_receipts(session)) if each.kind == "LoginRefused"]


def story(site: Site, request_id: str) -> str:
    with site.services.store.reading() as session:
        return "\n".join(find_out(session, request_id).story.lines)


@pytest.mark.parametrize(
    ("who", "consumer", "known"),
    [(ALICE, "password", True), (OWNER, "owner's password", True), (NO_USER, "password", False)],
    ids=["user", "owner", "no user"],
)
def test_login__wrong_password__leaves_a_record_without_the_name(
    site: Site, browser: Browser, who: tuple[str, str, str], consumer: str, *, known: bool
) -> None:
    give_password(site)
    answer = attempt(browser, who)
    (receipt,) = refusals(site)
    assert receipt.request_id == answer.headers["X-Request-Id"]
    assert (receipt.reason, receipt.outcome, receipt.account_id) == ("LoginFailed", "Refused", site.account_id)
    details = receipt.details
    assert (details["consumer"], details["times"], details["client"]) == (consumer, 1, "127.0.0.1")
    assert bool(details["holder"]) is known
    told = story(site, receipt.request_id)
    assert "LoginRefused by somebody who wanted to sign in by password: Refused, because of LoginFailed." in told
    assert who[2] not in str(receipt) + told
    assert "Wrong-Horse-7" not in str(receipt)


def test_login__owner_nobody_knows__record_belongs_to_no_account(site: Site, browser: Browser) -> None:
    attempt(browser, NOBODY)
    (receipt,) = refusals(site)
    assert (receipt.account_id, receipt.details["holder"]) == (None, "")


def test_login__same_name_in_a_minute__one_record_and_the_count_later(site: Site, browser: Browser) -> None:
    give_password(site)
    for spelling in ("alice", "ALICE", " alice ", "alice@acme.onaliyun.com"):
        attempt(browser, ("/acme/login.htm", "user", spelling))
    assert len(refusals(site)) == 1
    site.clock.advance(60)
    pack(site.services.store, site.clock)
    assert [each.details["times"] for each in refusals(site)] == [1, 3]
    attempt(browser, ALICE)
    assert [each.details["times"] for each in refusals(site)] == [1, 3, 1]


def test_login__throttled__is_a_record_of_its_own(site: Site, browser: Browser) -> None:
    give_password(site)
    for _ in range(7):
        attempt(browser, ALICE)
    assert [each.reason for each in refusals(site)] == ["LoginFailed", "LoginThrottled"]


def test_login__from_a_network_that_is_not_allowed__leaves_a_record(site: Site, browser: Browser) -> None:
    give_password(site)
    with site.services.store.transaction() as session:
        set_security_preference(session, site.account_id, SecurityChange(login_network_masks="10.0.0.0/8"))
    attempt(browser, ALICE, PASSWORD)
    (receipt,) = refusals(site)
    assert receipt.reason == Reason.LOGIN_NETWORK.value


def test_code__wrong__leaves_a_record_of_whose_it_was(site: Site, browser: Browser) -> None:
    give_password(site)
    bind(site)
    give(browser)
    answer = post(browser, "/signin/code", code="000000")
    (receipt,) = refusals(site)
    assert receipt.request_id == answer.headers["X-Request-Id"]
    assert (receipt.details["consumer"], receipt.details["holder"]) == ("second factor", site.alice.user_id)
    assert "where: second factor" in story(site, receipt.request_id)


def test_login__right_password__says_how_and_what_bounds_it(site: Site, browser: Browser) -> None:
    give_password(site)
    answer = attempt(browser, ALICE, PASSWORD)
    assert answer.status_code == 303
    with site.services.store.reading() as session:
        (receipt,) = list_receipts(session, request_id=answer.headers["X-Request-Id"])
    details = receipt.details
    assert (receipt.kind, details["method"], details["second_factor"]) == ("PasswordLogin", "password", "none")
    assert details["duration_s"] == 6 * 3600
    assert details["caps"] == [f"{details['duration_cap']}: {6 * 3600}"]


def test_refusals__any__leave_a_chain_that_is_sound(site: Site, browser: Browser) -> None:
    for who in (ALICE, OWNER, NOBODY, NO_USER):
        attempt(browser, who)
    with site.services.store.reading() as session:
        assert verify_database(session, notary_of(session)).sound
    assert len(refusals(site)) == 4
