"""What a call was decided on, for the journal: written before the call is answered, whatever the answer is.

A call whose caller is not known leaves nothing but a line in the log: strangers must not fill the disk. One that named
a key or a token of somebody leaves a record, one in a minute (`guard.unproven`); so does one that came with the word of
an identity provider (`refused_exchanges`), unless a trust policy refused it, which is a decision as any other.
"""

from datetime import datetime

from gateway.api.asked import Asked
from gateway.api.authenticate import named_key
from gateway.api.errors import FederatedCaller
from gateway.api.refused_exchanges import remember_exchange
from gateway.audit.decisions import (
    ITSELF,
    NO_POLICY,
    REFUSED,
    Condition,
    DecisionRecord,
    decision_record,
    federated_record,
    record_decision,
    who_is,
)
from gateway.errors import Denied, GatewayError
from gateway.guard.unproven import Attempted, is_unproven, remember_unproven
from gateway.policy import Decision
from gateway.principal import Principal
from gateway.services import Services

_ALLOW = "Allow"
_NO_CONDITIONS: tuple[Condition, ...] = ()


def remember(asked: Asked, services: Services, error: GatewayError | None) -> None:
    """Raises: OSError where the journal can't be written: the call is not answered then."""
    caller = asked.caller
    if error is not None and is_unproven(error) and not (asked.proven or isinstance(caller, FederatedCaller)):
        _remember_unproven(asked, services, error)
        return
    if caller is None:
        return
    if error is not None and isinstance(caller, FederatedCaller) and not _has_decision(error):
        remember_exchange(asked, caller, services, error)
    now = services.clock.now()
    records = [*asked.rulings, *_records(asked, caller, now, error)]
    if records:
        record_decision(services.store, *records)


def _remember_unproven(asked: Asked, services: Services, error: GatewayError) -> None:
    """A nonce that was used is of these, too: whoever has seen a call can send it as often as they like."""
    named = None if asked.call is None else named_key(asked.call)
    if named is not None:
        attempted = Attempted(asked.operation, asked.request_id, asked.client.address, services.clock.now())
        remember_unproven(services.store, services.ring, named, error, attempted)


def _has_decision(error: GatewayError) -> bool:
    return isinstance(error, Denied) and isinstance(error.decision, Decision)


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
        REFUSED if reason else _ALLOW,
        NO_POLICY,
        None,
        None,
        _NO_CONDITIONS,
        reason,
    )


def _of_stranger(asked: Asked, caller: FederatedCaller, denial: Decision, now: datetime) -> DecisionRecord:
    """An identity provider vouched for somebody, and the role's trust policy did not let them in."""
    return federated_record(
        denial,
        caller.account_id,
        f"acs:ram::{caller.account_id}:{caller.provider}",
        at=now,
        request_id=asked.request_id,
        operation=asked.operation,
        reason="",
    )
