"""Wildcard matching equals a slow and obvious reference, whichever way it is run."""

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.policy import wildcard
from gateway.policy.fold import fold
from gateway.policy.wildcard import compile_wildcard, compile_wildcards
from tests.property.policy_reference import slow_match

_patterns = st.text(alphabet="ab*?.\\\n[", max_size=12)
_texts = st.text(alphabet="ab.\\\n[", max_size=16)


@settings(max_examples=1500, deadline=None)
@given(pattern=_patterns, text=_texts)
def test_compile_wildcard__any_pattern__equals_the_reference(pattern: str, text: str) -> None:
    expected = slow_match(pattern, text)
    assert compile_wildcard(pattern)(text) is expected
    assert wildcard._compile_steps(pattern)(text) is expected
    assert (wildcard._compile_search(pattern)(text) is not None) is expected


@settings(max_examples=500, deadline=None)
@given(patterns=st.lists(_patterns, min_size=1, max_size=5), text=_texts)
def test_compile_wildcards__any_list__matches_if_one_does(patterns: list[str], text: str) -> None:
    assert compile_wildcards(patterns)(text) is any(slow_match(pattern, text) for pattern in patterns)


@given(text=st.text())
def test_fold__any_text__keeps_length_and_ascii(text: str) -> None:
    folded = fold(text)
    assert len(folded) == len(text)
    assert fold(folded) == folded
    assert [letter.isascii() for letter in folded] == [letter.isascii() for letter in text]
