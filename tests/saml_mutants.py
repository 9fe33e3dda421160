"""Weakened builds of the verifier, made in this process: one rule of one function is switched off at a time.

The code object of the function is exchanged and put back, so every module that imported the function is weakened too.
Nothing in `gateway/` knows of it.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any

from gateway.errors import GatewayError


@dataclass(frozen=True)
class Mutant:
    name: str
    function: FunctionType
    tree: ast.Module

    @contextmanager
    def in_place(self) -> Iterator[None]:
        original = self.function.__code__
        self.function.__code__ = _code_of(self.tree, self.function)
        try:
            yield
        finally:
            self.function.__code__ = original


def by_text(function: Any, old: str, new: str, name: str = "") -> Mutant:
    """A function with one piece of its source exchanged, which must be there just once."""
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(old) == 1, f"{function.__name__} does not hold once: {old}"
    return Mutant(name or f"{function.__name__}: {old} -> {new}", function, ast.parse(source.replace(old, new)))


def mutants_of(module: ModuleType) -> Iterator[Mutant]:
    """Every refusal of a module left out, and every alternative of its conditions."""
    for function in vars(module).values():
        if isinstance(function, FunctionType) and function.__module__ == module.__name__:
            yield from _mutants_in(function)


def _mutants_in(function: FunctionType) -> Iterator[Mutant]:
    source = textwrap.dedent(inspect.getsource(function))
    for number, spot in enumerate(_spots(ast.parse(source))):
        tree = ast.parse(source)
        place = _spots(tree)[number]
        before = ast.unparse(place.node)
        place.switch_off()
        name = (
            f"{function.__module__.rpartition('.')[2]}.{function.__name__}: without `{' '.join(before.split())[:90]}`"
        )
        line = spot.refusal.lineno + function.__code__.co_firstlineno - 1
        yield Mutant(f"{name} (line {line})", function, ast.fix_missing_locations(tree))


@dataclass(frozen=True)
class _Spot:
    """Something that can be switched off, and the `raise` that it leads to."""

    node: ast.AST
    refusal: ast.Raise
    switch_off: Callable[[], None]


def _spots(tree: ast.Module) -> list[_Spot]:
    found: list[_Spot] = []
    for parent in ast.walk(tree):
        for field in ("body", "orelse", "finalbody"):
            block = getattr(parent, field, None)
            if isinstance(block, list):
                found += _in_block(parent, block)
    return found


def _in_block(parent: ast.AST, block: list[Any]) -> list[_Spot]:
    found: list[_Spot] = []
    for index, statement in enumerate(block):
        if not isinstance(statement, ast.Raise):
            continue
        found.append(_Spot(statement, statement, partial(block.__setitem__, index, ast.Pass())))
        if isinstance(parent, ast.If) and block is parent.body:
            found += _weaker(parent.test, statement, refuses=True)
        guard = block[index - 1] if index else None
        if isinstance(guard, ast.If) and isinstance(guard.body[-1], ast.Return):
            found += _weaker(guard.test, statement, refuses=False)
    return found


def _weaker(test: ast.expr, refusal: ast.Raise, *, refuses: bool) -> list[_Spot]:
    """One alternative of `if a or b: refuse` never holds, one condition of `if a and b: accept` always does."""
    if not isinstance(test, ast.BoolOp):
        return []
    found: list[_Spot] = []
    for index, operand in enumerate(test.values):
        if isinstance(test.op, ast.Or) == refuses:
            constant = ast.Constant(value=not refuses)
            found.append(_Spot(operand, refusal, partial(test.values.__setitem__, index, constant)))
        found += _weaker(operand, refusal, refuses=refuses)
    return found


def _code_of(tree: ast.Module, function: FunctionType) -> CodeType:
    namespace = dict(function.__globals__)
    exec(compile(tree, f"<a weakened {function.__name__}>", "exec"), namespace)
    made = namespace[function.__name__]
    assert isinstance(made, FunctionType)
    return made.__code__


def outcome(attempt: Callable[[], object]) -> str:
    """`accepted`, the refusal with its words, or what broke."""
    try:
        attempt()
    except GatewayError as exc:
        return str(exc)
    except Exception as exc:  # noqa: BLE001 - a weakened build may break in any way
        return f"broken by {type(exc).__name__}"
    return "accepted"


def functions_passed(attempt: Callable[[], object]) -> set[CodeType]:
    """Of a refusal: the functions that it came through, those included that turned it into another one."""
    try:
        attempt()
    except GatewayError as caught:
        passed: set[CodeType] = set()
        exc: BaseException | None = caught
        while exc is not None:
            trace = exc.__traceback__
            while trace is not None:
                passed.add(trace.tb_frame.f_code)
                trace = trace.tb_next
            exc = exc.__cause__ or exc.__context__
        return passed
    return set()
