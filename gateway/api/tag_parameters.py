"""Tags as calls name them: to be set, or to be taken off. Rule: ram-limits §8; operations.md, traps."""

from collections.abc import Mapping

from gateway.api.parameters import Parameters, missing
from gateway.directory.tags import TAGS_PER_CALL, check_tags
from gateway.errors import InputError, Reason


def read_tags(parameters: Parameters) -> Mapping[str, str]:
    """At least one. Raises: InputError, of the tags; InputError(PARAMETER_MISSING), subject "Tag"."""
    tags = check_tags(parameters.pairs("Tag"))
    if not tags:
        raise missing("Tag")
    return tags


def read_keys_to_remove(parameters: Parameters, name: str) -> tuple[str, ...] | None:
    """Keys that are named count; only without any does `All` take all tags off: then None.

    Raises: InputError(PARAMETER_MISSING); InputError(PARAMETER_INVALID) for more than 20 keys; subject `name`.
    """
    keys = parameters.texts(name)
    if len(keys) > TAGS_PER_CALL:
        raise InputError(Reason.PARAMETER_INVALID, f"at most {TAGS_PER_CALL} keys in one call", subject=name)
    everything = parameters.optional_boolean("All") is True
    if not keys and not everything:
        raise missing(name)
    return keys or None
