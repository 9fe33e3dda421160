"""A quicker way to make frozen dataclasses with slots, for values of many fields that are made for every request.

`dataclass(frozen=True)` has to set each field through `object.__setattr__`, as its class refuses assignments: half of
the time that a value of twenty fields takes. Here a value is filled in while it still is of a draft class with the
same slots, which lets itself be assigned to, and becomes one of the frozen class at the end.
"""

from collections.abc import Callable
from dataclasses import MISSING, Field, fields
from typing import Any, TypeVar

T = TypeVar("T")


def quick_init(cls: type[T]) -> type[T]:
    """Goes above `@dataclass(frozen=True, slots=True)` and replaces `__init__` by one that does the same.

    Not for classes that others derive from. Refused, as nobody has needed them: bases, `__post_init__`, and fields
    with `init=False`, `kw_only=True` or a `default_factory`. Raises: TypeError.
    """
    declared: tuple[Field[Any], ...] = fields(cls)  # type: ignore[arg-type]
    odd = [each.name for each in declared if not each.init or each.kw_only or each.default_factory is not MISSING]
    if odd or cls.__bases__ != (object,) or hasattr(cls, "__post_init__"):
        raise TypeError(f"{cls.__name__} can't be made quickly: {odd}")
    names: dict[str, Any] = {
        "frozen": cls,
        "draft": type(f"{cls.__name__}Draft", (), {"__slots__": tuple(each.name for each in declared)}),
        "set_attribute": object.__setattr__,
        "defaults": {each.name: each.default for each in declared},
    }
    exec(_source(declared), names)  # noqa: S102 - made of field names only, as `dataclasses` itself does
    made: Callable[..., None] = names["__init__"]
    made.__qualname__ = f"{cls.__qualname__}.__init__"
    cls.__init__ = made  # type: ignore[method-assign]
    return cls


def _source(declared: tuple[Field[Any], ...]) -> str:
    parameters = (each.name if each.default is MISSING else f"{each.name}=defaults[{each.name!r}]" for each in declared)
    lines = (
        f"def __init__(self, {', '.join(parameters)}):",
        "set_attribute(self, '__class__', draft)",
        *(f"self.{each.name} = {each.name}" for each in declared),
        "self.__class__ = frozen",
    )
    return "\n    ".join(lines)
