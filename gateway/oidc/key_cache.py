"""What the gateway knows of each OpenID Provider, kept per process: discovery document and keys, fetched when needed.

Not pure: it fetches, and asks the clock. Its promises, all bounded by the constants below:
- a provider is asked once at a time, however many logins need it; the others use what is known, or wait briefly;
- what was fetched is used as long as the provider's `Cache-Control` says, from one minute to six hours;
- a token with an unknown `kid` leads to one more fetch, and to none if the last one is too recent, so that invented
  kids can't make the gateway hammer a provider;
- a provider that is down is left alone for a while, longer each time; meanwhile its old keys serve for six hours more,
  and without old keys the answer is immediate;
- fetches never hold a lock that another provider's logins need; they and those who wait for them, of all providers
  together, take up only some of the process's threads.
"""

import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from gateway.clock import Clock
from gateway.errors import OidcError, Reason, UpstreamError
from gateway.fetch import Fetched, Limits
from gateway.oidc.discovery import MAX_DOCUMENT_BYTES, ProviderMetadata, discovery_url, parse_discovery
from gateway.oidc.keys import MAX_SET_BYTES, KeySet, parse_key_set

GRACE = timedelta(hours=6)  # how long old keys serve beyond their time while the provider is down
KID_INTERVAL = timedelta(seconds=15)  # between fetches for the sake of an unknown kid
_SHORTEST, _USUAL, _LONGEST = timedelta(minutes=1), timedelta(hours=1), timedelta(hours=6)
_FIRST_PAUSE, _LONGEST_PAUSE = timedelta(seconds=5), timedelta(seconds=60)
_MAX_PROVIDERS = 512  # in memory; those used longest ago go first
_MAX_FETCHES = 4  # at once, of all providers
_MAX_WAITERS = 4  # for one provider
_MAX_HELD_UP = 5  # who fetches or waits, whatever the provider; a worker process has more threads than that
_WAIT_S = 3.0
_DOCUMENT = Limits(total_s=5.0, connect_s=2.0, body_bytes=MAX_DOCUMENT_BYTES)
_KEYS = Limits(total_s=5.0, connect_s=2.0, body_bytes=MAX_SET_BYTES)
_ACCEPT = "application/json, application/jwk-set+json"
_JSON = re.compile(r"application/(?:[a-z0-9.-]+\+)?json")
_MAX_AGE = re.compile(r"(?:^|[,\s])max-age=\"?([0-9]{1,9})\"?(?:$|[,\s])")

T = TypeVar("T")


class Fetch(Protocol):
    """The part of `fetch.Fetcher` that is needed here."""

    def get(self, url: str, *, accept: str = ..., limits: Limits = ...) -> Fetched: ...


@dataclass(frozen=True, slots=True)
class KnownProvider:
    """One provider as it was when it was last fetched."""

    metadata: ProviderMetadata
    keys: KeySet
    ca_thumbprints: tuple[str, ...]  # of the server at the issuer's address, see `fetch.Fetched`
    fresh_until: datetime


@dataclass(slots=True)
class _Flight:
    """One fetch under way. `outcome` is there when `done` is set."""

    done: threading.Event = field(default_factory=threading.Event)
    waiters: int = 0
    outcome: KnownProvider | OidcError | UpstreamError | None = None


