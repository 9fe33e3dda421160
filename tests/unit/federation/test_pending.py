from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from threading import Barrier

import pytest
from sqlalchemy import func, select

from gateway.asking import Asked
from gateway.errors import AuthenticationError, InputError, Reason
from gateway.federation.aims import STEP_UP, Aim, person_mark
from gateway.federation.pending import PendingLogin, PendingLoginRow, begin_login, take_pending
from gateway.store.engine import Store
from tests.company import BROWSER
from tests.fake_clock import NOON

REQUEST_ID = "_c0ffee"


def begin(store: Store, *, request_id: str = REQUEST_ID, browser: str = BROWSER, now: datetime = NOON) -> None:
    with store.transaction() as session:
        begin_login(
            session,
            account_id="1234567890123456",
            browser=browser,
            target="/session",
            request_id=request_id,
            now=now,
        )


def take(store: Store, *, browser: str = BROWSER, after_s: float = 0) -> PendingLogin:
    with store.transaction() as session:
        return take_pending(session, REQUEST_ID, browser, NOON + timedelta(seconds=after_s))


def refused(store: Store, *, browser: str = BROWSER, after_s: float = 0) -> Reason:
    with pytest.raises(AuthenticationError) as caught:
        take(store, browser=browser, after_s=after_s)
    return caught.value.reason


def test_take_pending__same_browser__gives_account_and_target(store: Store) -> None:
    begin(store)
    assert take(store) == PendingLogin(REQUEST_ID, "1234567890123456", "/session")


def test_take_pending__second_time__refused(store: Store) -> None:
    begin(store)
    take(store)
    assert refused(store) is Reason.LOGIN_NOT_PENDING


def test_take_pending__unknown_request__refused(store: Store) -> None:
    assert refused(store) is Reason.LOGIN_NOT_PENDING


@pytest.mark.parametrize("browser", ["somebody-else", ""])
def test_take_pending__another_browser__refused_and_not_used_up(store: Store, browser: str) -> None:
    begin(store)
    assert refused(store, browser=browser) is Reason.LOGIN_OTHER_BROWSER
    take(store)


def test_take_pending__after_ten_minutes__refused(store: Store) -> None:
    begin(store)
    assert refused(store, after_s=600) is Reason.LOGIN_NOT_PENDING
    take(store, after_s=599.999)


def test_take_pending__transaction_rolled_back__is_pending_again(store: Store) -> None:
    begin(store)
    with store.transaction() as session:
        take_pending(session, REQUEST_ID, BROWSER, NOON)
        session.rollback()
    take(store)


def test_take_pending__two_at_once__one_wins(store: Store) -> None:
    begin(store)
    gate = Barrier(4)

    def attempt(_: int) -> str:
        gate.wait()
        try:
            take(store)
        except AuthenticationError as error:
            return error.reason
        return "in"

    with ThreadPoolExecutor(4) as threads:
        assert sorted(threads.map(attempt, range(4))) == [Reason.LOGIN_NOT_PENDING] * 3 + ["in"]


def test_begin_login__no_browser__refused(sqlite_store: Store) -> None:
    with pytest.raises(InputError) as caught:
        begin(sqlite_store, browser="")
    assert caught.value.reason is Reason.PARAMETER_MISSING


def test_begin_login__expired_ones__are_swept(store: Store) -> None:
    begin(store, request_id="_old")
    begin(store, request_id="_new", now=NOON + timedelta(minutes=11))
    with store.reading() as session:
        assert session.scalars(select(PendingLoginRow.request_id)).all() == ["_new"]


def test_begin_login__stored_row__does_not_hold_the_cookie(sqlite_store: Store) -> None:
    begin(sqlite_store)
    with sqlite_store.reading() as session:
        assert session.scalars(select(PendingLoginRow.browser_hash)).one() != BROWSER
        assert session.scalar(select(func.count()).select_from(PendingLoginRow)) == 1


def test_begin_login__what_was_asked_and_wanted__comes_back_with_the_answer(store: Store) -> None:
    asked = Asked(("urn:a",), NOON, "urn:x:y", passive=True, artifact=True)
    aim = Aim("acs:ram::1234567890123456:role/reader", "300000000000000001", person_mark("saml", "arn", "alice"))
    with store.transaction() as session:
        begin_login(
            session,
            account_id="1234567890123456",
            browser=BROWSER,
            target="/session",
            request_id=REQUEST_ID,
            now=NOON,
            purpose=STEP_UP,
            provider_key="saml:7",
            asked=asked,
            aim=aim,
        )
    expected = PendingLogin(REQUEST_ID, "1234567890123456", "/session", STEP_UP, "saml:7", asked, aim)
    assert take(store) == expected


def test_begin_login__stored_aim__names_no_person(sqlite_store: Store) -> None:
    begin(sqlite_store)
    mark = person_mark("saml", "arn", "alice@example.com")
    assert "alice" not in mark
    assert mark != person_mark("saml", "arn", "bob@example.com")
    assert mark != person_mark("oidc", "arn", "alice@example.com")
    assert person_mark("saml", "a", '"b') != person_mark("saml", 'a"', "b")
