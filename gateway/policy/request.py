"""What is asked of the engine: may this be done to that, under these circumstances?"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from gateway.policy.facts import Facts
from gateway.policy.fold import fold
from gateway.policy.resource_index import index_key

ASSUME_ROLE = "sts:AssumeRole"
_RAM = "acs:ram:"


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One question.

    `action` is `<service>:<operation>` in any case, `resource` a full resource name, `context` the values of condition
    keys (in any case) as texts: `acs:CurrentTime` ISO 8601 with offset, `acs:SourceIp` an address, booleans
    `true`/`false`. The context is copied, so changing it afterwards changes nothing.

    ASSUMPTION: names of RAM's own things are matched without regard to case, as they are unique without regard to it: a
    Deny about `user/boss` must hold for whoever is called `BOSS`. Other services' resources go letter by letter.
    """

    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]] = field(repr=False)  # may hold attributes of a person
    action_key: str = field(init=False, repr=False, compare=False)
    ram_key: str = field(init=False, repr=False, compare=False)  # the folded name of something of RAM's, else empty
    index_key: str | None = field(init=False, repr=False, compare=False)  # how the relative id begins
    facts: Facts = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        resource = self.resource
        object.__setattr__(self, "index_key", index_key(resource))
        object.__setattr__(self, "action_key", fold(self.action))
        object.__setattr__(self, "ram_key", fold(resource) if resource.startswith(_RAM) else "")
        object.__setattr__(self, "facts", Facts.of(self.context))
