"""What is asked of the engine: may this be done to that, under these circumstances?"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.policy.facts import Facts
from gateway.policy.fold import fold
from gateway.policy.resource_index import index_key

ASSUME_ROLE = "sts:AssumeRole"


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
    context: Mapping[str, tuple[str, ...]] = field(repr=False)  # may hold attributes of a person
    action_key: str = field(init=False, repr=False, compare=False)
    role_key: str = field(init=False, repr=False, compare=False)  # the folded name of a RAM role, else empty
    index_key: str | None = field(init=False, repr=False, compare=False)  # how the relative id begins
    facts: Facts = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        resource, start = self.resource, index_key(self.resource)
        is_role = (start or "").startswith("role/") and resource.startswith("acs:ram:") and ":role/" in resource
        object.__setattr__(self, "index_key", start)
        object.__setattr__(self, "action_key", fold(self.action))
        object.__setattr__(self, "role_key", fold(resource) if is_role else "")
        object.__setattr__(self, "facts", Facts.of(self.context))
