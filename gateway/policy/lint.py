"""The linter: what a well-formed policy probably does not mean. It changes nothing and decides nothing.

What it calls an error can't do what it was written for, or lets in whom nobody meant; it stays silent where it can't
tell. Rule: policy-language §1 to §4.
"""

import difflib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.policy.compiled import with_any_segment
from gateway.policy.document import Effect, PolicyDocument, Statement
from gateway.policy.finding import Finding, Lint, Severity
from gateway.policy.fold import fold
from gateway.policy.lint_conditions import ConditionPlace, lint_conditions
from gateway.policy.service_codes import SERVICE_CODES
from gateway.policy.strict_json import shown
from gateway.policy.wildcard_sets import covered_by_any, covers, overlap

# Their operations act on resources of other services as well.
_ACROSS_SERVICES = frozenset({"sts", "tag", "config", "cms", "resourcemanager", "resourcecenter", "ims"})
# Whoever may do one of these on everything can give itself every right.
_PROMOTING = (
    "ram:AttachPolicyToUser",
    "ram:AttachPolicyToGroup",
    "ram:AttachPolicyToRole",
    "ram:AddUserToGroup",
    "ram:CreatePolicyVersion",
    "ram:SetDefaultPolicyVersion",
    "ram:UpdateRole",
    "ram:CreateAccessKey",
    "ram:CreateLoginProfile",
    "ram:UpdateLoginProfile",
)


@dataclass(frozen=True, slots=True)
class Known:
    """What the linter may rely on.

    `operations`: all operations of a service, by its code, where all are known. `services`: codes besides the
    platform's own. `now` tells which time windows are over.
    """

    now: datetime
    operations: Mapping[str, frozenset[str]] = field(default_factory=dict)
    services: frozenset[str] = frozenset()


def lint_policy(document: PolicyDocument, known: Known) -> tuple[Finding, ...]:
    """What is odd about an identity, session or control policy, in the order of its statements."""
    findings: list[Finding] = []
    for index, statement in enumerate(document.statements):
        path = f"Statement[{index}]"
        findings += _lint_actions(statement, path, known)
        findings += _lint_services(statement, path)
        findings += lint_conditions(statement, ConditionPlace(path, in_trust=False), known.now)
        findings += _lint_breadth(statement, path)
        findings += _lint_place(document.statements, index, path)
    return tuple(findings)


def _name(statement: Statement) -> str:
    return "NotAction" if statement.not_action else "Action"


def _lint_actions(statement: Statement, path: str, known: Known) -> Iterator[Finding]:
    name = _name(statement)
    if statement.not_action and "*" in statement.actions:
        problem = "NotAction leaves out everything, so that the statement matches nothing"
        yield Finding(Lint.NEVER_MATCHES, Severity.ERROR, f"{path}.NotAction", problem, "name what is to be left out")
        return
    for index, action in enumerate(statement.actions):
        found = _lint_action(action, f"{path}.{name}[{index}]", known)
        if found is not None:
            yield found


def _lint_action(action: str, path: str, known: Known) -> Finding | None:
    service, _, operation = action.partition(":")
    if not operation:
        return None
    code = fold(service)
    codes = SERVICE_CODES | known.services | known.operations.keys()
    if not any(sign in service for sign in "*?"):
        if code not in codes:
            cure = "correct it, or name it to the linter if it is a service of your own"
            problem = f"{shown(service)} is no service that is known here{_near(code, codes)}"
            return Finding(Lint.UNKNOWN_SERVICE, Severity.WARNING, path, problem, cure)
        operations = known.operations.get(code)
        if operations is not None and not any(covers(fold(operation), fold(each)) for each in operations):
            problem = f"{shown(action)} names no operation of {code}{_near(operation, operations)}"
            return Finding(Lint.UNKNOWN_OPERATION, Severity.WARNING, path, problem, "correct the name, or remove it")
    elif not any(overlap(code, each) for each in codes):
        problem = f"{shown(service)} matches no service that is known here"
        return Finding(Lint.UNKNOWN_SERVICE, Severity.WARNING, path, problem, "correct it")
    return None


