"""OpenID Providers."""

from datetime import timedelta

import pytest

from gateway.directory import quotas
from gateway.directory.oidc_providers import (
    OidcProvider,
    add_client_id,
    add_fingerprint,
    create_oidc_provider,
    delete_oidc_provider,
    find_oidc_provider,
    get_oidc_provider,
    list_oidc_providers,
    remove_client_id,
    remove_fingerprint,
    update_oidc_provider,
)
from gateway.directory.oidc_texts import check_issuer_url, issuer_key
from gateway.directory.revocations import find_revocation
from gateway.errors import AlreadyExists, InputError, LimitExceeded, NotFound, Reason
from gateway.store.engine import Store
from gateway.store.paging import Page
from tests.fake_clock import NOON
from tests.unit.directory.world import OTHER_ACCOUNT, refused

ISSUER = "https://token.ci.example/"
PRINT = "902ef2deeb3c5b13ea4c3d5193629309e231ae55"
LATER = NOON + timedelta(hours=1)


def test_create_oidc_provider__everything_given__is_found_by_any_case_of_its_name(store: Store, account: str) -> None:
    with store.transaction() as session:
        create_oidc_provider(
            session,
            account,
            "CI",
            ISSUER,
            client_ids=["app", "sts.example.com", "app"],
            fingerprints=[PRINT, PRINT.upper()],
            issuance_limit_h=6,
            description="pipelines",
            now=NOON,
        )
    with store.reading() as session:
        found = get_oidc_provider(session, account, "ci")
        assert find_oidc_provider(session, OTHER_ACCOUNT, "CI") is None
    assert (found.name, found.arn) == ("CI", f"acs:ram::{account}:oidc-provider/CI")
    assert (found.issuer_url, found.client_ids) == (ISSUER, ("app", "sts.example.com"))
    assert [print_.lower() for print_ in found.fingerprints] == [PRINT]
    assert (found.issuance_limit_h, found.description, found.created_at) == (6, "pipelines", NOON)


def test_create_oidc_provider__nothing_optional__trusts_no_client_for_twelve_hours(store: Store, account: str) -> None:
    with store.transaction() as session:
        provider = create_oidc_provider(session, account, "ci", ISSUER, now=NOON)
        assert (provider.client_ids, provider.fingerprints, provider.issuance_limit_h) == ((), (), 12)


@pytest.mark.parametrize("name", ["", "-ci", "ci_", ".", "c i", "a" * 129, "ci\n", "ci/x", "çi"])
def test_create_oidc_provider__malformed_name__refused(store: Store, account: str, name: str) -> None:
    with store.transaction() as session, pytest.raises(InputError) as caught:
        create_oidc_provider(session, account, name, ISSUER, now=NOON)
    assert caught.value.subject == "OIDCProviderName"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "http://ci.example",
        "HTTPS://ci.example",
        "https://",
        "https:///path",
        "https://ci.example?x",
        "https://ci.example/#",
        "https://user@ci.example",
        "https://ci.example:99999",
        "https://ci.example:0",
        "https://ci.example/a/../b",
        "https://ci.example/%2e%2E/b",
        "https://ci.example/a/.",
        "https://ci.example\\evil",
        "https://ci.example/ ",
        "https://ci.example/\x00",
        "https://[::1",
        "https://[::zz]/",
        "https://[:::]/",
        "https://exämple.org",
        "javascript:alert(1)",
    ],
)
def test_check_issuer_url__not_a_plain_https_url__refused(url: str) -> None:
    with refused(InputError, Reason.PARAMETER_INVALID, "IssuerUrl"):
        check_issuer_url(url)


def test_check_issuer_url__longest__accepted_and_one_more_refused() -> None:
    url = "https://ci.example/" + "a" * 236
    assert len(url) == 255
    check_issuer_url(url)
    check_issuer_url("https://[2001:db8::1]:8443/realms/main")
    with refused(InputError, Reason.PARAMETER_TOO_LONG, "IssuerUrl"):
        check_issuer_url(url + "a")


