"""Our own way to write and read texts in URLs says what the standard library's does, of every text."""

from urllib.parse import quote, unquote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.percent import form_decoded, percent_encoded

_TEXTS = st.text(st.characters(codec="utf-8"))
_WIRE = st.text(st.sampled_from("aZ09-._~*+%=&?/:;,@!$'()#[]{}|\\\"<>^` \t\r\n\0_abcdefABCDEF")) | st.lists(
    st.integers(0, 255).map("%{:02x}".format) | st.integers(0, 255).map("%{:02X}".format) | st.sampled_from("a =+\n%")
).map("".join)


@given(_TEXTS)
def test_percent_encoded__any_text__as_the_standard_library(text: str) -> None:
    written = percent_encoded(text)
    assert written == quote(text, safe="~")
    assert form_decoded(written) == text


@given(_WIRE)
def test_form_decoded__anything_of_ascii__as_the_standard_library_or_refused(text: str) -> None:
    try:
        read: str | None = form_decoded(text)
    except ValueError:
        read = None
    assert read == _of_standard_library(text)


@pytest.mark.parametrize("text", ["%", "a%4", "%G1", "%zz", "ü", "%41ü", "%ED%A0%80", "%C0%80", "%FF"])
def test_form_decoded__broken__refused(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        form_decoded(text)


@pytest.mark.parametrize(
    ("text", "meant"),
    [("a+b", "a b"), ("%2B", "+"), ("a%20", "a "), ("%20", " "), ("%3D%0A", "=\n"), ("%3d%0d%0a", "=\r\n"), ("=", "=")],
)
def test_form_decoded__signs_of_quoted_printable__mean_nothing(text: str, meant: str) -> None:
    assert form_decoded(text) == meant


def _of_standard_library(text: str) -> str | None:
    pieces = text.split("%")[1:]
    if not all(len(piece) > 1 and set(piece[:2]) <= set("0123456789abcdefABCDEF") for piece in pieces):
        return None
    try:
        return unquote_plus(text, errors="strict")
    except UnicodeDecodeError:
        return None
