"""The authorization code flow of the demo company's OpenID Provider: requests, codes, tokens, sessions. No Flask.

Everything that is in progress is kept in memory: it runs as one process. Rule: OpenID Connect Core 1.0 §3.1; RFC 7636.
"""

import hashlib
import hmac
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Generic, TypeVar
from urllib.parse import urlencode

from gateway.demo.op_config import OpClient, OpConfig, OpPerson
from gateway.demo.op_signing import OpSigner, encode
from gateway.errors import InputError, Reason

_CODE_LIFETIME = timedelta(seconds=60)
_TOKEN_LIFETIME = timedelta(minutes=10)
_REQUEST_LIFETIME = timedelta(minutes=10)
_MOST_HELD = 1000
_ACR_PASSWORD, _ACR_SECOND_FACTOR = "urn:example:password", "urn:example:second-factor"

T = TypeVar("T")


class Held(Generic[T]):
    """Things by an unguessable handle, for a while. The oldest make room for new ones."""

    def __init__(self, lifetime: timedelta) -> None:
        self._lifetime = lifetime
        self._lock = threading.Lock()
        self._held: dict[str, tuple[T, datetime]] = {}

    def add(self, thing: T, now: datetime) -> str:
        handle = secrets.token_urlsafe(24)
        with self._lock:
            while len(self._held) >= _MOST_HELD:
                del self._held[next(iter(self._held))]
            self._held[handle] = thing, now + self._lifetime
        return handle

    def find(self, handle: str, now: datetime) -> T | None:
        with self._lock:
            thing, ends_at = self._held.get(handle, (None, now))
        return thing if now < ends_at else None

    def take(self, handle: str, now: datetime) -> T | None:
        """For the first who asks."""
        with self._lock:
            thing, ends_at = self._held.pop(handle, (None, now))
        return thing if now < ends_at else None


@dataclass(frozen=True, slots=True)
class OpRequest:
    """Somebody is to be signed in for a client, whose address has been checked."""

    client: OpClient
    state: str
    nonce: str
    challenge: str
    prompt: str
    max_age_s: int | None
    login_hint: str
    received_at: datetime

    def wants_fresh_login(self, signed_in_at: datetime) -> bool:
        """Whether a login of that time is not good enough."""
        asked_again = self.prompt == "login" and signed_in_at < self.received_at
        too_old = self.max_age_s is not None and self.received_at - signed_in_at > timedelta(seconds=self.max_age_s)
        return asked_again or (too_old and signed_in_at < self.received_at)


@dataclass(frozen=True, slots=True)
class Arrived:
    """Somebody has signed in to the company."""

    person: OpPerson
    signed_in_at: datetime
    session_id: str  # sid


@dataclass(frozen=True, slots=True)
class _Grant:
    request: OpRequest
    arrived: Arrived


class OpRefusal(Exception):  # noqa: N818 - an answer of the protocol
    """An error of the token or UserInfo endpoint. Rule: RFC 6749 §5.2."""

    def __init__(self, error: str, status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.status = status


class OpFlow:
    def __init__(self, config: OpConfig, signer: OpSigner) -> None:
        self.config = config
        self._signer = signer
        self.requests: Held[OpRequest] = Held(_REQUEST_LIFETIME)
        self._codes: Held[_Grant] = Held(_CODE_LIFETIME)
        self._access: Held[OpPerson] = Held(_TOKEN_LIFETIME)

    def read_request(self, given: Mapping[str, str], now: datetime) -> OpRequest | str:
        """The request, or where to send the browser with the refusal.

        Raises: InputError(PARAMETER_INVALID) for an unknown client or address, to which nothing is sent.
        """
        client = self.config.find_client(given.get("client_id", ""))
        if client is None or given.get("redirect_uri") != client.redirect_uri:
            raise InputError(Reason.PARAMETER_INVALID, "We don't know the application that sent you here.")
        request = OpRequest(
            client=client,
            state=given.get("state", ""),
            nonce=given.get("nonce", ""),
            challenge=given.get("code_challenge", ""),
            prompt=given.get("prompt", ""),
            max_age_s=int(given["max_age"]) if given.get("max_age", "").isdigit() else None,
            login_hint=given.get("login_hint", ""),
            received_at=now,
        )
        if given.get("response_type") != "code":
            return self.answer(request, error="unsupported_response_type")
        if "openid" not in given.get("scope", "").split():
            return self.answer(request, error="invalid_scope")
        if not request.challenge or given.get("code_challenge_method") != "S256":
            return self.answer(request, error="invalid_request")
        return request

    def grant(self, request: OpRequest, arrived: Arrived, now: datetime) -> str:
        """Where the browser goes with its code."""
        return self.answer(request, code=self._codes.add(_Grant(request, arrived), now))

    def answer(self, request: OpRequest, **parameters: str) -> str:
        """Rule: RFC 6749 §4.1.2; RFC 9207 §2."""
        members = {**parameters, "state": request.state, "iss": self.config.issuer}
        return f"{request.client.redirect_uri}?{urlencode({name: text for name, text in members.items() if text})}"

    def redeem(self, client: OpClient, given: Mapping[str, str], now: datetime) -> dict[str, str | int]:
        """The answer of the token endpoint to a client that has proved who it is. Raises: OpRefusal."""
        if given.get("grant_type") != "authorization_code":
            raise OpRefusal("unsupported_grant_type")
        grant = self._codes.take(given.get("code", ""), now)
        if grant is None or grant.request.client != client or given.get("redirect_uri") != client.redirect_uri:
            raise OpRefusal("invalid_grant")
        challenge = encode(hashlib.sha256(given.get("code_verifier", "").encode()).digest())
        if not hmac.compare_digest(challenge.encode(), grant.request.challenge.encode()):
            raise OpRefusal("invalid_grant")
        access_token = self._access.add(grant.arrived.person, now)
        return {
            "access_token": access_token,
            "token_type": "Bearer",
            "expires_in": int(_TOKEN_LIFETIME.total_seconds()),
            "id_token": self._signer.sign(self._id_claims(grant, access_token, now)),
        }

    def user_info(self, access_token: str, now: datetime) -> dict[str, object]:
        """Raises: OpRefusal."""
        person = self._access.find(access_token, now)
        if person is None:
            raise OpRefusal("invalid_token", 401)
        return {"sub": person.subject, **person.claims}

    def check_client(self, client_id: str, secret: str) -> OpClient:
        """Raises: OpRefusal."""
        client = self.config.find_client(client_id)
        if client is None or not hmac.compare_digest(client.secret.reveal().encode(), secret.encode()):
            raise OpRefusal("invalid_client", 401)
        return client

    def _id_claims(self, grant: _Grant, access_token: str, now: datetime) -> dict[str, object]:
        person, issued = grant.arrived.person, int(now.timestamp())
        claims: dict[str, object] = {
            **person.claims,
            "iss": self.config.issuer,
            "sub": person.subject,
            "aud": grant.request.client.client_id,
            "iat": issued,
            "exp": issued + int(_TOKEN_LIFETIME.total_seconds()),
            "auth_time": int(grant.arrived.signed_in_at.timestamp()),
            "acr": _ACR_PASSWORD if person.methods == ("pwd",) else _ACR_SECOND_FACTOR,
            "amr": list(person.methods),
            "sid": grant.arrived.session_id,
            "at_hash": encode(hashlib.sha256(access_token.encode()).digest()[:16]),
        }
        return claims | ({"nonce": grant.request.nonce} if grant.request.nonce else {})
