"""Signing out of the demo company ends its clients' sessions too. Rule: OpenID Connect Back-Channel Logout 1.0."""

import secrets
import threading
import urllib.error
import urllib.request
from collections.abc import Mapping
from datetime import datetime
from urllib.parse import urlencode

from joserfc.errors import JoseError

from gateway.demo.op_config import OpClient, OpConfig
from gateway.demo.op_signing import OpSigner

_EVENT = "http://schemas.openid.net/event/backchannel-logout"
_LIFETIME_S = 120
_TIMEOUT_S = 3


class OpSessions:
    """Which clients each session of ours has been used for, and telling them that it has ended."""

    def __init__(self, config: OpConfig, signer: OpSigner) -> None:
        self._config = config
        self._signer = signer
        self._lock = threading.Lock()
        self._joined: dict[str, dict[str, str]] = {}  # session ID -> client ID -> subject

    def join(self, session_id: str, client: OpClient, subject: str) -> None:
        with self._lock:
            self._joined.setdefault(session_id, {})[client.client_id] = subject

    def end(self, session_id: str, now: datetime) -> None:
        """Tell each client. One that does not listen is left alone: the session has ended here in any case."""
        with self._lock:
            joined = self._joined.pop(session_id, {})
        for client_id, subject in joined.items():
            client = self._config.find_client(client_id)
            if client is not None:
                _post(client.back_channel_logout_uri, self._logout_token(client_id, subject, session_id, now))

    def asked_by(self, given: Mapping[str, str], session_id: str) -> tuple[OpClient | None, bool]:
        """Which client wants to sign somebody out, and whether it proves by `id_token_hint` that it is this session.

        Rule: OpenID Connect RP-Initiated Logout 1.0 §2, §4.
        """
        try:
            hint = self._signer.read(given.get("id_token_hint", ""))
        except (JoseError, ValueError):
            hint = {}
        client = self._config.find_client(given.get("client_id") or str(hint.get("aud", "")))
        is_its_own = client is not None and hint.get("aud") == client.client_id and hint.get("sid") == session_id
        return client, is_its_own

    def _logout_token(self, client_id: str, subject: str, session_id: str, now: datetime) -> str:
        issued = int(now.timestamp())
        claims: dict[str, object] = {
            "iss": self._config.issuer,
            "aud": client_id,
            "sub": subject,
            "sid": session_id,
            "iat": issued,
            "exp": issued + _LIFETIME_S,
            "jti": secrets.token_urlsafe(16),
            "events": {_EVENT: {}},
        }
        return self._signer.sign(claims, "logout+jwt")


def return_address(client: OpClient | None, given: Mapping[str, str]) -> str:
    """Where the browser goes after signing out; empty unless the client registered it."""
    wanted = given.get("post_logout_redirect_uri", "")
    if client is None or not wanted or wanted != client.post_logout_redirect_uri:
        return ""
    state = given.get("state", "")
    return f"{wanted}?{urlencode({'state': state})}" if state else wanted


def _post(url: str, logout_token: str) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))  # a proxy can't reach our loopback address
    try:
        with opener.open(url, urlencode({"logout_token": logout_token}).encode(), timeout=_TIMEOUT_S):
            pass
    except (urllib.error.URLError, TimeoutError, OSError):
        return
