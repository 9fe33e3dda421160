"""The one door through which the gateway fetches from other servers.

Every fetch is one connection to one address. The address is checked after the name was resolved, and the connection
goes to that very address, so a name that resolves differently a moment later changes nothing; certificate and Host
header stay those of the name. Refused before anything is sent: other schemes than https (plain http for loopback
in development), URLs that parsers read differently, addresses that `outbound` does not allow. Bounded: the whole time
from look-up to last byte, the time to connect, the size of headers, body, and unpacked body, the number of redirects,
which lead only to the same origin. Proxies of the environment, cookies and connections kept open do not exist here.
"""

import hashlib
import io
import re
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import BinaryIO, NamedTuple

from gateway.errors import ConfigError, Reason, UpstreamError
from gateway.fetch_stream import BoundedStream, Deadline, timed_out, unpack
from gateway.loopback import is_loopback
from gateway.outbound import OutboundRules, SystemResolver, allowed_addresses
from gateway.secret import Secret

Resolve = Callable[[str, int, float], list[str]]  # host, port, seconds to wait -> addresses in the order to try

_URL = re.compile(
    r"(?P<scheme>https?)://"
    r"(?P<host>[A-Za-z0-9](?:[A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|\[[0-9A-Fa-f:.]{2,45}\])(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<target>(?:/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*)?(?:\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?)",
    re.ASCII,
)
_MAX_URL = 2048
_TAG = re.compile(r'(?:W/)?"[!#-~]{0,200}"')
_OK = 200
_MAX_HELD = 16 * 1024 * 1024  # of a body in memory, whatever the limits say
_MAX_ADDRESSES = 3  # tried for one fetch
_MAX_REDIRECTS = 3
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


@dataclass(frozen=True, slots=True)
class Limits:
    """What one fetch may cost. Seconds and bytes."""

    total_s: float = 8.0
    connect_s: float = 3.0
    header_bytes: int = 32 * 1024
    body_bytes: int = 512 * 1024  # on the wire and, unpacked, in memory


