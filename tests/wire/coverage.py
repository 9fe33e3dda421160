"""The coverage table of the README: generated from the published operations and the scenarios that prove them.

python -m tests.wire.coverage           prints it
python -m tests.wire.coverage --write   puts it into the README
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.wire.operations import OPERATIONS, Operation
from tests.wire.walk.table import SCENARIOS

README = Path(__file__).resolve().parents[2] / "README.md"
BEGIN, END = "<!-- coverage: written by python -m tests.wire.coverage --write -->", "<!-- /coverage -->"
_PROVEN = {(scenario.service, scenario.action) for scenario in SCENARIOS}


def coverage_table() -> str:
    """A row for each family, and for each service how much of it is proven in all."""
    lines = ["| Service | Family | Proven |", "|---|---|---|"]
    for service in ("RAM", "STS", "IMS"):
        operations = [operation for operation in OPERATIONS if operation.service == service]
        claimed = [operation for operation in operations if operation.claimed]
        lines.append(_row(f"**{service}** {operations[0].version}", "**all that is answered for**", claimed))
        families = sorted({operation.family for operation in operations})
        lines.extend(_family_row(name, [each for each in operations if each.family == name]) for name in families)
    return "\n".join(lines)


def written_table(readme: str) -> str:
    """What stands between the marks. Raises: ValueError where they are missing."""
    _, _, rest = readme.partition(BEGIN + "\n")
    table, mark, _ = rest.partition("\n" + END)
    if not mark:
        raise ValueError("the README has no marks for the coverage table")
    return table


def _family_row(family: str, operations: Sequence[Operation]) -> str:
    claimed = [operation for operation in operations if operation.claimed]
    if not claimed:
        return f"| | {family} | not answered for ({len(operations)}) |"
    left_out = len(operations) - len(claimed)
    return _row("", family + (f" ({left_out} not answered for)" if left_out else ""), claimed)


def _row(service: str, family: str, claimed: Sequence[Operation]) -> str:
    proven = sum((operation.service, operation.action) in _PROVEN for operation in claimed)
    return f"| {service} | {family} | {proven}/{len(claimed)} |".replace("|  |", "| |")


def _write() -> None:
    text = README.read_text()
    README.write_text(text.replace(f"{BEGIN}\n{written_table(text)}\n{END}", f"{BEGIN}\n{coverage_table()}\n{END}"))


if __name__ == "__main__":
    if "--write" in sys.argv[1:]:
        _write()
    else:
        sys.stdout.write(coverage_table() + "\n")
