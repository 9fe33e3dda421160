"""Deciding a request, layer by layer. Rule: policy-language §5.2."""

from dataclasses import dataclass

from gateway.policy.compiled import PolicySet
from gateway.policy.decision import Decision
from gateway.policy.document import Effect
from gateway.policy.request import AccessRequest
from gateway.policy.verdict import Layer, Outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Layers:
    """Everything that has a say about one principal.

    `control` are the levels from the account up to the root, each compiled on its own; `identity` what is attached to
    the user and its groups, or to the role; `resource_group` what is attached within the resource group of the target.
    """

    identity: PolicySet
    owner: bool = False
    control: tuple[PolicySet, ...] = ()
    session: PolicySet | None = None
    resource_group: PolicySet | None = None


def decide(request: AccessRequest, layers: Layers) -> Decision:
    """Allow or deny a request.

    1. Control policies: every level must allow. They do not touch the account owner.
    2. The session policy must allow, and grants nothing by itself.
    3. The account owner needs nothing more.
    4. Account-wide identity policies decide, if any statement applies.
    5. Else those of the resource group decide; else the request is denied.

    Within a layer a Deny beats every Allow. The statement reported is the first of its kind that applies.
    Rule: policy-language §5.1, §5.2.
    """
    if not layers.owner:
        for level in layers.control:
            refusal = _find_refusal(request, level, Layer.CONTROL)
            if refusal is not None:
                return refusal
    if layers.session is not None:
        refusal = _find_refusal(request, layers.session, Layer.SESSION)
        if refusal is not None:
            return refusal
    if layers.owner:
        return Decision(Outcome.ALLOW, Layer.OWNER, request)
    identity, group = layers.identity, layers.resource_group
    matched = identity.find_match(request)
    if matched is not None:
        return Decision(matched.outcome, Layer.ACCOUNT_IDENTITY, request, matched)
    if group is None:
        return Decision(Outcome.IMPLICIT_DENY, Layer.ACCOUNT_IDENTITY, request, None, (identity,))
    matched = group.find_match(request)
    if matched is not None:
        return Decision(matched.outcome, Layer.RESOURCE_GROUP_IDENTITY, request, matched)
    return Decision(Outcome.IMPLICIT_DENY, Layer.RESOURCE_GROUP_IDENTITY, request, None, (identity, group))


def _find_refusal(request: AccessRequest, level: PolicySet, layer: Layer) -> Decision | None:
    matched = level.find_match(request)
    if matched is None:
        return Decision(Outcome.IMPLICIT_DENY, layer, request, None, (level,))
    return Decision(Outcome.EXPLICIT_DENY, layer, request, matched) if matched.ref.effect is Effect.DENY else None
