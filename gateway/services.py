"""What a running gateway consists of: one frozen value, made once by the app and shared by the two edges."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Protocol

from gateway.clock import Clock
from gateway.directory.authorization import Authorizer
from gateway.directory.expiry_delivery import Teller
from gateway.directory.passwords import HashingLimit
from gateway.fetch import Fetcher
from gateway.guard.routes import NO_ROUTES, RouteTable
from gateway.keyring import KeyRing
from gateway.oidc.key_cache import ProviderCache
from gateway.own_keys import OwnKeyState
from gateway.saml.certificates import ServiceProviderKeys, TrustedCertificate
from gateway.saml.expectation import Expectation
from gateway.saml.names import role_sso_recipient
from gateway.secret import Secret
from gateway.store.engine import Store

NO_METRICS = Secret("")  # metrics are off
NO_PROXY = Secret("")  # no proxy asks who comes


class KeySource(Protocol):
    """Our own SAML keys, see `own_keys`."""

    def at(self, now: datetime) -> ServiceProviderKeys: ...

    def states(self, now: datetime) -> tuple[OwnKeyState, ...]: ...


@dataclass(frozen=True, slots=True)
class Services:
    store: Store
    ring: KeyRing
    clock: Clock
    authorizer: Authorizer
    hashing: HashingLimit
    own_keys: KeySource
    base_url: str  # our origin, without a final slash
    role_sso_urn: str  # entity ID and audience of role-based SSO
    domain_suffix: str
    relay_hosts: tuple[str, ...]
    skew: timedelta  # clock difference tolerated in SAML times
    fetcher: Fetcher  # the one way out
    oidc_providers: ProviderCache
    trusted_proxies: tuple[IPv4Network | IPv6Network, ...]
    metrics_token: Secret = NO_METRICS
    routes: RouteTable = NO_ROUTES
    proxy_secret: Secret = NO_PROXY
    metadata_dir: Path | None = None  # where metadata files are dropped

    @property
    def sp_keys(self) -> ServiceProviderKeys:
        """Our SAML keys as they are to be used now. To be asked anew for every message: keys change in a running
        gateway.
        """
        return self.own_keys.at(self.clock.now())

    @property
    def expiry_teller(self) -> Teller:
        """Who tells accounts of things that lapse."""
        own = self.own_keys.states
        return Teller(self.store, self.ring, self.fetcher, self.clock, self.base_url, own)

    @property
    def development(self) -> bool:
        """Whether this is a gateway on somebody's own machine, see `Settings.development`."""
        return self.base_url.startswith("http://")

    def role_sso_expectation(self, issuer: str, certificates: tuple[TrustedCertificate, ...]) -> Expectation:
        """What a response for role SSO must be like, in the browser and at the API alike: unsolicited, and for us."""
        return Expectation(
            issuer=issuer,
            certificates=certificates,
            audience=self.role_sso_urn,
            recipients=(role_sso_recipient(self.base_url),),
            in_response_to=None,
            decryption_keys=self.sp_keys.encryption,
            skew=self.skew,
        )
