"""Logins under way at an OpenID Provider: one browser, one provider, once."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from gateway.errors import AuthenticationError, InputError, Reason
from gateway.federation.oidc_pending import BegunLogin, PendingOidcLoginRow, save_oidc_login, take_oidc_login
from gateway.keyring import KeyRing, new_master_key
from gateway.secret import Secret
from gateway.store.engine import Store
from tests.fake_clock import NOON

RING = KeyRing((new_master_key(),))
LOGIN = BegunLogin(
    Secret("nonce"), Secret("verifier"), "https://op.example.com", "web", "https://us", 60, ("gold",), "/security"
)


def save(store: Store, *, state: str = "state", browser: str = "browser", ring: KeyRing = RING) -> None:
    with store.transaction() as session:
        save_oidc_login(session, ring, state=state, provider_id=1, browser=browser, login=LOGIN, now=NOON)


def take(
    store: Store, *, state: str = "state", browser: str = "browser", provider_id: int = 1, after_s: float = 0
) -> BegunLogin:
    refused: AuthenticationError | None = None
    now = NOON + timedelta(seconds=after_s)
    with store.transaction() as session:
        try:
            return take_oidc_login(session, RING, state=state, provider_id=provider_id, browser=browser, now=now)
        except AuthenticationError as error:
            refused = error
    raise refused


def reason(store: Store, **asked: object) -> Reason:
    with pytest.raises(AuthenticationError) as caught:
        take(store, **asked)  # type: ignore[arg-type]
    return caught.value.reason


def test_take__saved__comes_back_once(store: Store) -> None:
    save(store)
    taken = take(store, after_s=599)
    assert (taken.nonce.reveal(), taken.code_verifier.reveal()) == ("nonce", "verifier")
    assert (taken.max_age_s, taken.acr_values, taken.target) == (60, ("gold",), "/security")
    assert reason(store) is Reason.LOGIN_NOT_PENDING


def test_take__unknown_state__refused(store: Store) -> None:
    save(store)
    assert reason(store, state="guessed") is Reason.LOGIN_NOT_PENDING
    assert take(store) is not None


def test_take__ten_minutes_later__refused(store: Store) -> None:
    save(store)
    assert reason(store, after_s=600) is Reason.LOGIN_NOT_PENDING


@pytest.mark.parametrize("browser", ["", "another"])
def test_take__another_browser__refused_and_not_used_up(store: Store, browser: str) -> None:
    save(store)
    assert reason(store, browser=browser) is Reason.LOGIN_OTHER_BROWSER
    assert take(store) is not None


def test_take__another_provider__refused_and_used_up(store: Store) -> None:
    save(store)
    assert reason(store, provider_id=2) is Reason.LOGIN_NOT_PENDING
    assert reason(store) is Reason.LOGIN_NOT_PENDING


def test_take__sealed_under_a_key_that_is_gone__refused(store: Store) -> None:
    save(store, ring=KeyRing((new_master_key(),)))
    assert reason(store) is Reason.LOGIN_NOT_PENDING


def test_save__no_browser__refused(store: Store) -> None:
    with pytest.raises(InputError) as caught:
        save(store, browser="")
    assert caught.value.reason is Reason.PARAMETER_MISSING


def test_save__row__tells_nothing_that_could_finish_the_login(store: Store) -> None:
    save(store, state="the-state", browser="the-browser")
    with store.reading() as session:
        row = session.scalars(select(PendingOidcLoginRow)).one()
    stored = f"{row.state_hash} {row.browser_hash} {row.sealed!r}"
    for secret in ("the-state", "the-browser", "verifier", "nonce"):
        assert secret not in stored


def test_save__expired_ones__are_swept(store: Store) -> None:
    save(store, state="old")
    later = NOON + timedelta(hours=1)
    with store.transaction() as session:
        save_oidc_login(session, RING, state="new", provider_id=1, browser="b", login=LOGIN, now=later)
    with store.reading() as session:
        assert len(session.scalars(select(PendingOidcLoginRow)).all()) == 1