def test_issuer_key__other_spelling_of_the_same__is_equal() -> None:
    assert issuer_key("https://CI.example:443/") == issuer_key("https://ci.example")
    assert issuer_key("https://ci.example/A") != issuer_key("https://ci.example/a")
    assert issuer_key("https://ci.example:8443") != issuer_key("https://ci.example")


def test_create_oidc_provider__same_name_or_issuer__refused_in_this_account_only(store: Store, account: str) -> None:
    with store.transaction() as session:
        create_oidc_provider(session, account, "ci", "https://CI.example", now=NOON)
        for url in ("https://other.example", "https://CI.example"):
            with refused(AlreadyExists, Reason.ALREADY_EXISTS, "OIDCProvider"):
                create_oidc_provider(session, account, "CI", url, now=NOON)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "OIDCProvider.IssuerUrl"):
            create_oidc_provider(session, account, "ci-2", "https://ci.example:443/", now=NOON)
        create_oidc_provider(session, OTHER_ACCOUNT, "ci", "https://ci.example", now=NOON)


def test_create_oidc_provider__one_too_many__refused(
    store: Store, account: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quotas, "OIDC_PROVIDERS_PER_ACCOUNT", 1)
    with store.transaction() as session:
        create_oidc_provider(session, account, "ci", ISSUER, now=NOON)
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "OIDCProvider"):
            create_oidc_provider(session, account, "ci-2", "https://other.example", now=NOON)


@pytest.mark.parametrize("client_id", ["", "-app", "a b", "a,b", "app\n", "äpp", "a\x00"])
def test_create_oidc_provider__malformed_client_id__refused(store: Store, account: str, client_id: str) -> None:
    with store.transaction() as session, refused(InputError, Reason.PARAMETER_INVALID, "ClientIds"):
        create_oidc_provider(session, account, "ci", ISSUER, client_ids=[client_id], now=NOON)


@pytest.mark.parametrize("fingerprint", ["", "12:34", "12 34", "1,2"])
def test_create_oidc_provider__malformed_fingerprint__refused(store: Store, account: str, fingerprint: str) -> None:
    with store.transaction() as session, refused(InputError, Reason.PARAMETER_INVALID, "Fingerprints"):
        create_oidc_provider(session, account, "ci", ISSUER, fingerprints=[fingerprint], now=NOON)


def test_create_oidc_provider__too_many_or_too_long_items__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "OIDCProvider.ClientId"):
            create_oidc_provider(session, account, "ci", ISSUER, client_ids=map(str, range(51)), now=NOON)
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "OIDCProvider.Fingerprint"):
            create_oidc_provider(session, account, "ci", ISSUER, fingerprints=map(str, range(6)), now=NOON)
        with refused(InputError, Reason.PARAMETER_TOO_LONG, "ClientIds"):
            create_oidc_provider(session, account, "ci", ISSUER, client_ids=["a" * 129], now=NOON)
        with refused(InputError, Reason.PARAMETER_INVALID, "IssuanceLimitTime"):
            create_oidc_provider(session, account, "ci", ISSUER, issuance_limit_h=169, now=NOON)
        assert find_oidc_provider(session, account, "ci") is None


def test_client_ids__added_and_removed__one_by_one(store: Store, account: str) -> None:
    with store.transaction() as session:
        create_oidc_provider(session, account, "ci", ISSUER, now=NOON)
        add_client_id(session, account, "ci", "app", LATER)
        provider = add_client_id(session, account, "ci", "APP", LATER)
        assert (provider.client_ids, provider.updated_at) == (("app", "APP"), LATER)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "OIDCProvider.ClientId"):
            add_client_id(session, account, "ci", "app", LATER)
        with refused(InputError, Reason.PARAMETER_INVALID, "ClientId"):
            add_client_id(session, account, "ci", "x,y", LATER)
        assert remove_client_id(session, account, "ci", "app", LATER).client_ids == ("APP",)
        assert remove_client_id(session, account, "ci", "APP", LATER).client_ids == ()
        with refused(NotFound, Reason.NOT_FOUND, "OIDCProvider.ClientId"):
            remove_client_id(session, account, "ci", "APP", LATER)


