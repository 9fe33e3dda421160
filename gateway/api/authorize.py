"""Phase 4: may the caller do this to each of the targets?"""

from collections.abc import Mapping
from datetime import datetime
from typing import TypedDict

from gateway.api.action import AnyAction, Target, Work
from gateway.client import policy_context
from gateway.errors import Denied
from gateway.policy import Decision
from gateway.sts.token import SessionToken


def authorize(action: AnyAction, request: object, work: Work, targets: tuple[Target, ...]) -> tuple[Decision, ...]:
    """One decision for each target, all of which allow the action.

    Who acts on itself, where its account lets it, needs no policy that allows it; a policy that denies it still counts,
    and so does a level of control policies that does not let it through.
    Raises: Denied(ACCESS_DENIED) for the first target that is not allowed.
    """
    context = dict(policy_context(work.client, work.now, work.caller.arn, **mfa_of(work.token)))
    context |= {f"acs:RequestTag/{key}": (value,) for key, value in action.request_tags(request).items()}
    context |= action.context(request)
    return tuple(_decide(action, request, work, target, context) for target in targets)


class Mfa(TypedDict, total=False):
    """The arguments of `policy_context` about a second factor."""

    mfa_present: bool
    mfa_at: datetime | None


def mfa_of(token: SessionToken | None) -> Mfa:
    """What a call can say of a second factor: that of its security token; nothing with a lasting AccessKey."""
    return {} if token is None else {"mfa_present": token.mfa_present, "mfa_at": token.mfa_at}


def _decide(
    action: AnyAction, request: object, work: Work, target: Target, context: Mapping[str, tuple[str, ...]]
) -> Decision:
    own = {**{f"acs:ResourceTag/{key}": value for key, value in target.tags.items()}, **target.facts}
    facts = {**context, **{key: (value,) for key, value in own.items()}}
    try:
        return work.services.authorizer.require(work.source, work.caller, action.permission, target.arn, facts)
    except Denied as denied:
        decision = denied.decision
        assert isinstance(decision, Decision)
        if not decision.only_ungranted or not action.on_itself(work, request):
            raise
        return decision
