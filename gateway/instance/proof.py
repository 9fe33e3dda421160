"""How an instance proves itself: texts that are signed by its key. Written once, for both sides. Pure.

Each text names its kind, the gateway that it is meant for, and all that the call asks for, so that what was signed for
one gateway, operation or duration is of no use for another. No part of it can have a line break.
Rule: RFC 8032 (Ed25519).
"""

from collections.abc import Sequence

from gateway.errors import InputError, Reason

_VERSION = "ramgate-instance-v1"
ENROL, ASSUME = "EnrolInstance", "AssumeInstanceRole"


def enrolment_text(gateway: str, token: str, public_key: str) -> bytes:
    """That the bearer of the token holds the private key. `gateway` is its origin, without a final slash."""
    return _text(ENROL, gateway, (token, public_key))


def call_text(gateway: str, instance_arn: str, duration_s: int | None, signed_at: str, nonce: str) -> bytes:
    """A call for credentials, used once."""
    return _text(ASSUME, gateway, (instance_arn, "" if duration_s is None else str(duration_s), signed_at, nonce))


def _text(operation: str, gateway: str, parts: Sequence[str]) -> bytes:
    lines = (_VERSION, operation, gateway, *parts)
    if any(not line.isprintable() for line in lines):
        raise InputError(Reason.PARAMETER_INVALID, "what is signed has a character that can't be printed")
    return "\n".join(lines).encode("utf-8", "surrogatepass")
