"""Network policies of AccessKeys: documents, and the addresses they let in."""

import json
from typing import Any

import pytest

from gateway.directory.network_policies import NO_POLICY, check_network, parse_network_policy
from gateway.errors import CredentialError, InputError, LimitExceeded, Reason
from tests.unit.directory.world import refused


def document(*networks: str, status: str = "Active") -> str:
    return json.dumps({"Status": status, "Statements": [{"Type": "ClassicWhiteList", "IPList": list(networks)}]})


def test_parse_network_policy__the_platforms_example__is_rendered_in_one_spelling() -> None:
    text = """{"Version": 1, "Status": "Active", "Statements": [
        {"Type": "ClassicWhiteList", "IPList": ["203.0.113.1", "2001:db8:85a3::8a2e:370:7334", "198.51.100.0/24"]},
        {"Type": "VPCWhiteList", "Value": "vpc-bp1234567890abcdef", "IPList": ["172.16.0.0/16"]}]}"""
    policy = parse_network_policy(text)
    assert json.loads(policy.render()) == json.loads(text)
    assert parse_network_policy(policy.render()) == policy


def test_parse_network_policy__switched_off_and_empty__is_none_at_all() -> None:
    assert parse_network_policy('{"Version":1,"Status":"Inactive","Statements":[]}') == NO_POLICY
    assert NO_POLICY.is_none
    sample = (
        '{"Status":"Inactive","Statements":'
        '[{"Value":"AllowAllVPC","Type":"VPCWhiteList","IPList":["::/0","0.0.0.0/0"]}]}'
    )
    assert not parse_network_policy(sample).is_none


GOOD: dict[str, Any] = {"Type": "ClassicWhiteList", "IPList": ["192.0.2.1"]}
HOSTILE: dict[str, Any] = {
    "no JSON": "{",
    "not an object": "[]",
    "null": "null",
    "deep": "[" * 5000,
    "a number too long": '{"Version":' + "9" * 5000 + "}",
    "not a number": '{"Status":"Inactive","Statements":[],"Version":NaN}',
    "a member twice": '{"Status":"Inactive","Status":"Active","Statements":[]}',
    "unknown member": {"Status": "Inactive", "Statements": [], "Statement": []},
    "version 2": {"Version": 2, "Status": "Inactive", "Statements": []},
    "version true": {"Version": True, "Status": "Inactive", "Statements": []},
    "version as text": {"Version": "1", "Status": "Inactive", "Statements": []},
    "no status": {"Statements": []},
    "status of another case": {"Status": "active", "Statements": [GOOD]},
    "status as list": {"Status": ["Active"], "Statements": [GOOD]},
    "no statements": {"Status": "Active"},
    "statements null": {"Status": "Inactive", "Statements": None},
    "statements as object": {"Status": "Inactive", "Statements": {}},
    "active and empty": {"Status": "Active", "Statements": []},
    "statement as text": {"Status": "Active", "Statements": ["192.0.2.1"]},
    "unknown type": {"Status": "Active", "Statements": [{**GOOD, "Type": "WhiteList"}]},
    "type as list": {"Status": "Active", "Statements": [{**GOOD, "Type": ["ClassicWhiteList"]}]},
    "misspelt list": {"Status": "Active", "Statements": [{"Type": "ClassicWhiteList", "IpList": ["192.0.2.1"]}]},
    "empty list": {"Status": "Active", "Statements": [{**GOOD, "IPList": []}]},
    "list as text": {"Status": "Active", "Statements": [{**GOOD, "IPList": "192.0.2.1"}]},
    "a value where none may be": {"Status": "Active", "Statements": [{**GOOD, "Value": "vpc-1"}]},
    "a VPC without its name": {"Status": "Active", "Statements": [{**GOOD, "Type": "VPCWhiteList"}]},
    "a strange VPC": {"Status": "Active", "Statements": [{**GOOD, "Type": "VPCWhiteList", "Value": "vpc-\u0000"}]},
    "value null": {"Status": "Active", "Statements": [{**GOOD, "Value": None}]},
    "value as number": {"Status": "Active", "Statements": [{**GOOD, "Type": "VPCWhiteList", "Value": 7}]},
}
for strange in ("", "*", "192.0.2", "192.0.2.1/33", "192.0.2.1 ", "192.0.2.1/24/1", "fe80::1%eth0", "example.com"):
    HOSTILE[f"address {strange!r}"] = {"Status": "Active", "Statements": [{**GOOD, "IPList": [strange]}]}
