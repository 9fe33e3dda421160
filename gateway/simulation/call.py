"""A call foreseen: from a user, a role session or a login, over roles that are assumed on the way, to an action.

Each step is decided by the code that decides it for real calls, on circumstances that are supposed.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.arn import RamArn, parse_ram_arn
from gateway.client import mfa_context
from gateway.directory.accounts import get_account
from gateway.directory.authorization import Authorizer
from gateway.directory.policy_stamps import find_stamp
from gateway.directory.rights import layers_of, load_rights
from gateway.directory.roles import AssumableRole, find_assumable_role, tags_of_role
from gateway.directory.users import get_user
from gateway.errors import InputError, NotFound, Reason
from gateway.policy import (
    AccessRequest,
    Decision,
    Layer,
    Outcome,
    RamKind,
    RamPrincipal,
    lacks_only,
    parse_session_policy,
)
from gateway.policy.evaluate import find_refusal
from gateway.policy.request import ASSUME_ROLE
from gateway.policy.trusted import find_ram_principal
from gateway.principal import AccountOwner, Principal, RamUser, RoleSession
from gateway.simulation.chain import Chain, Step, StepKind, decided_step
from gateway.simulation.circumstances import Context
from gateway.sts.assume import decide_trusted

MOST_ROLES = 8
SESSION_NAME = "simulation"
_LAYER_STEPS = {Layer.CONTROL: StepKind.CONTROL, Layer.SESSION: StepKind.SESSION}
_ELSEWHERE = "the role belongs to another account: whether it lets anybody in is not told here"


@dataclass(frozen=True, slots=True)
class Supposed:
    """What is supposed: `roles` are assumed one after the other, by ARN; the session policy is that of the last role,
    or of the role that `principal_arn` names. Without an action the chain ends with the last role.
    """

    principal_arn: str  # of a user, a role or the owner of the account
    roles: tuple[str, ...] = ()
    session_policy: str | None = None
    action: str = ""
    resource: str = ""


@dataclass(frozen=True, slots=True)
class Stage:
    """Where a simulation takes place. Reads only."""

    session: Session
    authorizer: Authorizer
    account_id: str
    now: datetime


def simulate_call(stage: Stage, supposed: Supposed, context: Context) -> Chain:
    """The whole chain. It goes on behind a step that stops it as long as there is something to decide on.

    Raises: NotFound, subject "User" or "Role"; InputError(ARN_MALFORMED), subject "PrincipalArn" or "RoleArn";
    InputError about Policy; InputError(PARAMETER_INVALID), subject "RoleArn" for more than 8 roles.
    """
    last_policy = None if supposed.roles else supposed.session_policy
    principal = find_principal(stage, supposed.principal_arn, last_policy)
    return follow(stage, principal, supposed, context)


def follow(
    stage: Stage, principal: Principal, supposed: Supposed, context: Context, before: tuple[Step, ...] = ()
) -> Chain:
    """The rest of a chain, from a principal that was found."""
    if len(supposed.roles) > MOST_ROLES:
        message = f"at most {MOST_ROLES} roles are assumed one after the other"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="RoleArn")
    if supposed.session_policy is not None:
        parse_session_policy(supposed.session_policy)
    steps = list(before)
    bounds: dict[str, str] = {}  # a session keeps the policy of the session of the same role that it came from
    for number, text in enumerate(supposed.roles, start=1):
        if isinstance(principal, RoleSession) and principal.session_policy is not None:
            bounds.setdefault(principal.role_id, principal.session_policy)
        policy = supposed.session_policy if number == len(supposed.roles) else None
        reached = _assume(stage, principal, _read_role(text), policy, context, steps)
        if reached is None:
            return Chain(tuple(steps))
        inherited = bounds.get(reached.role_id)
        if inherited is not None and policy not in (None, inherited):
            message = "a session of this role which this one came from has another session policy"
            raise InputError(Reason.PARAMETER_INVALID, message, subject="Policy")
        principal = reached if inherited is None else replace(reached, session_policy=inherited)
    if supposed.action:
        steps += _act(stage, principal, supposed.action, supposed.resource, context)
    return Chain(tuple(steps))


def find_principal(stage: Stage, arn: str, session_policy: str | None = None) -> Principal:
    """A user, a session of a role, or the owner, of this account.

    Raises: as `simulate_call`; one of another account is not found, as one that does not exist.
    """
    named = find_ram_principal(arn)
    if named is None:
        message = "write the ARN of a user, a role or the owner of your account"
        raise InputError(Reason.ARN_MALFORMED, message, arn[:200], subject="PrincipalArn")
    if session_policy is not None and named.kind is not RamKind.ROLE:
        message = "only a session of a role has a session policy"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="Policy")
    if named.account_id != stage.account_id:
        what = "Role" if named.kind is RamKind.ROLE else "User"
        raise NotFound(Reason.NOT_FOUND, f"the {what.lower()} does not exist", subject=what)
    if named.kind is RamKind.ROOT:
        return AccountOwner(stage.account_id, get_account(stage.session, stage.account_id).owner_login)
    if named.kind is RamKind.USER:
        user = get_user(stage.session, stage.account_id, named.name)
        return RamUser(stage.account_id, user.id, user.name)
    role = find_assumable_role(stage.session, stage.account_id, named.name)
    if role is None:
        raise NotFound(Reason.NOT_FOUND, "the role does not exist", subject="Role")
    return session_of(role, session_policy)


def session_of(role: AssumableRole, session_policy: str | None, name: str = SESSION_NAME) -> RoleSession:
    return RoleSession(role.account_id, role.id, role.name, name, session_policy)


def _assume(  # noqa: PLR0917 - who, which role, and on what
    stage: Stage,
    principal: Principal,
    wanted: RamArn,
    session_policy: str | None,
    context: Context,
    steps: list[Step],
) -> RoleSession | None:
    """Both sides, as `AssumeRole` asks them. Rule: policy-language §5.3."""
    arn = f"acs:ram::{wanted.account_id}:role/{wanted.name.lower()}"
    if isinstance(principal, AccountOwner):
        sentence = "the owner of an account can't assume roles"
        steps.append(Step(StepKind.CALLER, principal.arn, False, Outcome.IMPLICIT_DENY.value, sentence))
        return None
    at_home = wanted.account_id == stage.account_id
    tags = tags_of_role(stage.session, wanted.account_id, wanted.name) if at_home else {}
    facts = {**context, **{f"acs:ResourceTag/{key}": (value,) for key, value in tags.items()}}
    steps += decide_steps(stage, principal, ASSUME_ROLE, arn, facts, StepKind.CALLER)
    role = find_assumable_role(stage.session, wanted.account_id, wanted.name) if at_home else None
    if role is None:
        sentence = (
            "the role does not exist" if at_home else f"whether the role lets anybody in is not known: {_ELSEWHERE}"
        )
        helps = "" if at_home else "ask the account that the role belongs to"
        steps.append(Step(StepKind.TRUST, arn, False, "Unknown", sentence, helps=helps))
        return None
    steps.append(trust_step(stage, principal, role, context))
    return session_of(role, session_policy)


def trust_step(stage: Stage, principal: RamUser | RoleSession, role: AssumableRole, context: Context) -> Step:
    """What the role's trust policy, and the control policies over it, say of the caller."""
    caller = (
        RamPrincipal(principal.account_id, RamKind.USER, principal.name)
        if isinstance(principal, RamUser)
        else RamPrincipal(principal.account_id, RamKind.ROLE, principal.role_name)
    )
    own = principal.arn if isinstance(principal, RamUser) else principal.role_arn
    facts = {**without_principal(context), "acs:PrincipalARN": (own,)}

    def decide(facts: Mapping[str, tuple[str, ...]]) -> Decision:
        return decide_trusted(stage.session, role, caller, facts)

    decision = decide(facts)
    helps = _what_helps(decision, decide, stage.now) or f"name {own} in the trust policy of the role"
    return decided_step(StepKind.TRUST, role.arn, decision, "" if decision.allowed else helps)


