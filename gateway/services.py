"""What a running gateway consists of: one frozen value, made once by the app and shared by the two edges."""

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network

from gateway.clock import Clock
from gateway.directory.authorization import Authorizer
from gateway.directory.passwords import HashingLimit
from gateway.keyring import KeyRing
from gateway.saml.certificates import ServiceProviderKeys
from gateway.store.engine import Store


@dataclass(frozen=True, slots=True)
class Services:
    store: Store
    ring: KeyRing
    clock: Clock
    authorizer: Authorizer
    hashing: HashingLimit
    sp_keys: ServiceProviderKeys
    base_url: str  # our origin, without a final slash
    role_sso_urn: str  # entity ID and audience of role-based SSO
    domain_suffix: str
    relay_hosts: tuple[str, ...]
    skew: timedelta  # clock difference tolerated in SAML times
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