def _near(name: str, known: frozenset[str]) -> str:
    by_fold = {fold(each): each for each in sorted(known)}
    near = difflib.get_close_matches(fold(name)[:64], by_fold, n=1)
    return f", did you mean `{by_fold[near[0]]}`?" if near else ""


def _lint_services(statement: Statement, path: str) -> Iterator[Finding]:
    """An action of one service on resources of another: no request can be both."""
    if statement.not_action:
        return
    actions = [fold(action.partition(":")[0]) for action in statement.actions if ":" in action]
    if len(actions) < len(statement.actions) or _ACROSS_SERVICES.intersection(actions):
        return
    resources = [_service_of(resource) for resource in statement.resources]
    for index, wanted in enumerate(resources):
        if not any(overlap(action, wanted) for action in actions):
            problem = f"{shown(statement.resources[index])} belongs to none of the services of the actions"
            yield Finding(
                Lint.NEVER_MATCHES if len(resources) == 1 else Lint.UNKNOWN_SERVICE,
                Severity.ERROR if len(resources) == 1 else Severity.WARNING,
                f"{path}.Resource[{index}]",
                problem,
                "name a resource of the same service as the action",
            )


def _service_of(resource: str) -> str:
    head, colon, rest = resource.partition(":")
    if head != "acs" or not colon:
        return "*"  # a wildcard in front: it may be anything
    return fold(rest.partition(":")[0])


def _lint_breadth(statement: Statement, path: str) -> Iterator[Finding]:
    if statement.effect is Effect.DENY:
        return
    everywhere = "*" in statement.resources
    if statement.not_action:
        problem = "allows everything but what it names, operations of services to come among them"
        cure = "allow what is needed under Action; or add a Deny statement for what must never be done"
        yield Finding(Lint.ALLOW_NOT_ACTION, Severity.WARNING, f"{path}.NotAction", problem, cure)
        return
    if everywhere and "*" in statement.actions:
        problem = "allows everything on everything"
        cure = "keep it for administrators, or name actions and resources"
        yield Finding(Lint.ADMINISTRATOR, Severity.NOTE, path, problem, cure)
        return
    promoting = [each for each in _PROMOTING if covered_by_any(map(fold, statement.actions), fold(each))]
    if promoting and everywhere and not statement.conditions:
        problem = f"whoever has it can give itself every right, by {promoting[0]}"
        cure = "limit Resource to the users, groups, roles and policies that are meant"
        yield Finding(Lint.SELF_PROMOTION, Severity.WARNING, path, problem, cure)


def _lint_place(statements: tuple[Statement, ...], index: int, path: str) -> Iterator[Finding]:
    """Statements that another one makes useless."""
    statement = statements[index]
    for place, other in enumerate(statements):
        if place == index or other.conditions or not _takes_in(other, statement):
            continue
        if statement.effect is Effect.ALLOW and other.effect is Effect.DENY:
            problem = f"Statement[{place}] denies all that it allows"
            yield Finding(Lint.ALWAYS_DENIED, Severity.ERROR, path, problem, "remove one, or narrow the Deny")
            return
        same = other.effect is statement.effect
        if same and (place < index or not _takes_in(statement, other) or bool(statement.conditions)):
            problem = f"Statement[{place}] says as much already"
            yield Finding(Lint.REPEATED, Severity.NOTE, path, problem, "remove it")
            return


def _takes_in(wide: Statement, narrow: Statement) -> bool:
    """Whether every request that `narrow` speaks of is one that `wide` speaks of, conditions aside."""
    if wide.not_action or narrow.not_action:
        same = wide.not_action is narrow.not_action and wide.actions == narrow.actions
        return same and _covers_resources(wide, narrow)
    actions = all(covered_by_any(map(fold, wide.actions), fold(action)) for action in narrow.actions)
    return actions and _covers_resources(wide, narrow)


def _covers_resources(wide: Statement, narrow: Statement) -> bool:
    wides = [with_any_segment(pattern) for pattern in wide.resources]
    return all(covered_by_any(wides, with_any_segment(pattern)) for pattern in narrow.resources)
