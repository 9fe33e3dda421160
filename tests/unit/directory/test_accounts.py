"""Accounts, their owners and the domains of their users."""

import pytest
from sqlalchemy.orm import Session

from gateway.directory.accounts import (
    check_owner_password,
    create_account,
    get_account,
    list_accounts,
    set_alias,
    set_login_session_duration,
)
from gateway.directory.domains import (
    add_domain_alias,
    default_domain,
    find_account,
    list_domain_aliases,
    remove_domain_alias,
    set_auxiliary_domain,
)
from gateway.errors import AlreadyExists, CredentialError, InputError, NotFound, Reason
from gateway.secret import Secret
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.unit.directory.world import ACCOUNT, OTHER_ACCOUNT, refused

PASSWORD = Secret("correct horse")
SUFFIX = "onaliyun.com"


def make(session: Session, alias: str | None = "acme", login: str = "Root@Acme.example") -> str:
    return create_account(
        session, alias=alias, display_name="Acme Ltd.", owner_login=login, owner_password=PASSWORD, now=NOON
    ).id


def test_create_account__no_alias__goes_by_its_id(store: Store) -> None:
    with store.transaction() as session:
        account_id = make(session, alias=None)
    with store.reading() as session:
        account = get_account(session, account_id)
        assert account.alias == account.id
        assert default_domain(account, SUFFIX) == f"{account_id}.{SUFFIX}"
        assert account.created_at == NOON
        assert account.login_session_duration_h == 6
        assert [each.id for each in list_accounts(session)] == [account_id]


def test_create_account__alias_or_owner_taken__refused_and_transaction_usable(store: Store) -> None:
    with store.transaction() as session:
        make(session)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "AccountAlias"):
            make(session, login="other@example.com")
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "OwnerLogin"):
            make(session, alias="another", login="ROOT@acme.EXAMPLE")
        make(session, alias="another", login="other@example.com")


@pytest.mark.parametrize(
    "alias",
    ["ab", "a" * 64, "Acme", "-acme", "acme-", "ac--me", "ac.me", "ac_me", "", "acmé", "acme\n", "1234567890123456"],
)
def test_set_alias__malformed__refused(store: Store, account: str, alias: str) -> None:
    with refused(InputError, Reason.PARAMETER_INVALID, "AccountAlias"), store.transaction() as session:
        set_alias(session, account, alias)


@pytest.mark.parametrize("alias", ["abc", "a" * 63, "a-b-c", "123456789012345"])
def test_set_alias__well_formed__is_the_alias(store: Store, account: str, alias: str) -> None:
    with store.transaction() as session:
        set_alias(session, account, alias)
    with store.reading() as session:
        assert get_account(session, account).alias == alias


def test_set_alias__of_another_account__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "AccountAlias"):
            set_alias(session, account, "other")
        assert get_account(session, account).alias == "company"


def test_set_alias__none__goes_back_to_the_id(store: Store, account: str) -> None:
    with store.transaction() as session:
        set_alias(session, account, None)
        assert get_account(session, account).alias == account


@pytest.mark.parametrize("account_id", ["", "0000000000000000", "company", "1234567890123456\0", "١٢٣٤٥٦٧٨٩٠١٢٣٤٥٦"])
def test_get_account__unknown__not_found(store: Store, account: str, account_id: str) -> None:
    with store.transaction() as session:
        with refused(NotFound, Reason.NOT_FOUND, "Account"):
            get_account(session, account_id)
        with refused(NotFound, Reason.NOT_FOUND, "Account"):
            set_alias(session, account_id, None)


@pytest.mark.parametrize(("hours", "accepted"), [(0, False), (1, True), (24, True), (25, False)])
def test_set_login_session_duration__hours__accepted_from_1_to_24(
    store: Store, account: str, hours: int, accepted: bool
) -> None:
    with store.transaction() as session:
        if accepted:
            set_login_session_duration(session, account, hours)
            assert get_account(session, account).login_session_duration_h == hours
        else:
            with refused(InputError, Reason.PARAMETER_INVALID, "LoginSessionDuration"):
                set_login_session_duration(session, account, hours)


def test_check_owner_password__right__gives_the_account(store: Store) -> None:
    with store.transaction() as session:
        account_id = make(session)
    with store.reading() as session:
        assert check_owner_password(session, "root@ACME.example", PASSWORD).id == account_id


