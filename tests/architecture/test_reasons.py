"""A reason nobody gives is a promise nobody keeps."""

import re

from gateway.errors import Reason
from tests.architecture.source_tree import GATEWAY, modules


def test_reason__each_member__is_given_somewhere() -> None:
    source = "\n".join(path.read_text() for path in modules() if path != GATEWAY / "errors.py")
    used = set(re.findall(r"\bReason\.([A-Z_]+)\b", source))
    assert sorted(set(Reason.__members__) - used) == []
