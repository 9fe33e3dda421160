"""The maps of the large rooms name every module, and no other."""

import re

import pytest

from tests.architecture.source_tree import GATEWAY

ROOMS = ("api", "directory", "federation", "web")
ROW = re.compile(r"^\| [^|]+ \| (.+) \|$", re.MULTILINE)
NAME = re.compile(r"`([a-z0-9_]+)`")


@pytest.mark.parametrize("room", ROOMS)
def test_map__every_module__stands_in_one_row(room: str) -> None:
    text = (GATEWAY / room / "README.md").read_text()
    named = [name for row in ROW.findall(text) for name in NAME.findall(row)]
    there = [path.stem for path in (GATEWAY / room).glob("*.py") if path.stem != "__init__"]
    assert sorted(named) == sorted(there), f"gateway/{room}/README.md says where a stranger finds what"