@pytest.mark.parametrize(
    ("login", "password"),
    [
        ("root@acme.example", "correct horsf"),
        ("root@acme.example", ""),
        ("root@acme.example", "correct horse\0"),
        ("root@acme.example", "\ud800"),
        ("nobody@acme.example", "correct horse"),
        ("root@acme.example\0", "correct horse"),
        ("\ud800", "correct horse"),
        ("", ""),
    ],
    ids=ascii,
)
def test_check_owner_password__wrong__same_refusal(store: Store, login: str, password: str) -> None:
    with store.transaction() as session:
        make(session)
    with store.reading() as session, pytest.raises(CredentialError) as caught:
        check_owner_password(session, login, Secret(password))
    assert caught.value.reason is Reason.LOGIN_FAILED
    assert caught.value.public == "the login name or the password is wrong"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (ACCOUNT, ACCOUNT),
        ("company", ACCOUNT),
        ("COMPANY", ACCOUNT),
        (" company ", ACCOUNT),
        (f"company.{SUFFIX}", ACCOUNT),
        (f"Company.{SUFFIX.upper()}", ACCOUNT),
        (f"{ACCOUNT}.{SUFFIX}", ACCOUNT),
        ("sso.example.com", ACCOUNT),
        ("SSO.Example.COM", ACCOUNT),
        ("auxiliary.example.com", None),
        ("example.com", None),
        (SUFFIX, None),
        (f".{SUFFIX}", None),
        ("company.", None),
        ("", None),
        ("company\0", None),
        ("\ud800", None),
        ("x" * 10_000, None),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_find_account__any_name_it_goes_by__found(store: Store, account: str, text: str, found: str | None) -> None:
    with store.transaction() as session:
        add_domain_alias(session, account, "SSO.example.com", NOON)
        set_auxiliary_domain(session, account, "auxiliary.example.com")
    with store.reading() as session:
        result = find_account(session, text, SUFFIX)
    assert (None if result is None else result.id) == found


def test_find_account__domain_alias_that_is_anothers_default_domain__leads_to_the_other(
    store: Store, account: str
) -> None:
    with store.transaction() as session:
        add_domain_alias(session, account, f"other.{SUFFIX}", NOON)
    with store.reading() as session:
        found = find_account(session, f"other.{SUFFIX}", SUFFIX)
        assert found is not None
        assert found.id == OTHER_ACCOUNT


def test_add_domain_alias__taken_by_any_account__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        add_domain_alias(session, account, "example.com", NOON)
        for account_id in (account, OTHER_ACCOUNT):
            with refused(AlreadyExists, Reason.ALREADY_EXISTS, "DomainAlias"):
                add_domain_alias(session, account_id, "EXAMPLE.com", NOON)


@pytest.mark.parametrize(
    "domain", ["", "example", "-a.com", "a-.com", "a..com", ".com", "a.com.", "a_b.com", "exämple.com", "a b.com",
               "a.com\n", "x" * 64 + ".com", ".".join(["x" * 60] * 5)]
)  # fmt: skip
def test_add_domain_alias__no_domain_name__refused(store: Store, account: str, domain: str) -> None:
    with store.transaction() as session:
        with refused(InputError, Reason.PARAMETER_INVALID, "DomainAlias"):
            add_domain_alias(session, account, domain, NOON)
        with refused(InputError, Reason.PARAMETER_INVALID, "AuxiliaryDomain"):
            set_auxiliary_domain(session, account, domain)


def test_remove_domain_alias__own_and_others__only_own(store: Store, account: str) -> None:
    with store.transaction() as session:
        add_domain_alias(session, account, "example.com", NOON)
        with refused(NotFound, Reason.NOT_FOUND, "DomainAlias"):
            remove_domain_alias(session, OTHER_ACCOUNT, "example.com")
        remove_domain_alias(session, account, "Example.com")
        assert list_domain_aliases(session, account) == []
        with refused(NotFound, Reason.NOT_FOUND, "DomainAlias"):
            remove_domain_alias(session, account, "example.com")


def test_set_auxiliary_domain__two_accounts__may_share_it(store: Store, account: str) -> None:
    with store.transaction() as session:
        for account_id in (account, OTHER_ACCOUNT):
            set_auxiliary_domain(session, account_id, "Example.com")
        set_auxiliary_domain(session, OTHER_ACCOUNT, None)
        assert get_account(session, account).auxiliary_domain == "example.com"
        assert get_account(session, OTHER_ACCOUNT).auxiliary_domain is None
