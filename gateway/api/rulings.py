"""How answers tell of a decision, and of a caller."""

from collections.abc import Mapping

from gateway.api.action import Target, Work
from gateway.api.render import Value
from gateway.audit.decisions import decision_record
from gateway.guard.ruling import Ruling
from gateway.guard.verifying import Bench
from gateway.policy import ConditionValue, StatementRef
from gateway.principal import AccountOwner, Principal, RamUser, RoleSession


def bench_of(work: Work) -> Bench:
    """What the guard works with, of a call."""
    return Bench(work.services.ring, work.services.store.fleeting, work.services.authorizer, work.now)


def service_target(work: Work, code: str) -> Target:
    """What asking about a service is decided on."""
    return Target(f"acs:ram:*:{work.account_id}:service/{code}")


def ruling_fields(ruling: Ruling) -> dict[str, Value]:
    """`Explanation` is one sentence for the service's log: it names policies, which are not for its clients to read."""
    statement, nearest = ruling.statement, ruling.nearest
    return {
        "Allowed": ruling.allowed,
        "Outcome": ruling.outcome.value,
        "Layer": ruling.layer,
        "Action": ruling.question.action,
        "Resource": ruling.question.resource,
        **({} if statement is None else {"Statement": statement_fields(statement)}),
        **({} if nearest is None else {"NearestMiss": statement_fields(nearest)}),
        "ConditionValues": {"ConditionValue": [condition_fields(value) for value in ruling.condition_values]},
        "Explanation": ruling.explain(),
    }


def remember_ruling(work: Work, operation: str, principal: Principal, ruling: Ruling) -> None:
    """Keep a decision about somebody else than the caller, in the account of whom it is about. It goes to the journal
    together with those about the call.
    """
    if ruling.decision is not None:
        request_id = work.call.wire.request_id
        kept = decision_record(ruling.decision, principal, at=work.now, request_id=request_id, operation=operation)
        work.rulings.append(kept)


def identity_fields(caller: Principal) -> dict[str, Value]:
    """Who somebody is, as GetCallerIdentity tells it. Rule: sts-contract §2.4."""
    told: dict[str, Value] = {"AccountId": caller.account_id, "Arn": caller.arn}
    match caller:
        case RamUser():
            told |= {"IdentityType": "RAMUser", "PrincipalId": caller.user_id, "UserId": caller.user_id}
        case RoleSession():
            principal_id = f"{caller.role_id}:{caller.session_name}"
            told |= {"IdentityType": "AssumedRoleUser", "PrincipalId": principal_id, "RoleId": caller.role_id}
        case AccountOwner():
            told |= {"IdentityType": "Account", "PrincipalId": caller.account_id}
    return told


def statement_fields(ref: StatementRef) -> Mapping[str, Value]:
    return {
        "PolicyName": ref.policy_name,
        "PolicyType": ref.policy_type.value,
        "PolicyVersion": ref.policy_version,
        "Index": ref.index,
        "Effect": ref.effect.value,
        "AttachedTo": ref.attached_to,
        "AttachedBy": ref.via,
    }


def condition_fields(value: ConditionValue) -> Mapping[str, Value]:
    return {
        "Operator": value.operator,
        "Key": value.key,
        "Wanted": {"Value": list(value.wanted)},
        "Seen": {"Value": list(value.seen)},
        "Met": value.met,
    }
