"""Which addresses of the network the gateway may connect to, and the names that lead to them.

Rule: the IANA special-purpose address registries for IPv4 and IPv6 (RFC 6890), and what clouds serve metadata from.
"""

import ipaddress
import socket
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from dataclasses import dataclass
from typing import TypeAlias

from gateway.errors import Reason, UpstreamError

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
_SPECIAL: tuple[Network, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",  # shared; Alibaba Cloud's metadata lies in it
        "127.0.0.0/8",
        "169.254.0.0/16",  # link-local; most clouds' metadata lies in it
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "168.63.129.16/32",  # Azure's metadata and name service
        # Outside of 2000::/3 nothing is public; within it these are not, or lead on into IPv4.
        "2001::/23",  # Teredo among others
        "2001:db8::/32",
        "2002::/16",  # 6to4
        "3fff::/20",
    )
)
_METADATA: tuple[Address, ...] = tuple(
    ipaddress.ip_address(text)
    for text in ("169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192", "fd00:ec2::254")
)
_MAX_LOOKUPS = 64  # under way at once, in this process


@dataclass(frozen=True, slots=True)
class OutboundRules:
    """Where the gateway may connect to beyond the public internet.

    `allowed_networks`: private networks in which identity providers stand. An address that serves cloud metadata is
    let through only by a network of exactly that one address. `development`: loopback is fine, and plain HTTP there.
    """

    allowed_networks: tuple[Network, ...] = ()
    development: bool = False

    def allows(self, address: str) -> bool:
        """Whether one resolved address may be connected to. False for a text that is no address."""
        try:
            parsed = ipaddress.ip_address(address)
        except ValueError:
            return False
        if isinstance(parsed, ipaddress.IPv6Address) and parsed.scope_id is not None:
            return False
        listed = [network for network in self.allowed_networks if _holds(network, parsed)]
        if parsed in _METADATA:
            return any(network.num_addresses == 1 for network in listed)
        return bool(listed) or (self.development if parsed.is_loopback else _is_public(parsed))


class SystemResolver:
    """The system's resolver, waited for at most as long as a caller has time.

    A look-up that hangs can't be stopped; callers that ask for the same name meanwhile share it, and there are never
    more than 64 in a process.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way: dict[tuple[str, int], Future[list[str]]] = {}

    def resolve(self, host: str, port: int, wait_s: float) -> list[str]:
        """Raises: UpstreamError(FETCH_RESOLVE) if there is no answer in time, or none at all."""
        try:
            return self._future(host, port).result(timeout=max(wait_s, 0.0))
        except FutureTimeout as exc:
            raise _unresolved(host, "no answer in time") from exc
        except (OSError, UnicodeError) as exc:
            raise _unresolved(host, str(exc)) from exc

    def _future(self, host: str, port: int) -> Future[list[str]]:
        with self._lock:
            found = self._under_way.get((host, port))
            if found is not None:
                return found
            if len(self._under_way) >= _MAX_LOOKUPS:
                raise _unresolved(host, "too many look-ups under way")
            future: Future[list[str]] = Future()
            self._under_way[host, port] = future
        threading.Thread(target=self._look_up, args=(host, port, future), name="resolver", daemon=True).start()
        return future

    def _look_up(self, host: str, port: int, future: Future[list[str]]) -> None:
        try:
            found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as exc:
            outcome: list[str] | Exception = exc
        else:
            outcome = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        with self._lock:
            del self._under_way[host, port]
        if isinstance(outcome, Exception):
            future.set_exception(outcome)
        else:
            future.set_result(outcome)


def allowed_addresses(host: str, found: Iterable[str], rules: OutboundRules) -> list[str]:
    """Those addresses of a name that may be connected to, in their order.

    Raises: UpstreamError(FETCH_ADDRESS) if none may be, UpstreamError(FETCH_RESOLVE) if there is none.
    """
    addresses = list(found)
    if not addresses:
        raise _unresolved(host, "no address")
    allowed = [address for address in addresses if rules.allows(address)]
    if not allowed:
        raise UpstreamError(
            Reason.FETCH_ADDRESS,
            "the server's address lies in a network that the gateway does not connect to",
            f"{host}: {', '.join(addresses[:4])}",
        )
    return allowed


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address) and address not in _PUBLIC_V6:
        return False
    return not any(_holds(network, address) for network in _SPECIAL)


def _holds(network: Network, address: Address) -> bool:
    return network.version == address.version and address in network


def _unresolved(host: str, detail: str) -> UpstreamError:
    return UpstreamError(Reason.FETCH_RESOLVE, "the server's name can't be resolved", f"{host}: {detail}")
