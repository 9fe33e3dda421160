"""Mapping rules: a condition over what a login says, and the roles that it then may take. Pure.

A rule offers roles; whether one can be taken is still the word of the role's own trust policy. Rules are asked in
their order, every one that is met counts, and one that is not met says why.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.errors import InputError, Reason
from gateway.policy import ConditionBlock, Unmet, unmet_conditions
from gateway.sts.assume import is_session_name

Context = Mapping[str, tuple[str, ...]]

_PLACEHOLDER = re.compile(r"\$\{([^{}]*)\}")
_LONGEST_TEMPLATE = 256


@dataclass(frozen=True, slots=True)
class MappingRule:
    """One rule of one provider. `session_name` may name condition keys: `${oidc:claim/email}`."""

    name: str
    block: ConditionBlock
    role_arns: tuple[str, ...]
    session_name: str
    max_duration_s: int | None  # None: the role's own limit


@dataclass(frozen=True, slots=True)
class RuleHit:
    """A rule that is met, with the session name that it makes for this login."""

    rule: MappingRule
    session_name: str


@dataclass(frozen=True, slots=True)
class RuleMiss:
    """A rule that is not met. `why` is one sentence; `unmet` the conditions behind it, if conditions they were."""

    rule: MappingRule
    why: str
    unmet: tuple[Unmet, ...] = ()


def apply_rules(rules: Sequence[MappingRule], context: Context) -> tuple[tuple[RuleHit, ...], tuple[RuleMiss, ...]]:
    """Which rules a login meets, in their order, and what each of the others lacks.

    `context` holds the keys of the login (`saml:attribute/<name>`, `oidc:claim/<name>`, `oidc:sub`) and of the request
    (`acs:SourceIp`); a rule whose session name can't be made is not met.
    """
    outcomes = [_apply(rule, context) for rule in rules]
    hits = tuple(outcome for outcome in outcomes if isinstance(outcome, RuleHit))
    return hits, tuple(outcome for outcome in outcomes if isinstance(outcome, RuleMiss))


def check_session_name_template(template: str) -> None:
    """Refuse a template that can never make a session name.

    Raises: InputError(PARAMETER_INVALID), subject "SessionName".
    """
    rest = _PLACEHOLDER.sub("xx", template)
    keys = keys_of_template(template)
    if len(template) > _LONGEST_TEMPLATE or not is_session_name(rest) or not all(":" in key for key in keys):
        message = "a session name has 2 to 64 letters, digits and - _ . @ =, and placeholders such as ${oidc:sub}"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="SessionName")


def keys_of_template(template: str) -> tuple[str, ...]:
    """The condition keys that a session name is made of."""
    return tuple(_PLACEHOLDER.findall(template))


def make_session_name(template: str, context: Context) -> tuple[str, str]:
    """Fill a template in: the session name and nothing, or nothing and what stands in its way, in words."""
    folded = {key.lower(): values for key, values in context.items()}
    for key in keys_of_template(template):
        if len(folded.get(key.lower(), ())) != 1:
            count = len(folded.get(key.lower(), ()))
            return "", f"the session name needs one value of {key}, and the login has {count or 'none'}"
    name = _PLACEHOLDER.sub(lambda match: folded[match[1].lower()][0], template)
    if not is_session_name(name):
        return "", "the session name would not have 2 to 64 letters, digits and - _ . @ ="
    return name, ""


def read_key(context: Context, key: str) -> tuple[str, ...]:
    """The values of a condition key in any case, each once; none for the empty key."""
    found = (values for name, values in context.items() if key and name.lower() == key.lower())
    return tuple(dict.fromkeys(value for values in found for value in values))


def _apply(rule: MappingRule, context: Context) -> RuleHit | RuleMiss:
    unmet = unmet_conditions(rule.block, context)
    if unmet:
        return RuleMiss(rule, "; ".join(each.hint for each in unmet), unmet)
    name, problem = make_session_name(rule.session_name, context)
    return RuleMiss(rule, problem) if problem else RuleHit(rule, name)
