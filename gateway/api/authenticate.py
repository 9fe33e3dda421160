"""Reading the signature of a call, and using up its nonce. What is in between, and the order of it: `guard.proof`."""

from dataclasses import dataclass
from datetime import datetime

from gateway.api.call import ApiCall
from gateway.errors import CredentialError, InputError, Reason
from gateway.guard import signature_v1, signature_v3
from gateway.guard.proof import Proof, check_nonce, check_time
from gateway.guard.unproven import NamedKey
from gateway.store.claims import claim_once
from gateway.store.direct import Source
from gateway.store.fleeting import Fleeting, KeyUse, Nonce

NONCE_CLAIM = "api-nonce"


@dataclass(frozen=True, slots=True)
class CallProof(Proof):
    """The signature of a call of the wire: it has a nonce always."""

    nonce: str


def read_proof(call: ApiCall, now: datetime) -> CallProof:
    """Steps 1 and 2. Which signature it is, the call itself tells: a header for V3, parameters for V1.

    Raises: InputError(PARAMETER_MISSING) for a call without any signature or with a part of it missing;
    CredentialError(SIGNATURE_INCOMPLETE), CredentialError(SIGNATURE_METHOD), CredentialError(TIMESTAMP_FORMAT),
    CredentialError(TIMESTAMP_EXPIRED).
    """
    if call.wire.headers.get("authorization", "").startswith(signature_v3.FAMILY):
        return _read_v3(call, now)
    return _read_v1(call, now)


def _read_v3(call: ApiCall, now: datetime) -> CallProof:
    headers = call.wire.headers
    authorization = signature_v3.parse_authorization(headers["authorization"])
    if headers.get("x-acs-accesskey-id", authorization.access_key_id) != authorization.access_key_id:
        raise CredentialError(Reason.SIGNATURE_INCOMPLETE, "two different access keys are named")
    request = signature_v3.SignedRequest(call.wire.method, call.query, headers, call.wire.body)
    return CallProof(
        access_key_id=authorization.access_key_id,
        security_token=headers.get("x-acs-security-token") or None,
        nonce=check_nonce(headers.get("x-acs-signature-nonce")),
        signed_at=check_time(headers.get("x-acs-date"), now),
        verify=lambda secret: signature_v3.verify_signature(request, authorization, secret),
        client_address=call.wire.client.address,
    )


def _read_v1(call: ApiCall, now: datetime) -> CallProof:
    parameters = call.parameters
    for name in ("AccessKeyId", "Signature"):
        if not parameters.get(name):
            raise InputError(Reason.PARAMETER_MISSING, "the call is not signed", subject=name)
    signature_v1.check_method(parameters)
    signature_v1.check_operation_is_signed(parameters)
    return CallProof(
        access_key_id=parameters["AccessKeyId"],
        security_token=parameters.get("SecurityToken") or None,
        nonce=check_nonce(parameters.get("SignatureNonce")),
        signed_at=check_time(parameters.get("Timestamp"), now),
        verify=lambda secret: signature_v1.verify_signature(call.wire.method, parameters, secret),
        client_address=call.wire.client.address,
    )


def named_key(call: ApiCall) -> NamedKey | None:
    """Whose key a call names, of one that was refused: also where the rest of its signature can't be read."""
    headers, parameters = call.wire.headers, call.parameters
    if headers.get("authorization", "").startswith(signature_v3.FAMILY):
        try:
            key_id = signature_v3.parse_authorization(headers["authorization"]).access_key_id
        except CredentialError:
            return None
        return NamedKey(key_id, headers.get("x-acs-security-token") or None)
    key_id = parameters.get("AccessKeyId", "")
    return NamedKey(key_id, parameters.get("SecurityToken") or None) if key_id else None


def claim_nonce(fleeting: Fleeting, proof: CallProof, service: str, now: datetime) -> None:
    """Step 7, for every call: nobody waits for the disk because of it. Notes the use of a lasting key as well.

    Owed before: `verify_proof`, so that strangers can't fill the store. The nonce stays used whatever becomes of the
    call. Raises: CredentialError(SIGNATURE_NONCE_USED).
    """
    use = None if proof.temporary else KeyUse(proof.access_key_id, service)
    if not fleeting.claim_nonce(Nonce(_nonce_key(proof), proof.signed_at, proof.claimed_until), use, now):
        raise _nonce_used("the nonce was used, or the call signed before the machine was started anew")


def claim_nonce_for_good(source: Source, proof: CallProof, now: datetime) -> None:
    """Step 7 once more, in the transaction of a change: a replay of it is refused even after a power cut.

    Raises: CredentialError(SIGNATURE_NONCE_USED).
    """
    if not claim_once(source, NONCE_CLAIM, _nonce_key(proof), proof.claimed_until, now=now):
        raise _nonce_used("the nonce was used for a change")


def _nonce_key(proof: CallProof) -> str:
    return f"{proof.access_key_id}\n{proof.nonce}"


def _nonce_used(detail: str) -> CredentialError:
    return CredentialError(Reason.SIGNATURE_NONCE_USED, "the nonce was used before", detail)
