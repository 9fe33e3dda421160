"""Reading the names of things, by the rules that they were made by. Rule: ram-limits §2, §10."""

from dataclasses import dataclass

from gateway.api.action import Target, Work
from gateway.api.parameters import ANY_LENGTH, Parameters
from gateway.api.targets import policy_target
from gateway.directory.names import POLICY_NAME, NameRule, check_name
from gateway.policy import PolicyType

_POLICY_TYPES = (PolicyType.CUSTOM.value, PolicyType.SYSTEM.value)


def read_name(parameters: Parameters, rule: NameRule) -> str:
    """A name that must be there, in the parameter that its rule names.

    Raises: InputError(PARAMETER_MISSING), InputError(NAME_LENGTH), InputError(NAME_INVALID_CHARS).
    """
    name = parameters.text(rule.parameter, max_length=ANY_LENGTH)
    check_name(rule, name)
    return name


@dataclass(frozen=True, slots=True)
class PolicyName:
    """A policy of either type."""

    type: PolicyType
    name: str


def read_policy_name(parameters: Parameters) -> PolicyName:
    """Raises: as `read_policy_type` and `read_name`."""
    return PolicyName(read_policy_type(parameters), read_name(parameters, POLICY_NAME))


def named_policy(work: Work, policy: PolicyName) -> tuple[Target, ...]:
    """The policy as an operation's only target."""
    return (policy_target(work, policy.type, policy.name),)


def read_policy_type(parameters: Parameters) -> PolicyType:
    """Raises: InputError(PARAMETER_MISSING), InputError(PARAMETER_INVALID), subject "PolicyType"."""
    return PolicyType(parameters.choice("PolicyType", _POLICY_TYPES))


def read_optional_policy_type(parameters: Parameters) -> PolicyType | None:
    """Raises: InputError(PARAMETER_INVALID), subject "PolicyType"."""
    text = parameters.optional_choice("PolicyType", _POLICY_TYPES)
    return None if text is None else PolicyType(text)