@dataclass(frozen=True, slots=True)
class Fetched:
    """An answer, whatever its status. Statuses and media types are the caller's to check."""

    url: str  # after redirects
    status: int
    headers: Mapping[str, str] = field(repr=False)  # lower-case names; repeated ones joined by commas
    body: bytes = field(repr=False)
    # SHA-1 of the certificates above the server's own, in the chain that was verified, lower hex, the root last; of the
    # server's own if it is its own root. Empty for plain HTTP. Rule: sso-contract §3.1.
    ca_thumbprints: tuple[str, ...] = ()

    @property
    def media_type(self) -> str:
        """The media type in lower case, without parameters; empty when there is none."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


class Origin(NamedTuple):
    scheme: str
    host: str  # without brackets
    port: int


class _Target(NamedTuple):
    url: str
    origin: Origin
    authority: str  # for the Host header
    path: str


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    headers: Mapping[str, str]
    body: bytes | None
    follow: bool
    into: BinaryIO | None = None  # where the body of a good answer goes instead of into memory


class Fetcher:
    """Fetches within `rules`. Holds no state between fetches but the TLS settings, so threads may share it.

    `ca_file`: PEM certificates to believe instead of the system's; `resolve` and `ticks` (a monotonic clock) are for
    tests. Raises: ConfigError(CONFIG_INVALID) if the CA file can't be used.
    """

    def __init__(
        self,
        rules: OutboundRules,
        ca_file: Path | None = None,
        *,
        resolve: Resolve | None = None,
        ticks: Callable[[], float] = time.monotonic,
    ) -> None:
        self._rules = rules
        self._resolve = resolve or SystemResolver().resolve
        self._ticks = ticks
        self._tls = _tls_context(ca_file)

    def get(
        self,
        url: str,
        *,
        accept: str = "application/json",
        authorization: Secret | None = None,
        limits: Limits = Limits(),
    ) -> Fetched:
        """GET a URL. Redirects are followed within the origin, and not at all when `authorization` is sent.

        Raises: UpstreamError with a FETCH_* reason. An answer of any status is a value.
        """
        headers = _headers(accept, authorization)
        return self._fetch(url, _Request("GET", headers, None, follow=authorization is None), limits)

    def download(self, url: str, into: BinaryIO, *, accept: str, known_tag: str = "", limits: Limits) -> Fetched:
        """GET a URL into a file. What is written to `into` counts only once this returns status 200.

        `known_tag`: the ETag of a copy that is there already; status 304 says that it is still good. The body of other
        answers than 200 is held in memory, as with `get`.
        Raises: UpstreamError with a FETCH_* reason.
        """
        headers = _headers(accept, None)
        if _TAG.fullmatch(known_tag):
            headers["If-None-Match"] = known_tag
        return self._fetch(url, _Request("GET", headers, None, follow=True, into=into), limits)

    def check_url(self, url: str) -> None:
        """Refuse what would be refused before anything is looked up: for addresses that are kept for later.

        Raises: UpstreamError(FETCH_URL).
        """
        self._target(url)

    def post(
        self,
        url: str,
        body: bytes,
        *,
        content_type: str = "application/x-www-form-urlencoded",
        accept: str = "application/json",
        authorization: Secret | None = None,
        extra: Mapping[str, str] | None = None,
        limits: Limits = Limits(),
    ) -> Fetched:
        """POST to a URL. A redirect is refused: what is posted holds secrets.

        `extra`: further headers, whose names and values the caller makes of ASCII without line breaks.
        Raises: UpstreamError with a FETCH_* reason.
        """
        headers = {**_headers(accept, authorization), **(extra or {}), "Content-Type": content_type}
        return self._fetch(url, _Request("POST", headers, body, follow=False), limits)

    def _fetch(self, url: str, request: _Request, limits: Limits) -> Fetched:
        deadline = Deadline(self._ticks, limits.total_s)
        target = self._target(url)
        for _ in range(_MAX_REDIRECTS + 1):
            fetched = self._exchange(target, request, limits, deadline)
            if fetched.status not in _REDIRECTS:
                return fetched
            if not request.follow:
                raise _redirect("a redirect where none is followed", url)
            target = self._next(target, fetched.headers.get("location", ""))
        raise _redirect("too many redirects", url)

    def _target(self, url: str) -> _Target:
        match = _URL.fullmatch(url) if len(url) <= _MAX_URL else None
        if match is None:
            raise UpstreamError(Reason.FETCH_URL, "the URL can't be fetched from", repr(url[:200]))
        scheme, bracketed = match["scheme"], match["host"].lower()
        port = int(match["port"]) if match["port"] else (443 if scheme == "https" else 80)
        host = bracketed.strip("[]")
        if scheme == "http" and not (self._rules.development and is_loopback(host)):
            raise UpstreamError(Reason.FETCH_URL, "the URL must begin with https://", repr(url[:200]))
        if not 0 < port < 65536 or ".." in host:  # noqa: PLR2004 - ports have 16 bits
            raise UpstreamError(Reason.FETCH_URL, "the URL can't be fetched from", repr(url[:200]))
        path = match["target"]
        path = path if path.startswith("/") else f"/{path}"
        authority = bracketed if match["port"] is None else f"{bracketed}:{port}"
        return _Target(url, Origin(scheme, host, port), authority, path)

    def _next(self, here: _Target, location: str) -> _Target:
        """Where a redirect leads: an absolute URL or an absolute path of the same origin."""
        if location.startswith("/") and not location.startswith("//"):
            location = f"{here.origin.scheme}://{here.authority}{location}"
        try:
            there = self._target(location)
        except UpstreamError as exc:
            raise _redirect("a redirect that can't be followed", location) from exc
        if there.origin != here.origin:
            raise _redirect("a redirect to another origin", location)
        return there

    def _exchange(self, target: _Target, request: _Request, limits: Limits, deadline: Deadline) -> Fetched:
        origin = target.origin
        connection = self._connect(origin, limits, deadline)
        try:
            thumbprints: tuple[str, ...] = ()
            if origin.scheme == "https":
                connection, thumbprints = self._start_tls(connection, origin.host, deadline)
            stream = BoundedStream(connection, deadline, limits.header_bytes)
            with _protocol_errors(target.url):
                connection.settimeout(deadline.left_s())
                connection.sendall(_render(target, request))
                response = stream.read_head(request.method)
                headers = _by_name(response)
                held = io.BytesIO()
                into, most = request.into, limits.body_bytes
                if into is None or response.status != _OK:
                    into, most = held, min(most, _MAX_HELD)
                unpack(stream.body_parts(response, most), headers.get("content-encoding", ""), most, into)
            return Fetched(target.url, response.status, headers, held.getvalue(), thumbprints)
        finally:
            connection.close()

    def _connect(self, origin: Origin, limits: Limits, deadline: Deadline) -> socket.socket:
        found = self._resolve(origin.host, origin.port, deadline.left_s())
        problems = []
        rules = self._rules
        if origin.scheme == "http":
            found = [address for address in found if is_loopback(address)]
        for address in allowed_addresses(origin.host, found, rules)[:_MAX_ADDRESSES]:
            try:
                return socket.create_connection((address, origin.port), min(limits.connect_s, deadline.left_s()))
            except OSError as exc:
                problems.append(f"{address}: {exc}")
        raise UpstreamError(
            Reason.FETCH_CONNECT, "the server can't be reached", f"{origin.host}:{origin.port} {'; '.join(problems)}"
        )

    def _start_tls(self, plain: socket.socket, host: str, deadline: Deadline) -> tuple[ssl.SSLSocket, tuple[str, ...]]:
        try:
            plain.settimeout(deadline.left_s())
            secure = self._tls.wrap_socket(plain, server_hostname=host, suppress_ragged_eofs=False)
        except TimeoutError as exc:
            raise timed_out(host) from exc
        except (OSError, ValueError) as exc:  # ssl.SSLError and CertificateError are OSErrors
            raise UpstreamError(
                Reason.FETCH_TLS, "the server's certificate or its TLS is not accepted", f"{host}: {exc}"
            ) from exc
        return secure, _ca_thumbprints(secure)


def _tls_context(ca_file: Path | None) -> ssl.SSLContext:
    # Not create_default_context, which lets the environment ask for the session keys to be written to a file.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # requires a certificate, checks the name
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    if ca_file is None:
        context.load_default_certs()
        return context
    try:
        context.load_verify_locations(cafile=ca_file)
    except (OSError, ValueError) as exc:
        raise ConfigError(Reason.CONFIG_INVALID, f"the CA file `{ca_file}` can't be used: {exc}") from exc
    return context


def _ca_thumbprints(secure: ssl.SSLSocket) -> tuple[str, ...]:
    """INVARIANT: of the verified chain. What a server sends beside it proves nothing."""
    if hasattr(secure, "get_verified_chain"):  # Python 3.13
        chain: list[bytes] = secure.get_verified_chain()
    else:
        chain = [ssl.PEM_cert_to_DER_cert(each.public_bytes()) for each in secure._sslobj.get_verified_chain()]  # type: ignore[attr-defined]  # noqa: SLF001
    above = chain[1:] or chain
    return tuple(hashlib.sha1(der, usedforsecurity=False).hexdigest() for der in above)


def _headers(accept: str, authorization: Secret | None) -> dict[str, str]:
    headers = {"Accept": accept, "Accept-Encoding": "gzip", "User-Agent": "ramgate", "Connection": "close"}
    if authorization is not None:
        value = authorization.reveal()
        if not (value.isascii() and value.isprintable()):
            raise UpstreamError(Reason.FETCH_PROTOCOL, "the credentials for the server can't be sent")
        headers["Authorization"] = value
    return headers


def _render(target: _Target, request: _Request) -> bytes:
    lines = [f"{request.method} {target.path} HTTP/1.1", f"Host: {target.authority}"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    if request.body is not None:
        lines.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join([*lines, "", ""]).encode("ascii") + (request.body or b"")


def _by_name(response: HTTPResponse) -> Mapping[str, str]:
    headers: dict[str, str] = {}
    for name, value in response.getheaders():
        lower = name.lower()
        headers[lower] = f"{headers[lower]}, {value}" if lower in headers else value
    return headers


@contextmanager
def _protocol_errors(url: str) -> Iterator[None]:
    try:
        yield
    except TimeoutError as exc:
        raise timed_out(url) from exc
    except (HTTPException, OSError, ValueError) as exc:
        raise UpstreamError(
            Reason.FETCH_PROTOCOL, "the server does not speak HTTP properly", f"{url}: {type(exc).__name__} {exc}"[:300]
        ) from exc


def _redirect(problem: str, where: str) -> UpstreamError:
    return UpstreamError(
        Reason.FETCH_REDIRECT, "the server leads to another place, which is not followed", f"{problem}: {where[:200]!r}"
    )
