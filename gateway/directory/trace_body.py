"""What a trace says of a login, and how it is redacted: by the kind of each value, before anything is stored.

Of what is personal (a NameID, an attribute, a claim) stays its kind, its length and its first character, and nothing
else; an e-mail address in what is not personal is treated alike. No bytes of a message are kept.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from gateway.login_verdict import CheckResult, LoginVerdict, Value

_EMAIL = re.compile(r"[^\s@,;<>()\"']{1,128}@[^\s@,;<>()\"']{1,255}")
_SHORT = 4  # of so short a value even the first character would tell much
_LONGEST_NOTE = 500
_MOST_NOTES = 60
LONGEST_BODY = 40_000


@dataclass(frozen=True, slots=True)
class TracedCheck:
    check: str
    outcome: str
    seen: tuple[str, ...]
    expected: tuple[str, ...]
    problem: str
    proven: bool


@dataclass(frozen=True, slots=True)
class TracedAttribute:
    name: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TraceBody:
    """INVARIANT: redacted. `notes` are what came after the checks: mapping, roles, the user."""

    public: str = ""
    proven: bool = False
    checks: tuple[TracedCheck, ...] = ()
    said: tuple[TracedAttribute, ...] = ()
    notes: tuple[str, ...] = ()


def redacted_body(
    verdict: LoginVerdict | None, *, public: str = "", notes: Sequence[str] = (), personal: Iterable[str] = ()
) -> TraceBody:
    """`personal`: texts that may stand in what a refusal says, and must not be kept, such as the NameID."""
    hidden = _hider(personal)
    shown = tuple(hidden(note)[:_LONGEST_NOTE] for note in notes[:_MOST_NOTES])
    if verdict is None:
        return TraceBody(hidden(public), notes=shown)
    body = _body(verdict, redacted, _without_addresses)
    return replace(body, public=hidden(public or verdict.public), notes=shown)


def whole_body(verdict: LoginVerdict) -> TraceBody:
    """The same with every value as it was: for the administrator who made the login, never to be stored in clear."""
    return _body(verdict, lambda value: value.text, str)


def redacted(value: Value) -> str:
    """A value as a trace keeps it."""
    if not value.kind:
        return _without_addresses(value.text)
    return _summary(value.kind, value.text)


def dump_body(body: TraceBody) -> str:
    """At most 40,000 characters: of a huge message the attributes are left out, then all but a few of the values."""
    few = tuple(replace(each, seen=each.seen[:2], expected=each.expected[:2]) for each in body.checks)
    smaller = (body, replace(body, said=()), replace(body, said=(), checks=few))
    texts = (json.dumps(asdict(each)) for each in smaller)
    least = json.dumps(asdict(TraceBody(body.public, body.proven)))
    return next((text for text in texts if len(text) <= LONGEST_BODY), least)


def load_body(text: str) -> TraceBody:
    return body_of(json.loads(text))


def body_of(fields: Mapping[str, Any]) -> TraceBody:
    """What `dataclasses.asdict` made of a body, and JSON of that."""
    return TraceBody(
        public=fields["public"],
        proven=fields["proven"],
        checks=tuple(
            TracedCheck(**{**each, "seen": tuple(each["seen"]), "expected": tuple(each["expected"])})
            for each in fields["checks"]
        ),
        said=tuple(TracedAttribute(each["name"], tuple(each["values"])) for each in fields["said"]),
        notes=tuple(fields["notes"]),
    )


def _body(verdict: LoginVerdict, show: Callable[[Value], str], tell: Callable[[str], str]) -> TraceBody:
    return TraceBody(
        public=verdict.public,
        proven=verdict.proven,
        checks=tuple(_traced(result, show, tell) for result in verdict.results),
        said=tuple(
            TracedAttribute(tell(each.name), tuple(show(value) for value in each.values)) for each in verdict.said
        ),
    )


def _traced(result: CheckResult, show: Callable[[Value], str], tell: Callable[[str], str]) -> TracedCheck:
    seen, expected = tuple(map(show, result.seen)), tuple(map(tell, result.expected))
    return TracedCheck(result.check, result.outcome.value, seen, expected, result.problem, result.proven)


def _summary(kind: str, text: str) -> str:
    length = f"{len(text)} character" + ("" if len(text) == 1 else "s")
    what = f"{kind} (an e-mail address)" if _EMAIL.fullmatch(text) else kind
    return f"{what}, {length}" if len(text) < _SHORT else f"{what}, {length}, begins with `{text[0]}`"


def _without_addresses(text: str) -> str:
    return _EMAIL.sub(lambda found: f"[{_summary('address', found[0])}]", text)


def _hider(personal: Iterable[str]) -> Callable[[str], str]:
    """What takes these texts, and addresses, out of a sentence."""
    longest_first = sorted({text for text in personal if len(text) >= _SHORT}, key=len, reverse=True)
    pattern = re.compile("|".join(re.escape(text) for text in longest_first) or "(?!)")
    return lambda text: _without_addresses(pattern.sub("***", text))
