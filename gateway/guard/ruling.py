"""May this caller do that? A question of a resource service, decided by the one policy engine, and explained."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.client import mfa_context
from gateway.clock import wire_time
from gateway.directory.authorization import Authorizer
from gateway.guard.proof import Caller
from gateway.guard.questions import Question
from gateway.policy import ConditionValue, Decision, Outcome, StatementRef
from gateway.store.reading import Reading

OTHER_ACCOUNT = "ResourceAccount"  # the layer that refuses what belongs to another account than the caller's


@dataclass(frozen=True, slots=True)
class Ruling:
    """The answer. `decision` is None where the resource is another account's: then no policy was asked."""

    question: Question
    decision: Decision | None = field(repr=False)

    @property
    def allowed(self) -> bool:
        return self.decision is not None and self.decision.allowed

    @property
    def outcome(self) -> Outcome:
        return Outcome.IMPLICIT_DENY if self.decision is None else self.decision.outcome

    @property
    def layer(self) -> str:
        """Where it was decided: a `policy.Layer`, or `OTHER_ACCOUNT`."""
        return OTHER_ACCOUNT if self.decision is None else self.decision.layer.value

    @property
    def statement(self) -> StatementRef | None:
        return None if self.decision is None else self.decision.statement

    @property
    def nearest(self) -> StatementRef | None:
        return None if self.decision is None else self.decision.nearest

    @property
    def condition_values(self) -> tuple[ConditionValue, ...]:
        return () if self.decision is None else self.decision.condition_values

    def explain(self) -> str:
        """One plain sentence; says nothing of who asked."""
        if self.decision is not None:
            return self.decision.explain()
        return "the resource belongs to another account than the caller; assume a role there"


def rule(
    source: Session | Reading, authorizer: Authorizer, caller: Caller, question: Question, now: datetime
) -> Ruling:
    """Decide a question about a caller. Reads the store, changes nothing.

    INVARIANT: nobody has rights in another account, whatever policies of their own account say: an owner may do
    everything, and a policy that allows `*` allows it everywhere, but only at home. Whoever is to act elsewhere assumes
    a role there. Rule: policy-language §5.2.
    """
    principal = caller.principal
    asked = question.asked_by(principal.account_id)
    if asked.resource_account != principal.account_id:
        return Ruling(asked, None)
    facts: Mapping[str, tuple[str, ...]] = {**asked.context, "acs:CurrentTime": (wire_time(now),)}
    if caller.mfa_present is not None:
        facts = {**facts, **mfa_context(now, mfa_present=caller.mfa_present, mfa_at=caller.mfa_at)}
    return Ruling(asked, authorizer.decide(source, principal, asked.action, asked.resource, facts))
