"""Our client at an OpenID Provider: its secret or key is sealed, kept until it is replaced, and never given away."""

from dataclasses import replace

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.directory.oidc_providers import OidcProvider, create_oidc_provider, delete_oidc_provider, get_oidc_provider
from gateway.directory.oidc_sign_in import (
    OidcSignIn,
    OidcSignInRow,
    SignInWish,
    client_keys,
    delete_oidc_sign_in,
    find_oidc_sign_in,
    list_sign_in_providers,
    set_oidc_sign_in,
)
from gateway.directory.provider_keys import oidc_provider_key
from gateway.directory.provider_logins import LoginSettings, Use, set_login_settings
from gateway.errors import CredentialError, InputError, NotFound, Reason
from gateway.keyring import KeyRing, new_master_key
from gateway.oidc.client_authentication import ClientMethod
from gateway.secret import Secret
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT, refused

RING = KeyRing((new_master_key(),))
SECRET = Secret("s3cret")

pytestmark = pytest.mark.usefixtures("account")


def provider(session: Session, name: str = "corp", account_id: str = ACCOUNT) -> OidcProvider:
    return create_oidc_provider(session, account_id, name, f"https://{name}.example.com", now=NOON)


def set_up(
    session: Session,
    found: OidcProvider,
    *,
    method: ClientMethod = ClientMethod.BASIC,
    secret: Secret | None = SECRET,
    wish: SignInWish | None = None,
    client_id: str = "web",
) -> None:
    set_oidc_sign_in(
        session,
        RING,
        found,
        client_id=client_id,
        method=method,
        client_secret=secret,
        wish=wish or SignInWish(),
        now=NOON,
    )


def found_of(session: Session, name: str = "corp") -> OidcSignIn:
    found = find_oidc_sign_in(session, RING, get_oidc_provider(session, ACCOUNT, name))
    assert found is not None
    return found


def test_set_oidc_sign_in__all_of_it__comes_back(store: Store) -> None:
    wish = SignInWish(("email", "openid"), ("gold", "silver"), ("login", "consent"), 0, reads_user_info=True)
    with store.transaction() as session:
        set_up(session, provider(session), wish=wish)
    with store.reading() as session:
        found = found_of(session)
    assert found.client.secret is not None
    assert (found.client.client_id, found.client.secret.reveal()) == ("web", "s3cret")
    assert found.wish == replace(wish, scopes=("openid", "email"))


def test_set_oidc_sign_in__no_secret__leaves_the_one_that_is_there(store: Store) -> None:
    with store.transaction() as session:
        set_up(session, provider(session))
    with store.transaction() as session:
        found = get_oidc_provider(session, ACCOUNT, "corp")
        set_up(session, found, method=ClientMethod.POST, secret=None, client_id="other")
    with store.reading() as session:
        changed = found_of(session)
    assert changed.client.secret is not None
    assert changed.client.secret.reveal() == "s3cret"
    assert (changed.client.client_id, changed.client.method) == ("other", ClientMethod.POST)


def test_set_oidc_sign_in__from_key_to_secret__needs_one(store: Store) -> None:
    with store.transaction() as session:
        set_up(session, provider(session), method=ClientMethod.PRIVATE_KEY, secret=None)
    with refused(InputError, Reason.PARAMETER_MISSING, "ClientSecret"), store.transaction() as session:
        set_up(session, get_oidc_provider(session, ACCOUNT, "corp"), secret=None)


def test_client_keys__key__is_made_once_and_its_public_half_published(store: Store) -> None:
    with store.transaction() as session:
        set_up(session, provider(session), method=ClientMethod.PRIVATE_KEY, secret=None)
    with store.transaction() as session:
        found = get_oidc_provider(session, ACCOUNT, "corp")
        (before,) = client_keys(session, RING, found)
        set_up(session, found, method=ClientMethod.PRIVATE_KEY, secret=None, client_id="other")
        (after,) = client_keys(session, RING, found)
    assert before == after
    assert set(before) == {"kty", "crv", "x", "y", "kid", "alg", "use"}


