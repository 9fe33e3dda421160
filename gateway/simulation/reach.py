"""Who can reach a resource, or a role? Every user and role of the account, asked one page after the other.

A principal reaches something `Always`, `If` the circumstances are right (with some that are), or `Never`. The answer is
that of the evaluator under contexts that tell the conditions apart (see `varying`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy import select

from gateway.directory.attachments import Attachment
from gateway.directory.claimed_groups import ClaimedMembership
from gateway.directory.groups import GroupMembership
from gateway.directory.policy_stamps import find_stamp
from gateway.directory.resource_groups import find_resource_group
from gateway.directory.rights import Rights, decide_by, layers_of, load_rights
from gateway.directory.roles import list_role_page
from gateway.directory.users import page_users
from gateway.policy import AccessRequest, ConditionValue, Decision, PolicySet, StatementRef
from gateway.policy.fold import fold
from gateway.principal import RamUser, RoleSession
from gateway.simulation.call import SESSION_NAME, Stage
from gateway.simulation.varying import vary
from gateway.store.paging import Page

Context = Mapping[str, tuple[str, ...]]
Decide = Callable[[Context], Decision]
# What else must let a principal, given by ARN, through: its policies, and how they decide.
Gate = Callable[[str], tuple[Sequence[PolicySet], Decide]]

_PRINCIPAL_KEY = "acs:principalarn"


class Reaching(StrEnum):
    ALWAYS = "Always"
    IF = "If"
    NEVER = "Never"


@dataclass(frozen=True, slots=True)
class Reach:
    """`statement` and `conditions` are those that allow it, in circumstances `such_as` where they matter. `complete`
    is False where there are more combinations of circumstances than were tried.
    """

    principal_arn: str
    reaching: Reaching
    statement: StatementRef | None = None
    conditions: tuple[ConditionValue, ...] = ()
    such_as: Context = ()  # type: ignore[assignment]
    complete: bool = True


@dataclass(frozen=True, slots=True)
class ReachPage:
    """Those that reach it, always or under circumstances; `after` goes into the next call, None after the last."""

    found: Sequence[Reach]
    after: str | None
    asked: int


def who_reaches(  # noqa: PLR0917 - where, what, on what, and which part of the answer
    stage: Stage, action: str, resource: str, fixed: Context, page: Page, gate: Gate | None = None
) -> ReachPage:
    """One page of the account's users, then of its roles, by name. `fixed` are circumstances that are given.

    Only those that reach it are told; the owner may do everything, and is not listed.
    """
    searching = _Searching(stage, action, resource, fixed, gate)
    kind, _, after = page.after.partition("/")
    if kind in {"", "user"}:
        users = page_users(stage.session, stage.account_id, Page(page.size, after))
        principals = [RamUser(stage.account_id, user.id, user.name) for user in users.rows]
        following = f"user/{users.next_after}" if users.next_after is not None else "role/"
        return searching.of_users(principals, following)
    roles = list_role_page(stage.session, stage.account_id, Page(page.size, after))
    sessions = [RoleSession(stage.account_id, role.id, role.name, SESSION_NAME) for role in roles.rows]
    found = [searching.ask(each, searching.rights_of(each)) for each in sessions]
    next_page = None if roles.next_after is None else f"role/{roles.next_after}"
    return ReachPage([each for each in found if each.reaching is not Reaching.NEVER], next_page, len(found))


def judge_openly(arn: str, layers: Iterable[PolicySet], action: str, decide: Decide, fixed: Context) -> Reach:
    """Ask under all contexts that the layers' conditions tell apart."""
    folded = fold(action)
    statements = [each for layer in layers for each in layer.candidates(folded).entries]
    contexts, complete = vary(statements, {**fixed, _PRINCIPAL_KEY: (arn,)})
    allowed: Decision | None = None
    count = 0
    for context in contexts:
        decision = decide(context)
        if decision.allowed:
            count += 1
            # The circumstances that need the least are shown.
            if allowed is None or len(context) < len(allowed.request.context):
                allowed = decision
    if allowed is None:
        return Reach(arn, Reaching.NEVER, such_as={}, complete=complete)
    always = count == len(contexts) and complete
    such_as = {key: values for key, values in allowed.request.context.items() if fold(key) != _PRINCIPAL_KEY}
    return Reach(
        arn,
        Reaching.ALWAYS if always else Reaching.IF,
        allowed.statement,
        allowed.condition_values,
        {} if always else such_as,
        complete,
    )


class _Searching:
    def __init__(self, stage: Stage, action: str, resource: str, fixed: Context, gate: Gate | None) -> None:
        self._stage, self._gate = stage, gate
        self._action, self._resource = action, resource
        self._fixed = {fold(key): values for key, values in fixed.items() if fold(key) != _PRINCIPAL_KEY}
        self._stamp = find_stamp(stage.session, stage.account_id) or 0
        self._group: str | None = None

    def of_users(self, users: Sequence[RamUser], following: str) -> ReachPage:
        """Users without policies of their own who are in the same groups have the same rights: those are read once."""
        shapes, known = self._shapes(users), dict[frozenset[str], Rights | None]()
        found = []
        for user in users:
            shape = shapes[user.user_id]
            if shape is None:
                rights = self.rights_of(user)
            else:
                if shape not in known:
                    known[shape] = self.rights_of(user)
                alike = known[shape]
                rights = None if alike is None else replace(alike, arn=user.arn)
            found.append(self.ask(user, rights))
        return ReachPage([each for each in found if each.reaching is not Reaching.NEVER], following, len(found))

    def _shapes(self, users: Sequence[RamUser]) -> dict[str, frozenset[str] | None]:
        """The groups of each user; None for one that has policies of its own."""
        session, ids = self._stage.session, [user.user_id for user in users]
        groups: dict[str, set[str]] = {own_id: set() for own_id in ids}
        lasting = select(GroupMembership.user_id, GroupMembership.group_id).where(GroupMembership.user_id.in_(ids))
        claimed = select(ClaimedMembership.user_id, ClaimedMembership.group_id).where(
            ClaimedMembership.user_id.in_(ids), ClaimedMembership.expires_at > self._stage.now
        )
        for query in (lasting, claimed):
            for user_id, group_id in session.execute(query):
                groups[user_id].add(group_id)
        own = set(
            session.scalars(
                select(Attachment.target_id).where(Attachment.target_kind == "User", Attachment.target_id.in_(ids))
            )
        )
        return {own_id: None if own_id in own else frozenset(groups[own_id]) for own_id in ids}

    def rights_of(self, principal: RamUser | RoleSession) -> Rights | None:
        return load_rights(self._stage.session, principal, self._stamp, self._stage.now)

    def ask(self, principal: RamUser | RoleSession, rights: Rights | None) -> Reach:
        if rights is None:
            return Reach(principal.arn, Reaching.NEVER, such_as={})

        layers = layers_of(rights, principal)
        beyond: Decide | None = None
        if self._gate is not None:
            more, beyond = self._gate(rights.arn)
            layers = (*layers, *more)

        def decide(context: Context) -> Decision:
            request = AccessRequest(self._action, self._resource, context)
            decision = decide_by(rights, principal, request, self._find_group)
            if beyond is None or not decision.allowed:
                return decision
            other = beyond(context)
            return decision if other.allowed else other

        return judge_openly(rights.arn, layers, self._action, decide, self._fixed)

    def _find_group(self, resource: str) -> str:
        if self._group is None:
            self._group = find_resource_group(self._stage.session, self._stage.account_id, resource)
        return self._group
