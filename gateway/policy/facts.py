"""What a request says about itself: the seen values of condition keys, each parsed once at most."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self, TypeVar

from gateway.policy.fold import fold

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Facts:
    """Values by folded key name. An absent key and a key without values are the same thing."""

    texts: dict[str, tuple[str, ...]]
    _parsed: dict[str, tuple[object, ...]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, context: Mapping[str, tuple[str, ...]]) -> Self:
        """Keys that differ in case only are one key with the values of both."""
        texts = {name.lower() if name.isascii() else fold(name): values for name, values in context.items() if values}
        return cls(texts if len(texts) == len(context) else _merge(context))

    def parsed(self, memo: str, key: str, parse: Callable[[str], _T | None]) -> tuple[_T | None, ...]:
        """The values of `key` read by `parse`; None stands for a malformed one. `memo` names the pair of the two."""
        known = self._parsed.get(memo)
        if known is None:
            known = tuple(parse(text) for text in self.texts.get(key, ()))
            self._parsed[memo] = known
        return known  # type: ignore[return-value]  # only this method fills the memo, and `memo` names the parser


def _merge(context: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    texts: dict[str, tuple[str, ...]] = {}
    for name, values in context.items():
        if values:
            key = fold(name)
            texts[key] = (*texts.get(key, ()), *values)
    return texts
