"""OpenID Providers, through the official client."""

import secrets
from typing import Any

import pytest
from alibabacloud_ims20190815.models import (
    AddClientIdToOIDCProviderRequest,
    AddFingerprintToOIDCProviderRequest,
    CreateOIDCProviderRequest,
    DeleteOIDCProviderRequest,
    GetOIDCProviderRequest,
    ListOIDCProvidersRequest,
    RemoveClientIdFromOIDCProviderRequest,
    RemoveFingerprintFromOIDCProviderRequest,
    UpdateOIDCProviderRequest,
)

from tests.wire.refusal import refusal
from tests.wire.seed import Seed

PRINT = "902ef2deeb3c5b13ea4c3d5193629309e231ae55"


@pytest.fixture
def name() -> str:
    return "Ci-" + secrets.token_hex(4)


def create(company: Seed, name: str, **fields: Any) -> Any:
    request = CreateOIDCProviderRequest(oidcprovider_name=name, issuer_url=f"https://{name}.example/realm/", **fields)
    return company.ims().create_oidcprovider(request).body.oidcprovider


def get(company: Seed, name: str) -> Any:
    return company.ims().get_oidcprovider(GetOIDCProviderRequest(oidcprovider_name=name)).body.oidcprovider


def test_create_oidc_provider__all_fields__are_read_back(company: Seed, name: str) -> None:
    made = create(
        company,
        name,
        client_ids="app, https://tool.example/x",
        fingerprints=PRINT,
        issuance_limit_time=24,
        description="pipelines",
    )
    found = get(company, name.upper())
    assert found.to_map() == made.to_map()
    assert found.arn == f"acs:ram::{company.account_id}:oidc-provider/{name}"
    assert (found.oidcprovider_name, found.issuer_url) == (name, f"https://{name}.example/realm/")
    assert (found.client_ids, found.fingerprints) == ("app,https://tool.example/x", PRINT)
    assert (found.issuance_limit_time, found.description) == (24, "pipelines")
    assert found.create_date == found.update_date
    assert int(found.gmt_create) // 1000 == int(found.gmt_modified) // 1000 > 1_700_000_000


def test_create_oidc_provider__twice__refused_by_name_and_by_issuer(company: Seed, name: str) -> None:
    create(company, name)
    error = refusal(create, company, name)
    assert (error.status_code, error.code) == (409, "EntityAlreadyExists.OIDCProvider")
    request = CreateOIDCProviderRequest(oidcprovider_name=name + "2", issuer_url=f"https://{name}.EXAMPLE:443/realm")
    error = refusal(company.ims().create_oidcprovider, request)
    assert (error.status_code, error.code) == (409, "EntityAlreadyExists.OIDCProvider.IssuerUrl")


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"oidcprovider_name": "-x"}, "InvalidParameter.OIDCProviderName.InvalidChars"),
        ({"oidcprovider_name": None}, "MissingParameter"),
        ({"issuer_url": "http://ci.example"}, "InvalidParameter.IssuerUrl"),
        ({"issuer_url": "https://a@ci.example"}, "InvalidParameter.IssuerUrl"),
        ({"issuer_url": None}, "MissingParameter"),
        ({"client_ids": ",".join("x" * 51)}, None),
        ({"client_ids": "a,,b"}, "InvalidParameter.ClientIds"),
        ({"client_ids": ",".join(map(str, range(51)))}, "LimitExceeded.OIDCProvider.ClientId"),
        ({"client_ids": "a" * 129}, "InvalidParameter.ClientIds.Length"),
        ({"fingerprints": "1,2,3,4,5,6"}, "LimitExceeded.OIDCProvider.Fingerprint"),
        ({"fingerprints": "12:34"}, "InvalidParameter.Fingerprints"),
        ({"issuance_limit_time": 169}, "InvalidParameter.IssuanceLimitTime"),
        ({"issuance_limit_time": -1}, "InvalidParameter.IssuanceLimitTime"),
        ({"description": "a" * 257}, "InvalidParameter.Description.Length"),
        ({"description": "a\x00"}, "InvalidParameter.Encoding"),
    ],
)
def test_create_oidc_provider__one_thing_wrong__refused_and_nothing_stored(
    company: Seed, name: str, fields: dict[str, Any], code: str | None
) -> None:
    request = CreateOIDCProviderRequest(
        **{"oidcprovider_name": name, "issuer_url": f"https://{name}.example", **fields}
    )
    if code is None:  # the same client fifty-one times is one client
        assert company.ims().create_oidcprovider(request).body.oidcprovider.client_ids == "x"
        return
    assert refusal(company.ims().create_oidcprovider, request).code == code
    error = refusal(get, company, name)
    assert (error.status_code, error.code) == (404, "EntityNotExist.OIDCProvider")


def test_update_oidc_provider__new_clients_and_text__keep_the_rest(company: Seed, name: str) -> None:
    create(company, name, client_ids="old", fingerprints=PRINT, description="old")
    request = UpdateOIDCProviderRequest(
        oidcprovider_name=name, client_ids="one,two", issuance_limit_time=168, new_description="new"
    )
    changed = company.ims().update_oidcprovider(request).body.oidcprovider
    assert (changed.client_ids, changed.issuance_limit_time, changed.description) == ("one,two", 168, "new")
    assert changed.fingerprints == PRINT
    assert get(company, name).to_map() == changed.to_map()
    missing = UpdateOIDCProviderRequest(oidcprovider_name=name + "x", new_description="new")
    assert refusal(company.ims().update_oidcprovider, missing).code == "EntityNotExist.OIDCProvider"


