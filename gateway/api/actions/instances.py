"""EnrolInstance and AssumeInstanceRole, of our own version: what an instance asks for, proven by its own key.

Both are anonymous on the wire: an instance has no AccessKey, which is what it is for.
"""

from dataclasses import dataclass, field
from datetime import datetime

from gateway.api.action import Action, AnyAction, Auth, Outcome, Work
from gateway.api.errors import FederatedCaller
from gateway.api.parameters import Parameters
from gateway.api.render import Value
from gateway.api.role_credentials import arn_parameter, credentials_answer
from gateway.api.versions import RESOURCES
from gateway.arn import RamArn
from gateway.audit.receipts import Receipt
from gateway.client import policy_context
from gateway.directory.instances import (
    INSTANCE,
    SERVICE,
    Instance,
    check_public_key,
    enrol_instance,
    find_enrolment,
    find_instance,
    role_of_instance,
)
from gateway.errors import CredentialError, Reason
from gateway.federation.receipts import grant_details
from gateway.guard.proof import WINDOW, check_nonce, check_time
from gateway.instance.proof import ASSUME, ENROL, call_text, enrolment_text
from gateway.signing import is_signed_by
from gateway.store.claims import claim_once
from gateway.sts.assume import assume_for_service

_CLAIM = "instance-nonce"
_LONGEST_TOKEN, _LONGEST_KEY, _LONGEST_TIME, _LONGEST_NONCE = 128, 64, 40, 128
_SIGNATURE_DIGITS = 128


@dataclass(frozen=True, slots=True)
class Enrolment:
    token: str = field(repr=False)
    public_key: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class Wanted:
    """A call for credentials. Nothing in it is proven."""

    instance: RamArn
    duration_s: int | None
    signed_at: str
    nonce: str
    signature: bytes


def _enrolment(parameters: Parameters) -> Enrolment:
    return Enrolment(
        parameters.text("EnrolmentToken", max_length=_LONGEST_TOKEN),
        parameters.text("PublicKey", max_length=_LONGEST_KEY),
        _signature(parameters),
    )


def _check_enrolment(work: Work, wanted: Enrolment) -> None:
    """Before the write lock: strangers don't get to hold it. Raises: as `enrol_instance`; CredentialError."""
    public = check_public_key(wanted.public_key)
    text = enrolment_text(work.services.base_url, wanted.token, wanted.public_key)
    if not is_signed_by(public, text, wanted.signature):
        message = "the enrolment is not signed by the key that it brings, for this gateway"
        raise CredentialError(Reason.SIGNATURE_MISMATCH, message)
    find_enrolment(work.session, wanted.token, work.now)


def enrol(work: Work, wanted: Enrolment) -> Outcome:
    """Raises: NotFound, subject "EnrolmentToken" or "Role"."""
    instance = enrol_instance(work.session, wanted.token, wanted.public_key, work.now)
    role = role_of_instance(work.session, instance)
    receipt = Receipt(
        at=work.now,
        request_id=work.call.wire.request_id,
        account_id=instance.account_id,
        kind=ENROL,
        principal_arn=instance.arn,
        outcome="Allow",
        details={"instance": instance.name, "role": role.arn, "client": work.client.address},
    )
    answer = {"InstanceArn": instance.arn, "InstanceName": instance.name, "RoleArn": role.arn, "RoleName": role.name}
    return Outcome(answer, receipt=receipt)


def _wanted(parameters: Parameters) -> Wanted:
    return Wanted(
        arn_parameter(parameters, "InstanceArn", INSTANCE),
        parameters.optional_integer("DurationSeconds"),
        parameters.text("SignedAt", max_length=_LONGEST_TIME),
        check_nonce(parameters.text("Nonce", max_length=_LONGEST_NONCE)),
        _signature(parameters),
    )


def _prove(work: Work, wanted: Wanted) -> tuple[Instance, datetime]:
    """The instance whose key signed the call, and when it did.

    Says the same of an instance that there is not as of a wrong signature.
    Raises: CredentialError(SIGNATURE_MISMATCH), (TIMESTAMP_FORMAT), (TIMESTAMP_EXPIRED).
    """
    signed_at = check_time(wanted.signed_at, work.now, subject="SignedAt")
    instance = find_instance(work.session, wanted.instance.account_id, wanted.instance.name)
    key = None if instance is None else instance.public_key
    text = call_text(work.services.base_url, str(wanted.instance), wanted.duration_s, wanted.signed_at, wanted.nonce)
    if instance is None or key is None or not is_signed_by(bytes.fromhex(key), text, wanted.signature):
        message = "no instance here has this key: it was deregistered, enrolled anew, or never enrolled at this gateway"
        raise CredentialError(Reason.SIGNATURE_MISMATCH, message, str(wanted.instance))
    return instance, signed_at


def _check_proof(work: Work, wanted: Wanted) -> None:
    _prove(work, wanted)


def assume_instance_role(work: Work, wanted: Wanted) -> Outcome:
    """Credentials of the instance's role, if the role trusts the service that instances are of.

    The proof is verified again in the transaction of the grant: an instance that was deregistered meanwhile gets none.
    Raises: as `_prove`; CredentialError(SIGNATURE_NONCE_USED); NotFound, subject "Role"; as `assume_for_service`.
    """
    session, now = work.session, work.now
    instance, signed_at = _prove(work, wanted)
    if not claim_once(session, _CLAIM, f"{instance.id}\n{wanted.nonce}", signed_at + 2 * WINDOW, now=now):
        raise CredentialError(Reason.SIGNATURE_NONCE_USED, "the nonce was used before")
    grant = assume_for_service(
        session,
        ring=work.services.ring,
        service=SERVICE,
        role=role_of_instance(session, instance),
        session_name=instance.id,
        context=policy_context(work.client, now),
        duration_s=wanted.duration_s,
        lineage=((INSTANCE, instance.id),),
        now=now,
    )
    instance.credentials_at = now
    receipt = Receipt(
        at=now,
        request_id=work.call.wire.request_id,
        account_id=instance.account_id,
        kind=ASSUME,
        principal_arn=grant.token.principal.arn,
        outcome=grant.decision.outcome.value,
        details=grant_details(grant)
        | {"instance": instance.name, "instance_arn": instance.arn, "client": work.client.address},
    )
    answer: dict[str, Value] = {
        "RoleName": grant.token.principal.role_name,
        "Credentials": credentials_answer(grant.credentials),
    }
    return Outcome(answer, receipt=receipt)


def _signature(parameters: Parameters) -> bytes:
    text = parameters.text("InstanceSignature", max_length=_SIGNATURE_DIGITS)
    try:
        return bytes.fromhex(text)
    except ValueError:
        raise CredentialError(Reason.SIGNATURE_INCOMPLETE, "the signature is written in hex digits") from None


def _caller(wanted: Wanted) -> FederatedCaller:
    return FederatedCaller(wanted.instance.account_id, f"{INSTANCE}/{wanted.instance.name}")


ACTIONS: tuple[AnyAction, ...] = (
    Action(ENROL, RESOURCES, Auth.ANONYMOUS, _enrolment, enrol, prepare=_check_enrolment),
    Action(
        ASSUME,
        RESOURCES,
        Auth.ANONYMOUS,
        _wanted,
        assume_instance_role,
        f"ram:{ASSUME}",
        federated=_caller,
        prepare=_check_proof,
    ),
)
