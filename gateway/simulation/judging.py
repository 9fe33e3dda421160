"""One principal judged twice: by the rules of today, and by those that somebody proposes.

The rights of a principal are read once. What a decision depends on is exactly: action, resource, and the values of
the condition keys that the statements about this action ask for; equal questions are decided once. Where nothing of a
principal's rights is proposed, the second answer is the first.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.directory.authorization import find_stamp
from gateway.directory.resource_groups import find_resource_group
from gateway.directory.rights import Proposed, Rights, decide_by, layers_of, load_rights
from gateway.policy import AccessRequest, Decision, StatementRef
from gateway.policy.facts import Facts
from gateway.policy.fold import fold
from gateway.principal import RamUser, RoleSession

Context = Mapping[str, tuple[str, ...]]
FindGroup = Callable[[str], str]

_PRINCIPAL_ARN = "acs:PrincipalARN"
_PRINCIPAL_KEY = _PRINCIPAL_ARN.lower()
_REMEMBERED = 65_536  # answers
_REMEMBERED_ACTIONS = 512
_REMEMBERED_JUDGES = 8192


class Twice:
    """Two answers to one question; `after` is `before` where the change can't matter."""

    __slots__ = ("after", "allowed_after", "allowed_before", "before", "same_statement")

    def __init__(self, before: Decision, after: Decision) -> None:
        self.before, self.after = before, after
        # Read for every record, so worked out once.
        self.allowed_before, self.allowed_after = before.allowed, after.allowed
        self.same_statement = after is before or _place(before.statement) == _place(after.statement)


def _place(ref: StatementRef | None) -> StatementRef | None:
    """Where a statement stands, whatever the version of its policy is called."""
    return None if ref is None else replace(ref, policy_version="")


class Memory:
    """Answers that were given, of all judges of a run; forgotten all at once when there are too many."""

    def __init__(self, most: int = _REMEMBERED) -> None:
        self._most = most
        self.answers: dict[tuple[object, ...], Twice] = {}

    def keep(self, key: tuple[object, ...], answer: Twice) -> None:
        if len(self.answers) >= self._most:
            self.answers.clear()
        self.answers[key] = answer


class Judge:
    """Of one user or role session. Not shared by threads."""

    def __init__(
        self,
        principal: RamUser | RoleSession,
        before: Rights,
        after: Rights,
        find_group: FindGroup,
        memory: Memory,
    ) -> None:
        self.arn = before.arn
        self.touched = after.touched
        self._principal = principal
        self._before, self._after = before, after
        self._find_group = find_group
        self._memory = memory
        self._keys: dict[str, tuple[str, ...]] = {}
        self._seen: tuple[Context, dict[str, tuple[str, ...]]] = ({}, {})

    def ask(self, action: str, resource: str, context: Context) -> Twice:
        """Both answers. `acs:PrincipalARN` in the context does not count."""
        keys = self._keys.get(action)
        if keys is None:
            keys = self._keys_of(action)
        if keys:
            texts = self._texts(context)
            question = (id(self), action, resource, *[texts.get(key) for key in keys])
        else:
            question = (id(self), action, resource)
        known = self._memory.answers.get(question)
        if known is None:
            known = self._decide(action, resource, context)
            self._memory.keep(question, known)
        return known

    def _decide(self, action: str, resource: str, context: Context) -> Twice:
        facts = {key: values for key, values in context.items() if key.lower() != _PRINCIPAL_KEY}
        facts[_PRINCIPAL_ARN] = (self.arn,)
        request = AccessRequest(action, resource, facts)
        before = decide_by(self._before, self._principal, request, self._find_group)
        if not self.touched:
            return Twice(before, before)
        return Twice(before, decide_by(self._after, self._principal, request, self._find_group))

    def _keys_of(self, action: str) -> tuple[str, ...]:
        """The condition keys, folded, that decide about an action, beside the principal's own name."""
        folded = fold(action)
        found = {
            condition.key
            for rights in (self._before, self._after)
            for layer in layers_of(rights, self._principal)
            for statement in layer.candidates(folded).entries
            for condition in statement.conditions
        }
        if len(self._keys) >= _REMEMBERED_ACTIONS:
            self._keys.clear()
        keys = self._keys[action] = tuple(sorted(found - {_PRINCIPAL_KEY}))
        return keys

    def _texts(self, context: Context) -> dict[str, tuple[str, ...]]:
        """Equal contexts of a batch are one object, and often come one after the other."""
        if self._seen[0] is not context:
            self._seen = (context, Facts.of(context).texts)
        return self._seen[1]


class Bench:
    """Finds judges. The rules are those that stand when a principal is first asked about."""

    def __init__(self, session: Session, account_id: str, proposed: Proposed, now: datetime) -> None:
        self._session = session
        self._account_id = account_id
        self._proposed = proposed
        self._now = now
        self._stamp = find_stamp(session, account_id) or 0
        self._memory = Memory()
        self._groups: dict[str, str] = {}
        self._judges: dict[tuple[str, str | None], Judge | None] = {}
        self._rights: dict[str, tuple[Rights, Rights] | None] = {}

    def judge(self, kind: str, own_id: str, session_policy: str | None = None, arn: str = "") -> Judge | None:
        """Of a `User` or a `Role`, by its id; None for one that is gone. What a role session is called makes no
        difference to what it may do: `arn` of the first one is shown.
        """
        key = (own_id, session_policy)
        found = self._judges.get(key)
        if found is None and key not in self._judges:
            if len(self._judges) >= _REMEMBERED_JUDGES:
                self._judges.clear()
                self._rights.clear()
                self._memory.answers.clear()  # they are kept under the identity of a judge
            found = self._judges[key] = self._make(self._principal(kind, own_id, session_policy, arn), own_id)
        return found

    def _principal(self, kind: str, own_id: str, session_policy: str | None, arn: str) -> RamUser | RoleSession:
        name = arn.rpartition("/")[2]
        if kind == "User":
            return RamUser(self._account_id, own_id, name)
        role = arn.rpartition("/")[0].rpartition("/")[2]
        return RoleSession(self._account_id, own_id, role, name, session_policy)

    def _make(self, principal: RamUser | RoleSession, own_id: str) -> Judge | None:
        if own_id not in self._rights:
            self._rights[own_id] = self._load(principal)
        both = self._rights[own_id]
        if both is None:
            return None
        return Judge(principal, *both, self._find_group, self._memory)

    def _load(self, principal: RamUser | RoleSession) -> tuple[Rights, Rights] | None:
        before = load_rights(self._session, principal, self._stamp, self._now)
        if before is None:
            return None
        after = load_rights(self._session, principal, self._stamp, self._now, self._proposed)
        return None if after is None else (before, after if after.touched else before)

    def _find_group(self, resource: str) -> str:
        found = self._groups.get(resource)
        if found is None:
            if len(self._groups) >= _REMEMBERED:
                self._groups.clear()
            found = self._groups[resource] = find_resource_group(self._session, self._account_id, resource)
        return found
