"""What is asked of the engine: may this be done to that, under these circumstances?"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.policy.facts import Facts
from gateway.policy.fold import fold

_SEGMENTS = 5
ASSUME_ROLE = "sts:AssumeRole"


def is_role_name(resource: str) -> bool:
    """Whether a resource name or pattern is a RAM role's."""
    return resource.startswith("acs:ram:") and resource.partition(":role/")[1] != ""


def relative_id(resource: str) -> str | None:
    """The part after the fourth colon, if there are exactly four."""
    segments = resource.split(":", _SEGMENTS)
    return segments[-1] if len(segments) == _SEGMENTS else None


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One question.

    `action` is `<service>:<operation>` in any case, `resource` a full resource name, `context` the values of condition
    keys (in any case) as texts: `acs:CurrentTime` ISO 8601 with offset, `acs:SourceIp` an address, booleans
    `true`/`false`. The context is copied, so changing it afterwards changes nothing.

    ASSUMPTION: role names are matched without regard to case, other resources letter by letter.
    """

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]]
    action_key: str = field(init=False, repr=False, compare=False)
    resource_key: str = field(init=False, repr=False, compare=False)
    is_role: bool = field(init=False, repr=False, compare=False)
    facts: Facts = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        is_role = is_role_name(self.resource)
        object.__setattr__(self, "action_key", fold(self.action))
        object.__setattr__(self, "is_role", is_role)
        object.__setattr__(self, "resource_key", fold(self.resource) if is_role else self.resource)
        object.__setattr__(self, "facts", Facts.of(self.context))
