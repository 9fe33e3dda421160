"""All scenarios."""

from tests.wire.walk import keys, leaving, people, rights, sessions, settings, sign_in
from tests.wire.walk.scenario import Scenario

SCENARIOS: tuple[Scenario, ...] = tuple(
    scenario for family in (keys, leaving, people, rights, sessions, settings, sign_in) for scenario in family.SCENARIOS
)
