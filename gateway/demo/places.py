"""Where the demo keeps its things and which addresses it uses."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import ConfigError, Reason
from gateway.settings import Settings, load_settings

_DEFAULT_IDP_PORT = 8081
_HIGHEST_PORT = 65535
_IDP_HOSTS = ("127.0.0.1", "localhost")


@dataclass(frozen=True, slots=True)
class Places:
    settings: Settings
    idp_port: int
    idp_host: str = _IDP_HOSTS[0]  # `localhost` makes it another site to a browser, as a company's own IdP is

    @property
    def idp_url(self) -> str:
        return f"http://{self.idp_host}:{self.idp_port}"

    @property
    def speaks_openid(self) -> bool:
        """The gateway fetches from the IdP then, which it does over plain HTTP only where it is on loopback itself."""
        return self.settings.development

    @property
    def database(self) -> Path:
        return self.settings.var_dir / "demo.sqlite3"

    @property
    def state(self) -> Path:
        return self.settings.var_dir / "demo.json"

    @property
    def idp_key(self) -> Path:
        return self.settings.certs_dir / "demo-idp.key"

    @property
    def idp_certificate(self) -> Path:
        return self.settings.certs_dir / "demo-idp.crt"

    @property
    def idp_metadata(self) -> Path:
        return self.settings.metadata_dir / "demo-idp.local.xml"

    def log(self, server: str) -> Path:
        return self.settings.var_dir / f"demo-{server}.log"


def find_places(environ: Mapping[str, str] | None = None) -> Places:
    """Read PORT, IDP_PORT, IDP_HOST and the gateway's settings.

    The database is always the demo's own: whatever DATABASE_URL says belongs to something that matters.
    Raises: ConfigError.
    """
    chosen = dict(os.environ if environ is None else environ)
    chosen.pop("DATABASE_URL", None)
    chosen.pop("RAMGATE_DATABASE_URL", None)
    var_dir = load_settings(chosen).var_dir
    settings = load_settings({**chosen, "RAMGATE_DATABASE_URL": f"sqlite:///{var_dir / 'demo.sqlite3'}"})
    port = chosen.get("IDP_PORT") or str(_DEFAULT_IDP_PORT)
    if not port.isascii() or not port.isdigit() or not 0 < int(port) <= _HIGHEST_PORT:
        raise ConfigError(Reason.CONFIG_INVALID, f"IDP_PORT can't be `{port}`", subject="IDP_PORT")
    if int(port) == settings.port:
        raise ConfigError(Reason.CONFIG_INVALID, f"PORT and IDP_PORT are both {port}", subject="IDP_PORT")
    host = chosen.get("IDP_HOST") or _IDP_HOSTS[0]
    if host not in _IDP_HOSTS:
        raise ConfigError(Reason.CONFIG_INVALID, f"IDP_HOST must be one of {', '.join(_IDP_HOSTS)}", subject="IDP_HOST")
    return Places(settings=settings, idp_port=int(port), idp_host=host)
