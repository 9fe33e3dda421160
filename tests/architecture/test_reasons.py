"""A reason nobody gives is a promise nobody keeps."""

import re

from gateway.errors import Reason
from tests.architecture.source_tree import GATEWAY, modules

# Where reasons are named, and where they are put into words: neither gives one.
NOT_GIVING = {GATEWAY / "errors.py", GATEWAY / "api" / "wire_codes.py", GATEWAY / "web" / "advice.py"}


def test_reason__each_member__is_given_somewhere() -> None:
    source = "\n".join(path.read_text() for path in modules() if path not in NOT_GIVING)
    used = set(re.findall(r"\bReason\.([A-Z_]+)\b", source))
    assert sorted(set(Reason.__members__) - used) == []
