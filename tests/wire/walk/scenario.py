"""What a family says about one operation: how it succeeds, and how it is refused."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.wire.walk.walker import Walk

Step = Callable[[Walk], object]


@dataclass(frozen=True, slots=True)
class Scenario:
    """Both steps end with the call of the operation; the second one is refused with `code`."""

    service: str
    action: str
    success: Step
    refusal: Step
    code: str


Family = Callable[[str], tuple[Scenario, ...]]


def denied(action: str, **parameters: object) -> Step:
    """The call by a user without rights: refused with `NoPermission` before it looks at anything."""
    return lambda walk: walk.nobody()(action, **parameters)