@dataclass(slots=True)
class _Entry:
    """INVARIANT: read and written only under `lock`, which nobody holds while fetching or waiting."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    known: KnownProvider | None = None
    flight: _Flight | None = None
    begun_at: datetime | None = None  # the last fetch
    failure: OidcError | UpstreamError | None = None  # of the last fetch
    failures: int = 0  # in a row

    def is_paused(self, now: datetime) -> bool:
        if self.failure is None or self.begun_at is None:
            return False
        return now < self.begun_at + min(_FIRST_PAUSE * (1 << min(self.failures - 1, 10)), _LONGEST_PAUSE)


class ProviderCache:
    """One per process, shared by its threads. `development` lets providers on loopback speak plain HTTP."""

    def __init__(self, fetch: Fetch, clock: Clock, *, development: bool = False, wait_s: float = _WAIT_S) -> None:
        self._fetch = fetch
        self._clock = clock
        self._development = development
        self._wait_s = wait_s
        self._lock = threading.Lock()  # of `_entries`, held for a look-up only
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._slots = threading.BoundedSemaphore(_MAX_FETCHES)
        self._places = threading.BoundedSemaphore(_MAX_HELD_UP)

    def get(self, issuer: str) -> KnownProvider:
        """The provider of a registered issuer, fetched if need be.

        Raises: OidcError or UpstreamError with the reason why the last fetch failed, UpstreamError(OIDC_UNAVAILABLE)
        if too much is being fetched; `subject` is the issuer.
        """
        entry = self._entry(issuer)
        now = self._clock.now()
        with entry.lock:
            known = entry.known
            if known is not None and now < known.fresh_until:
                return known
            serves = known if known is not None and now < known.fresh_until + GRACE else None
            if entry.is_paused(now):
                return serves or _raise(entry.failure)
            flight, mine = self._board(entry, now, joins=serves is None)
        if flight is None:
            return serves or _raise(_busy(issuer))
        outcome = self._fly(issuer, entry, flight) if mine else self._wait(issuer, flight)
        return outcome if isinstance(outcome, KnownProvider) else serves or _raise(outcome)

    def use(self, issuer: str, verify: Callable[[KnownProvider], T]) -> T:
        """Run `verify` with what is known of the provider; once more if it refuses for OIDC_KEY_UNKNOWN and newer keys
        can be had.

        Raises: what `verify` raises, what `get` raises.
        """
        known = self.get(issuer)
        try:
            return verify(known)
        except OidcError as exc:
            newer = self._newer(issuer, known) if exc.reason is Reason.OIDC_KEY_UNKNOWN else None
            if newer is None:
                raise
        return verify(newer)

    def forget(self, issuer: str) -> None:
        """Fetch anew at the next use: for an administrator who has changed something at the provider."""
        with self._lock:
            self._entries.pop(issuer, None)

    def _newer(self, issuer: str, seen: KnownProvider) -> KnownProvider | None:
        entry = self._entry(issuer)
        now = self._clock.now()
        with entry.lock:
            if entry.known is not seen:
                return entry.known
            too_soon = entry.begun_at is not None and now < entry.begun_at + KID_INTERVAL
            if entry.flight is None and (too_soon or entry.is_paused(now)):
                return None
            flight, mine = self._board(entry, now, joins=True)
        if flight is None:
            return None
        outcome = self._fly(issuer, entry, flight) if mine else self._wait(issuer, flight)
        return outcome if isinstance(outcome, KnownProvider) else None

    def _entry(self, issuer: str) -> _Entry:
        with self._lock:
            entry = self._entries.setdefault(issuer, _Entry())
            self._entries.move_to_end(issuer)
            if len(self._entries) > _MAX_PROVIDERS:
                self._entries.popitem(last=False)
            return entry

    def _board(self, entry: _Entry, now: datetime, *, joins: bool) -> tuple[_Flight | None, bool]:
        """The fetch to make, and True; or the one to wait for, and False; or None if there is no place for either."""
        if entry.flight is not None:
            if not joins or entry.flight.waiters >= _MAX_WAITERS or not self._places.acquire(blocking=False):
                return None, False
            entry.flight.waiters += 1
            return entry.flight, False
        if not self._slots.acquire(blocking=False):
            return None, False
        if not self._places.acquire(blocking=False):
            self._slots.release()
            return None, False
        entry.flight, entry.begun_at = _Flight(), now
        return entry.flight, True

    def _fly(self, issuer: str, entry: _Entry, flight: _Flight) -> KnownProvider | OidcError | UpstreamError:
        outcome: KnownProvider | OidcError | UpstreamError = _busy(issuer)  # if something unforeseen is raised
        try:
            outcome = self._fetch_provider(issuer)
        except (OidcError, UpstreamError) as exc:
            outcome = type(exc)(exc.reason, exc.public, exc.detail, subject=issuer)
        finally:
            self._places.release()
            self._slots.release()
            with entry.lock:
                entry.flight = None
                if isinstance(outcome, KnownProvider):
                    entry.known, entry.failure, entry.failures = outcome, None, 0
                else:
                    entry.failure, entry.failures = outcome, entry.failures + 1
            flight.outcome = outcome
            flight.done.set()
        return outcome

    def _wait(self, issuer: str, flight: _Flight) -> KnownProvider | OidcError | UpstreamError:
        try:
            flight.done.wait(self._wait_s)
        finally:
            self._places.release()
        return flight.outcome or _busy(issuer)

    def _fetch_provider(self, issuer: str) -> KnownProvider:
        document = self._fetch.get(discovery_url(issuer), accept=_ACCEPT, limits=_DOCUMENT)
        _check_answer(document)
        metadata = parse_discovery(document.body, issuer, development=self._development)
        key_set = self._fetch.get(metadata.jwks_uri, accept=_ACCEPT, limits=_KEYS)
        _check_answer(key_set)
        lifetime = min(_lifetime(document), _lifetime(key_set))
        return KnownProvider(
            metadata, parse_key_set(key_set.body), document.ca_thumbprints, self._clock.now() + lifetime
        )


def check_fingerprints(provider: KnownProvider, registered: Iterable[str]) -> None:
    """Refuse a provider whose server showed none of the registered authorities, if any are registered.

    The system's or the configured authorities have verified the server in any case; a fingerprint narrows that.
    ASSUMPTION: any certificate above the server's own counts, not only the root, since the platform's documents tell
    people to take the last one that a server sends.
    Raises: OidcError(OIDC_FINGERPRINT). Rule: sso-contract §3.1, §3.2.
    """
    wanted = {each.replace(":", "").lower() for each in registered}
    if wanted and wanted.isdisjoint(provider.ca_thumbprints):
        raise OidcError(
            Reason.OIDC_FINGERPRINT,
            "the provider's server shows the certificate of an authority that is not registered",
            ", ".join(provider.ca_thumbprints),
            subject=provider.metadata.issuer,
        )


def _check_answer(fetched: Fetched) -> None:
    if fetched.status != 200 or not _JSON.fullmatch(fetched.media_type):  # noqa: PLR2004 - OK
        raise UpstreamError(
            Reason.OIDC_UNAVAILABLE,
            "the provider does not answer as it should",
            f"{fetched.url}: status {fetched.status}, {fetched.media_type[:100]}",
        )


def _lifetime(fetched: Fetched) -> timedelta:
    """How long an answer may be used. Rule: RFC 9111 §5.2.2.1, §5.1."""
    directives = fetched.headers.get("cache-control", "").lower()
    found = _MAX_AGE.search(directives)
    if "no-store" in directives or "no-cache" in directives:
        return _SHORTEST
    if found is None:
        return _USUAL
    age = fetched.headers.get("age", "")
    left = timedelta(seconds=int(found[1]) - (int(age) if re.fullmatch("[0-9]{1,9}", age) else 0))
    return min(max(left, _SHORTEST), _LONGEST)


def _busy(issuer: str) -> UpstreamError:
    return UpstreamError(Reason.OIDC_UNAVAILABLE, "the provider is being asked, try again in a moment", subject=issuer)


def _raise(error: OidcError | UpstreamError | None) -> KnownProvider:
    # A fresh one each time: raised again and again by several threads, one exception would gather their tracebacks.
    if error is None:
        raise UpstreamError(Reason.OIDC_UNAVAILABLE, "the provider is being asked, try again in a moment")
    raise type(error)(error.reason, error.public, error.detail, subject=error.subject)
