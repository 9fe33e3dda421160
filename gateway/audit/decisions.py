"""Decisions: what was asked of the policy engine, by whom, on what values, and what it said.

Every authenticated call and every page that asks the policies leaves one for each question, also where nothing
changes and where it is refused. `record_decision` hands it to the journal of this process, which neither loses it when
the process is killed nor waits for the disk; `read_decisions` reads them back in bulk. See `journal`, `batches`;
decision 0020.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.audit.chain import instant_of, micros
from gateway.audit.journal import Journal
from gateway.policy import ConditionValue, Decision, Effect, PolicyType, StatementRef
from gateway.principal import AccountOwner, Principal, RamUser, RoleSession
from gateway.quick_init import quick_init
from gateway.store.direct import Source
from gateway.store.engine import Store
from gateway.store.stamps import Stamps, stamps_of

REFUSED = "Refused"
UNPROVEN = "Unproven"  # kind of a principal whose key was named, and who was not proved to be the caller
FEDERATED = "Federated"  # kind of somebody whom an identity provider vouched for
NO_POLICY = ""  # the layer of a call that no policy is asked about
ITSELF = "OnItself"  # why an implicit deny did not count: the account lets its users do this to themselves
ASKED = "Asked"  # somebody at the console wanted to know what they may, and did nothing
SUPPOSED = "Supposed"  # asked what would be, had a second factor been proved: nothing was granted by it


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition of the statement that decided, or that came nearest; what it saw stands in the context."""

    operator: str
    key: str
    wanted: tuple[str, ...]
    met: bool


@quick_init
@dataclass(frozen=True, slots=True)
class DecisionRecord:
    """One question and its answer.

    `context` is what policies saw, `acs:CurrentTime` included: give it to `AccessRequest` with `action` and `resource`
    to ask again. Equal contexts of one batch are one object. `statement` decided; `nearest` came nearest, where none
    did. `layer` is empty, and `action` too, where no policy is asked (`GetCallerIdentity`). `reason` says why a call
    was refused for something else than its rights, or is `OnItself`, `Asked` or `Supposed`.
    """

    at: datetime
    request_id: str
    account_id: str
    principal_kind: str  # Owner, User, Role, Federated or Unproven
    principal_id: str  # of the user or the role; of an owner the account's
    principal_arn: str
    session_policy: str | None
    operation: str  # `ListUsers`; for a page of the console what it asks for
    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]]
    outcome: str  # Allow, ExplicitDeny, ImplicitDeny; Refused where no policy had a say
    layer: str
    statement: StatementRef | None
    nearest: StatementRef | None
    conditions: tuple[Condition, ...]
    reason: str

    @property
    def of_policy(self) -> bool:
        """Whether the policy engine was asked."""
        return self.layer != NO_POLICY


def decision_record(
    decision: Decision, principal: Principal, *, at: datetime, request_id: str, operation: str, reason: str = ""
) -> DecisionRecord:
    """What is kept of a decision of the policy engine."""
    request, statement = decision.request, decision.statement
    kind, principal_id, session_policy = who_is(principal)
    values = () if statement is not None and not _has_conditions(decision) else decision.condition_values
    return DecisionRecord(
        at,
        request_id,
        principal.account_id,
        kind,
        principal_id,
        principal.arn,
        session_policy,
        operation,
        request.action,
        request.resource,
        request.context,
        decision.outcome.value,
        decision.layer.value,
        statement,
        None if statement is not None else decision.nearest,
        tuple(_condition(value) for value in values),
        reason,
    )


def federated_record(
    decision: Decision,
    account_id: str,
    provider_arn: str,
    *,
    at: datetime,
    request_id: str,
    operation: str,
    reason: str,
) -> DecisionRecord:
    """What is kept of a trust policy's word about somebody whom a provider vouched for, in the role's account."""
    request = decision.request
    return DecisionRecord(
        at,
        request_id,
        account_id,
        FEDERATED,
        provider_arn.partition(f"{account_id}:")[2] or provider_arn,
        provider_arn,
        None,
        operation,
        request.action,
        request.resource,
        request.context,
        decision.outcome.value,
        decision.layer.value,
        decision.statement,
        decision.nearest,
        tuple(_condition(value) for value in decision.condition_values),
        reason,
    )


def who_is(principal: Principal) -> tuple[str, str, str | None]:
    """Kind, id and session policy."""
    if isinstance(principal, RamUser):
        return "User", principal.user_id, None
    if isinstance(principal, RoleSession):
        return "Role", principal.role_id, principal.session_policy
    assert isinstance(principal, AccountOwner)
    return "Owner", principal.account_id, None


def record_decision(where: Store | Source | Stamps, *records: DecisionRecord) -> None:
    """Hand them to the journal of this process, all at once: they are not lost with the process any more.

    Raises: LookupError where there is no journal, OSError where they can't be written: then the call is not answered.
    """
    stamps = where if isinstance(where, Stamps) else where.stamps if isinstance(where, Store) else stamps_of(where)
    journal = stamps.journal
    if not isinstance(journal, Journal):
        raise LookupError(  # noqa: TRY004 - it was not set
            "nobody keeps the decisions of this store"
        )
    journal.append(*map(dump, records))


def dump(record: DecisionRecord) -> bytes:
    """JSON in ASCII, the form of the journal; `load` reads it."""
    return _encode(
        (
            micros(record.at),
            record.request_id,
            (
                record.account_id,
                record.principal_kind,
                record.principal_id,
                record.principal_arn,
                record.session_policy,
            ),
            record.operation,
            record.action,
            record.resource,
            record.context,
            record.outcome,
            record.layer,
            _dump_ref(record.statement),
            _dump_ref(record.nearest),
            [(each.operator, each.key, each.wanted, each.met) for each in record.conditions],
            record.reason,
        )
    ).encode("ascii")


def load_ref(fields: Sequence[Any] | None) -> StatementRef | None:
    if fields is None:
        return None
    name, kind, version, index, effect, attached_to, via = fields
    return StatementRef(name, PolicyType(kind), version, index, Effect(effect), attached_to, via)


def load_conditions(fields: Sequence[Any]) -> tuple[Condition, ...]:
    return tuple(Condition(operator, key, tuple(wanted), met) for operator, key, wanted, met in fields)


def load_context(fields: Mapping[str, Sequence[str]]) -> dict[str, tuple[str, ...]]:
    return {key: tuple(values) for key, values in fields.items()}


def load(text: bytes) -> DecisionRecord:
    """Read one entry of a journal."""
    at, request_id, who, operation, action, resource, context, outcome, layer, ref, nearest, conditions, reason = (
        json.loads(text)
    )
    return DecisionRecord(
        instant_of(at),
        request_id,
        who[0],
        who[1],
        who[2],
        who[3],
        who[4],
        operation,
        action,
        resource,
        load_context(context),
        outcome,
        layer,
        load_ref(ref),
        load_ref(nearest),
        load_conditions(conditions),
        reason,
    )


_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":"), check_circular=False).encode


def _dump_ref(ref: StatementRef | None) -> Sequence[Any] | None:
    if ref is None:
        return None
    return (
        ref.policy_name,
        ref.policy_type.value,
        ref.policy_version,
        ref.index,
        ref.effect.value,
        ref.attached_to,
        ref.via,
    )


def _has_conditions(decision: Decision) -> bool:
    return bool(getattr(decision.basis, "conditions", ()))


def _condition(value: ConditionValue) -> Condition:
    return Condition(value.operator, value.key, value.wanted, value.met)
