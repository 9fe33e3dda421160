"""Which hosts are this very machine: the only ones that plain HTTP is good enough for."""

import ipaddress


def is_loopback(host: str) -> bool:
    """`localhost` and the loopback addresses; `host` as a URL has it, without port and brackets."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
