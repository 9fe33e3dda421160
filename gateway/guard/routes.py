"""From method and path to action and resource: the route table of the applications behind a proxy. Pure.

The first rule that fits decides what is asked; where none fits, nothing is allowed. A request that fits a rule but for
the case of a letter, or for a final slash, is refused: an application that does not mind such differences would serve
by one rule what was decided by another.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.errors import Denied, InputError, Reason
from gateway.guard.paths import Segments, read_target
from gateway.guard.questions import Question, check_context, read_question

RESERVED = ".ramgate"  # the first segment of the paths that a proxy sends to the gateway itself


@dataclass(frozen=True, slots=True)
class Literal:
    text: str

    @property
    def loose(self) -> str:
        return loosened(self.text)


@dataclass(frozen=True, slots=True)
class Capture:
    """`{name}` is one segment that is not empty; `{name...}`, at the end only, is whatever is left."""

    name: str
    rest: bool = False


Part = Literal | Capture


@dataclass(frozen=True, slots=True)
class Pattern:
    """A path. An empty last literal is a final slash."""

    text: str
    parts: tuple[Part, ...]

    def match(self, segments: Segments) -> Mapping[str, str] | None:
        """What the captures hold; None if the path does not fit."""
        return _match(self.parts, segments, loose=False)

    def nearly_matches(self, segments: Segments) -> bool:
        """Whether it would fit if case, form of letters and a final slash did not count."""
        return _match(_without_slash(self.parts), _plain(segments), loose=True) is not None


@dataclass(frozen=True, slots=True)
class Rule:
    """Texts may hold `{name}` of a capture, and the resource `{CallerAccountId}` in its account field."""

    number: int  # from 1, as it stands in the file
    methods: frozenset[str]
    pattern: Pattern
    action: str
    resource: str
    context: Mapping[str, tuple[str, ...]]

    def question(self, captured: Mapping[str, str], told: Mapping[str, tuple[str, ...]]) -> Question:
        """What a request asks; `told` is what the proxy says of its client. Raises: as `read_question`."""
        own = {key: tuple(filled(value, captured) for value in values) for key, values in self.context.items()}
        context = check_context({**own, **told})
        return read_question(self.action, filled(self.resource, captured), context)


@dataclass(frozen=True, slots=True)
class App:
    """`origin` is what browsers call it, such as `https://wiki.example.com`."""

    name: str
    origin: str
    rules: tuple[Rule, ...]

    @property
    def host(self) -> str:
        """With the port, if it is not the scheme's own."""
        return self.origin.partition("://")[2]

    def find(self, method: str, target: str) -> tuple[Rule, Mapping[str, str]]:
        """The rule that decides about a request, and what its captures hold.

        Raises: InputError(PARAMETER_INVALID), subject "Path", for a path with two readings, subject "Method" for a
        method that is not written in capitals; Denied(ACCESS_DENIED), subject "Route", where no rule fits.
        """
        if not method.isascii() or not method.isalpha() or not method.isupper():
            raise InputError(Reason.PARAMETER_INVALID, "a method is written in capitals", method[:40], subject="Method")
        segments = read_target(target)
        if loosened(segments[0]) == RESERVED:
            raise no_route("the path is the gateway's own")
        for rule in self.rules:
            if method not in rule.methods:
                continue
            captured = rule.pattern.match(segments)
            if captured is not None:
                return rule, captured
            if rule.pattern.nearly_matches(segments):
                message = f"the path differs from rule {rule.number} by case or a final slash only"
                raise InputError(Reason.PARAMETER_INVALID, message, subject="Path")
        raise no_route("no rule of this application fits")


@dataclass(frozen=True, slots=True)
class RouteTable:
    apps: Mapping[str, App]  # by host

    def get(self, host: str) -> App:
        """The application that is called so, letter by letter but for case.

        Raises: Denied(ACCESS_DENIED), subject "Route".
        """
        app = self.apps.get(host.lower())
        if app is None:
            raise no_route("no application has this host")
        return app


NO_ROUTES = RouteTable({})


def no_route(message: str) -> Denied:
    return Denied(Reason.ACCESS_DENIED, message, None, subject="Route")


def filled(text: str, captured: Mapping[str, str]) -> str:
    """The text with its captures put in, in one pass: what a capture holds is never looked at again."""
    pieces, rest = [], text
    while rest:
        before, brace, after = rest.partition("{")
        pieces.append(before)
        name, closing, tail = after.partition("}")
        if not brace or not closing:
            pieces.append(brace + after)
            break
        pieces.append(captured.get(name, "{" + name + "}"))
        rest = tail
    return "".join(pieces)


def loosened(text: str) -> str:
    """What a careless server might take for the same text."""
    return unicodedata.normalize("NFKC", text).casefold()


def _match(parts: tuple[Part, ...], segments: Segments, *, loose: bool) -> Mapping[str, str] | None:
    captured: dict[str, str] = {}
    for place, part in enumerate(parts):
        if isinstance(part, Capture) and part.rest:
            if place > len(segments) or (place == len(segments) and not loose):
                return None
            captured[part.name] = "/".join(segments[place:])
            return captured
        if place >= len(segments):
            return None
        segment = segments[place]
        if isinstance(part, Capture):
            if not segment:
                return None
            captured[part.name] = segment
        elif segment != part.text and not (loose and loosened(segment) == part.loose):
            return None
    return captured if len(parts) == len(segments) else None


def _without_slash(parts: tuple[Part, ...]) -> tuple[Part, ...]:
    return parts[:-1] if parts and parts[-1] == Literal("") else parts


def _plain(segments: Segments) -> Segments:
    return segments[:-1] if segments and not segments[-1] else segments
