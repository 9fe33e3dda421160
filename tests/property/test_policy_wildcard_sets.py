"""Relations of wildcard patterns, held against all short texts of a small alphabet."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policy.wildcard_sets import covers, overlap
from tests.property.policy_reference import slow_match

PATTERNS = st.text("ab*?", max_size=5)
TEXTS = ["".join(letters) for length in range(6) for letters in product("abc", repeat=length)]


@settings(max_examples=150, deadline=None)
@given(wide=PATTERNS, narrow=PATTERNS)
def test_covers__yes__every_text_of_the_narrow_one_is_matched(wide: str, narrow: str) -> None:
    matched = {text for text in TEXTS if slow_match(narrow, text)}
    if covers(wide, narrow):
        assert all(slow_match(wide, text) for text in matched)


@settings(max_examples=150, deadline=None)
@given(one=PATTERNS, other=PATTERNS)
def test_overlap__any_patterns__agrees_with_all_short_texts(one: str, other: str) -> None:
    common = any(slow_match(one, text) and slow_match(other, text) for text in TEXTS)
    # A pattern of five signs that meets another one does so in five letters: longer ones only repeat a run.
    assert overlap(one, other) is common or (overlap(one, other) and len(one) + len(other) > 5)


def test_covers__obvious_rows__are_right() -> None:
    assert covers("a*", "ab*c")
    assert covers("*", "?*")
    assert covers("a?c*", "abc*")
    assert not covers("a*c", "a*")
    assert not covers("?", "*")
    assert not covers("ab", "a?")
