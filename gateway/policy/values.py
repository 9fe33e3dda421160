"""The typed values of conditions: text to number, instant, address or truth. Rule: policy-language §3.

Each reader returns None for a text that is no such value. In a policy that is refused when the policy is written; in a
request it makes the value unusable.
"""

import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

_NUMBER = re.compile(r"[+-]?[0-9]{1,32}(?:\.[0-9]{1,32})?")
_INSTANT = re.compile(
    r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?(Z|[+-][0-9]{2}:?[0-9]{2})"
)
_PREFIX = re.compile(r"[0-9]{1,3}")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_MAPPED_BITS = 96
_LONGEST_ADDRESS = 45  # of an IPv4 address in IPv6 clothes, all digits written


def parse_number(text: str) -> Decimal | None:
    """A decimal number without exponent, at most 32 digits on either side of the point."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def parse_bool(text: str) -> bool | None:
    """`true` or `false`, in any case."""
    return {"true": True, "false": False}.get(text.lower()) if text.isascii() else None


def parse_instant(text: str) -> int | None:
    """Microseconds since 1970 of an ISO 8601 date and time that says its offset (`Z`, `+08:00`).

    A time without offset is no instant: it would mean another one on each machine.
    """
    parts = _INSTANT.fullmatch(text)
    if parts is None:
        return None
    offset = "+00:00" if parts[4] == "Z" else parts[4]
    fraction = (parts[3] or "").ljust(6, "0")
    try:
        instant = datetime.fromisoformat(f"{parts[1]}:{parts[2] or '00'}.{fraction}{offset}")
    except ValueError:
        return None
    return (instant - _EPOCH) // _MICROSECOND


@dataclass(frozen=True, slots=True)
class Address:
    version: int
    number: int


@dataclass(frozen=True, slots=True)
class Network:
    version: int
    number: int
    shift: int  # how many low bits don't count; `number` is without them


def parse_address(text: str) -> Address | None:
    """One IPv4 or IPv6 address, without zone. An IPv4 address in IPv6 clothes (`::ffff:10.0.0.1`) is the IPv4 address.

    INVARIANT: one host has one value, or a rule about 10.0.0.0/8 could be walked around by writing the address anew.
    """
    return _parse_address(text) if len(text) <= _LONGEST_ADDRESS else None


@lru_cache(maxsize=4096)
def _parse_address(text: str) -> Address | None:
    """Pure in its argument; memoised because the same few clients ask again and again."""
    address = _read_address(text)
    if address is None:
        return None
    plain = (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address
    return Address(plain.version, int(plain))


def parse_network(text: str) -> Network | None:
    """An address or a CIDR block. ASSUMPTION: host bits set in a block are ignored (`10.1.2.3/8` is 10.0.0.0/8)."""
    host, slash, bits = text.partition("/")
    address = _read_address(host)
    if address is None or (slash and not _PREFIX.fullmatch(bits)):
        return None
    prefix = int(bits) if slash else address.max_prefixlen
    if prefix > address.max_prefixlen:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped and prefix >= _MAPPED_BITS:
        address, prefix = address.ipv4_mapped, prefix - _MAPPED_BITS
    shift = address.max_prefixlen - prefix
    return Network(address.version, int(address) >> shift, shift)


def _read_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    if "%" in text:
        return None
    try:
        return ipaddress.IPv6Address(text) if ":" in text else ipaddress.IPv4Address(text)
    except ValueError:
        return None
