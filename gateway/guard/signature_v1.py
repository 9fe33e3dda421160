"""Signature V1, HMAC-SHA1 over all parameters: what was signed, and whether it was signed with this secret. Pure.

Not checked here, and owed by `authenticate`: that the key exists and is active, the time window, and that the nonce
was not used before. Headers are not signed, so nothing may be taken from them. Rule: sts-contract §4; sdk-wire §6.
"""

import base64
import hmac
from collections.abc import Mapping

from gateway.errors import CredentialError, InputError, Reason
from gateway.guard.signature_v3 import NO_MATCH
from gateway.percent import percent_encoded
from gateway.secret import Secret

_METHOD = "HMAC-SHA1"
_VERSION = "1.0"


def check_method(parameters: Mapping[str, str]) -> None:
    """Refuse signatures made in another way, bearer tokens and key pairs included.

    Raises: CredentialError(SIGNATURE_METHOD).
    """
    kind = parameters.get("SignatureMethod", ""), parameters.get("SignatureVersion", _VERSION)
    if kind != (_METHOD, _VERSION) or parameters.get("SignatureType"):
        raise CredentialError(Reason.SIGNATURE_METHOD, "the signature method is not supported", repr(kind)[:80])


def check_operation_is_signed(parameters: Mapping[str, str]) -> None:
    """Refuse a call whose operation stands in headers only. Raises: InputError(PARAMETER_MISSING)."""
    for name in ("Action", "Version"):
        if name not in parameters:
            raise InputError(Reason.PARAMETER_MISSING, f"{name} is not among the signed parameters", subject=name)


def string_to_sign(method: str, parameters: Mapping[str, str]) -> str:
    """All parameters but the signature, sorted by name. A space is `%20` here, whatever it was on the wire."""
    pairs = sorted((name, value) for name, value in parameters.items() if name != "Signature")
    query = "&".join(f"{percent_encoded(name)}={percent_encoded(value)}" for name, value in pairs)
    # Encoded as a whole once more. What is in it needs that nowhere else: it was encoded already.
    return f"{method}&%2F&{query.replace('%', '%25').replace('=', '%3D').replace('&', '%26')}"


def sign(secret: Secret, text: str) -> str:
    key = secret.reveal() + "&"
    return base64.b64encode(hmac.digest(key.encode(), text.encode(), "sha1")).decode("ascii")


def verify_signature(method: str, parameters: Mapping[str, str], secret: Secret) -> None:
    """Refuse a call that was not signed with this secret.

    Raises: CredentialError(SIGNATURE_MISMATCH), whose public text carries our string to sign.
    """
    text = string_to_sign(method, parameters)
    if not hmac.compare_digest(sign(secret, text).encode(), parameters["Signature"].encode()):
        raise CredentialError(Reason.SIGNATURE_MISMATCH, NO_MATCH + text, "wrong signature")
