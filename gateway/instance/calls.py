"""The two calls that an instance makes to its gateway."""

import json
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from gateway.clock import Clock, wire_time
from gateway.errors import CredentialError, InputError, Reason, UpstreamError
from gateway.fetch import Fetcher
from gateway.ids import new_handle
from gateway.instance.identity import InstanceIdentity
from gateway.instance.proof import ASSUME, ENROL, call_text, enrolment_text
from gateway.secret import Secret

_VERSION = "2026-11-01"
_OK = 200
_CLIENT_ERRORS = range(400, 500)
_LONGEST_MESSAGE = 300
# What the gateway says of an instance that it does not know, or no longer.
NOT_KNOWN = "SignatureMismatch"


@dataclass(frozen=True, slots=True)
class RoleCredentials:
    role_name: str
    access_key_id: str
    access_key_secret: Secret
    security_token: str = field(repr=False)
    issued_at: datetime  # by this machine's clock
    expires_at: datetime


class RefusedByGateway(CredentialError):  # noqa: N818 - reads as what happened
    """The gateway answered, and said no. `said` is its reason, as `Reason` has it."""

    def __init__(self, said: str, public: str) -> None:
        super().__init__(Reason.ACCESS_DENIED, public, said)
        self.said = said


def enrol(fetcher: Fetcher, identity: InstanceIdentity, token: Secret) -> InstanceIdentity:
    """Give the gateway the instance's public key for the token; the identity with what the gateway calls it.

    Raises: RefusedByGateway; UpstreamError.
    """
    told = token.reveal().strip()
    text = enrolment_text(identity.gateway, told, identity.public_key)
    asked = {"EnrolmentToken": told, "PublicKey": identity.public_key, "InstanceSignature": identity.sign(text)}
    answer = _call(fetcher, identity.gateway, ENROL, asked)
    try:
        return replace(identity, arn=_text(answer, "InstanceArn"), role_name=_text(answer, "RoleName"))
    except (KeyError, TypeError) as exc:
        raise _not_ours() from exc


def fetch_credentials(
    fetcher: Fetcher, identity: InstanceIdentity, clock: Clock, duration_s: int | None = None
) -> RoleCredentials:
    """Raises: RefusedByGateway; UpstreamError."""
    now, nonce = clock.now(), new_handle()
    signed_at = wire_time(now)
    text = call_text(identity.gateway, identity.arn, duration_s, signed_at, nonce)
    asked = {"InstanceArn": identity.arn, "SignedAt": signed_at, "Nonce": nonce}
    asked["InstanceSignature"] = identity.sign(text)
    if duration_s is not None:
        asked["DurationSeconds"] = str(duration_s)
    answer = _call(fetcher, identity.gateway, ASSUME, asked)
    try:
        told = answer["Credentials"]
        return RoleCredentials(
            role_name=_text(answer, "RoleName"),
            access_key_id=_text(told, "AccessKeyId"),
            access_key_secret=Secret(_text(told, "AccessKeySecret")),
            security_token=_text(told, "SecurityToken"),
            issued_at=now,
            expires_at=_instant(_text(told, "Expiration"), now),
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise _not_ours() from exc


def _call(fetcher: Fetcher, gateway: str, action: str, parameters: dict[str, str]) -> Any:
    body = urlencode({"Action": action, "Version": _VERSION, "Format": "JSON", **parameters}).encode()
    fetched = fetcher.post(f"{gateway}/", body)
    try:
        answer = json.loads(fetched.body)
    except (ValueError, RecursionError) as exc:
        raise _not_ours() from exc
    if not isinstance(answer, dict):
        raise _not_ours()
    if fetched.status == _OK:
        return answer
    said, message = answer.get("Reason"), answer.get("Message")
    if fetched.status not in _CLIENT_ERRORS or not isinstance(said, str) or not isinstance(message, str):
        raise _not_ours()
    raise RefusedByGateway(said, f"the gateway refused: {message[:_LONGEST_MESSAGE]}")


def check_gateway(fetcher: Fetcher, url: str) -> str:
    """The origin of a gateway: https, or http on this very machine. Raises: UpstreamError(FETCH_URL); InputError."""
    origin = url.rstrip("/")
    fetcher.check_url(origin)
    if origin.count("/") != 2 or "?" in origin:  # noqa: PLR2004 - those of https://
        message = "a gateway is named by its origin, such as https://sso.example.com"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="gateway")
    return origin


def _text(answer: Any, name: str) -> str:
    value = answer[name]
    if not isinstance(value, str) or not value.isascii() or not value.isprintable():
        raise TypeError(name)
    return value


def _instant(text: str, now: datetime) -> datetime:
    instant = datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    if not now < instant < now + timedelta(days=1):
        raise ValueError("not a life that credentials have, or this machine's clock is wrong")
    return instant


def _not_ours() -> UpstreamError:
    return UpstreamError(Reason.FETCH_PROTOCOL, "what answers at the gateway's address is no gateway")
