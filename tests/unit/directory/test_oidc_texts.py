"""Issuers on somebody's own machine: by plain http, and nowhere else."""

import pytest

from gateway.directory.oidc_providers import create_oidc_provider
from gateway.directory.oidc_texts import check_issuer_url, issuer_key
from gateway.errors import AlreadyExists, InputError, Reason
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.unit.directory.world import ACCOUNT, refused

LOOPBACK = ["http://127.0.0.1:8081", "http://localhost/tenant", "http://[::1]:1", "http://127.9.9.9"]
ELSEWHERE = [
    "http://idp.example.com",
    "http://10.0.0.1",
    "http://127.0.0.1.example.com",
    "http://localhost.example.com",
    "http://0.0.0.0",
    "http://127.1",
    "http://2130706433",
    "http://user@127.0.0.1",
    "http://127.0.0.1?x",
    "ftp://127.0.0.1",
    "http:///x",
]


@pytest.mark.parametrize("url", LOOPBACK)
def test_check_issuer_url__http_on_loopback__in_development_only(url: str) -> None:
    check_issuer_url(url, development=True)
    with refused(InputError, Reason.PARAMETER_INVALID, "IssuerUrl"):
        check_issuer_url(url)


@pytest.mark.parametrize("url", ELSEWHERE)
def test_check_issuer_url__http_elsewhere__never(url: str) -> None:
    with refused(InputError, Reason.PARAMETER_INVALID, "IssuerUrl"):
        check_issuer_url(url, development=True)


def test_issuer_key__http__is_not_https_of_the_same_name() -> None:
    assert issuer_key("http://localhost:80/") == issuer_key("http://LOCALHOST")
    assert issuer_key("http://localhost") != issuer_key("https://localhost")


@pytest.mark.usefixtures("account")
def test_create_oidc_provider__on_loopback__only_where_it_is_said(store: Store) -> None:
    url = "http://127.0.0.1:8081"
    with refused(InputError, Reason.PARAMETER_INVALID, "IssuerUrl"), store.transaction() as session:
        create_oidc_provider(session, ACCOUNT, "one", url, now=NOON)
    with store.transaction() as session:
        create_oidc_provider(session, ACCOUNT, "one", url, development=True, now=NOON)
    with (
        refused(AlreadyExists, Reason.ALREADY_EXISTS, "OIDCProvider.IssuerUrl"),
        store.transaction() as session,
    ):
        create_oidc_provider(session, ACCOUNT, "two", url + "/", development=True, now=NOON)
