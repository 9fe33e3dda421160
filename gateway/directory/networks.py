"""Lists of addresses and networks, as settings hold them, and whether a client's address is in one."""

import ipaddress
from functools import lru_cache

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_MAPPED_BITS = 96


def parse_network(entry: str) -> Network:
    """One address or network; bits behind the mask do not count (`10.1.2.3/8` is the network around it).

    An IPv4 network in IPv6 clothes is taken out of them: clients' addresses are canonical and never wear any.
    Raises: ValueError, for a zone (`fe80::1%eth0`), too: it is the business of one machine.
    """
    if "%" in entry:
        raise ValueError(entry)
    found = ipaddress.ip_network(entry, strict=False)
    mapped = found.network_address.ipv4_mapped if isinstance(found, ipaddress.IPv6Network) else None
    if mapped is not None and found.prefixlen >= _MAPPED_BITS:
        return ipaddress.ip_network(f"{mapped}/{found.prefixlen - _MAPPED_BITS}", strict=False)
    return found


def is_within(entries: tuple[str, ...], client_address: str) -> bool:
    """Whether `Client.address` is in one of these networks. An unknown address is in none."""
    try:
        address = ipaddress.ip_address(client_address)
    except ValueError:
        return False
    return any(address in network for network in _networks(entries))


@lru_cache(maxsize=1024)
def _networks(entries: tuple[str, ...]) -> tuple[Network, ...]:
    """Pure in its argument; memoised because the same few lists are read at every call."""
    return tuple(parse_network(entry) for entry in entries)
