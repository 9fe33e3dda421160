"""A provider that is deleted leaves nothing behind: the next one may get its number."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select, text
from sqlalchemy.orm import Session

from gateway.asking import RequestOptions
from gateway.directory.claimed_groups import claimed_groups, replace_claimed_groups
from gateway.directory.identity_links import find_linked_user, link_user, page_links
from gateway.directory.mapping_rules import RuleContent, create_rule, list_rules, move_rule
from gateway.directory.oidc_providers import create_oidc_provider, delete_oidc_provider
from gateway.directory.provider_keys import oidc_provider_key, saml_provider_key
from gateway.directory.provider_logins import LoginSettings, Use, get_login_settings, set_login_settings
from gateway.directory.request_options import get_request_options, set_request_options
from gateway.directory.saml_providers import create_saml_provider, delete_saml_provider
from gateway.directory.users import User
from gateway.errors import NotFound, Reason
from gateway.federation.oidc_pending import BegunLogin, save_oidc_login
from gateway.federation.pending import PendingLoginRow, begin_login
from gateway.federation.saml_logouts import PendingSamlLogoutRow, offer_logout
from gateway.keyring import KeyRing, new_master_key
from gateway.secret import Secret
from gateway.store.engine import Store
from gateway.store.paging import Page
from tests.fake_clock import NOON
from tests.identities import idp_metadata
from tests.sessions import make_provenance
from tests.unit.directory.world import ACCOUNT, group, refused, stamp, user

RING = KeyRing((new_master_key(),))
CONTENT = RuleContent("{}", (f"acs:ram::{ACCOUNT}:role/reader",), "${oidc:sub}")
SETTINGS = LoginSettings(use=Use.ROLE, second_factors=("mfa",))
Make = Callable[[Session], str]
Delete = Callable[[Session], None]

pytestmark = pytest.mark.usefixtures("account")


def make_oidc(session: Session) -> str:
    made = create_oidc_provider(session, ACCOUNT, "corp", "https://op.example.com", now=NOON)
    login = BegunLogin(Secret("n"), Secret("v"), "https://op.example.com", "web", "https://x", None, (), "/session")
    save_oidc_login(session, RING, state="state", provider_id=made.id, browser="b", login=login, now=NOON)
    return oidc_provider_key(made.id)


def make_saml(session: Session) -> str:
    return saml_provider_key(create_saml_provider(session, ACCOUNT, "corp", idp_metadata(), now=NOON).id)


KINDS: dict[str, tuple[Make, Delete]] = {
    "oidc": (make_oidc, lambda session: delete_oidc_provider(session, ACCOUNT, "corp")),
    "saml": (make_saml, lambda session: delete_saml_provider(session, ACCOUNT, "corp")),
}


def furnish(session: Session, key: str, alice: User) -> None:
    create_rule(session, ACCOUNT, key, "all", CONTENT, now=NOON)
    link_user(session, key, "77", alice, now=NOON)
    set_login_settings(session, ACCOUNT, key, SETTINGS, now=NOON)
    replace_claimed_groups(session, alice, key, {"staff": NOON + timedelta(hours=1)})
    set_request_options(session, ACCOUNT, key, RequestOptions(force_authn=True), now=NOON)
    begin_login(
        session,
        account_id=ACCOUNT,
        browser="b",
        target="/",
        request_id=f"_{key}",
        now=NOON,
        provider_key=key,
    )
    offer_logout(session, RING, session_id="S", origin=make_provenance(), provider_key=key, browser="b", now=NOON)


@pytest.mark.parametrize(("make", "delete"), KINDS.values(), ids=KINDS)
def test_delete_provider__everything_kept_for_it__is_gone(store: Store, make: Make, delete: Delete) -> None:
    other = "oidc:999"
    with store.transaction() as session:
        alice, bob = user(session), user(session, "bob")
        group(session)
        key = make(session)
        furnish(session, key, alice)
        furnish(session, other, bob)
        before = stamp(session)
    with store.transaction() as session:
        delete(session)
    with store.reading() as session:
        assert stamp(session) != before
        assert list_rules(session, key) == []
        assert find_linked_user(session, key, ACCOUNT, "77") is None
        assert get_login_settings(session, key, LoginSettings()) == LoginSettings()
        assert claimed_groups(session, alice.id, NOON) == ((), None)
        assert get_request_options(session, key) == RequestOptions()
        assert session.get(PendingLoginRow, f"_{key}") is None
        assert get_request_options(session, other).force_authn
        assert session.get(PendingLoginRow, f"_{other}") is not None
        assert len(list_rules(session, other)) == 1
        assert find_linked_user(session, other, ACCOUNT, "77") is not None
        assert claimed_groups(session, bob.id, NOON)[0]
        assert session.scalars(select(PendingSamlLogoutRow.provider_key)).all() == [other]
        connection: Connection = session.connection()
        assert connection.execute(text("SELECT count(*) FROM pending_oidc_logins")).scalar() == 0


def test_page_links__several__by_user_and_in_pages(store: Store) -> None:
    with store.transaction() as session:
        people = [user(session, name) for name in ("one", "two", "three")]
        for number, person in enumerate(people):
            link_user(session, "oidc:1", str(number), person, now=NOON)
        link_user(session, "oidc:2", "0", user(session, "else"), now=NOON)
    with store.reading() as session:
        first = page_links(session, "oidc:1", Page(2))
        assert first.next_after is not None
        rest = page_links(session, "oidc:1", Page(2, first.next_after))
    assert rest.next_after is None
    assert {found.name for _, found in (*first.rows, *rest.rows)} == {"one", "two", "three"}


@pytest.mark.parametrize(("place", "order"), [(1, "cab"), (2, "acb"), (3, "abc"), (99, "abc"), (0, "cab")])
def test_move_rule__to_a_place__others_make_room(store: Store, place: int, order: str) -> None:
    with store.transaction() as session:
        for name in "abc":
            create_rule(session, ACCOUNT, "oidc:1", name, CONTENT, now=NOON)
    with store.transaction() as session:
        move_rule(session, ACCOUNT, "oidc:1", "c", place)
    with store.reading() as session:
        assert "".join(row.name for row in list_rules(session, "oidc:1")) == order


def test_move_rule__unknown__not_found(store: Store) -> None:
    with refused(NotFound, Reason.NOT_FOUND, "MappingRule"), store.transaction() as session:
        move_rule(session, ACCOUNT, "oidc:1", "ghost", 1)
