"""The route table as a TOML file, and what is wrong with one. Pure.

[[app]]
name = "wiki"
origin = "https://wiki.example.com"

[[app.rule]]
methods = ["GET", "HEAD"]
path = "/pages/{page}"
action = "wiki:ReadPage"
resource = "acs:wiki:*:1234567890123456:page/{page}"
context = { "wiki:Section" = "public" }
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gateway.errors import ConfigError, GatewayError, Reason
from gateway.guard.paths import read_target
from gateway.guard.routes import (
    NO_ROUTES,
    RESERVED,
    App,
    Capture,
    Literal,
    Part,
    Pattern,
    RouteTable,
    Rule,
    loosened,
)
from gateway.loopback import is_loopback

_APP_MEMBERS = frozenset({"name", "origin", "rule"})
_RULE_MEMBERS = frozenset({"methods", "path", "action", "resource", "context"})
_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_METHOD = re.compile(r"[A-Z]{1,20}")
_CAPTURE = re.compile(r"\{([a-z][a-z0-9_]{0,31})(\.\.\.)?\}")
_IN_TEXT = re.compile(r"\{([^{}]*)\}")
_CALLER = "CallerAccountId"
_MOST_APPS, _MOST_RULES = 100, 500


def read_routes(text: str) -> RouteTable:
    """Read a file of routes.

    Refused: what is not TOML of this shape; a member that nobody knows; two applications of one name or host; plain
    HTTP on anything but a loopback address; a path that no request could have; a resource or context with a capture
    that the path has not; a question that could not be asked; a rule that never decides, because an earlier one does.
    Raises: ConfigError(CONFIG_INVALID), which says where.
    """
    try:
        document = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as exc:
        raise _wrong("routes", f"not valid TOML: {exc}") from exc
    _check_members(document, frozenset({"app"}), "routes")
    apps = [_app(item, f"app[{number}]") for number, item in enumerate(_tables(document, "app", "routes", _MOST_APPS))]
    for what in ("name", "host"):
        seen: set[str] = set()
        for app in apps:
            value = str(getattr(app, what))
            if value in seen:
                raise _wrong(f"app `{app.name}`", f"another one has the same {what} `{value}`")
            seen.add(value)
    return RouteTable({app.host: app for app in apps})


def load_routes(path: str) -> RouteTable:
    """The table of a file; an empty path is an empty table. Raises: ConfigError(CONFIG_INVALID)."""
    if not path:
        return NO_ROUTES
    try:
        return read_routes(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as exc:
        raise _wrong("routes", f"`{path}` can't be read") from exc


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that a rule may be about by mistake. The table can be used."""

    place: str
    problem: str


def lint_routes(table: RouteTable) -> Iterator[Finding]:
    """What is allowed in a file and seldom meant."""
    for app in table.apps.values():
        if not app.rules:
            yield Finding(f"app `{app.name}`", "it has no rule: nobody can open anything")
        for rule in app.rules:
            place = f"app `{app.name}`, rule {rule.number}"
            used = {name for text in _texts(rule) for name in _IN_TEXT.findall(text)}
            for part in rule.pattern.parts:
                if isinstance(part, Capture) and part.name not in used:
                    yield Finding(place, f"`{{{part.name}}}` stands in no resource: all of them are decided on alike")
            if "GET" in rule.methods and "HEAD" not in rule.methods:
                yield Finding(place, "GET is allowed without HEAD")
            if "*" in rule.resource.split(":", 4)[4]:
                yield Finding(place, "a `*` in the resource is the character, and no pattern")
            yield from _hidden(app, rule, place)


def _hidden(app: App, rule: Rule, place: str) -> Iterator[Finding]:
    sample = tuple(part.text if isinstance(part, Literal) else "x" for part in rule.pattern.parts)
    for early in app.rules[: rule.number - 1]:
        near = early.pattern.match(sample) is None and early.pattern.nearly_matches(sample)
        if near and early.methods & rule.methods:
            yield Finding(place, f"rule {early.number} fits but for case or a final slash, and refuses; put this first")


def _app(item: Mapping[str, Any], place: str) -> App:
    _check_members(item, _APP_MEMBERS, place)
    name, origin = _text(item, "name", place), _text(item, "origin", place)
    if not _NAME.fullmatch(name):
        raise _wrong(place, "`name` has small letters, digits and hyphens")
    rules: list[Rule] = []
    for number, each in enumerate(_tables(item, "rule", place, _MOST_RULES), 1):
        rule = _rule(each, number, f"app `{name}`, rule {number}")
        covering = next((early for early in rules if _covers(early, rule)), None)
        if covering is not None:
            raise _wrong(f"app `{name}`, rule {number}", f"it never decides: rule {covering.number} fits all of it")
        rules.append(rule)
    return App(name, _origin(origin, place), tuple(rules))


def _origin(text: str, place: str) -> str:
    try:
        parts = urlsplit(text)
        port, host = parts.port, parts.hostname or ""
    except ValueError:
        raise _wrong(place, "`origin` can't be read") from None
    plain = f"{parts.scheme}://{parts.netloc}"
    if plain != text or text != text.lower() or not host or "@" in text or not text.isascii():
        raise _wrong(place, "`origin` is written like https://wiki.example.com, in small letters")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise _wrong(place, "`origin` must use https unless its host is a loopback address")
    if port == {"https": 443, "http": 80}[parts.scheme]:
        raise _wrong(place, "`origin` leaves out the port that its scheme has anyway")
    return text


