"""docs/policies.md: its tables are what the engine knows, and its examples are policies."""

import json
import re
from pathlib import Path

from gateway.policy import parse_policy
from gateway.policy.condition_keys import CONDITION_KEYS
from gateway.policy.finding import RULES, Lint

PAGE = (Path(__file__).parents[3] / "docs" / "policies.md").read_text()


def _table(name: str) -> str:
    return PAGE.split(f"<!-- {name} -->\n")[1].split(f"<!-- /{name} -->")[0]


def _key_rows() -> str:
    rows = ["| key | kind | told | |", "|---|---|---|---|"]
    for key in CONDITION_KEYS.values():
        name = f"{key.name}<name>" if key.name.endswith("/") else key.name
        meaning = key.meaning + (f"; absent {key.absent}" if key.absent else "") + (" (ours)" if key.ours else "")
        rows.append(f"| `{name}` | {key.kind.value} | {key.told.value} | {meaning} |")
    return "\n".join(rows) + "\n"


def _rule_rows() -> str:
    return "\n".join(["| | |", "|---|---|", *(f"| {rule.value} | {text} |" for rule, text in RULES.items())]) + "\n"


def test_page__tables__are_those_of_the_code() -> None:
    assert _table("keys") == _key_rows()
    assert _table("rules") == _rule_rows()
    assert RULES.keys() == set(Lint)


def test_page__examples__are_policies() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)
    parse_policy(example)
    (statement,) = re.findall(r"`(\{\"Effect\".*?\})` \|", PAGE)
    parse_policy(json.dumps({"Version": "1", "Statement": [json.loads(statement)]}))
