"""Claims as texts that policies can ask about: check 18, and the only place that knows how they are written.

A text is itself, a number as Python writes it, true and false are `true` and `false`. A list yields the texts of its
plain members. A member of an object is named after both: `{"realm": {"roles": ["a"]}}` is `realm.roles`. What is null,
empty, or a list or object within a list has no text and is left out.
"""

from collections.abc import Iterator, Mapping

from gateway.errors import OidcError, Reason
from gateway.identity import ClaimKind, ClaimTexts
from gateway.oidc.json_text import Json, JsonObject


class Attributes(ClaimTexts):
    """The texts of verified claims, worked out when first read. Equal to, and prints like, the dict that they are."""

    __slots__ = ("_claims", "_worked_out")

    def __init__(self, claims: JsonObject) -> None:
        self._claims = claims
        self._worked_out: tuple[dict[str, tuple[str, ...]], dict[str, ClaimKind]] | None = None

    def check(self) -> None:
        """Check 18: no two claims come to one name. Without an object among the claims no two can.

        Raises: OidcError(OIDC_CLAIM).
        """
        for value in self._claims.values():
            if type(value) is dict:
                self.work_out()
                return

    @property
    def kinds(self) -> Mapping[str, ClaimKind]:
        return Kinds(self)

    def work_out(self) -> tuple[dict[str, tuple[str, ...]], dict[str, ClaimKind]]:
        """Texts and kinds. Raises: OidcError(OIDC_CLAIM) unless `check` has passed."""
        if self._worked_out is None:
            texts: dict[str, tuple[str, ...]] = {}
            kinds: dict[str, ClaimKind] = {}
            _collect(self._claims, "", texts, kinds)
            self._worked_out = texts, kinds
        return self._worked_out

    def __getitem__(self, name: str) -> tuple[str, ...]:
        return self.work_out()[0][name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.work_out()[0])

    def __len__(self) -> int:
        return len(self.work_out()[0])

    def __repr__(self) -> str:
        return repr(self.work_out()[0])


class Kinds(Mapping[str, ClaimKind]):
    """How each of the attributes was written."""

    __slots__ = ("_attributes",)

    def __init__(self, attributes: Attributes) -> None:
        self._attributes = attributes

    def __getitem__(self, name: str) -> ClaimKind:
        return self._attributes.work_out()[1][name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._attributes.work_out()[1])

    def __len__(self) -> int:
        return len(self._attributes.work_out()[1])

    def __repr__(self) -> str:
        return repr(self._attributes.work_out()[1])


def _collect(claims: JsonObject, prefix: str, texts: dict[str, tuple[str, ...]], kinds: dict[str, ClaimKind]) -> None:
    for member, value in claims.items():
        name = prefix + member
        if isinstance(value, dict):
            _collect(value, f"{name}.", texts, kinds)
            continue
        written = _written(value)
        if written is None:
            continue
        if name in texts:
            raise OidcError(Reason.OIDC_CLAIM, "two claims of the token have the same name", repr(name)[:200])
        texts[name], kinds[name] = written


def _written(value: Json) -> tuple[tuple[str, ...], ClaimKind] | None:
    if isinstance(value, str):
        return (value,), ClaimKind.TEXT
    if isinstance(value, list):
        plain = tuple(_text(each) for each in value if isinstance(each, (str, int, float)))
        return (plain, ClaimKind.LIST) if plain else None
    if value is None or isinstance(value, dict):
        return None
    return (_text(value),), ClaimKind.TRUTH if isinstance(value, bool) else ClaimKind.NUMBER


def _text(value: str | float) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
