"""From an OIDC login to a user: linked, matched or made, and never somebody else's."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from gateway.directory.accounts import get_account
from gateway.directory.claimed_groups import claimed_groups
from gateway.directory.groups import create_group
from gateway.directory.identity_links import find_linked_user
from gateway.directory.provider_keys import oidc_provider_key
from gateway.directory.provider_logins import LoginSettings, Use
from gateway.directory.users import create_user, update_user
from gateway.errors import GatewayError, Reason
from gateway.federation.facts import LoginFacts
from gateway.federation.persons import Person, derive_groups, find_person
from gateway.federation.vouching import Voucher
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.unit.directory.world import ACCOUNT

SUFFIX = "onaliyun.com"
SETTINGS = LoginSettings(use=Use.USER, logon_name_key="oidc:claim/preferred_username", login_with_domain=False)
MAKING = replace(SETTINGS, creates_users=True, new_user_group="guests", new_user_days=7)
NAME = "oidc:claim/preferred_username"


def voucher(settings: LoginSettings = SETTINGS, number: int = 1) -> Voucher:
    arn = f"acs:ram::{ACCOUNT}:oidc-provider/idp{number}"
    return Voucher(oidc_provider_key(number), arn, ACCOUNT, "ab" * 32, settings)


def facts(subject: str = "248289761001") -> LoginFacts:
    return LoginFacts(
        protocol="oidc",
        issuer="https://idp.example.com",
        subject=subject,
        subject_type="",
        assertion_id="sha256:x",
        certificate_fingerprint="ab" * 32,
        recipient="",
        not_on_or_after=NOON + timedelta(minutes=5),
        session_not_on_or_after=None,
        attributes={},
        audiences=("client",),
        authn_instant=None,
        authn_context=None,
    )


def person(
    session: Session, *, settings: LoginSettings = SETTINGS, subject: str = "248289761001", number: int = 1, **said: str
) -> Person:
    context = {f"oidc:claim/{name}": (value,) for name, value in said.items()}
    account = get_account(session, ACCOUNT)
    return find_person(session, account, voucher(settings, number), facts(subject), context, suffix=SUFFIX, now=NOON)


def refusal(store: Store, **how: object) -> Reason:
    with pytest.raises(GatewayError) as caught, store.transaction() as session:
        person(session, **how)  # type: ignore[arg-type]
    return caught.value.reason


@pytest.mark.usefixtures("account")
def test_find_person__first_login_matches__later_ones_go_by_the_subject_alone(store: Store) -> None:
    with store.transaction() as session:
        alice = create_user(session, ACCOUNT, "alice", now=NOON)
        found = person(session, preferred_username="Alice")
        assert (found.user.id, found.how) == (alice.id, f"matched by {NAME}")
    with store.transaction() as session:
        update_user(session, ACCOUNT, "alice", new_name="alice.smith", now=NOON)
        create_user(session, ACCOUNT, "bob", now=NOON)
        again = person(session, preferred_username="bob")  # what she is called upstream today does not matter
        assert (again.user.id, again.how) == (alice.id, "linked by the subject")


@pytest.mark.parametrize(("subject", "number"), [("another", 1), ("248289761001", 2)])
@pytest.mark.usefixtures("account")
def test_find_person__same_name_from_another_subject_or_provider__refused(
    store: Store, subject: str, number: int
) -> None:
    with store.transaction() as session:
        create_user(session, ACCOUNT, "alice", now=NOON)
        person(session, preferred_username="alice")
    for settings in (SETTINGS, MAKING):
        reason = refusal(store, subject=subject, number=number, settings=settings, preferred_username="alice")
        assert reason is Reason.USER_LINKED_ELSEWHERE


@pytest.mark.parametrize(
    ("settings", "said", "reason"),
    [
        (SETTINGS, {"preferred_username": "nobody"}, Reason.USER_NO_MATCH),
        (SETTINGS, {}, Reason.USER_NAME_CLAIM),
        (SETTINGS, {"preferred_username": "alice@company.onaliyun.com"}, Reason.USER_DOMAIN_NOT_ACCEPTED),
        (replace(SETTINGS, login_with_domain=True), {"preferred_username": "alice"}, Reason.USER_DOMAIN_NOT_ACCEPTED),
        (
            replace(SETTINGS, login_with_domain=True),
            {"preferred_username": "alice@elsewhere.example"},
            Reason.USER_DOMAIN_NOT_ACCEPTED,
        ),
        (MAKING, {"preferred_username": "not a name"}, Reason.USER_NO_MATCH),
        (MAKING, {"preferred_username": ""}, Reason.USER_NO_MATCH),
        (MAKING, {"preferred_username": "a\0b"}, Reason.USER_NO_MATCH),
    ],
)
@pytest.mark.usefixtures("account")
def test_find_person__nobody__refused_and_nothing_made(
    store: Store, settings: LoginSettings, said: dict[str, str], reason: Reason
) -> None:
    with store.transaction() as session:
        create_user(session, ACCOUNT, "alice", now=NOON)
    assert refusal(store, settings=settings, **said) is reason
    with store.reading() as session:
        assert find_linked_user(session, oidc_provider_key(1), ACCOUNT, "248289761001") is None


@pytest.mark.parametrize("verified", [None, "false", "yes"])
@pytest.mark.usefixtures("account")
def test_find_person__address_that_is_not_verified__names_nobody(store: Store, verified: str | None) -> None:
    settings = replace(SETTINGS, logon_name_key="oidc:claim/email", login_with_domain=True)
    address = "alice@company.onaliyun.com"
    with store.transaction() as session:
        create_user(session, ACCOUNT, "alice", now=NOON)
    said = {"email": address} | ({} if verified is None else {"email_verified": verified})
    assert refusal(store, settings=settings, **said) is Reason.USER_NAME_CLAIM
    with store.transaction() as session:
        assert person(session, settings=settings, email=address, email_verified="true").user.name == "alice"


@pytest.mark.usefixtures("account")
def test_find_person__account_wants_users_made__made_once_and_put_into_the_group_for_a_while(store: Store) -> None:
    with store.transaction() as session:
        guests = create_group(session, ACCOUNT, "guests", now=NOON)
        made = person(session, settings=MAKING, preferred_username="carol")
        assert (made.user.name, made.user.provision_type, made.how) == ("carol", "Federated", f"made by {NAME}")
        end = NOON + timedelta(hours=6)
        assert derive_groups(session, made, voucher(MAKING), {}, session_ends_at=end, now=NOON).counting == ("guests",)
    with store.transaction() as session:
        again = person(session, settings=MAKING, preferred_username="carol")
        assert again.user.id == made.user.id
        assert claimed_groups(session, made.user.id, NOON) == ((guests.id,), NOON + timedelta(days=7))
        assert claimed_groups(session, made.user.id, NOON + timedelta(days=7)) == ((), None)


@pytest.mark.usefixtures("account")
def test_derive_groups__claim_names_groups__as_long_as_the_session_and_only_those_named(store: Store) -> None:
    settings = replace(SETTINGS, groups_key="OIDC:claim/groups")
    end = NOON + timedelta(hours=6)
    with store.transaction() as session:
        create_user(session, ACCOUNT, "alice", now=NOON)
        for name in ("staff", "ops"):
            create_group(session, ACCOUNT, name, now=NOON)
        alice = person(session, settings=settings, preferred_username="alice")
        for said, expected in ((("staff", "unknown"), ("staff",)), (("ops",), ("ops",)), ((), ())):
            context = {"oidc:claim/groups": said}
            groups = derive_groups(session, alice, voucher(settings), context, session_ends_at=end, now=NOON)
            assert groups.counting == expected
            assert len(claimed_groups(session, alice.user.id, NOON)[0]) == len(expected)
