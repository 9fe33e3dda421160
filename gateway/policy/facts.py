"""What a request says about itself: the seen values of condition keys, each parsed once at most."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Self

from gateway.policy.fold import fold


@dataclass(frozen=True, slots=True)
class Facts:
    """Values by folded key name. An absent key and a key without values are the same thing."""

    texts: dict[str, tuple[str, ...]]
    known: dict[str, tuple[object, ...]] = field(default_factory=dict, repr=False, compare=False)

    @classmethod
    def of(cls, context: Mapping[str, tuple[str, ...]]) -> Self:
        """Keys that differ in case only are one key with the values of both."""
        texts = {name.lower() if name.isascii() else fold(name): values for name, values in context.items() if values}
        return cls(texts if len(texts) == len(context) else _merge(context))

    def parse(self, memo: str, key: str, read: Callable[[str], object]) -> tuple[object, ...]:
        """The values of `key` as `read` has them, None for a malformed one; kept in `known` as `memo`."""
        values = tuple(read(text) for text in self.texts.get(key, ()))
        self.known[memo] = values
        return values


def _merge(context: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    texts: dict[str, tuple[str, ...]] = {}
    for name, values in context.items():
        if values:
            key = fold(name)
            texts[key] = (*texts.get(key, ()), *values)
    return texts
