"""The gateway's settings: one frozen value, read once from a TOML file and the environment.

Every key has a field in `Settings`. In the file (`RAMGATE_CONFIG`, default `ramgate.toml` if present) a key is
written as is; in the environment it is upper case with the prefix `RAMGATE_`. `PORT` and `DATABASE_URL` are
read too, since hosting platforms set them. The environment wins.
"""

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import ConfigError, Reason
from gateway.loopback import is_loopback
from gateway.secret import Secret

PREFIX = "RAMGATE_"
PLATFORM_NAMES = {"PORT": "port", "DATABASE_URL": "database_url"}
NOT_SETTINGS = {"RAMGATE_CONFIG"}
_SHORTEST_TOKEN = 20
_NONE = Secret("")
_PACKAGE = Path(__file__).resolve().parent
# From a checkout data lives beside the code; an installed package keeps it where it is started.
HOME = _PACKAGE.parent if (_PACKAGE.parent / "pyproject.toml").is_file() else Path.cwd()
TEMPLATES = _PACKAGE / "templates" if (_PACKAGE / "templates").is_dir() else HOME / "templates"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the gateway needs to know about the place it runs in. Paths are absolute."""

    base_url: str = ""  # what browsers and IdPs call us, without a final slash; default http://<host>:<port>
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 2
    threads: int = 8  # per worker
    database_url: str = ""  # default: SQLite in var_dir
    var_dir: Path = HOME / "var"
    certs_dir: Path = HOME / "certs"
    metadata_dir: Path = HOME / "metadata"
    templates_dir: Path = TEMPLATES
    role_sso_urn: str = "urn:alibaba:cloudcomputing"  # entity ID and audience of role-based SSO
    domain_suffix: str = "onaliyun.com"  # an account's default domain is <alias>.<suffix>
    relay_hosts: tuple[str, ...] = ()  # besides our own origin, where RelayState may lead; `*.example.com` allowed
    trusted_proxies: tuple[str, ...] = ()  # addresses or networks whose X-Forwarded-* headers are believed
    outbound_networks: tuple[str, ...] = ()  # private networks in which identity providers stand
    outbound_ca_file: str = ""  # PEM certificates to believe for outbound TLS instead of the system's
    skew_s: int = 120  # clock difference tolerated in SAML times, seconds
    metrics_token: Secret = _NONE  # what a scraper of /metrics must show; empty: there are no metrics
    routes_file: str = ""  # applications behind a proxy: which request is which action on which resource
    proxy_secret: Secret = _NONE  # what a proxy shows when it asks who comes; empty: it can't ask
    log_level: str = "INFO"

    @property
    def development(self) -> bool:
        """Whether this is a gateway on somebody's own machine: plain HTTP is possible on a loopback address only."""
        return self.base_url.startswith("http://")


def load_settings(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Raises: ConfigError(CONFIG_UNKNOWN_KEY) for a key that no field has, ConfigError(CONFIG_INVALID) for a value
    that can't be used, plain HTTP on anything but a loopback address included.
    """
    environ = os.environ if environ is None else environ
    raw = _from_file(environ.get("RAMGATE_CONFIG"))
    for name, key in PLATFORM_NAMES.items():
        if environ.get(name):
            raw[key] = environ[name]
    for name, value in environ.items():
        if name.startswith(PREFIX) and name not in NOT_SETTINGS:
            raw[name.removeprefix(PREFIX).lower()] = value
    known = {field.name: field.type for field in fields(Settings)}
    for key in raw:
        if key not in known:
            raise ConfigError(Reason.CONFIG_UNKNOWN_KEY, f"unknown setting `{key}`", subject=key)
    values = {key: _typed(key, known[key], value) for key, value in raw.items()}
    return _completed(values)


def _from_file(named: str | None) -> dict[str, Any]:
    path = Path(named) if named else Path("ramgate.toml")
    if not path.is_file():
        if named:
            raise ConfigError(Reason.CONFIG_INVALID, f"the settings file `{named}` does not exist")
        return {}
    try:
        return tomllib.loads(path.read_text())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(Reason.CONFIG_INVALID, f"`{path}` is not valid TOML: {exc}") from exc


def _typed(key: str, kind: object, value: Any) -> Any:
    try:
        if kind is int:
            return int(value)
        if kind is Path:
            return Path(value).resolve()
        if kind is Secret:
            return Secret(str(value))
        if kind == tuple[str, ...]:
            parts = value.replace(",", " ").split() if isinstance(value, str) else value
            return tuple(str(part) for part in parts)
        return str(value)
    except (TypeError, ValueError) as exc:
        raise ConfigError(Reason.CONFIG_INVALID, f"setting `{key}` can't be `{value}`", subject=key) from exc


def _completed(values: dict[str, Any]) -> Settings:
    draft = Settings(**values)
    values["base_url"] = (draft.base_url or f"http://{draft.host}:{draft.port}").rstrip("/")
    values["database_url"] = draft.database_url or f"sqlite:///{draft.var_dir / 'ramgate.sqlite3'}"
    settings = Settings(**values)
    _check_base_url(settings.base_url)
    _check_token("metrics_token", settings.metrics_token)
    _check_token("proxy_secret", settings.proxy_secret)
    for network in (*settings.trusted_proxies, *settings.outbound_networks):
        try:
            ipaddress.ip_network(network)
        except ValueError as exc:
            raise ConfigError(Reason.CONFIG_INVALID, f"`{network}` is no address or network") from exc
    return settings


def _check_token(name: str, token: Secret) -> None:
    text = token.reveal()
    if text and not (len(text) >= _SHORTEST_TOKEN and text.isascii() and text.isprintable() and " " not in text):
        message = f"{name} must be {_SHORTEST_TOKEN} characters or more, of ASCII and without spaces"
        raise ConfigError(Reason.CONFIG_INVALID, message, subject=name)


def _check_base_url(base_url: str) -> None:
    parts = urlsplit(base_url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.path or parts.query or parts.username:
        raise ConfigError(Reason.CONFIG_INVALID, "base_url must be an origin such as https://sso.example.com")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise ConfigError(Reason.CONFIG_INVALID, "base_url must use https unless its host is a loopback address")
