"""Every operation there is, by (version, name). Rule: operations.md, traps: never dispatch on the name alone."""

from collections.abc import Mapping
from types import MappingProxyType

from gateway.api.action import AnyAction
from gateway.api.actions.sts import STS_ACTIONS
from gateway.errors import InputError, Reason

ACTIONS: Mapping[tuple[str, str], AnyAction] = MappingProxyType(
    {(action.version, action.name): action for action in STS_ACTIONS}
)
_VERSIONS = frozenset(version for version, _ in ACTIONS)


def find_action(version: str, name: str) -> AnyAction:
    """Raises: InputError(VERSION_INVALID), InputError(ACTION_NOT_FOUND)."""
    if version not in _VERSIONS:
        raise InputError(Reason.VERSION_INVALID, "no such version", version)
    action = ACTIONS.get((version, name))
    if action is None:
        raise InputError(Reason.ACTION_NOT_FOUND, "no such operation", f"{version} {name}")
    return action
