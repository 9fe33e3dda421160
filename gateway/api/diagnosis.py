"""The encoded diagnostic message of a denial: who was refused what, by which policy, and on what the conditions looked.

Sealed under the key ring: whoever was refused can carry it to an administrator and can't read it, since it is not for
them to read other people's policies. Nor does its length tell them: what a policy wants stands in it beside what they
sent, so it is not compressed (the better a guess, the shorter the text would be), and is filled up to whole blocks.
It opens for a day, and only for the account whose policies decided: the caller's, or, where a trust policy refused, the
role's. Rule: sts-contract §6; ram-limits §10; policy-language §5.4.
"""

import json
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import astuple, dataclass
from datetime import datetime, timedelta

from gateway.api.errors import Failure, describe_caller
from gateway.errors import CredentialError, InputError, NotFound, Reason
from gateway.keyring import KeyRing
from gateway.policy import Decision, Layer, Outcome, PolicyType, StatementRef

PARAMETER = "EncodedDiagnosticMessage"
LIFETIME = timedelta(hours=24)
MAX_TEXT_LENGTH = 8192

_PURPOSE = "denial-diagnosis"
_FORM = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)
_BLOCK_BYTES = 1024
_MAX_PAYLOAD_BYTES = 5 * _BLOCK_BYTES  # what fits `MAX_TEXT_LENGTH` when it is sealed and encoded
# How many conditions, and values of one, are told, and how many characters of a text: as much as there is room for.
_ROOM = ((16, 256), (8, 64), (2, 16))
_ENTITY_TYPES = {"User": "RamUser", "Group": "RamGroup", "Role": "RamRole"}
_OWN_NAMES = {PolicyType.SESSION: Layer.SESSION.value, PolicyType.TRUST: Layer.TRUST.value}


@dataclass(frozen=True, slots=True)
class MatchedPolicy:
    """ASSUMPTION: a policy is identified by its name. The others are called by their layer."""

    identifier: str
    type: str  # System, Custom, SessionPolicy or AssumeRolePolicy
    version: str
    effect: str
    entity_type: str  # RamUser, RamGroup or RamRole


@dataclass(frozen=True, slots=True)
class Diagnosis:
    at_s: int  # seconds since 1970
    account_id: str  # who may read it
    action: str
    resource: str
    principal_type: str
    principal_owner_id: str
    principal_name: str
    explicit: bool
    layer: str
    policies: tuple[MatchedPolicy, ...]  # the one that denied, or the one that came nearest to allowing
    conditions: tuple[tuple[str, tuple[str, ...]], ...]  # their keys, and the values that the request had
    explanation: str


def seal_diagnosis(ring: KeyRing, decision: Decision, failure: Failure, now: datetime) -> str:
    """One text for the body of a refusal; the lengths that there are differ by more than a kilobyte."""
    payload = b""
    for most, longest in _ROOM:  # the last fits whatever was sent
        told = astuple(_diagnosis(decision, failure, now, most, longest))
        payload = json.dumps(told, separators=(",", ":")).encode("ascii")
        if len(payload) <= _MAX_PAYLOAD_BYTES:
            break
    filled = payload.ljust(-(-len(payload) // _BLOCK_BYTES) * _BLOCK_BYTES)
    return urlsafe_b64encode(ring.seal(_PURPOSE, filled)).rstrip(b"=").decode("ascii")


def open_diagnosis(ring: KeyRing, text: str, account_id: str, now: datetime) -> Diagnosis:
    """Read a message of this account.

    Raises: InputError(PARAMETER_INVALID) for anything that is no message of ours, NotFound for one of another account,
    CredentialError(TOKEN_EXPIRED) for one that is older than a day; subject "EncodedDiagnosticMessage" in all.
    """
    diagnosis = _open(ring, text)
    if diagnosis.account_id != account_id:
        raise NotFound(Reason.NOT_FOUND, "the message is of another account", subject=PARAMETER)
    if now.timestamp() >= diagnosis.at_s + LIFETIME.total_seconds():
        raise CredentialError(Reason.TOKEN_EXPIRED, "the message is older than a day", subject=PARAMETER)
    return diagnosis


def _diagnosis(decision: Decision, failure: Failure, now: datetime, most: int, longest: int) -> Diagnosis:
    kind, owner, name = describe_caller(failure.caller)
    ref = decision.statement or decision.nearest
    return Diagnosis(
        at_s=int(now.timestamp()),
        account_id=_account_of_role(decision) if decision.layer is Layer.TRUST else owner,
        action=failure.permission,
        resource=decision.request.resource[: 4 * longest],
        principal_type=kind,
        principal_owner_id=owner,
        principal_name=name,
        explicit=decision.outcome is Outcome.EXPLICIT_DENY,
        layer=decision.layer.value,
        policies=() if ref is None else (_policy(ref),),
        conditions=tuple(
            (value.key[:longest], tuple(text[:longest] for text in value.seen[:most]))
            for value in decision.condition_values[:most]
        ),
        explanation=decision.explain()[: 8 * longest],
    )


def _account_of_role(decision: Decision) -> str:
    """Whose trust policy decided; the resource of such a decision is the ARN of the role."""
    return "".join(decision.request.resource.split(":")[3:4])


def _policy(ref: StatementRef) -> MatchedPolicy:
    own = _OWN_NAMES.get(ref.policy_type)
    return MatchedPolicy(
        identifier=own or ref.policy_name,
        type=own or ref.policy_type.value,
        version=ref.policy_version,
        effect=ref.effect.value,
        entity_type=_ENTITY_TYPES.get(ref.via, "RamRole"),
    )


def _open(ring: KeyRing, text: str) -> Diagnosis:
    if len(text) > MAX_TEXT_LENGTH or not _FORM.fullmatch(text):
        raise _not_ours("not the text of a message")
    try:
        sealed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
        *head, policies, conditions, explanation = json.loads(ring.open(_PURPOSE, sealed))
        matched = tuple(MatchedPolicy(*policy) for policy in policies)
        fields = [*head, matched, tuple((key, tuple(seen)) for key, seen in conditions), explanation]
        return Diagnosis(*fields)
    except (ValueError, TypeError, CredentialError) as exc:
        raise _not_ours("sealed by somebody else, or changed") from exc


def _not_ours(detail: str) -> InputError:
    return InputError(Reason.PARAMETER_INVALID, "this is no diagnostic message", detail, subject=PARAMETER)
