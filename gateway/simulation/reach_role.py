"""Who can take a role? Both sides are asked of the account's own users and roles; of others what trust says of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from gateway.directory.control_levels import control_levels
from gateway.directory.mapping_rules import MappingRuleRow
from gateway.directory.roles import AssumableRole, find_assumable_role, tags_of_role
from gateway.errors import NotFound, Reason
from gateway.policy import (
    Decision,
    Effect,
    FederatedPrincipal,
    PolicySet,
    RamKind,
    RamPrincipal,
    ServicePrincipal,
    decide_trust,
)
from gateway.policy.request import ASSUME_ROLE, AccessRequest
from gateway.policy.trusted import find_ram_principal
from gateway.simulation.call import Stage
from gateway.simulation.reach import Decide, Gate, Reach, who_reaches
from gateway.simulation.trust_judging import parsed
from gateway.store.paging import Page

Context = Mapping[str, tuple[str, ...]]
_MOST_RULES = 200


@dataclass(frozen=True, slots=True)
class Trusted:
    """Somebody else than a user or a role of the account whom the trust policy names: `Provider`, `Service`, or
    `Elsewhere` for another account and what belongs to it. `conditions` are told as they stand in the statement.
    """

    kind: str
    name: str
    effect: Effect
    conditions: tuple[str, ...]
    rules: tuple[str, ...] = ()  # mapping rules of the account's own providers that offer the role


@dataclass(frozen=True, slots=True)
class RoleReach:
    """`found`: own users and roles that may assume it, by both sides; `trusted` stands on the first page only."""

    role_arn: str
    found: Sequence[Reach]
    trusted: Sequence[Trusted]
    after: str | None
    asked: int


def who_takes_role(stage: Stage, name: str, fixed: Context, page: Page) -> RoleReach:
    """One page. Raises: NotFound, subject "Role"."""
    role = find_assumable_role(stage.session, stage.account_id, name)
    if role is None:
        raise NotFound(Reason.NOT_FOUND, "the role does not exist", subject="Role")
    tags = tags_of_role(stage.session, stage.account_id, name)
    given = {**fixed, **{f"acs:ResourceTag/{key}": (value,) for key, value in tags.items()}}
    control = control_levels(stage.session, stage.account_id) if role.controlled else ()
    page_found = who_reaches(stage, ASSUME_ROLE, role.arn, given, page, _gate(role, control))
    trusted = [] if page.after else list(_trusted(stage, role))
    return RoleReach(role.arn, page_found.found, trusted, page_found.after, page_found.asked)


def _gate(role: AssumableRole, control: tuple[PolicySet, ...]) -> Gate:
    """The role's own side, asked in the same circumstances as the policies of whoever wants it."""
    trust = parsed(role)

    def beyond(arn: str) -> tuple[Sequence[PolicySet], Decide]:
        principal = find_ram_principal(arn)
        assert principal is not None, "users and roles of the account have ARNs"
        sets = [PolicySet((each.compiled,)) for each in trust.statements if _speaks(each.principals, principal)]

        def decide(context: Context) -> Decision:
            return decide_trust(trust, principal, context, role_arn=role.arn, control=control)

        return (*sets, *control), decide

    return beyond


def _speaks(named: Sequence[object], principal: RamPrincipal) -> bool:
    return any(isinstance(each, RamPrincipal) and each.covers(principal) for each in named)


def _trusted(stage: Stage, role: AssumableRole) -> Sequence[Trusted]:
    found: list[Trusted] = []
    request = AccessRequest(ASSUME_ROLE, role.arn, {})
    for statement in parsed(role).statements:
        if not statement.compiled.covers_action(request.action_key):
            continue
        conditions = tuple(
            f"{each.condition.key} {each.condition.operator} {' or '.join(each.condition.values)}"
            for each in statement.compiled.conditions
        )
        effect = statement.compiled.statement.effect
        for principal in statement.principals:
            if isinstance(principal, FederatedPrincipal):
                rules = _rules(stage, role) if principal.account_id == stage.account_id else ()
                found.append(Trusted("Provider", principal.provider_arn, effect, conditions, rules))
            elif isinstance(principal, ServicePrincipal):
                found.append(Trusted("Service", principal.service, effect, conditions))
            elif principal.account_id != stage.account_id:
                found.append(Trusted("Elsewhere", _named(principal), effect, conditions))
    return found


def _named(principal: RamPrincipal) -> str:
    name = "root" if principal.kind is RamKind.ROOT else f"{principal.kind.value}/{principal.name}"
    return f"acs:ram::{principal.account_id}:{name}"


def _rules(stage: Stage, role: AssumableRole) -> tuple[str, ...]:
    """Mapping rules of the account that name the role, whichever of its providers they belong to."""
    query = select(MappingRuleRow).where(MappingRuleRow.account_id == stage.account_id)
    rows = stage.session.scalars(
        query.order_by(MappingRuleRow.provider_key, MappingRuleRow.position).limit(_MOST_RULES)
    )
    wanted = role.arn.lower()
    return tuple(
        f"{row.name} ({row.provider_key}): {row.condition_text}"
        for row in rows
        if wanted in (arn.lower() for arn in row.role_arns)
    )
