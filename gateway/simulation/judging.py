"""One principal judged twice: by the rules of today, and by those that somebody proposes.

The rights of a principal are read once. Questions that the rules can't tell apart are decided once (see `probing`), by
the same `decide_by` that answers real calls. Principals whose rights are the same, statement by statement, share
answers. Where nothing of a principal's rights is proposed, the second answer is the first.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.directory.policy_stamps import find_stamp
from gateway.directory.resource_groups import find_resource_group
from gateway.directory.rights import Proposed, Rights, decide_by, layers_of, load_rights
from gateway.policy import AccessRequest, Decision, StatementRef
from gateway.policy.compiled import CompiledStatement
from gateway.policy.fold import fold
from gateway.principal import RamUser, RoleSession
from gateway.simulation.probing import Probe, Spellings

Context = Mapping[str, tuple[str, ...]]
FindGroup = Callable[[str], str]

_PRINCIPAL_ARN = "acs:PrincipalARN"
_PRINCIPAL_KEY = _PRINCIPAL_ARN.lower()
_REMEMBERED_ANSWERS = 65_536
_REMEMBERED_ACTIONS = 512
_REMEMBERED_JUDGES = 8192
_REMEMBERED_RESOURCES = 65_536


class Twice:
    """Two answers to one question; `after` is `before` where the change can't matter."""

    __slots__ = ("after", "before", "verdict")

    def __init__(self, before: Decision, after: Decision) -> None:
        self.before, self.after = before, after
        same = after is before or _place(before.statement) == _place(after.statement)
        self.verdict = Verdict(before, after, same_statement=same)


class Verdict:
    """What of two answers is the same for all questions that the rules can't tell apart."""

    __slots__ = ("allowed_after", "allowed_before", "denied_after", "denied_before", "same_statement")

    def __init__(self, before: Decision, after: Decision, *, same_statement: bool) -> None:
        self.allowed_before, self.allowed_after = before.allowed, after.allowed
        # By more than the want of a grant: then nobody may do it to themselves either.
        self.denied_before = not before.allowed and not before.only_ungranted
        self.denied_after = not after.allowed and not after.only_ungranted
        self.same_statement = same_statement


def _place(ref: StatementRef | None) -> StatementRef | None:
    """Where a statement stands, whatever the version of its policy is called."""
    return None if ref is None else replace(ref, policy_version="")


class Answers:
    """Of principals whose rights are the same: a probe and its verdicts for each action."""

    __slots__ = ("probes", "verdicts")

    def __init__(self) -> None:
        self.probes: dict[str, Probe] = {}
        self.verdicts: dict[tuple[object, ...], Verdict] = {}

    def forget(self) -> None:
        self.probes.clear()
        self.verdicts.clear()


class Judge:
    """Of one user or role session. Not shared by threads."""

    def __init__(
        self, principal: RamUser | RoleSession, before: Rights, after: Rights, find_group: FindGroup, answers: Answers
    ) -> None:
        self.arn = before.arn
        self.touched = after.touched
        self._principal = principal
        self._before, self._after = before, after
        self._find_group = find_group
        self._grouped = bool(before.by_group or after.by_group)
        self._answers = answers

    def verdict(self, action: str, resource: str, texts: Mapping[str, tuple[str, ...]], context: Context) -> Verdict:
        """`texts` are the values of `context` by folded key."""
        answers = self._answers
        probe = answers.probes.get(action)
        if probe is None:
            probe = self._probe(action)
        if _PRINCIPAL_KEY in probe.keys:
            texts = {**texts, _PRINCIPAL_KEY: (self.arn,)}
        signature: tuple[object, ...] = (action, probe.signature(resource, texts))
        if self._grouped:
            signature = (*signature, self._find_group(resource))
        known = answers.verdicts.get(signature)
        if known is None:
            if len(answers.verdicts) >= _REMEMBERED_ANSWERS:
                answers.verdicts.clear()
            known = answers.verdicts[signature] = self.ask(action, resource, context).verdict
        return known

    def ask(self, action: str, resource: str, context: Context) -> Twice:
        """Both answers in full. `acs:PrincipalARN` in the context does not count."""
        facts = {key: values for key, values in context.items() if key.lower() != _PRINCIPAL_KEY}
        facts[_PRINCIPAL_ARN] = (self.arn,)
        request = AccessRequest(action, resource, facts)
        before = decide_by(self._before, self._principal, request, self._find_group)
        if not self.touched:
            return Twice(before, before)
        return Twice(before, decide_by(self._after, self._principal, request, self._find_group))

    def _probe(self, action: str) -> Probe:
        folded = fold(action)
        probes = self._answers.probes
        if len(probes) >= _REMEMBERED_ACTIONS:
            self._answers.forget()
        all_rights = (self._before, self._after) if self.touched else (self._before,)
        layers = [layer for rights in all_rights for layer in layers_of(rights, self._principal)]
        probe = probes[action] = Probe(each for layer in layers for each in layer.candidates(folded).entries)
        return probe


class Bench:
    """Finds judges. The rules are those that stand when a principal is first asked about."""

    def __init__(self, session: Session, account_id: str, proposed: Proposed, now: datetime) -> None:
        self._session = session
        self._account_id = account_id
        self._proposed = proposed
        self._now = now
        self._stamp = find_stamp(session, account_id) or 0
        self._groups: dict[str, str] = {}
        self._judges: dict[tuple[str, str | None], Judge | None] = {}
        self._rights: dict[str, tuple[Rights, Rights] | None] = {}
        self._alike: dict[object, Answers] = {}
        self.spellings = Spellings()

    def judge(self, kind: str, own_id: str, session_policy: str | None = None, arn: str = "") -> Judge | None:
        """Of a `User` or a `Role`, by its id; None for one that is gone. What a role session is called makes no
        difference to what it may do: `arn` of the first one is shown.
        """
        key = (own_id, session_policy)
        found = self._judges.get(key)
        if found is None and key not in self._judges:
            if len(self._judges) >= _REMEMBERED_JUDGES:
                for known in (self._judges, self._rights, self._alike):
                    known.clear()
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
        before, after = both
        session_policy = principal.session_policy if isinstance(principal, RoleSession) else None
        alike = (_content(before), _content(after) if after.touched else None, session_policy)
        answers = self._alike.setdefault(alike, Answers())
        return Judge(principal, before, after, self._find_group, answers)

    def _load(self, principal: RamUser | RoleSession) -> tuple[Rights, Rights] | None:
        before = load_rights(self._session, principal, self._stamp, self._now)
        if before is None:
            return None
        after = load_rights(self._session, principal, self._stamp, self._now, self._proposed)
        return None if after is None else (before, after if after.touched else before)

    def _find_group(self, resource: str) -> str:
        found = self._groups.get(resource)
        if found is None:
            if len(self._groups) >= _REMEMBERED_RESOURCES:
                self._groups.clear()
            found = self._groups[resource] = find_resource_group(self._session, self._account_id, resource)
        return found


def _content(rights: Rights) -> object:
    """Equal for rights that are the same in every statement, and attached alike: to itself, or to the same groups."""
    sets = [("", rights.policies), *((group, rights.by_group[group]) for group in sorted(rights.by_group))]
    sets += [("control", level) for level in rights.control]
    return tuple((where, tuple(_told(each, rights.arn) for each in policies.statements)) for where, policies in sets)


def _told(compiled: CompiledStatement, own_arn: str) -> object:
    ref = compiled.ref
    attached_to = "" if ref.attached_to == own_arn else ref.attached_to
    return (ref.policy_name, ref.policy_type, ref.index, attached_to, compiled.statement)