def without_principal(context: Context) -> Context:
    return {key: values for key, values in context.items() if key.lower() != "acs:principalarn"}


def decide_steps(  # noqa: PLR0917 - who, what, on what
    stage: Stage, principal: Principal, action: str, resource: str, context: Context, kind: StepKind
) -> list[Step]:
    """The decision of the authorizer, with a step for each layer that was passed before."""

    def decide(facts: Mapping[str, tuple[str, ...]]) -> Decision:
        return stage.authorizer.decide(stage.session, principal, action, resource, facts)

    decision = decide(context)
    steps = [] if isinstance(principal, AccountOwner) else _passed(stage, principal, decision)
    helps = "" if decision.allowed else _what_helps(decision, decide, stage.now) or _missing_right(decision, principal)
    steps.append(decided_step(_LAYER_STEPS.get(decision.layer, kind), principal.arn, decision, helps))
    return steps


def _passed(stage: Stage, principal: RamUser | RoleSession, decision: Decision) -> list[Step]:
    """The control policies and the session policy where they let it through."""
    rights = load_rights(stage.session, principal, find_stamp(stage.session, stage.account_id) or 0, stage.now)
    if rights is None:
        return []
    steps: list[Step] = []
    gates = [(StepKind.CONTROL, Layer.CONTROL, rights.control)]
    own = layers_of(replace(rights, control=(), by_group={}), principal)[:-1]
    gates.append((StepKind.SESSION, Layer.SESSION, own))
    for kind, layer, levels in gates:
        if decision.layer is layer:
            break
        request: AccessRequest = decision.request
        if levels and find_refusal(request, ((layer, level) for level in levels)) is None:
            matched = levels[-1].find_match(request)
            ref = None if matched is None else matched.ref
            sentence = f"{kind.value} allows it" if len(levels) == 1 else f"each of {len(levels)} levels allows it"
            steps.append(Step(kind, principal.arn, True, Outcome.ALLOW.value, sentence, ref))
    return steps


def _act(stage: Stage, principal: Principal, action: str, resource: str, context: Context) -> list[Step]:
    return decide_steps(stage, principal, action, resource, context, StepKind.IDENTITY)


def _what_helps(decision: Decision, decide: Callable[[Mapping[str, tuple[str, ...]]], Decision], now: datetime) -> str:
    if decision.allowed:
        return ""
    if lacks_only(decision, mfa_context(now, mfa_present=True, mfa_at=now), decide):
        return "a second factor: with one, proved just now, it is allowed"
    if decision.outcome is Outcome.EXPLICIT_DENY:
        return "only that the statement that denies it is changed: no other policy outweighs it"
    unmet = [value for value in decision.condition_values if not value.met]
    if not unmet:
        return ""
    wants = " and ".join(f"{value.key} {value.operator} {' or '.join(value.wanted[:3])}" for value in unmet)
    return f"the nearest statement would allow it if: {wants}"


def _missing_right(decision: Decision, principal: Principal) -> str:
    where = {Layer.CONTROL: "a control policy at every level", Layer.SESSION: "the session policy"}
    holder = where.get(decision.layer, f"a policy attached to {principal.arn}")
    return f"{holder} would have to allow {decision.request.action} on {decision.request.resource}"


def _read_role(text: str) -> RamArn:
    try:
        return parse_ram_arn(text, "role")
    except InputError as error:
        raise InputError(error.reason, error.public, error.detail, subject="RoleArn") from error
