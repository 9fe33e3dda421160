"""Values of quickly made classes are those that `dataclass` would have made."""

import copy
import pickle
from collections.abc import Callable
from dataclasses import FrozenInstanceError, dataclass, field, fields, replace
from typing import Any

import pytest

from gateway.quick_init import quick_init


@dataclass(frozen=True, slots=True)
class Plain:
    name: str
    number: int = 1
    hidden: tuple[str, ...] = field(default=("x",), repr=False, compare=False)


@quick_init
@dataclass(frozen=True, slots=True)
class Quick:
    name: str
    number: int = 1
    hidden: tuple[str, ...] = field(default=("x",), repr=False, compare=False)


CALLS: dict[str, Callable[[Any], Any]] = {
    "position": lambda cls: cls("a", 2, ("y",)),
    "keyword": lambda cls: cls(hidden=("y",), number=2, name="a"),
    "defaults": lambda cls: cls("a"),
}


@pytest.mark.parametrize("call", [pytest.param(call, id=name) for name, call in CALLS.items()])
def test_quick_init__any_call__makes_the_same_value(call: Callable[[Any], Any]) -> None:
    plain, quick = call(Plain), call(Quick)
    assert type(quick) is Quick
    assert [getattr(quick, each.name) for each in fields(Quick)] == [
        getattr(plain, each.name) for each in fields(Plain)
    ]
    assert repr(quick) == repr(plain).replace("Plain", "Quick")
    assert quick == call(Quick)
    assert hash(quick) == hash(plain)
    assert quick != plain
    assert copy.copy(quick) == pickle.loads(pickle.dumps(quick)) == replace(quick) == quick
    assert replace(quick, name="b").name == "b"


@pytest.mark.parametrize(
    "call",
    [Quick, lambda: Quick("a", 1, (), 2), lambda: Quick("a", name="b"), lambda: Quick("a", odd=1)],  # type: ignore[call-arg, misc]
)
def test_quick_init__wrong_arguments__refused(call: Callable[[], Quick]) -> None:
    with pytest.raises(TypeError):
        call()


def test_quick_init__value__is_frozen() -> None:
    value = Quick("a")
    with pytest.raises(FrozenInstanceError):
        value.name = "b"  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        del value.name
    with pytest.raises((AttributeError, TypeError)):
        value.other = 1  # type: ignore[attr-defined]
    assert value == Quick("a")


def test_quick_init__what_it_does_not_know__refused() -> None:
    @dataclass(frozen=True, slots=True)
    class WithFactory:
        names: list[str] = field(default_factory=list)

    @dataclass(frozen=True, slots=True)
    class WithBase(Plain):
        more: int = 0

    @dataclass(frozen=True, slots=True)
    class WithCheck:
        name: str

        def __post_init__(self) -> None:
            raise ValueError(self.name)

    for cls in (WithFactory, WithBase, WithCheck):
        with pytest.raises(TypeError):
            quick_init(cls)
