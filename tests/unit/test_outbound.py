import ipaddress
import threading
import time

import pytest

from gateway.errors import Reason, UpstreamError
from gateway.outbound import OutboundRules, SystemResolver, allowed_addresses

PUBLIC = ["93.184.216.34", "1.1.1.1", "2606:4700:4700::1111", "2a00:1450:4001:830::200e"]
NOT_PUBLIC = [
    "127.0.0.1", "127.8.8.8", "0.0.0.0", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254",
    "169.254.0.1", "100.64.0.1", "100.100.100.200", "192.0.0.192", "192.0.2.1", "198.18.0.1", "198.51.100.1",
    "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255", "168.63.129.16", "192.88.99.1",
    "::", "::1", "::ffff:127.0.0.1", "::ffff:93.184.216.34", "::127.0.0.1", "64:ff9b::a9fe:a9fe",
    "64:ff9b:1::a00:1", "2002:a9fe:a9fe::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "2001:db8::1", "fc00::1",
    "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "100::1", "5f00::1", "3fff::1",
]  # fmt: skip


@pytest.mark.parametrize("address", PUBLIC)
def test_allows__public_address__yes(address: str) -> None:
    assert OutboundRules().allows(address)


@pytest.mark.parametrize("address", NOT_PUBLIC)
def test_allows__special_address__no(address: str) -> None:
    assert not OutboundRules().allows(address)


@pytest.mark.parametrize("text", ["", "localhost", "127.1", "0x7f000001", "2130706433", "1.1.1.1 ", "1.1.1.1/32"])
def test_allows__no_address__no(text: str) -> None:
    assert not OutboundRules(development=True).allows(text)


def test_allows__listed_network__lets_its_addresses_through_and_no_others() -> None:
    rules = OutboundRules((ipaddress.ip_network("10.1.0.0/16"), ipaddress.ip_network("fd12::/16")))
    assert rules.allows("10.1.2.3")
    assert rules.allows("fd12::1")
    assert not rules.allows("10.2.0.1")
    assert not rules.allows("::ffff:10.1.2.3")


def test_allows__metadata__only_if_listed_alone() -> None:
    assert not OutboundRules((ipaddress.ip_network("169.254.0.0/16"), ipaddress.ip_network("0.0.0.0/0"))).allows(
        "169.254.169.254"
    )
    assert OutboundRules((ipaddress.ip_network("169.254.169.254/32"),)).allows("169.254.169.254")


def test_allows__loopback__in_development_only() -> None:
    assert OutboundRules(development=True).allows("127.0.0.1")
    assert OutboundRules(development=True).allows("::1")
    assert not OutboundRules(development=True).allows("10.0.0.1")
    assert not OutboundRules(development=True).allows("0.0.0.0")


def test_allowed_addresses__mixed_answer__keeps_the_public_ones() -> None:
    assert allowed_addresses("h", ["10.0.0.1", "1.1.1.1", "64:ff9b::1"], OutboundRules()) == ["1.1.1.1"]


@pytest.mark.parametrize(("found", "reason"), [(["10.0.0.1", "::1"], Reason.FETCH_ADDRESS), ([], Reason.FETCH_RESOLVE)])
def test_allowed_addresses__nothing_left__refused(found: list[str], reason: Reason) -> None:
    with pytest.raises(UpstreamError) as caught:
        allowed_addresses("h", found, OutboundRules())
    assert caught.value.reason is reason


def test_resolve__localhost__is_loopback() -> None:
    assert set(SystemResolver().resolve("localhost", 80, 5)) <= {"127.0.0.1", "::1"}


@pytest.mark.parametrize("name", ["no-such-host.invalid", "a" * 70 + ".example", "a..b"])
def test_resolve__name_without_address__refused(name: str) -> None:
    with pytest.raises(UpstreamError) as caught:
        SystemResolver().resolve(name, 443, 10)
    assert caught.value.reason is Reason.FETCH_RESOLVE


def test_resolve__hanging_look_up__ends_in_time_and_is_shared(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    calls = []

    def hang(host: str, *_args: object, **_named: object) -> list[object]:
        calls.append(host)
        release.wait(10)
        return []

    monkeypatch.setattr("socket.getaddrinfo", hang)
    resolver = SystemResolver()
    begun = time.monotonic()
    for _ in range(3):
        with pytest.raises(UpstreamError) as caught:
            resolver.resolve("slow.example", 443, 0.02)
        assert caught.value.reason is Reason.FETCH_RESOLVE
    assert time.monotonic() - begun < 2
    assert calls == ["slow.example"]
    for n in range(80):
        with pytest.raises(UpstreamError):
            resolver.resolve(f"h{n}.example", 443, 0)
    assert len(calls) <= 64
    release.set()
