"""Modules and functions that can be read in one go."""

import ast
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.architecture.source_tree import GATEWAY, REPOSITORY, modules, parsed

MODULE_LINES = 400
MEDIAN_MODULE_LINES = 150
FUNCTION_LINES = 60
VIEW_LINES = 25
ROUTE_DECORATORS = {"route", "get", "post", "put", "delete"}

Function = ast.FunctionDef | ast.AsyncFunctionDef


def test_module_length__every_module__within_the_limit() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in [*modules(), *modules(REPOSITORY / "tests")]}
    too_long = {_name(path): length for path, length in lengths.items() if length > MODULE_LINES}
    assert too_long == {}


def test_module_length__gateway__has_a_short_median() -> None:
    assert median(len(path.read_text().splitlines()) for path in modules()) <= MEDIAN_MODULE_LINES


def test_function_length__every_function__within_the_limit() -> None:
    too_long = {
        f"{_name(path)}:{function.name}": _length(function)
        for path in modules()
        for function in _functions(path)
        if _length(function) > FUNCTION_LINES
    }
    assert too_long == {}


def test_view_length__every_view__within_the_limit() -> None:
    too_long = {
        f"{_name(path)}:{function.name}": _length(function)
        for path in modules(GATEWAY / "web")
        for function in _functions(path)
        if _is_view(function) and _length(function) > VIEW_LINES
    }
    assert too_long == {}


def _functions(path: Path) -> Iterator[Function]:
    return (node for node in ast.walk(parsed(path)) if isinstance(node, Function))


def _length(function: Function) -> int:
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _is_view(function: Function) -> bool:
    return any(
        isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr in ROUTE_DECORATORS
        for decorator in function.decorator_list
    )


def _name(path: Path) -> str:
    return str(path.relative_to(REPOSITORY))