def test_client_ids__added_and_removed__one_by_one(company: Seed, name: str) -> None:
    ims = company.ims()
    create(company, name)
    add = AddClientIdToOIDCProviderRequest(oidcprovider_name=name, client_id="app")
    assert ims.add_client_id_to_oidcprovider(add).body.oidcprovider.client_ids == "app"
    error = refusal(ims.add_client_id_to_oidcprovider, add)
    assert (error.status_code, error.code) == (409, "EntityAlreadyExists.OIDCProvider.ClientId")
    remove = RemoveClientIdFromOIDCProviderRequest(oidcprovider_name=name, client_id="app")
    assert not ims.remove_client_id_from_oidcprovider(remove).body.oidcprovider.client_ids
    error = refusal(ims.remove_client_id_from_oidcprovider, remove)
    assert (error.status_code, error.code) == (404, "EntityNotExist.OIDCProvider.ClientId")


def test_fingerprints__added_and_removed__one_by_one(company: Seed, name: str) -> None:
    ims = company.ims()
    create(company, name)
    add = AddFingerprintToOIDCProviderRequest(oidcprovider_name=name, fingerprint=PRINT)
    assert ims.add_fingerprint_to_oidcprovider(add).body.oidcprovider.fingerprints == PRINT
    error = refusal(ims.add_fingerprint_to_oidcprovider, add)
    assert (error.status_code, error.code) == (409, "EntityAlreadyExists.OIDCProvider.Fingerprint")
    remove = RemoveFingerprintFromOIDCProviderRequest(oidcprovider_name=name, fingerprint=PRINT.upper())
    assert not ims.remove_fingerprint_from_oidcprovider(remove).body.oidcprovider.fingerprints
    error = refusal(ims.remove_fingerprint_from_oidcprovider, remove)
    assert (error.status_code, error.code) == (404, "EntityNotExist.OIDCProvider.Fingerprint")


def test_list_oidc_providers__in_pages__gives_each_once(company: Seed, name: str) -> None:
    ims = company.ims()
    names = {create(company, f"{name}-{number}").oidcprovider_name for number in range(3)}
    seen: list[str] = []
    marker: str | None = None
    while True:
        body = ims.list_oidcproviders(ListOIDCProvidersRequest(marker=marker, max_items=2)).body
        seen += [row.oidcprovider_name for row in body.oidcproviders.oidcprovider]
        marker = body.marker
        if not body.is_truncated:
            break
    assert len(seen) == len(set(seen))
    assert names <= set(seen)
    request = ListOIDCProvidersRequest(max_items=1001)
    assert refusal(ims.list_oidcproviders, request).code == "InvalidParameter.MaxItems"


def test_delete_oidc_provider__existing__is_gone(company: Seed, name: str) -> None:
    create(company, name)
    request = DeleteOIDCProviderRequest(oidcprovider_name=name)
    company.ims().delete_oidcprovider(request)
    assert refusal(get, company, name).code == "EntityNotExist.OIDCProvider"
    assert refusal(company.ims().delete_oidcprovider, request).code == "EntityNotExist.OIDCProvider"


def test_oidc_providers__user_without_rights__is_denied_every_operation(company: Seed, name: str) -> None:
    create(company, name)
    reader = company.new_user("AliyunRAMReadOnlyAccess")
    ims = company.ims(*reader.key)
    assert ims.get_oidcprovider(GetOIDCProviderRequest(oidcprovider_name=name)).body.oidcprovider.client_ids is not None
    named = {"oidcprovider_name": name}
    calls = [
        (ims.create_oidcprovider, CreateOIDCProviderRequest(**named, issuer_url="https://x.example")),
        (ims.update_oidcprovider, UpdateOIDCProviderRequest(**named, new_description="mine")),
        (ims.delete_oidcprovider, DeleteOIDCProviderRequest(**named)),
        (ims.add_client_id_to_oidcprovider, AddClientIdToOIDCProviderRequest(**named, client_id="a")),
        (ims.remove_client_id_from_oidcprovider, RemoveClientIdFromOIDCProviderRequest(**named, client_id="a")),
        (ims.add_fingerprint_to_oidcprovider, AddFingerprintToOIDCProviderRequest(**named, fingerprint="a")),
        (ims.remove_fingerprint_from_oidcprovider, RemoveFingerprintFromOIDCProviderRequest(**named, fingerprint="a")),
    ]
    for call, request in calls:
        error = refusal(call, request)
        assert (error.status_code, error.code) == (403, "NoPermission")
    nobody = company.ims(*company.new_user().key)
    assert refusal(nobody.list_oidcproviders, ListOIDCProvidersRequest()).code == "NoPermission"
    assert refusal(nobody.get_oidcprovider, GetOIDCProviderRequest(**named)).code == "NoPermission"


def test_create_oidc_provider__http_on_loopback__for_a_gateway_on_ones_own_machine(company: Seed, name: str) -> None:
    """The gateway of these tests is one: its own address is http on a loopback address."""
    request = CreateOIDCProviderRequest(oidcprovider_name=name, issuer_url=f"http://127.0.0.1/{name}")
    made = company.ims().create_oidcprovider(request).body.oidcprovider
    assert made.issuer_url == f"http://127.0.0.1/{name}"