def _rule(item: Mapping[str, Any], number: int, place: str) -> Rule:
    _check_members(item, _RULE_MEMBERS, place)
    methods = item.get("methods")
    if not isinstance(methods, list) or not methods or not all(_METHOD.fullmatch(str(each)) for each in methods):
        raise _wrong(place, '`methods` is a list such as ["GET", "HEAD"]')
    rule = Rule(
        number=number,
        methods=frozenset(methods),
        pattern=_pattern(_text(item, "path", place), place),
        action=_text(item, "action", place),
        resource=_text(item, "resource", place),
        context=_context(item.get("context", {}), place),
    )
    names = {part.name for part in rule.pattern.parts if isinstance(part, Capture)}
    for text in _texts(rule):
        unknown = set(_IN_TEXT.findall(text)) - names - {_CALLER}
        if unknown:
            raise _wrong(place, f"the path has no `{{{min(unknown)}}}`")
    # What a client writes into a path must not get to say whose a thing is.
    *fixed, own = rule.resource.split(":", 4)
    if "{" in rule.action or "{" in "".join(fixed).replace("{" + _CALLER + "}", ""):
        raise _wrong(place, "captures stand in the last field of `resource` and in `context` only")
    if any(_CALLER in text for text in (own, *_texts_of_context(rule))):
        raise _wrong(place, f"`{{{_CALLER}}}` stands in the account field of `resource` only")
    try:
        rule.question(dict.fromkeys(names, "x"), {})
    except GatewayError as exc:
        raise _wrong(place, exc.public) from exc
    return rule


def _pattern(text: str, place: str) -> Pattern:
    if not text.startswith("/"):
        raise _wrong(place, "`path` starts with a slash")
    parts = tuple(_part(piece, place) for piece in text[1:].split("/"))
    names = [part.name for part in parts if isinstance(part, Capture)]
    if len(set(names)) != len(names):
        raise _wrong(place, "two captures have the same name")
    if any(isinstance(part, Capture) and part.rest for part in parts[:-1]):
        raise _wrong(place, "`{name...}` stands at the end only")
    if isinstance(parts[0], Literal) and loosened(parts[0].text) == RESERVED:
        raise _wrong(place, f"/{RESERVED}/ is the gateway's own")
    try:
        read_target("/" + "/".join(part.text if isinstance(part, Literal) else "x" for part in parts))
    except GatewayError as exc:
        raise _wrong(place, f"`path` can never be asked for: {exc.public}") from exc
    return Pattern(text, parts)


def _part(piece: str, place: str) -> Part:
    found = _CAPTURE.fullmatch(piece)
    if found is not None:
        return Capture(found[1], rest=found[2] is not None)
    if "{" in piece or "}" in piece:
        raise _wrong(place, "a capture is a whole segment: `/{name}/`, or `/{name...}` at the end")
    if "%" in piece:
        raise _wrong(place, "`path` is written decoded, without %")
    return Literal(piece)


def _covers(early: Rule, late: Rule) -> bool:
    """Whether whatever fits `late` fits `early` already."""
    ours, theirs = early.pattern.parts, late.pattern.parts
    if not late.methods <= early.methods:
        return False
    last = ours[-1]
    if isinstance(last, Capture) and last.rest:
        start = len(ours) - 1
        return start < len(theirs) and all(map(_fits_into, ours[:start], theirs))
    return len(ours) == len(theirs) and all(map(_fits_into, ours, theirs))


def _fits_into(part: Part, other: Part) -> bool:
    if isinstance(part, Literal):
        return part == other
    return other != Literal("") and not (isinstance(other, Capture) and other.rest)


def _texts(rule: Rule) -> Iterator[str]:
    yield rule.resource
    yield from _texts_of_context(rule)


def _texts_of_context(rule: Rule) -> Iterator[str]:
    for values in rule.context.values():
        yield from values


def _context(value: object, place: str) -> Mapping[str, tuple[str, ...]]:
    if not isinstance(value, dict):
        raise _wrong(place, "`context` is a table of condition keys")
    context: dict[str, tuple[str, ...]] = {}
    for key, told in value.items():
        values = told if isinstance(told, list) else [told]
        if not all(isinstance(each, str) for each in values):
            raise _wrong(place, f"`context` has a text, or a list of texts, for `{key}`")
        context[key] = tuple(values)
    if {key.lower() for key in context} & {"acs:sourceip", "acs:securetransport"}:
        raise _wrong(place, "what the client's address and connection are, the proxy says")
    return context


def _tables(item: Mapping[str, Any], name: str, place: str, most: int) -> list[Mapping[str, Any]]:
    value = item.get(name, [])
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise _wrong(place, f"`{name}` is written as [[...{name}]]")
    if len(value) > most:
        raise _wrong(place, f"there are more than {most} of `{name}`")
    return value


def _text(item: Mapping[str, Any], name: str, place: str) -> str:
    value = item.get(name)
    if not isinstance(value, str) or not value:
        raise _wrong(place, f"`{name}` is missing, or no text")
    return value


def _check_members(item: Mapping[str, Any], known: frozenset[str], place: str) -> None:
    unknown = set(item) - known
    if unknown:
        raise _wrong(place, f"`{min(unknown)}` is not known here")


def _wrong(place: str, problem: str) -> ConfigError:
    return ConfigError(Reason.CONFIG_INVALID, f"{place}: {problem}", subject="routes_file")
