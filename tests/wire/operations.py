"""The published operations of the platform's three services, as far as the official SDKs describe them.

`operations.json` has one operation per line: service, version, name, family, parameters and the shape of the answer.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_OUTSIDE = {
    "OAuth applications",
    "Passkeys",
    "Service credentials",
}
_OUTSIDE_ACTIONS = {
    "GenerateGovernanceReport",
    "GetAccountSecurityPracticeReport",
    "GetGovernanceItemReport",
    "GetGovernanceReportStatus",
    "ListRecentGovernanceMetrics",
}


@dataclass(frozen=True, slots=True)
class Operation:
    service: str  # RAM, IMS or STS
    version: str
    action: str
    family: str
    parameters: Mapping[str, Any]  # name to type: a word, or a list of it
    response: Mapping[str, Any]  # field to type: a word, a list, or the fields inside

    @property
    def name(self) -> str:
        return f"{self.service}-{self.action}"

    @property
    def claimed(self) -> bool:
        """Whether the gateway answers for it. What it does not claim, it says it does not know."""
        return self.family not in _OUTSIDE and self.action not in _OUTSIDE_ACTIONS


def _read() -> tuple[Operation, ...]:
    rows = json.loads(Path(__file__).with_name("operations.json").read_text())
    return tuple(Operation(**row) for row in rows)


OPERATIONS = _read()