for no_text in (7, None, True, ["192.0.2.1"], "\ud800", "192.0.2.1\u0000", "١٩٢.0.2.1"):
    HOSTILE[f"address {no_text!a}"] = {"Status": "Active", "Statements": [{**GOOD, "IPList": [no_text]}]}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_parse_network_policy__anything_not_understood__refused(text: object) -> None:
    with refused(InputError, Reason.PARAMETER_INVALID, "AccessKeyPolicy"):
        parse_network_policy(text if isinstance(text, str) else json.dumps(text))


def test_parse_network_policy__too_much_of_it__refused() -> None:
    parse_network_policy(document(*[f"192.0.2.{number}" for number in range(50)]))
    with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "AccessKeyPolicy.IP"):
        parse_network_policy(document(*[f"192.0.2.{number}" for number in range(51)]))
    for count in (8, 9):
        text = json.dumps({"Status": "Active", "Statements": [GOOD] * count})
        if count == 8:
            parse_network_policy(text)
        else:
            with refused(LimitExceeded, Reason.LIMIT_EXCEEDED, "AccessKeyPolicy.Statement"):
                parse_network_policy(text)
    with refused(InputError, Reason.PARAMETER_TOO_LONG, "AccessKeyPolicy"):
        parse_network_policy(" " * 16_385)


@pytest.mark.parametrize(
    ("network", "address", "inside"),
    [
        ("192.0.2.7", "192.0.2.7", True),
        ("192.0.2.7", "192.0.2.8", False),
        ("192.0.2.0/24", "192.0.2.255", True),
        ("192.0.2.0/24", "192.0.3.0", False),
        ("192.0.2.99/24", "192.0.2.1", True),
        ("2001:db8::/32", "2001:db8::1", True),
        ("2001:db8::/32", "2001:db9::1", False),
        ("::ffff:192.0.2.0/120", "192.0.2.9", True),
        ("0.0.0.0/0", "192.0.2.9", True),
        ("0.0.0.0/0", "2001:db8::1", False),
        ("::/0", "2001:db8::1", True),
        ("::/0", "192.0.2.9", False),
        ("0.0.0.0/0", "", False),
    ],
)
def test_check_network__address_against_a_network__is_let_in_only_from_inside(
    network: str, address: str, *, inside: bool
) -> None:
    if inside:
        check_network(document(network), None, address)
        check_network(None, document(network), address)
        return
    for own, account_wide in ((document(network), None), (None, document(network))):
        with refused(CredentialError, Reason.ACCESS_KEY_NETWORK, ""):
            check_network(own, account_wide, address)


def test_check_network__both_policies__the_keys_own_goes_first() -> None:
    here, elsewhere = document("192.0.2.0/24"), document("198.51.100.0/24")
    check_network(here, elsewhere, "192.0.2.1")
    with refused(CredentialError, Reason.ACCESS_KEY_NETWORK, ""):
        check_network(elsewhere, here, "192.0.2.1")
    check_network(document("198.51.100.0/24", status="Inactive"), here, "192.0.2.1")
    with refused(CredentialError, Reason.ACCESS_KEY_NETWORK, ""):
        check_network(document("192.0.2.0/24", status="Inactive"), elsewhere, "192.0.2.1")
    check_network(None, document("198.51.100.0/24", status="Inactive"), "192.0.2.1")
    check_network(None, None, "")


def test_check_network__only_a_vpc_is_listed__nobody_is_let_in() -> None:
    vpc = {"Type": "VPCWhiteList", "Value": "AllowAllVPC", "IPList": ["0.0.0.0/0", "::/0"]}
    text = json.dumps({"Status": "Active", "Statements": [vpc]})
    for address in ("10.0.0.1", "192.0.2.1", "::1"):
        with refused(CredentialError, Reason.ACCESS_KEY_NETWORK, ""):
            check_network(text, None, address)
