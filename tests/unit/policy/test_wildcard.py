"""Wildcards, friendly and hostile."""

import time

import pytest

from gateway.policy.wildcard import compile_wildcard, compile_wildcards, literal_prefix

ROWS = [
    ("", "", True),
    ("", "a", False),
    ("*", "", True),
    ("*", "a\nb", True),
    ("?", "", False),
    ("?", "\n", True),
    ("?", "ab", False),
    ("a*", "a", True),
    ("a*a", "a", False),
    ("a*a", "aa", True),
    ("ab*ba", "aba", False),
    ("*a*", "bab", True),
    ("*ab*ab*", "ab", False),
    ("*ab*ab*", "abab", True),
    ("a*b*c", "a-b-b-c", True),
    ("a**b", "ab", True),
    ("**", "", True),
    ("a?c*", "abcdef", True),
    ("*?c", "c", False),
    ("*?c", "bc", True),
    ("?*?", "a", False),
    ("?*?", "ab", True),
    ("*a?b*", "aab-a-b", True),
    ("*a?b", "axbaxb", True),
    ("*[a]?", "[a]x", True),
    ("*.?", "ab", False),
    ("\\?", "\\x", True),
    ("a:*/c", "a:b:d/e/c", True),
    ("A", "a", False),
]


@pytest.mark.parametrize(("pattern", "text", "matches"), ROWS)
def test_wildcard__row__matches_or_not(pattern: str, text: str, matches: bool) -> None:
    assert compile_wildcard(pattern)(text) is matches
    assert compile_wildcards([pattern])(text) is matches
    assert compile_wildcards(["~", pattern, "~*", "~*~"])(text) is matches


@pytest.mark.parametrize("size", [10, 100_000])
def test_wildcard__long_text__matches_the_same(size: int) -> None:
    test = compile_wildcard("a*b?c*d")
    assert test("a" + "x" * size + "bxc" + "y" * size + "d") is True
    assert test("a" + "x" * size + "bc" + "y" * size + "d") is False


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("*a" * 1000 + "b", "a" * 5000),
        ("*a" * 1000 + "?b", "a" * 5000),
        ("*" + "a?" * 1000 + "b*", "a" * 5000),
        ("*?" * 1500 + "b", "a" * 5000),
        ("*" + "a" * 2500 + "b*?", "a" * 5000),
        ("*a*a*a*a*b", "a" * 100_000),
        ("*a?*a?*a?*a?*b", "a" * 20_000),
    ],
)
def test_wildcard__hostile_pattern__is_quick(pattern: str, text: str) -> None:
    start = time.process_time()
    assert compile_wildcard(pattern)(text) is False
    assert time.process_time() - start < 1.0


def test_literal_prefix__stops_at_the_first_wildcard() -> None:
    assert [literal_prefix(pattern) for pattern in ("a?b*", "*", "abc")] == ["a", "", "abc"]