def test_add_client_id__fifty_are_there__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        create_oidc_provider(session, account, "ci", ISSUER, client_ids=map(str, range(50)), now=NOON)
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "OIDCProvider.ClientId"):
            add_client_id(session, account, "ci", "one-more", LATER)


def test_fingerprints__added_and_removed__in_any_case(store: Store, account: str) -> None:
    with store.transaction() as session:
        create_oidc_provider(session, account, "ci", ISSUER, fingerprints=list("1234"), now=NOON)
        assert add_fingerprint(session, account, "ci", "Ab", LATER).fingerprints == ("1", "2", "3", "4", "Ab")
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "OIDCProvider.Fingerprint"):
            add_fingerprint(session, account, "ci", "aB", LATER)
        with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "OIDCProvider.Fingerprint"):
            add_fingerprint(session, account, "ci", "cd", LATER)
        assert remove_fingerprint(session, account, "ci", "AB", LATER).fingerprints == ("1", "2", "3", "4")
        with refused(NotFound, Reason.NOT_FOUND, "OIDCProvider.Fingerprint"):
            remove_fingerprint(session, account, "ci", "ab", LATER)


def test_update_oidc_provider__some_things_given__leaves_the_rest(store: Store, account: str) -> None:
    with store.transaction() as session:
        create_oidc_provider(session, account, "ci", ISSUER, client_ids=["app"], description="old", now=NOON)
        changed = update_oidc_provider(session, account, "CI", client_ids=["one", "two"], now=LATER)
        assert (changed.client_ids, changed.issuance_limit_h, changed.description) == (("one", "two"), 12, "old")
        changed = update_oidc_provider(session, account, "ci", issuance_limit_h=168, description="", now=LATER)
        assert (changed.client_ids, changed.issuance_limit_h, changed.description) == (("one", "two"), 168, "")
        with refused(InputError, Reason.PARAMETER_TOO_LONG, "NewDescription"):
            update_oidc_provider(session, account, "ci", description="a" * 257, now=LATER)
        with refused(NotFound, Reason.NOT_FOUND, "OIDCProvider"):
            update_oidc_provider(session, OTHER_ACCOUNT, "ci", description="mine", now=LATER)


def test_delete_oidc_provider__existing__ends_what_came_from_it(store: Store, account: str) -> None:
    with store.transaction() as session:
        arn = create_oidc_provider(session, account, "ci", ISSUER, now=NOON).arn
        delete_oidc_provider(session, account, "CI")
        assert find_oidc_provider(session, account, "ci") is None
        assert find_revocation(session, [("provider", arn)], NOON) == ("provider", arn)
        with refused(NotFound, Reason.NOT_FOUND, "OIDCProvider"):
            delete_oidc_provider(session, account, "ci")
        create_oidc_provider(session, account, "ci", ISSUER, now=LATER)


def test_list_oidc_providers__more_than_a_page__goes_on_behind_the_last(store: Store, account: str) -> None:
    with store.transaction() as session:
        for number in range(5):
            create_oidc_provider(session, account, f"ci-{number}", f"https://{number}.example", now=NOON)
        create_oidc_provider(session, OTHER_ACCOUNT, "theirs", ISSUER, now=NOON)
    names: list[str] = []
    with store.reading() as session:
        page: str | None = ""
        while page is not None:
            found = list_oidc_providers(session, account, Page(2, page))
            names += [provider.name for provider in found.rows]
            page = found.next_after
    assert names == [f"ci-{number}" for number in range(5)]


def test_add_client_id__row_was_read_before_another_process_changed_it__loses_nothing(
    store: Store, account: str
) -> None:
    with store.transaction() as session:
        create_oidc_provider(session, account, "ci", ISSUER, now=NOON)
    with store.reading() as early:
        stale = get_oidc_provider(early, account, "ci")
        with store.transaction() as session:
            add_client_id(session, account, "ci", "one", LATER)
        assert stale.client_ids == ()
    with store.transaction() as session:
        session.merge(stale, load=False)
        assert add_client_id(session, account, "ci", "two", LATER).client_ids == ("one", "two")
        assert session.query(OidcProvider).count() == 1
