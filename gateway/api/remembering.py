"""What a call was decided on, for the journal: written before the call is answered, whatever the answer is.

A call whose caller is not known leaves nothing but a line in the log: strangers must not fill the disk. Nor does one
that an identity provider's word came with, unless a trust policy refused it: the receipt tells of it.
"""

from dataclasses import dataclass, field
from datetime import datetime

from gateway.api.errors import FederatedCaller
from gateway.audit.decisions import (
    ITSELF,
    NO_POLICY,
    Condition,
    DecisionRecord,
    decision_record,
    record_decision,
    who_is,
)
from gateway.client import Client
from gateway.errors import Denied, GatewayError
from gateway.policy import Decision
from gateway.principal import Principal
from gateway.services import Services

_REFUSED = "Refused"
_ALLOW = "Allow"
_NO_CONDITIONS: tuple[Condition, ...] = ()


@dataclass(slots=True)
class Asked:
    """A call as far as it came. `decisions` are those of its targets, `rulings` what it asked for about somebody."""

    operation: str
    request_id: str
    client: Client
    caller: Principal | FederatedCaller | None = None
    decisions: tuple[Decision, ...] = field(default=())
    rulings: list[DecisionRecord] = field(default_factory=list)


def remember(asked: Asked, services: Services, error: GatewayError | None) -> None:
    """Raises: OSError where the journal can't be written: the call is not answered then."""
    caller = asked.caller
    if caller is None:
        return
    now = services.clock.now()
    records = [*asked.rulings, *_records(asked, caller, now, error)]
    if records:
        record_decision(services.store, *records)


def _records(
    asked: Asked, caller: Principal | FederatedCaller, now: datetime, error: GatewayError | None
) -> list[DecisionRecord]:
    denial = error.decision if isinstance(error, Denied) and isinstance(error.decision, Decision) else None
    if isinstance(caller, FederatedCaller):
        return [] if denial is None else [_of_stranger(asked, caller, denial, now)]
    reason = "" if error is None else str(error.reason)
    answered = [(decision, reason if decision.allowed else ITSELF) for decision in asked.decisions]
    if denial is not None:
        answered.append((denial, reason))
    found = [
        decision_record(decision, caller, at=now, request_id=asked.request_id, operation=asked.operation, reason=why)
        for decision, why in answered
    ]
    return found or [_without_policy(asked, caller, now, reason)]


def _without_policy(asked: Asked, caller: Principal, now: datetime, reason: str) -> DecisionRecord:
    """No policy was asked: none is needed, or the call was refused before."""
    kind, principal_id, session_policy = who_is(caller)
    address = asked.client.address
    return DecisionRecord(
        now,
        asked.request_id,
        caller.account_id,
        kind,
        principal_id,
        caller.arn,
        session_policy,
        asked.operation,
        "",
        "",
        {"acs:SourceIp": (address,)} if address else {},
        _REFUSED if reason else _ALLOW,
        NO_POLICY,
        None,
        None,
        _NO_CONDITIONS,
        reason,
    )


def _of_stranger(asked: Asked, caller: FederatedCaller, denial: Decision, now: datetime) -> DecisionRecord:
    """An identity provider vouched for somebody, and the role's trust policy did not let them in."""
    request, nearest = denial.request, denial.nearest
    values = denial.condition_values
    return DecisionRecord(
        now,
        asked.request_id,
        caller.account_id,
        "Federated",
        caller.provider,
        f"acs:ram::{caller.account_id}:{caller.provider}",
        None,
        asked.operation,
        request.action,
        request.resource,
        request.context,
        denial.outcome.value,
        denial.layer.value,
        denial.statement,
        nearest,
        tuple(Condition(each.operator, each.key, each.wanted, each.met) for each in values),
        "",
    )
