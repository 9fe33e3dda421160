"""A decision as one plain sentence for people. Programs read the fields of the decision instead."""

from typing import Protocol

from gateway.policy.request import AccessRequest
from gateway.policy.verdict import ConditionValue, Layer, Outcome, StatementRef

_LAYERS = {
    Layer.OWNER: "the account owner needs no policy",
    Layer.CONTROL: "control policies",
    Layer.SESSION: "the session policy",
    Layer.ACCOUNT_IDENTITY: "the policies attached for the whole account",
    Layer.RESOURCE_GROUP_IDENTITY: "the policies attached for the account or the resource group",
    Layer.TRUST: "the trust policy of the role",
}
_SHOWN = 100
_LISTED = 3


class Explained(Protocol):
    """What a sentence is made of; `Decision` has it."""

    @property
    def outcome(self) -> Outcome: ...
    @property
    def layer(self) -> Layer: ...
    @property
    def request(self) -> AccessRequest: ...
    @property
    def statement(self) -> StatementRef | None: ...
    @property
    def nearest(self) -> StatementRef | None: ...
    @property
    def condition_values(self) -> tuple[ConditionValue, ...]: ...


def explain(decision: Explained) -> str:
    """Say what was decided and why, naming statement, policy, version, attachment and condition values."""
    what = _tell_request(decision.request)
    if decision.layer is Layer.OWNER:
        return f"{what} is allowed: {_LAYERS[Layer.OWNER]}"
    statement, values = decision.statement, decision.condition_values
    if statement is not None:
        verdict = "allowed" if decision.outcome is Outcome.ALLOW else "denied"
        return f"{what} is {verdict} by {_tell_statement(statement)}{_tell_met(values)}"
    reason = f"{what} is denied: no statement of {_LAYERS[decision.layer]} allows it"
    nearest = decision.nearest
    if nearest is None:
        return reason
    failed = " and ".join(_tell_value(value) for value in values if not value.met)
    return f"{reason}; the nearest, {_tell_statement(nearest)}, does not apply because {failed}"


def _tell_request(request: AccessRequest) -> str:
    return f"{_quote(request.action)} on {_quote(request.resource)}" if request.resource else _quote(request.action)


def _tell_statement(ref: StatementRef) -> str:
    version = f" {ref.policy_version}" if ref.policy_version else ""
    via = f"{ref.via.lower()} " if ref.via else ""
    place = f" attached to {via}{_quote(ref.attached_to)}" if ref.attached_to else ""
    policy = f"{ref.policy_type.value.lower()} policy {_quote(ref.policy_name)}{version}"
    return f"Statement[{ref.index}] ({ref.effect.value}) of {policy}{place}"


def _tell_met(values: tuple[ConditionValue, ...]) -> str:
    return " because " + " and ".join(_tell_value(value) for value in values) if values else ""


def _tell_value(value: ConditionValue) -> str:
    wanted = " or ".join(_quote(text) for text in value.wanted[:_LISTED])
    more = f" or {len(value.wanted) - _LISTED} more" if len(value.wanted) > _LISTED else ""
    seen = ", ".join(_quote(text) for text in value.seen[:_LISTED]) if value.seen else "absent"
    rest = f" and {len(value.seen) - _LISTED} more" if len(value.seen) > _LISTED else ""
    return f"{value.key} is {seen}{rest} ({value.operator} wants {wanted}{more})"


def _quote(text: str) -> str:
    """A text from outside: one line, of bounded length, in backticks."""
    short = text if len(text) <= _SHOWN else text[:_SHOWN] + "..."
    if short.isprintable() and "`" not in short:
        return f"`{short}`"
    return "`" + "".join(letter if letter.isprintable() and letter != "`" else "?" for letter in short) + "`"
