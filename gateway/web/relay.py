"""Where a person may be sent after signing in: our own pages and the hosts that the settings name, nowhere else."""

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

HOME = "/session"

_MAX_LENGTH = 2048
_PRINTABLE = re.compile(r"[!-\[\]-~]+")  # ASCII without space, control characters and backslash
_ABSOLUTE = re.compile(r"(https?)://([A-Za-z0-9.-]{1,253})(?::([0-9]{1,5}))?(?:[/?#].*)?")
_DEFAULT_PORT = {"https": "443", "http": "80"}


def relay_target(relay_state: str | None, base_url: str, hosts: Sequence[str]) -> str:
    """Turn a RelayState, or a `callback`, into a place that is safe to redirect to.

    Accepted: a path of ours, an address at our own origin, an https address on an allow-listed host at the default
    port. Everything else becomes the home page and is no error, as the platform does it.
    The text is matched against a narrow grammar and never decoded or repaired, so that a browser, which repairs
    generously, can't read another host out of it.
    Rule: sso-contract §1.6.
    """
    text = relay_state or ""
    if len(text) > _MAX_LENGTH or not _PRINTABLE.fullmatch(text):
        return HOME
    if text.startswith("/"):
        return text if _is_own_path(text) else HOME
    found = _ABSOLUTE.fullmatch(text)
    if found is None:
        return HOME
    scheme, host, port = found[1], found[2].lower(), found[3] or _DEFAULT_PORT[found[1]]
    if (scheme, host, port) == _origin_of(base_url):
        return text
    allowed = scheme == "https" and port == "443" and any(_host_matches(host, pattern) for pattern in hosts)
    return text if allowed else HOME


def form_sources(hosts: Sequence[str]) -> tuple[str, ...]:
    """The same hosts as Content-Security-Policy sources: browsers check them on redirects after a form, too."""
    return tuple(f"https://{host}" for host in hosts if re.fullmatch(r"(\*\.)?[A-Za-z0-9.-]+", host))


def _is_own_path(text: str) -> bool:
    path = re.split(r"[?#]", text, maxsplit=1)[0]
    return "//" not in path and not any(segment in {".", ".."} for segment in path.split("/"))


def _origin_of(base_url: str) -> tuple[str, str, str]:
    parts = urlsplit(base_url)
    return parts.scheme, (parts.hostname or "").lower(), str(parts.port or _DEFAULT_PORT[parts.scheme])


def _host_matches(host: str, pattern: str) -> bool:
    pattern = pattern.lower()
    if pattern.startswith("*."):
        return host.endswith(pattern[1:]) and len(host) > len(pattern[1:])
    return host == pattern
