"""SimulateCall, ListReachingPrincipals and DryRunPolicyChange, of our own version: asked in advance, in one's account.

Each is decided on what it asks about: the user, role or provider it begins with; the role, or everything; what would
change. Nothing of other accounts is told, and nothing is written but that it was asked.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.orm import Session

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.paging import page_fields, read_page
from gateway.api.parameters import ANY_LENGTH, Parameters, missing
from gateway.api.render import Value
from gateway.api.rulings import condition_fields, statement_fields
from gateway.api.targets import (
    group_target,
    oidc_provider_target,
    policy_target,
    role_target,
    saml_provider_target,
    user_target,
    whole_account,
)
from gateway.api.versions import RESOURCES
from gateway.clock import wire_time
from gateway.directory.groups import get_group
from gateway.directory.roles import get_role
from gateway.directory.users import get_user
from gateway.federation.registered import get_registered
from gateway.guard.questions import LONGEST_ACTION, LONGEST_RESOURCE
from gateway.identity import Protocol
from gateway.oidc.sample import read_sample
from gateway.policy.trusted import RamKind, find_ram_principal
from gateway.saml.names import role_sso_recipient
from gateway.simulation.call import Stage, Supposed, simulate_call
from gateway.simulation.chain import Chain, Step
from gateway.simulation.changes import Change, Holder, change_attached, change_detached, change_policy, change_trust
from gateway.simulation.circumstances import read_circumstances
from gateway.simulation.dry_run import Window, dry_run
from gateway.simulation.flips import DryRun, Flips, Turn
from gateway.simulation.login import SupposedLogin, simulate_login
from gateway.simulation.reach import Reach, who_reaches
from gateway.simulation.reach_role import Trusted, who_takes_role
from gateway.store.paging import Page, Slice

_LONGEST_ARN = 256
_LONGEST_NAME = 128
_MOST_RECORDS = 50_000
_MOST_HOURS = 24 * 30
_KINDS = ("PolicyDocument", "TrustPolicy", "AttachPolicy", "DetachPolicy")
_HOLDERS = ("UserName", "GroupName", "RoleName")


@dataclass(frozen=True, slots=True)
class Asked:
    """INVARIANT: begins with a principal, or with a provider and claims."""

    supposed: Supposed
    context: str | None
    protocol: Protocol | None = None
    provider: str = ""
    claims: str = ""
    login_role: str = ""


@dataclass(frozen=True, slots=True)
class Search:
    """A role by name, or an action on a resource."""

    role: str
    action: str
    resource: str
    context: str | None
    page: Page


@dataclass(frozen=True, slots=True)
class Proposal:
    kind: str
    policy_type: str
    policy: str
    document: str
    holder_kind: str
    holder: str
    hours: int
    most: int
    after: int | None


def simulate(work: Work, asked: Asked) -> Outcome:
    """Raises: as `simulate_call`; NotFound, subject "SAMLProvider" or "OIDCProvider"."""
    stage, context = _stage(work), read_circumstances(asked.context, work.now)
    if asked.protocol is None:
        return Outcome(_chain(simulate_call(stage, asked.supposed, context)))
    provider = get_registered(work.session, work.account_id, asked.protocol, asked.provider)
    recipient = role_sso_recipient(work.services.base_url)
    login = SupposedLogin(provider, read_sample(asked.claims), recipient, asked.login_role)
    return Outcome(_chain(simulate_login(stage, login, asked.supposed, context)))


def reaching(work: Work, search: Search) -> Outcome:
    """Raises: NotFound, subject "Role"."""
    stage, context = _stage(work), _given(search.context, work)
    if search.role:
        found = who_takes_role(stage, search.role, context, search.page)
        trusted: Mapping[str, Value] = {"Trusted": {"Principal": [_trusted(each) for each in found.trusted]}}
        return Outcome({**_reached(found.found, found.after, found.asked), **trusted})
    page = who_reaches(stage, search.action, search.resource, context, search.page)
    return Outcome(_reached(page.found, page.after, page.asked))


def dry_run_change(work: Work, proposal: Proposal) -> Outcome:
    """Raises: as the change would be refused."""
    since = work.now - timedelta(hours=proposal.hours)
    window = Window(since=since, most=proposal.most, after=proposal.after)
    with work.services.store.reading() as session:  # what opens the records goes with the store's own sessions
        change = _change(session, work.account_id, proposal)
        page = dry_run(session, work.account_id, change, window, work.now)
    token: Mapping[str, Value] = {} if page.after is None else {"NextToken": str(page.after)}
    return Outcome({**_run(page.run), "IsTruncated": page.after is not None, **token})


def _stage(work: Work) -> Stage:
    return Stage(work.session, work.services.authorizer, work.account_id, work.now)


def _given(text: str | None, work: Work) -> Mapping[str, tuple[str, ...]]:
    """Circumstances that are told; the others are left open."""
    return read_circumstances(text, work.now, open_otherwise=True)


def _change(session: Session, account_id: str, proposal: Proposal) -> Change:
    if proposal.kind == "PolicyDocument":
        return change_policy(session, account_id, proposal.policy, proposal.document)
    if proposal.kind == "TrustPolicy":
        return change_trust(session, account_id, proposal.holder, proposal.document)
    holder = _holder(session, account_id, proposal)
    if proposal.kind == "AttachPolicy":
        return change_attached(session, account_id, proposal.policy_type, proposal.policy, holder)
    return change_detached(session, proposal.policy_type, proposal.policy, holder)


def _holder(session: Session, account_id: str, proposal: Proposal) -> Holder:
    if proposal.holder_kind == "UserName":
        return get_user(session, account_id, proposal.holder)
    if proposal.holder_kind == "GroupName":
        return get_group(session, account_id, proposal.holder)
    return get_role(session, account_id, proposal.holder)


def _chain(chain: Chain) -> dict[str, Value]:
    stopped = chain.stopped_at
    return {
        "Allowed": chain.allowed,
        **({} if stopped is None else {"StoppedAt": chain.steps.index(stopped), "WhatHelps": stopped.helps}),
        "Steps": {"Step": [_step(step) for step in chain.steps]},
    }


def _step(step: Step) -> Mapping[str, Value]:
    return {
        "Type": step.kind.value,
        "Who": step.who,
        **({} if step.passed is None else {"Passed": step.passed}),
        "Outcome": step.outcome,
        **({} if step.statement is None else {"Statement": statement_fields(step.statement)}),
        "ConditionValues": {"ConditionValue": [condition_fields(value) for value in step.values]},
        "Explanation": step.sentence,
        "WhatHelps": step.helps,
    }


def _reached(found: Sequence[Reach], after: str | None, asked: int) -> dict[str, Value]:
    listed = {"Principal": [_reach(each) for each in found]}
    return {"Asked": asked, "Principals": listed, **page_fields(Slice(found, after), marker="NextToken")}


def _reach(each: Reach) -> Mapping[str, Value]:
    return {
        "PrincipalArn": each.principal_arn,
        "Reaching": each.reaching.value,
        **({} if each.statement is None else {"Statement": statement_fields(each.statement)}),
        "ConditionValues": {"ConditionValue": [condition_fields(value) for value in each.conditions]},
        "SuchAs": {"Circumstance": [f"{key}={value}" for key, values in each.such_as.items() for value in values]},
        "Complete": each.complete,
    }


def _trusted(each: Trusted) -> Mapping[str, Value]:
    return {
        "Type": each.kind,
        "Name": each.name,
        "Effect": each.effect.value,
        "Conditions": {"Condition": list(each.conditions)},
        "MappingRules": {"MappingRule": list(each.rules)},
    }


def _run(run: DryRun) -> dict[str, Value]:
    return {
        "Change": run.told,
        "Records": run.records,
        "Decided": run.decided,
        "Untouched": run.untouched,
        "OfOwner": run.of_owner,
        "WithoutPolicy": run.without_policy,
        "PrincipalGone": run.principal_gone,
        "OnlyAsked": run.only_asked,
        "NotReplayable": run.not_replayable,
        "DifferFromRecord": run.differ_from_record,
        "OtherStatement": run.other_statement,
        "AllowToDeny": run.flips.totals[Turn.TO_DENY],
        "DenyToAllow": run.flips.totals[Turn.TO_ALLOW],
        "Flips": {"Flip": [_flip(each) for each in run.flips.ordered()]},
        "FlipsWithoutGroup": run.flips.ungrouped,
        "LoginsAsked": run.logins.asked,
        "LoginsNotReplayable": run.logins.not_replayable,
        "UnknownKeys": {"Key": sorted(run.logins.unknown_keys)},
    }


def _flip(each: Flips) -> Mapping[str, Value]:
    return {
        "Turn": each.turn.value,
        "PrincipalArn": each.principal_arn,
        "Action": each.action,
        "Resources": each.pattern,
        "Count": each.count,
        "Example": {
            "Time": wire_time(each.example.at),
            "RequestId": each.example.request_id,
            "Resource": each.example.resource,
            "Before": each.example.before,
            "After": each.example.after,
        },
    }


def _asked(parameters: Parameters) -> Asked:
    """Raises: InputError(PARAMETER_MISSING), subject "PrincipalArn", unless exactly one beginning is named."""
    action = parameters.optional_text("RequestAction", max_length=LONGEST_ACTION) or ""
    resource = parameters.optional_text("Resource", max_length=LONGEST_RESOURCE) or ""
    if bool(action) is not bool(resource):
        raise missing("Resource" if action else "RequestAction")
    arn = parameters.optional_text("PrincipalArn", max_length=_LONGEST_ARN)
    saml = parameters.optional_text("SAMLProviderName", max_length=_LONGEST_NAME)
    oidc = parameters.optional_text("OIDCProviderName", max_length=_LONGEST_NAME)
    if sum(each is not None for each in (arn, saml, oidc)) != 1:
        raise missing("PrincipalArn")
    roles, policy = parameters.texts("RoleArns"), parameters.optional_text("Policy")
    supposed = Supposed(arn or "", roles, policy, action, resource)
    context = parameters.optional_text("Context")
    if arn is not None:
        return Asked(supposed, context)
    protocol = Protocol.SAML if oidc is None else Protocol.OIDC
    claims = parameters.text("Claims", max_length=ANY_LENGTH)
    login_role = parameters.optional_text("RoleArn", max_length=_LONGEST_ARN) or ""
    return Asked(supposed, context, protocol, saml or oidc or "", claims, login_role)


def _search(parameters: Parameters) -> Search:
    """Raises: InputError(PARAMETER_MISSING) unless a role, or an action and a resource, are named."""
    page = read_page(parameters, default=50, most=100, marker="NextToken", size="MaxResults")
    context = parameters.optional_text("Context")
    role = parameters.optional_text("RoleName", max_length=_LONGEST_NAME)
    if role is not None:
        return Search(role, "", "", context, page)
    action = parameters.text("RequestAction", max_length=LONGEST_ACTION)
    return Search("", action, parameters.text("Resource", max_length=LONGEST_RESOURCE), context, page)


def _proposal(parameters: Parameters) -> Proposal:
    kind = parameters.choice("ChangeType", _KINDS)
    holders = [name for name in _HOLDERS if parameters.optional_text(name) is not None]
    of_policy, of_trust = kind == "PolicyDocument", kind == "TrustPolicy"
    if (of_policy and holders) or (not of_policy and len(holders) != 1) or (of_trust and holders != ["RoleName"]):
        raise missing("RoleName" if of_trust else "UserName")
    holder_kind = holders[0] if holders else ""
    token = parameters.optional_integer("NextToken")
    return Proposal(
        kind=kind,
        policy_type=parameters.optional_choice("PolicyType", ("Custom", "System")) or "Custom",
        policy="" if of_trust else parameters.text("PolicyName", max_length=_LONGEST_NAME),
        document=parameters.text("PolicyDocument", max_length=ANY_LENGTH) if of_policy or of_trust else "",
        holder_kind=holder_kind,
        holder=parameters.text(holder_kind, max_length=_LONGEST_NAME) if holder_kind else "",
        hours=parameters.optional_integer_between("SinceHours", 1, _MOST_HOURS) or 24,
        most=parameters.optional_integer_between("MaxRecords", 1, _MOST_RECORDS) or 10_000,
        after=token,
    )


def _of_asked(work: Work, asked: Asked) -> tuple[Target, ...]:
    """Where the chain begins, and the own roles that it leads over."""
    return (_beginning(work, asked), *_own_roles(work, (asked.login_role, *asked.supposed.roles)))


def _beginning(work: Work, asked: Asked) -> Target:
    if asked.protocol is Protocol.SAML:
        return saml_provider_target(work, asked.provider)
    if asked.protocol is Protocol.OIDC:
        return oidc_provider_target(work, asked.provider)
    named = find_ram_principal(asked.supposed.principal_arn)
    if named is None or named.kind is RamKind.ROOT or named.account_id != work.account_id:
        return whole_account(work, asked)[0]
    return user_target(work, named.name) if named.kind is RamKind.USER else role_target(work, named.name)


def _own_roles(work: Work, arns: Sequence[str]) -> Iterator[Target]:
    for arn in dict.fromkeys(arns):
        named = find_ram_principal(arn)
        if named is not None and named.kind is RamKind.ROLE and named.account_id == work.account_id:
            yield role_target(work, named.name)


def _of_search(work: Work, search: Search) -> tuple[Target, ...]:
    return (role_target(work, search.role),) if search.role else whole_account(work, search)


def _of_proposal(work: Work, proposal: Proposal) -> tuple[Target, ...]:
    """Of what would change. What comes of it tells of everybody in the account, so that is asked for as well."""
    found = list(whole_account(work, proposal))
    if proposal.policy:
        found.append(policy_target(work, proposal.policy_type, proposal.policy))
    by_kind = {"UserName": user_target, "GroupName": group_target, "RoleName": role_target}
    if proposal.holder_kind:
        found.append(by_kind[proposal.holder_kind](work, proposal.holder))
    return tuple(found)


ACTIONS: tuple[AnyAction, ...] = (
    ram_action("SimulateCall", RESOURCES, _asked, simulate, _of_asked, reads=True),
    ram_action("ListReachingPrincipals", RESOURCES, _search, reaching, _of_search, reads=True),
    ram_action("DryRunPolicyChange", RESOURCES, _proposal, dry_run_change, _of_proposal, reads=True),
)
