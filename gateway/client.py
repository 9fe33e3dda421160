"""Who is on the other end of the connection, seen through the proxies we trust and no others."""

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from gateway.clock import wire_time

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

MFA_PRESENT = "acs:MFAPresent"
MFA_AGE = "acs:MFAAge"  # ours, in whole seconds: the platform has no key for it
_MAX_HOPS = 32


@dataclass(frozen=True, slots=True)
class Client:
    address: str  # a canonical IPv4 or IPv6 address; empty when the transport has none
    secure: bool  # the browser's own connection was TLS


def client_of_environ(environ: Mapping[str, Any], trusted: Sequence[Network]) -> Client:
    """The same for a WSGI environment; a header that came twice stands there joined by commas."""
    return client_of(
        environ.get("REMOTE_ADDR") or "",
        environ["wsgi.url_scheme"],
        environ.get("HTTP_X_FORWARDED_FOR"),
        environ.get("HTTP_X_FORWARDED_PROTO"),
        trusted,
    )


def client_of(
    peer: str, scheme: str, forwarded_for: str | None, forwarded_proto: str | None, trusted: Sequence[Network]
) -> Client:
    """Find the client behind the peer.

    `X-Forwarded-For` is read from the right: each trusted hop vouches for the one to its left; the first hop that
    is not trusted is the client, since everything further left was written by somebody we do not know. A hop that
    is no address ends the walk at the last address that was one.
    """
    if not _is_trusted(peer, trusted):
        return Client(_canonical(peer) or "", scheme == "https")
    address = _canonical(peer) or ""
    for hop in reversed((forwarded_for or "").split(",")[-_MAX_HOPS:]):
        canonical = _canonical(hop.strip())
        if canonical is None:
            break
        address = canonical
        if not _is_trusted(canonical, trusted):
            break
    proto = (forwarded_proto or scheme).split(",")[-1].strip().lower()
    return Client(address, proto == "https")


def policy_context(
    client: Client,
    now: datetime,
    principal_arn: str = "",
    *,
    mfa_present: bool | None = None,
    mfa_at: datetime | None = None,
) -> Mapping[str, tuple[str, ...]]:
    """The platform-wide condition keys.

    `mfa_present`: whether a second factor was proved at the sign-in that the session came from; None where there was
    no sign-in, and the key is left out. ASSUMPTION: it is left out for calls with a lasting AccessKey, and told for
    calls with a security token. Rule: policy-language §4.
    `mfa_at`: when that was, if it is known.
    """
    context: dict[str, tuple[str, ...]] = {
        "acs:CurrentTime": (wire_time(now),),
        "acs:SecureTransport": ("true" if client.secure else "false",),
    }
    if mfa_present is not None:
        context |= mfa_context(now, mfa_present=mfa_present, mfa_at=mfa_at)
    if principal_arn:
        context["acs:PrincipalARN"] = (principal_arn,)
    if client.address:
        context["acs:SourceIp"] = (client.address,)
    return context


def mfa_context(now: datetime, *, mfa_present: bool, mfa_at: datetime | None) -> dict[str, tuple[str, ...]]:
    """The condition keys of a second factor, proved here or upstream.

    The age is there only with a second factor whose time is known; whole seconds, never less than 0.
    """
    context: dict[str, tuple[str, ...]] = {MFA_PRESENT: ("true" if mfa_present else "false",)}
    if mfa_present and mfa_at is not None:
        context[MFA_AGE] = (str(max(0, int((now - mfa_at).total_seconds()))),)
    return context


def is_trusted_peer(environ: Mapping[str, Any], trusted: Sequence[Network]) -> bool:
    """Whether a request of a WSGI environment comes from one of our proxies itself."""
    return _is_trusted(environ.get("REMOTE_ADDR") or "", trusted)


def _is_trusted(address: str, trusted: Sequence[Network]) -> bool:
    canonical = _canonical(address) if trusted else None
    if canonical is None:
        return False
    parsed = _parsed(canonical)
    return any(parsed.version == network.version and parsed in network for network in trusted)


@lru_cache(maxsize=4096)
def _parsed(canonical: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Pure in its argument; memoised as `_canonical` is."""
    return ipaddress.ip_address(canonical)


@lru_cache(maxsize=4096)
def _canonical(text: str) -> str | None:
    """Pure in its argument; memoised because the same few clients call again and again."""
    try:
        parsed = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address) and parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)  # or a policy about 10.0.0.0/8 would not see ::ffff:10.0.0.1
    return str(parsed)
