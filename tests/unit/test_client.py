import ipaddress
from datetime import datetime, timedelta

import pytest

from gateway.client import Client, client_of, policy_context
from tests.fake_clock import NOON

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded_for", "proto", "expected"),
    [
        pytest.param("192.0.2.1", "198.51.100.9", "https", Client("192.0.2.1", False), id="stranger-claims"),
        pytest.param("10.0.0.1", None, None, Client("10.0.0.1", False), id="proxy-says-nothing"),
        pytest.param("10.0.0.1", "198.51.100.9", "https", Client("198.51.100.9", True), id="proxy"),
        pytest.param("10.0.0.1", "1.1.1.1, 198.51.100.9, 10.0.0.2", "https", Client("198.51.100.9", True), id="chain"),
        pytest.param("10.0.0.1", "198.51.100.9, junk, 10.0.0.2", "https", Client("10.0.0.2", True), id="junk-hop"),
        pytest.param("10.0.0.1", "198.51.100.9", "https,http", Client("198.51.100.9", False), id="two-protos"),
        pytest.param("::ffff:10.0.0.1", "198.51.100.9", "HTTPS", Client("198.51.100.9", True), id="mapped-proxy"),
        pytest.param("fd00::1", "2001:DB8::1", "https", Client("2001:db8::1", True), id="ipv6"),
        pytest.param("", "198.51.100.9", "https", Client("", False), id="no-peer"),
    ],
)
def test_client_of__hops__only_trusted_ones_are_believed(
    peer: str, forwarded_for: str | None, proto: str | None, expected: Client
) -> None:
    assert client_of(peer, "http", forwarded_for, proto, PROXIES) == expected


def test_policy_context__client__platform_keys() -> None:
    assert policy_context(Client("192.0.2.1", True), NOON, "acs:ram::1:root") == {
        "acs:CurrentTime": ("2026-03-04T12:00:00Z",),
        "acs:SecureTransport": ("true",),
        "acs:PrincipalARN": ("acs:ram::1:root",),
        "acs:SourceIp": ("192.0.2.1",),
    }
    assert policy_context(Client("", False), NOON, mfa_present=True)["acs:MFAPresent"] == ("true",)
    assert policy_context(Client("", False), NOON, mfa_present=False)["acs:MFAPresent"] == ("false",)
    assert "acs:SourceIp" not in policy_context(Client("", False), NOON)


def test_policy_context__second_factor_at_a_known_time__its_age_in_whole_seconds() -> None:
    def age(*, mfa_present: bool | None, mfa_at: datetime | None) -> tuple[str, ...] | None:
        return policy_context(Client("", False), NOON, mfa_present=mfa_present, mfa_at=mfa_at).get("acs:MFAAge")

    assert age(mfa_present=True, mfa_at=NOON - timedelta(seconds=90.9)) == ("90",)
    assert age(mfa_present=True, mfa_at=NOON + timedelta(seconds=5)) == ("0",)
    for mfa_present, mfa_at in ((True, None), (False, NOON), (None, NOON)):
        assert age(mfa_present=mfa_present, mfa_at=mfa_at) is None
