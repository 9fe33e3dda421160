"""The HTTP front: gunicorn through its Python API, set up for the wire. `serve` runs until it is told to stop."""

import logging
import resource
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from gateway.app import create_app
from gateway.audit.log import set_up_log
from gateway.clockwork.runner import start_clockwork
from gateway.server.worker import GatewayWorker
from gateway.settings import Settings

_CONNECTIONS = 400  # per worker; each costs a file descriptor
_KEEPALIVE_S = 15
_GRACEFUL_S = 10
_HEARTBEAT_S = 30
_MAX_HEADERS = 100
_MAX_HEADER_BYTES = 16_384  # one header; a security token is the longest
_DESCRIPTORS = 4096


def serve(settings: Settings, *, certfile: Path | None = None, keyfile: Path | None = None) -> None:
    """Serve the gateway until SIGTERM or SIGINT; requests under way are finished first.

    With `certfile` and `keyfile` (PEM) it speaks TLS. The application is made here, before the workers are, so that
    a gateway which can't start says so at once.
    Raises: ConfigError.
    """
    set_up_log(settings.log_level)
    application = create_app(settings)
    services = application.extensions["ramgate"]
    serve_application(
        application, settings, certfile=certfile, keyfile=keyfile, in_worker=lambda: start_clockwork(services)
    )


def serve_application(
    application: Flask,
    settings: Settings,
    *,
    certfile: Path | None = None,
    keyfile: Path | None = None,
    in_worker: Callable[[], object] | None = None,
) -> None:
    """Put the HTTP front before an application. It is forked into the workers: it must hold no connections.

    `in_worker` is called once in each worker before its first request.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _DESCRIPTORS if hard == resource.RLIM_INFINITY else min(_DESCRIPTORS, hard)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    _Server(application, settings, certfile, keyfile, in_worker).run()


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(
        self,
        application: Flask,
        settings: Settings,
        certfile: Path | None,
        keyfile: Path | None,
        in_worker: Callable[[], object] | None,
    ) -> None:
        self.application = application
        self.in_worker = in_worker
        self.settings = settings
        self.tls = {"certfile": str(certfile), "keyfile": str(keyfile)} if certfile and keyfile else {}
        self.host_id = urlsplit(settings.base_url).netloc  # who we are where no Host header was understood
        super().__init__()

    def load(self) -> Flask:
        return self.application

    def load_config(self) -> None:
        for name, value in self._options().items():
            self.cfg.set(name, value)
        begin = self.in_worker
        if begin is not None:
            self.cfg.set("post_worker_init", lambda _worker: begin())

    def _options(self) -> dict[str, Any]:
        host = f"[{self.settings.host}]" if ":" in self.settings.host else self.settings.host
        heartbeats = Path("/dev/shm")  # noqa: S108 - in memory: a disk that stalls must not kill workers
        return {
            "bind": f"{host}:{self.settings.port}",
            "workers": self.settings.workers,
            "threads": self.settings.threads,
            "worker_class": GatewayWorker,
            "worker_connections": _CONNECTIONS,
            "worker_tmp_dir": str(heartbeats) if heartbeats.is_dir() else None,
            "timeout": _HEARTBEAT_S,
            "graceful_timeout": _GRACEFUL_S,
            "keepalive": _KEEPALIVE_S,
            # The request line has its own limit, far above gunicorn's highest, in `framing`.
            "limit_request_line": 0,
            "limit_request_fields": _MAX_HEADERS,
            "limit_request_field_size": _MAX_HEADER_BYTES,
            "http_parser": "python",  # the same one everywhere, installed accelerators or not
            # Headers that a proxy adds are judged by the application alone, by its list of trusted proxies.
            "forwarded_allow_ips": "",
            "secure_scheme_headers": {},
            "forwarder_headers": "",
            "control_socket_disable": True,
            "proc_name": "ramgate",
            "default_proc_name": "ramgate",
            "logger_class": _ServerLog,
            "loglevel": self.settings.log_level.lower(),
            **self.tls,
        }


class _ServerLog(Logger):  # type: ignore[misc]
    """gunicorn's own messages go where the gateway's go. Its debug messages repeat requests, so there are none."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
        self._access_log_enabled = False
        self.error_log = logging.getLogger("ramgate.server")
        self.error_log.propagate = True

    def debug(self, msg: str, *args: Any, **kwargs: Any) -> None:
        pass
