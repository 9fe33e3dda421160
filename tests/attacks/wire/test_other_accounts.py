"""Nobody learns what is in another account: not from a refusal either."""

import re
from typing import Any

from alibabacloud_sts20150401.models import AssumeRoleRequest, AssumeRoleWithSAMLRequest
from alibabacloud_tea_openapi.exceptions import ClientException

from tests.attacks.wire.neighbours import new_neighbour, new_role_of
from tests.wire.refusal import refusal
from tests.wire.seed import ROLE, SESSION_NAME, Seed
from tests.wire.test_assume_role import root, trust


def looks(error: ClientException) -> tuple[Any, ...]:
    """Everything of a refusal that is not new in every answer."""
    data = {key: value for key, value in error.data.items() if key not in {"RequestId", "Recommend"}}
    detail = dict(data.pop("AccessDeniedDetail", {}))
    sealed = detail.pop("EncodedDiagnosticMessage", "")
    message = re.sub(r"request id:.*", "", error.message)
    return error.status_code, error.code, message, sorted(data.items()), sorted(detail.items()), len(sealed)


def test_assume_role__of_another_account__there_or_not_makes_no_difference(company: Seed) -> None:
    mallory = new_neighbour(company)
    there = new_role_of(company, company.account_id, trust(root(company.account_id)))
    absent = there[:-4] + "none"
    nowhere = absent.replace(company.account_id, "1234567890123456")
    answers = []
    for role in (there, absent, nowhere):
        request = AssumeRoleRequest(role_arn=role, role_session_name="mallory")
        answers.append(looks(refusal(company.client(*mallory.key).assume_role, request)))
    assert answers[0][:2] == (403, "NoPermission")
    assert answers[0] == answers[1] == answers[2]


def test_assume_role__chained_from_another_account__there_or_not_makes_no_difference(company: Seed) -> None:
    mallory = new_neighbour(company)
    mine = new_role_of(company, mallory.account_id, trust(root(mallory.account_id)), "AliyunSTSAssumeRoleAccess")
    request = AssumeRoleRequest(role_arn=mine, role_session_name="mallory")
    got = company.client(*mallory.key).assume_role(request).body.credentials
    there = new_role_of(company, company.account_id, trust(root(company.account_id)))
    answers = []
    for role in (there, there[:-4] + "none"):
        request = AssumeRoleRequest(role_arn=role, role_session_name="mallory")
        client = company.client(got.access_key_id, got.access_key_secret, got.security_token)
        answers.append(looks(refusal(client.assume_role, request)))
    assert answers[0][:2] == (403, "NoPermission")
    assert answers[0] == answers[1]


def test_assume_role_with_saml__role_of_another_account__there_or_not_makes_no_difference(company: Seed) -> None:
    """The other account's company runs the identity provider, and lists whatever roles it likes."""
    other = new_neighbour(company)
    there = new_role_of(company, other.account_id, trust(root(other.account_id)))
    answers = []
    for role in (there, there[:-4] + "none"):
        attributes = ((ROLE, (f"{role},{company.provider_arn}",)), (SESSION_NAME, ("mallory",)))
        request = AssumeRoleWithSAMLRequest(
            samlassertion=company.assertion(attributes=attributes),
            samlprovider_arn=company.provider_arn,
            role_arn=role,
        )
        answers.append(looks(refusal(company.client().assume_role_with_saml, request)))
    assert answers[0][:2] == (403, "NoPermission")
    assert answers[0] == answers[1]
