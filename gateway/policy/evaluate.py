"""Deciding a request, layer by layer. Rule: policy-language §5.2."""

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.policy.compiled import PolicySet
from gateway.policy.decision import Decision, Unmatched
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
    if layers.control or layers.session is not None:
        gates = [] if layers.owner else [(Layer.CONTROL, level) for level in layers.control]
        if layers.session is not None:
            gates.append((Layer.SESSION, layers.session))
        refusal = find_refusal(request, gates)
        if refusal is not None:
            return refusal
    if layers.owner:
        return Decision(Layer.OWNER, request, Unmatched(Outcome.ALLOW))
    identity, group = layers.identity, layers.resource_group
    matched = identity.find_match(request)
    if matched is not None:
        return Decision(Layer.ACCOUNT_IDENTITY, request, matched)
    if group is None:
        return Decision(Layer.ACCOUNT_IDENTITY, request, identity.silence)
    matched = group.find_match(request)
    if matched is not None:
        return Decision(Layer.RESOURCE_GROUP_IDENTITY, request, matched)
    return Decision(Layer.RESOURCE_GROUP_IDENTITY, request, Unmatched(Outcome.IMPLICIT_DENY, (identity, group)))


def find_refusal(request: AccessRequest, gates: Iterable[tuple[Layer, PolicySet]]) -> Decision | None:
    """The first of the layers that can only take away which does not allow."""
    for layer, level in gates:
        matched = level.find_match(request)
        if matched is None:
            return Decision(layer, request, level.silence)
        if matched.outcome is not Outcome.ALLOW:
            return Decision(layer, request, matched)
    return None
