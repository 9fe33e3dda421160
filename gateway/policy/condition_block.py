"""A condition block by itself: the `Condition` of a statement where no statement is around it, as in a mapping rule.

Rule: policy-language §3. All conditions must be met; values of one key are alternatives.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.policy.conditions import CompiledCondition, compile_condition
from gateway.policy.document import Condition, Effect
from gateway.policy.facts import Facts
from gateway.policy.fold import fold
from gateway.policy.parser import read_condition_block
from gateway.policy.strict_json import check_length, read_json, shown
from gateway.policy.verdict import ConditionValue

MAX_CONDITION_BLOCK = 2048
_JOINERS = (",", ";", " ", "|")


@dataclass(frozen=True, slots=True)
class ConditionBlock:
    """Conditions that a login can be asked about; none of them means that every login meets the block."""

    compiled: tuple[CompiledCondition, ...]

    @property
    def conditions(self) -> tuple[Condition, ...]:
        return tuple(each.condition for each in self.compiled)


@dataclass(frozen=True, slots=True)
class Unmet:
    """A condition that was not met: what it wants, what the login has, and what is the likely mistake, in words."""

    value: ConditionValue
    hint: str


def parse_condition_block(text: str) -> ConditionBlock:
    """Read `{"StringEquals": {"saml:attribute/groups": ["admins"]}}`, at most 2048 characters; `{}` is met by all.

    Refused: what a `Condition` of a policy may not be either.
    Raises: InputError(POLICY_TOO_LONG), InputError(POLICY_MALFORMED).
    """
    check_length(text, MAX_CONDITION_BLOCK, ignore_white_space=False)
    conditions = read_condition_block(read_json(text), "Condition")
    return ConditionBlock(tuple(compile_condition(condition, Effect.ALLOW) for condition in conditions))


def unmet_conditions(block: ConditionBlock, context: Mapping[str, tuple[str, ...]]) -> tuple[Unmet, ...]:
    """Those conditions that `context` does not meet, each with a hint; empty if the block is met."""
    facts = Facts.of(context)
    failed = [each for each in block.compiled if not each.test(facts)]
    return tuple(_unmet(each, facts, context) for each in failed)


def _unmet(compiled: CompiledCondition, facts: Facts, context: Mapping[str, tuple[str, ...]]) -> Unmet:
    condition, seen = compiled.condition, facts.texts.get(compiled.key, ())
    value = ConditionValue(condition.operator, condition.key, condition.values, seen, met=False)
    return Unmet(value, _hint(value, context))


def _hint(value: ConditionValue, context: Mapping[str, tuple[str, ...]]) -> str:
    if not value.seen:
        return _missing(value.key, context)
    if "Not" in value.operator:
        return f"{value.key} has a value that the rule leaves out"
    hints = (_nearly(seen, value) for seen in value.seen)
    nearly = next((hint for hint in hints if hint), "")
    if not nearly and value.operator == "StringEquals" and any("*" in text or "?" in text for text in value.wanted):
        return "StringEquals takes * and ? as they are; StringLike has wildcards"
    return nearly or f"no value of {value.key} is what the rule wants"


def _nearly(seen: str, value: ConditionValue) -> str:
    """How one value misses what is wanted by a hair; empty if by more."""
    wanted = {fold(text): text for text in value.wanted}
    same = wanted.get(fold(seen))
    if same is not None and value.operator == "StringEquals":
        return f"{shown(seen)} and {shown(same)} differ in upper and lower case only"
    if seen.strip() != seen and fold(seen.strip()) in wanted:
        return f"{shown(seen)} has white space around it"
    joiner = next((sign for sign in _JOINERS if _is_part(seen, sign, wanted)), "")
    return f"{value.key} is one text with `{joiner}` between its parts, not a list of values" if joiner else ""


def _missing(key: str, context: Mapping[str, tuple[str, ...]]) -> str:
    prefix, _, name = key.partition("/")
    present = [each for each in context if context[each] and fold(each).startswith(fold(prefix) + "/")]
    alike = [each for each in present if fold(each.rpartition("/")[2]) == fold(name.rpartition("/")[2])]
    if alike:
        return f"the login has no {key}; it has {shown(alike[0])}"
    if present:
        return f"the login has no {key}; it has {', '.join(shown(each) for each in sorted(present)[:8])}"
    return f"the login has no {key}"


def _is_part(seen: str, joiner: str, wanted: Mapping[str, str]) -> bool:
    parts = seen.split(joiner)
    return len(parts) > 1 and any(fold(part.strip()) in wanted for part in parts)
