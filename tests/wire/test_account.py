"""Account alias and default domain, through the official clients."""

from collections.abc import Iterator

import pytest
from alibabacloud_ims20190815.models import SetDefaultDomainRequest
from alibabacloud_ram20150501.models import SetAccountAliasRequest

from tests.wire.refusal import refusal
from tests.wire.seed import Seed


@pytest.fixture(autouse=True)
def keep_the_alias(company: Seed) -> Iterator[None]:
    yield
    company.ram().set_account_alias(SetAccountAliasRequest(account_alias="acme"))


def test_account_alias__set_and_cleared__is_the_default_domain_too(company: Seed) -> None:
    ram, ims = company.ram(), company.ims()
    ram.set_account_alias(SetAccountAliasRequest(account_alias="acme-2"))
    assert ram.get_account_alias().body.account_alias == "acme-2"
    assert ims.get_default_domain().body.default_domain_name == "acme-2.onaliyun.com"
    ram.clear_account_alias()
    error = refusal(ram.get_account_alias)
    assert (error.status_code, error.code) == (404, "EntityNotExist.AccountAlias")
    assert ims.get_default_domain().body.default_domain_name == f"{company.account_id}.onaliyun.com"


def test_set_default_domain__own_suffix__changes_the_alias(company: Seed) -> None:
    request = SetDefaultDomainRequest(default_domain_name="Acme-3.onaliyun.com")
    assert company.ims().set_default_domain(request).body.default_domain_name == "acme-3.onaliyun.com"
    assert company.ram().get_account_alias().body.account_alias == "acme-3"


@pytest.mark.parametrize("alias", ["ab", "Acme", "a--b", "-ab", "1234567890123456"])
def test_set_account_alias__malformed__refused(company: Seed, alias: str) -> None:
    error = refusal(company.ram().set_account_alias, SetAccountAliasRequest(account_alias=alias))
    assert (error.status_code, error.code) == (400, "InvalidParameter.AccountAlias.Format")


def test_set_default_domain__foreign_suffix__refused(company: Seed) -> None:
    request = SetDefaultDomainRequest(default_domain_name="acme.example.com")
    assert refusal(company.ims().set_default_domain, request).data["Reason"] == "ParameterInvalid"


def test_account_alias__user_without_rights__denied(company: Seed) -> None:
    nobody, reader = company.new_user(), company.new_user("AliyunRAMReadOnlyAccess")
    for call in (company.ram(*nobody.key).get_account_alias, company.ram(*nobody.key).clear_account_alias):
        assert refusal(call).code == "NoPermission"
    assert company.ram(*reader.key).get_account_alias().body.account_alias == "acme"
    assert refusal(company.ram(*reader.key).clear_account_alias).code == "NoPermission"
