"""What became of each numbered check of a login, for whoever has to find out why it fails. Pure, and of any protocol.

A verdict is made beside a verification, never instead of one: nobody signs in by it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from gateway.errors import Reason
from gateway.identity import VerifiedIdentity

LONGEST_VALUE = 300  # characters shown of one value
MOST_VALUES = 40


class Outcome(StrEnum):
    PASSED = "passed"
    FAILED = "failed"
    NOT_REACHED = "not reached"
    NOT_APPLICABLE = "not applicable"


@dataclass(frozen=True, slots=True)
class Value:
    """Something that a message says. `kind` names what is personal, and is empty for what everybody may see."""

    text: str
    kind: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    check: str  # with its number, as evidence has it
    outcome: Outcome
    seen: tuple[Value, ...] = ()
    expected: tuple[str, ...] = ()
    problem: str = ""  # of the failed one
    proven: bool = False  # what was seen stands in bytes whose signature was verified


@dataclass(frozen=True, slots=True)
class SaidAttribute:
    name: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class LoginVerdict:
    """`identity` is there if every check passed; otherwise `reason` says why not.

    `proven`: a registered key signed the login itself. Where it is false anybody may have written what was seen.
    """

    results: tuple[CheckResult, ...]
    said: tuple[SaidAttribute, ...]
    proven: bool
    identity: VerifiedIdentity | None = None
    reason: Reason | None = None
    public: str = ""

    @property
    def failed_check(self) -> str:
        """Empty if none failed."""
        return next((each.check for each in self.results if each.outcome is Outcome.FAILED), "")


def value_of(text: str, kind: str = "") -> Value:
    """A value cut to what is shown of it. What can't be printed is written as an escape."""
    cut = text[:LONGEST_VALUE] + "..." if len(text) > LONGEST_VALUE else text
    return Value(cut if cut.isprintable() else cut.encode("unicode_escape").decode("ascii"), kind)


def values_of(texts: Sequence[str], kind: str = "") -> tuple[Value, ...]:
    return tuple(value_of(text, kind) for text in texts[:MOST_VALUES])
