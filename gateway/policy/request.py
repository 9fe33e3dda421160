"""What is asked of the engine: may this be done to that, under these circumstances?"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.policy.facts import Facts
from gateway.policy.fold import fold

_SEGMENTS = 5
ASSUME_ROLE = "sts:AssumeRole"


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
    role_key: str = field(init=False, repr=False, compare=False)  # the folded name of a RAM role, else empty
    facts: Facts = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        resource = self.resource
        is_role = resource.startswith("acs:ram:") and (relative_id(resource) or "").startswith("role/")
        object.__setattr__(self, "action_key", fold(self.action))
        object.__setattr__(self, "role_key", fold(resource) if is_role else "")
        object.__setattr__(self, "facts", Facts.of(self.context))
