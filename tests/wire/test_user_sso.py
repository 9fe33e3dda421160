"""User SSO settings, through the official client."""

import base64
from collections.abc import Iterator
from typing import Any

import pytest
from alibabacloud_ims20190815.models import SetUserSsoSettingsRequest

from gateway.directory.domains import set_auxiliary_domain
from gateway.directory.user_sso import find_user_sso, set_user_sso
from tests.saml_factory import IDP
from tests.wire.refusal import refusal
from tests.wire.seed import Seed, idp_metadata


@pytest.fixture(autouse=True)
def switch_off(company: Seed) -> Iterator[None]:
    yield
    with company.services.store.transaction() as session:
        if find_user_sso(session, company.account_id) is not None:
            set_user_sso(
                session,
                company.account_id,
                enabled=False,
                login_with_domain=True,
                authn_sign_algo="rsa-sha256",
                now=company.services.clock.now(),
            )
        set_auxiliary_domain(session, company.account_id, None)


def change(company: Seed, **fields: Any) -> Any:
    return company.ims().set_user_sso_settings(SetUserSsoSettingsRequest(**fields)).body.user_sso_settings


def get(company: Seed) -> Any:
    return company.ims().get_user_sso_settings().body.user_sso_settings


def test_user_sso__nothing_chosen__has_the_defaults(company: Seed) -> None:
    found = get(company)
    assert (found.sso_enabled, found.sso_login_with_domain, found.authn_sign_algo) == (False, True, "rsa-sha256")
    assert not found.auxiliary_domain


def test_user_sso__everything_set__is_read_back(company: Seed) -> None:
    document = base64.b64encode(idp_metadata()).decode()
    set_ = change(
        company,
        metadata_document=document,
        sso_enabled=True,
        sso_login_with_domain=False,
        authn_sign_algo="rsa-sha1",
        auxiliary_domain="Staff.example.com",
    )
    found = get(company)
    assert found.to_map() == set_.to_map()
    assert (found.sso_enabled, found.sso_login_with_domain, found.authn_sign_algo) == (True, False, "rsa-sha1")
    assert (found.auxiliary_domain, found.metadata_document) == ("staff.example.com", document)
    with company.services.store.reading() as session:
        settings = find_user_sso(session, company.account_id)
        assert settings is not None
        assert settings.entity_id == IDP
    after = change(company, sso_enabled=False)
    assert (after.sso_enabled, after.sso_login_with_domain, after.metadata_document) == (False, False, document)
    assert after.auxiliary_domain == "staff.example.com"
    assert not change(company, auxiliary_domain="").auxiliary_domain


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"metadata_document": "no base64!"}, "InvalidParameter.MetadataDocument"),
        ({"metadata_document": base64.b64encode(b"<x/>").decode()}, "InvalidParameter.MetadataDocument"),
        ({"authn_sign_algo": "none"}, "InvalidParameter.AuthnSignAlgo"),
        ({"auxiliary_domain": "not a domain"}, "InvalidParameter.AuxiliaryDomain"),
        ({"auxiliary_domain": "a" * 254}, "InvalidParameter.AuxiliaryDomain"),
        ({"sso_enabled": "maybe"}, "InvalidParameter.SsoEnabled"),
    ],
)
def test_set_user_sso_settings__one_thing_wrong__refused_and_nothing_changed(
    company: Seed, fields: dict[str, Any], code: str
) -> None:
    before = get(company).to_map()
    request = SetUserSsoSettingsRequest(**{"sso_login_with_domain": False, "auxiliary_domain": "x.example", **fields})
    error = refusal(company.ims().set_user_sso_settings, request)
    assert (error.status_code, error.code) == (400, code)
    assert get(company).to_map() == before


def test_user_sso__user_without_rights__denied(company: Seed) -> None:
    nobody, reader = company.new_user(), company.new_user("AliyunRAMReadOnlyAccess")
    assert refusal(company.ims(*nobody.key).get_user_sso_settings).code == "NoPermission"
    assert company.ims(*reader.key).get_user_sso_settings().body.user_sso_settings.sso_enabled is False
    request = SetUserSsoSettingsRequest(sso_enabled=False)
    assert refusal(company.ims(*reader.key).set_user_sso_settings, request).code == "NoPermission"
