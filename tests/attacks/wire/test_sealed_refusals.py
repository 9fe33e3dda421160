"""A refusal carries a message that its reader can't open: nor may its length tell what is in it."""

import string

import pytest
from alibabacloud_ram20150501 import models as ram
from alibabacloud_sts20150401.models import AssumeRoleRequest

from tests.attacks.wire.neighbours import new_neighbour, new_role_of
from tests.wire.own_policy import give
from tests.wire.refusal import refusal
from tests.wire.seed import Seed
from tests.wire.test_assume_role import root, trust

LONGEST = 8192  # that DecodeDiagnosticMessage takes
SECRET = "q7Rw2zKx9Vt4"


def test_external_id__guessed_letter_by_letter__no_guess_looks_nearer_than_another(company: Seed) -> None:
    mallory = new_neighbour(company)
    condition = {"StringEquals": {"sts:ExternalId": SECRET}}
    role = new_role_of(company, company.account_id, trust(root(mallory.account_id), condition=condition))
    client, known, lengths = company.client(*mallory.key), SECRET[:8], {}
    for letter in string.ascii_letters[:10] + SECRET[8]:
        guess = (known + letter) * 3
        request = AssumeRoleRequest(role_arn=role, role_session_name="mallory", external_id=guess)
        detail = refusal(client.assume_role, request).access_denied_detail
        lengths[letter] = len(detail["EncodedDiagnosticMessage"])
    assert len(set(lengths.values())) == 1, lengths


def test_policies_of_others__names_of_any_length__the_message_is_as_long(company: Seed) -> None:
    lengths = set()
    for address in ("192.0.2.1", "2001:db8:1234:5678:9abc:def0:1234:5678"):
        caller = company.new_user()
        condition = {"IpAddress": {"acs:SourceIp": address}}
        statement: dict[str, object] = {
            "Effect": "Allow",
            "Action": "ram:Get*",
            "Resource": "*",
            "Condition": condition,
        }
        give(company, caller, statement)
        detail = refusal(company.ram(*caller.key).get_account_alias).access_denied_detail
        lengths.add(len(detail["EncodedDiagnosticMessage"]))
    assert len(lengths) == 1


@pytest.mark.parametrize("sign", ["a", "é", "😀"])
def test_refusal__about_a_name_of_any_length__can_be_decoded(company: Seed, sign: str) -> None:
    nobody = company.new_user()
    request = ram.GetUserRequest(user_name=sign * 10_000)
    message = refusal(company.ram(*nobody.key).get_user, request).access_denied_detail["EncodedDiagnosticMessage"]
    assert len(message) <= LONGEST
    decode = ram.DecodeDiagnosticMessageRequest(encoded_diagnostic_message=message)
    told = company.ram().decode_diagnostic_message(decode).body.decoded_diagnostic_message
    assert told.auth_resource.startswith(f"acs:ram::{company.account_id}:user/{sign * 100}")