def test_client_keys__secret_or_nothing__none(store: Store) -> None:
    with store.transaction() as session:
        found = provider(session)
        assert client_keys(session, RING, found) == ()
        set_up(session, found)
        assert client_keys(session, RING, found) == ()


def test_find_oidc_sign_in__row_copied_to_another_provider__can_not_be_opened(store: Store) -> None:
    with store.transaction() as session:
        one, two = provider(session), provider(session, "two")
        set_up(session, one)
        set_up(session, two)
        rows = {row.provider_id: row for row in session.scalars(select(OidcSignInRow))}
        rows[two.id].sealed = rows[one.id].sealed
    with store.reading() as session, pytest.raises(CredentialError) as caught:
        found_of(session, "two")
    assert caught.value.reason is Reason.TOKEN_MALFORMED


BAD: dict[str, tuple[str, dict[str, object]]] = {
    "no client ID": ("ClientId", {"client_id": ""}),
    "client ID beyond ASCII": ("ClientId", {"client_id": "ü"}),
    "client ID with a line": ("ClientId", {"client_id": "a\nb"}),
    "secret with a line": ("ClientSecret", {"secret": Secret("a\nb")}),
    "secret too long": ("ClientSecret", {"secret": Secret("s" * 1025)}),
    "scope with a space": ("Scopes", {"wish": SignInWish(scopes=("a b",))}),
    "too many scopes": ("Scopes", {"wish": SignInWish(scopes=tuple(map(str, range(21))))}),
    "empty level": ("AcrValues", {"wish": SignInWish(acr_values=("",))}),
    "unknown prompt": ("Prompt", {"wish": SignInWish(prompt=("please",))}),
    "none and login": ("Prompt", {"wish": SignInWish(prompt=("none", "login"))}),
    "negative age": ("MaxAge", {"wish": SignInWish(max_age_s=-1)}),
    "huge age": ("MaxAge", {"wish": SignInWish(max_age_s=10**9)}),
}


@pytest.mark.parametrize(("subject", "changes"), BAD.values(), ids=BAD)
def test_set_oidc_sign_in__unusable__is_refused(store: Store, subject: str, changes: dict[str, object]) -> None:
    with refused(InputError, Reason.PARAMETER_INVALID, subject), store.transaction() as session:
        set_up(session, provider(session), **changes)  # type: ignore[arg-type]


def test_delete_oidc_sign_in__gone__and_not_there_twice(store: Store) -> None:
    with store.transaction() as session:
        found = provider(session)
        set_up(session, found)
        delete_oidc_sign_in(session, found)
        assert find_oidc_sign_in(session, RING, found) is None
    with refused(NotFound, Reason.NOT_FOUND, "OIDCProvider.SignIn"), store.transaction() as session:
        delete_oidc_sign_in(session, get_oidc_provider(session, ACCOUNT, "corp"))


def test_delete_oidc_provider__with_a_client__takes_it_along(store: Store) -> None:
    with store.transaction() as session:
        set_up(session, provider(session))
        delete_oidc_provider(session, ACCOUNT, "corp")
    with store.reading() as session:
        assert session.scalars(select(OidcSignInRow)).all() == []


def test_list_sign_in_providers__client_and_use__by_name_and_of_this_account_only(store: Store) -> None:
    with store.transaction() as session:
        for account_id, name, use, has_client in (
            (ACCOUNT, "zeta", Use.ROLE, True),
            (ACCOUNT, "alpha", Use.BOTH, True),
            (ACCOUNT, "exchange", Use.EXCHANGE_ONLY, True),
            (ACCOUNT, "no-client", Use.ROLE, False),
            (OTHER_ACCOUNT, "theirs", Use.ROLE, True),
        ):
            found = provider(session, name, account_id)
            settings = LoginSettings(use=use, logon_name_key="oidc:sub")
            set_login_settings(session, account_id, oidc_provider_key(found.id), settings, now=NOON)
            if has_client:
                set_up(session, found)
        set_up(session, provider(session, "never-set"))
    with store.reading() as session:
        assert [found.name for found in list_sign_in_providers(session, ACCOUNT)] == ["alpha", "zeta"]
        assert list_sign_in_providers(session, "9999999999999999") == ()
