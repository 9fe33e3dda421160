"""Who calls. A signature is checked against the secret of its key, in a fixed order of steps.

1. The call carries a signature of a kind we know.      4. The security token belongs to this key, and opens.
2. Its time is within 15 minutes of ours.               5. The signature is right.
3. The key exists and is active.                        6. The token is live, a lasting key in its network.
                                                        7. The nonce was not used before.

Steps 1 and 2 need no database, so that garbage never takes a write lock. Rule: sts-contract §4, §5, §6.1.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from gateway.api import signature_v1, signature_v3
from gateway.api.call import ApiCall
from gateway.directory.access_keys import AccessKey, find_access_key
from gateway.directory.network_policies import check_network
from gateway.errors import CredentialError, InputError, Reason
from gateway.keyring import KeyRing
from gateway.principal import AccountOwner, Principal, RamUser
from gateway.secret import Secret
from gateway.store.claims import claim_once
from gateway.store.direct import Source
from gateway.store.fleeting import Fleeting, KeyUse, Nonce
from gateway.sts.revocation import check_live
from gateway.sts.token import SessionToken, open_token

WINDOW = timedelta(minutes=15)
NONCE_CLAIM = "api-nonce"

_STS_KEY = "STS."
_TIME = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})T([0-9]{2}):([0-9]{2}):([0-9]{2})Z")
_NONCE = re.compile(r"[!-~]{1,128}")
_MARGIN = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Proof:
    """A signature that was read and is not checked yet."""

    access_key_id: str
    security_token: str | None
    nonce: str
    signed_at: datetime
    verify: Callable[[Secret], None]  # CredentialError unless it was made with this secret
    client_address: str  # where the call comes from


@dataclass(frozen=True, slots=True)
class Caller:
    """Who signed a call, and the security token that came with it, if one did."""

    principal: Principal
    token: SessionToken | None = None


def read_proof(call: ApiCall, now: datetime) -> Proof:
    """Steps 1 and 2. Which signature it is, the call itself tells: a header for V3, parameters for V1.

    Raises: InputError(PARAMETER_MISSING) for a call without any signature or with a part of it missing;
    CredentialError(SIGNATURE_INCOMPLETE), CredentialError(SIGNATURE_METHOD), CredentialError(TIMESTAMP_FORMAT),
    CredentialError(TIMESTAMP_EXPIRED).
    """
    if call.wire.headers.get("authorization", "").startswith(signature_v3.FAMILY):
        return _read_v3(call, now)
    return _read_v1(call, now)


def _read_v3(call: ApiCall, now: datetime) -> Proof:
    headers = call.wire.headers
    authorization = signature_v3.parse_authorization(headers["authorization"])
    if headers.get("x-acs-accesskey-id", authorization.access_key_id) != authorization.access_key_id:
        raise CredentialError(Reason.SIGNATURE_INCOMPLETE, "two different access keys are named")
    request = signature_v3.SignedRequest(call.wire.method, call.query, headers, call.wire.body)
    return Proof(
        access_key_id=authorization.access_key_id,
        security_token=headers.get("x-acs-security-token") or None,
        nonce=_check_nonce(headers.get("x-acs-signature-nonce")),
        signed_at=_check_time(headers.get("x-acs-date"), now),
        verify=lambda secret: signature_v3.verify_signature(request, authorization, secret),
        client_address=call.wire.client.address,
    )


def _read_v1(call: ApiCall, now: datetime) -> Proof:
    parameters = call.parameters
    for name in ("AccessKeyId", "Signature"):
        if not parameters.get(name):
            raise InputError(Reason.PARAMETER_MISSING, "the call is not signed", subject=name)
    signature_v1.check_method(parameters)
    signature_v1.check_operation_is_signed(parameters)
    return Proof(
        access_key_id=parameters["AccessKeyId"],
        security_token=parameters.get("SecurityToken") or None,
        nonce=_check_nonce(parameters.get("SignatureNonce")),
        signed_at=_check_time(parameters.get("Timestamp"), now),
        verify=lambda secret: signature_v1.verify_signature(call.wire.method, parameters, secret),
        client_address=call.wire.client.address,
    )


def verify_proof(source: Source, ring: KeyRing, fleeting: Fleeting, proof: Proof, now: datetime) -> Caller:
    """Steps 3 to 6.

    Raises: CredentialError(ACCESS_KEY_NOT_FOUND), (ACCESS_KEY_INACTIVE), (TOKEN_MISSING), (TOKEN_MALFORMED),
    (TOKEN_KEY_MISMATCH), (SIGNATURE_INCOMPLETE), (SIGNATURE_MISMATCH), (TOKEN_EXPIRED), (TOKEN_REVOKED),
    (ACCESS_KEY_NETWORK).
    """
    if not proof.access_key_id.startswith(_STS_KEY):
        return Caller(_key_holder(source, ring, fleeting, proof, now))
    token = _open_token(ring, proof)
    proof.verify(token.secret)
    check_live(source, token, now)
    return Caller(token.principal, token)


def claim_nonce(fleeting: Fleeting, proof: Proof, service: str, now: datetime) -> None:
    """Step 7, for every call: nobody waits for the disk because of it. Notes the use of a lasting key as well.

    Owed before: `verify_proof`, so that strangers can't fill the store. The nonce stays used whatever becomes of the
    call. Raises: CredentialError(SIGNATURE_NONCE_USED).
    """
    temporary = proof.access_key_id.startswith(_STS_KEY)
    use = None if temporary else KeyUse(proof.access_key_id, service)
    if not fleeting.claim_nonce(Nonce(_nonce_key(proof), proof.signed_at, _claimed_until(proof)), use, now):
        raise _nonce_used("the nonce was used, or the call signed before the machine was started anew")


def claim_nonce_for_good(source: Source, proof: Proof, now: datetime) -> None:
    """Step 7 once more, in the transaction of a change: a replay of it is refused even after a power cut.

    Raises: CredentialError(SIGNATURE_NONCE_USED).
    """
    if not claim_once(source, NONCE_CLAIM, _nonce_key(proof), _claimed_until(proof), now=now):
        raise _nonce_used("the nonce was used for a change")


def _nonce_key(proof: Proof) -> str:
    return f"{proof.access_key_id}\n{proof.nonce}"


def _claimed_until(proof: Proof) -> datetime:
    """A claim must outlive the last instant at which step 2 would still let the same request pass."""
    return proof.signed_at + WINDOW + _MARGIN


def _nonce_used(detail: str) -> CredentialError:
    return CredentialError(Reason.SIGNATURE_NONCE_USED, "the nonce was used before", detail)


def _check_nonce(nonce: str | None) -> str:
    if not nonce:
        raise InputError(Reason.PARAMETER_MISSING, "the nonce is missing", subject="SignatureNonce")
    if not _NONCE.fullmatch(nonce):
        raise CredentialError(Reason.SIGNATURE_INCOMPLETE, "the nonce must be 1 to 128 printable ASCII characters")
    return nonce


def _check_time(text: str | None, now: datetime) -> datetime:
    if text is None:
        raise InputError(Reason.PARAMETER_MISSING, "the time is missing", subject="Timestamp")
    signed_at = _parse_time(text)
    if signed_at is None:
        raise CredentialError(Reason.TIMESTAMP_FORMAT, "the time is malformed", repr(text[:40]))
    if abs(now - signed_at) > WINDOW:
        raise CredentialError(Reason.TIMESTAMP_EXPIRED, "the time is out of the window", text)
    return signed_at


def _parse_time(text: str) -> datetime | None:
    """None for anything but `2026-01-02T03:04:05Z`. By hand: `strptime` takes single digits too, and its time."""
    match = _TIME.fullmatch(text)
    if match is None:
        return None
    try:
        return datetime(*map(int, match.groups()), tzinfo=UTC)  # type: ignore[misc,arg-type]
    except ValueError:
        return None


def _open_token(ring: KeyRing, proof: Proof) -> SessionToken:
    if proof.security_token is None:
        raise CredentialError(Reason.TOKEN_MISSING, "a temporary key needs its security token")
    token = open_token(ring, proof.security_token)
    if token.access_key_id != proof.access_key_id:
        raise CredentialError(Reason.TOKEN_KEY_MISMATCH, "the security token belongs to another access key")
    return token


def _key_holder(source: Source, ring: KeyRing, fleeting: Fleeting, proof: Proof, now: datetime) -> Principal:
    if proof.security_token is not None:
        raise CredentialError(Reason.TOKEN_KEY_MISMATCH, "a lasting key has no security token")
    key = find_access_key(source, ring, proof.access_key_id)
    if key is None:
        raise CredentialError(Reason.ACCESS_KEY_NOT_FOUND, "no such access key", proof.access_key_id)
    if not key.active:
        raise CredentialError(Reason.ACCESS_KEY_INACTIVE, "the access key is disabled", proof.access_key_id)
    proof.verify(key.secret)
    check_network(key.own_policy, key.account_policy, proof.client_address)
    _check_not_idle(key, fleeting, now)
    if key.user_id is None:
        return AccountOwner(account_id=key.account_id, login=key.owner_login)
    assert key.user_name is not None
    return RamUser(account_id=key.account_id, user_id=key.user_id, name=key.user_name)


def _check_not_idle(key: AccessKey, fleeting: Fleeting, now: datetime) -> None:
    """Owed before the call is noted as a use of the key. Most keys are too young to be looked up."""
    if key.idle(None, now) and key.idle(fleeting.last_use_of(key.access_key_id), now):
        message = f"unused for more than {key.max_idle_days} days"
        raise CredentialError(Reason.ACCESS_KEY_INACTIVE, "the access key is disabled", message)
