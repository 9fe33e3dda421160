"""Exchanges and calls that were refused before any policy was asked, by the official client: each can be told of."""

from alibabacloud_sts20150401.models import AssumeRoleWithSAMLRequest

from gateway.audit.receipts import Receipt, list_receipts
from gateway.audit.why import find_out
from tests.wire.refusal import refusal
from tests.wire.seed import Seed


def receipt_of(company: Seed, request_id: str) -> Receipt | None:
    with company.services.store.reading() as session:
        found = list_receipts(session, request_id=request_id)
    return found[0] if found else None


def story(company: Seed, request_id: str) -> str:
    with company.services.store.reading() as session:
        return "\n".join(find_out(session, request_id).story.lines)


def exchange(company: Seed, assertion: str, provider_arn: str = "") -> str:
    """The request ID of a refusal."""
    request = AssumeRoleWithSAMLRequest(
        samlassertion=assertion,
        samlprovider_arn=provider_arn or company.provider_arn,
        role_arn=company.role_arn(),
    )
    return str(refusal(company.client().assume_role_with_saml, request).data["RequestId"])


def test_exchange__used_twice__leaves_a_record_that_tells_so(company: Seed) -> None:
    assertion = company.assertion()
    request = AssumeRoleWithSAMLRequest(
        samlassertion=assertion, samlprovider_arn=company.provider_arn, role_arn=company.role_arn()
    )
    company.client().assume_role_with_saml(request)
    request_id = exchange(company, assertion)
    receipt = receipt_of(company, request_id)
    assert receipt is not None
    assert (receipt.kind, receipt.reason, receipt.account_id) == ("LoginRefused", "SamlReplayed", company.account_id)
    assert receipt.details["failed_check"] == ""
    assert "22 " in str(receipt.details["checks"])


def test_exchange__not_signed_by_the_provider__tells_the_failed_check_by_its_number(company: Seed) -> None:
    assertion = company.assertion()
    middle = len(assertion) // 2
    flipped = "A" if assertion[middle] != "A" else "B"
    request_id = exchange(company, assertion[:middle] + flipped + assertion[middle + 1 :])
    receipt = receipt_of(company, request_id)
    assert receipt is not None
    assert str(receipt.details["failed_check"]).split(" ")[0].isdigit()
    told = story(company, request_id)
    assert "LoginRefused by somebody who came with the word of an identity provider: Refused" in told
    assert f"the check that failed: {receipt.details['failed_check']}" in told
    assert f"identity provider: {company.provider_arn}" in told


def test_exchange__provider_that_is_not_there__belongs_to_no_account(company: Seed) -> None:
    request_id = exchange(company, company.assertion(), f"acs:ram::{company.account_id}:saml-provider/nobody")
    receipt = receipt_of(company, request_id)
    assert receipt is not None
    assert (receipt.account_id, receipt.details["provider_arn"]) == (None, "")


def test_exchange__garbage_again_and_again__one_record(company: Seed) -> None:
    ids = [exchange(company, "bm90IHhtbA==") for _ in range(5)]
    assert sum(receipt_of(company, each) is not None for each in ids) <= 2


def test_call__wrong_secret__can_be_told_of(company: Seed) -> None:
    client = company.ram(company.user_key.access_key_id, "wrong-secret-wrong-secret-wrong")
    request_id = str(refusal(client.get_account_alias).data["RequestId"])
    told = story(company, request_id)
    assert f"somebody who named the AccessKey {company.user_key.access_key_id}" in told
    assert "SignatureMismatch" in told
