"""A role's trust policy asked twice: as it is, and as it would be."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache

from sqlalchemy.orm import Session

from gateway.arn import parse_ram_arn
from gateway.directory.control_levels import control_levels
from gateway.directory.roles import AssumableRole, find_assumable_role, find_role_by_id
from gateway.errors import InputError
from gateway.policy import (
    FederatedPrincipal,
    PolicySet,
    RamPrincipal,
    TrustedPrincipal,
    TrustPolicy,
    decide_trust,
    parse_trust_policy,
)
from gateway.policy.fold import fold
from gateway.policy.request import ASSUME_ROLE, AccessRequest
from gateway.policy.trusted import find_ram_principal
from gateway.simulation.changes import Change
from gateway.simulation.judging import Twice

Context = Mapping[str, tuple[str, ...]]


class TrustBench:
    """Of the roles of one account, as they are when they are first asked about."""

    def __init__(self, session: Session, account_id: str, change: Change, now: datetime) -> None:
        self._session = session
        self._account_id = account_id
        self._change = change
        self._control = control_levels(session, account_id)
        proposed = change.proposed.control
        self._control_after = control_levels(session, account_id, proposed) if proposed else self._control
        self._roles: dict[str, AssumableRole | None] = {}
        self.now = now

    def ask(self, principal_arn: str, role_arn: str, context: Context) -> Twice | None:
        """None where it can't be told: of roles that are gone or elsewhere, and of principals that none can trust."""
        role, principal = self.find_role(role_arn), find_trusted(principal_arn)
        if role is None or principal is None:
            return None
        before = decide_trust(
            parsed(role), principal, context, role_arn=role.arn, control=self._control if role.controlled else ()
        )
        if not self.concerns(role):
            return Twice(before, before)
        changed = self.changed(role)
        control = self._control_after if role.controlled else ()
        return Twice(before, decide_trust(parsed(changed), principal, context, role_arn=role.arn, control=control))

    def concerns(self, role: AssumableRole) -> bool:
        """Whether the change can make a difference to who may take the role."""
        trust = self._change.trust
        return (trust is not None and trust.role.id == role.id) or bool(self._change.proposed.control)

    def changed(self, role: AssumableRole) -> AssumableRole:
        trust = self._change.trust
        return role if trust is None or trust.role.id != role.id else replace(role, trust_document=trust.document)

    def keys_of(self, role: AssumableRole, principal: TrustedPrincipal) -> frozenset[str]:
        """The condition keys, folded, that decide whether a role can be taken, before or after the change."""
        request = AccessRequest(ASSUME_ROLE, role.arn, {})
        keys = {
            condition.key
            for trust in (parsed(role), parsed(self.changed(role)))
            for statement in trust.statements
            if statement.speaks_of(principal, request)
            for condition in statement.compiled.conditions
        }
        levels: tuple[PolicySet, ...] = (*self._control, *self._control_after) if role.controlled else ()
        for level in levels:
            for compiled in level.candidates(fold(ASSUME_ROLE)).entries:
                keys |= {condition.key for condition in compiled.conditions}
        return frozenset(keys)

    def find_role(self, role_arn: str) -> AssumableRole | None:
        """A role of the account."""
        key = role_arn.lower()
        if key not in self._roles:
            self._roles[key] = self._look_up(role_arn)
        return self._roles[key]

    def role_of_id(self, role_id: str) -> AssumableRole | None:
        role = find_role_by_id(self._session, role_id)
        return None if role is None or role.account_id != self._account_id else self.find_role(role.arn)

    def _look_up(self, role_arn: str) -> AssumableRole | None:
        try:
            wanted = parse_ram_arn(role_arn, "role")
        except InputError:
            return None
        if wanted.account_id != self._account_id:
            return None
        return find_assumable_role(self._session, wanted.account_id, wanted.name)


def find_trusted(arn: str) -> RamPrincipal | FederatedPrincipal | None:
    """How trust policies name a user, a role or a provider."""
    ram = find_ram_principal(arn)
    if ram is not None:
        return ram
    try:
        return FederatedPrincipal(arn)
    except InputError:
        return None


def parsed(role: AssumableRole) -> TrustPolicy:
    return _parsed(role.trust_document)


@lru_cache(maxsize=1024)
def _parsed(document: str) -> TrustPolicy:
    """Pure in its argument; memoised because a run asks the same few documents again and again."""
    return parse_trust_policy(document)
