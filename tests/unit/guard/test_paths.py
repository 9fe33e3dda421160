"""Reading a path once: what is accepted has one reading."""

import posixpath
import re
from urllib.parse import quote, unquote, unquote_to_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import InputError, Reason
from gateway.guard.paths import LONGEST_TARGET, read_target


@pytest.mark.parametrize(
    ("target", "segments"),
    [
        ("/", ("",)),
        ("/a", ("a",)),
        ("/a/", ("a", "")),
        ("/a/b?x=/../", ("a", "b")),
        ("/a%20b", ("a b",)),
        ("/%41", ("A",)),
        ("/%E7%8C%AB/~x", ("猫", "~x")),
        ("/a.b/..c/d..", ("a.b", "..c", "d..")),
        ("/a:b@c!$&'()*+,=", ("a:b@c!$&'()*+,=",)),
    ],
)
def test_read_target__plain__decoded_once(target: str, segments: tuple[str, ...]) -> None:
    assert read_target(target) == segments


@pytest.mark.parametrize(
    "target",
    [
        "",
        "a",
        "http://h/a",
        "*",
        "//a",
        "/a//b",
        "/./a",
        "/a/..",
        "/%2e/a",
        "/%2E%2e/a",
        "/a%2fb",
        "/a%5Cb",
        "/a\\b",
        "/a%25b",
        "/a%3Bb",
        "/a;b",
        "/a%00",
        "/a%0a",
        "/a%7f",
        "/a%",
        "/a%g0",
        "/%ff",
        "/%c0%ae",
        "/%ed%a0%80",
        "/%e2%80%ae",
        "/%c2%a0",
        "/a%3Fb",
        "/a%23b",
        "/a#b",
        "/a?b#c",
        "/a b",
        "/\u00e9",
        "/a,/b",
        "/a?x=1,/b",
        "/{a}",
        "/" + "a" * LONGEST_TARGET,
    ],
)
def test_read_target__two_readings__refused(target: str) -> None:
    with pytest.raises(InputError) as refused:
        read_target(target)
    assert (refused.value.reason, refused.value.subject) == (Reason.PARAMETER_INVALID, "Path")


PIECES = st.sampled_from(
    [
        "/",
        "a",
        "B",
        ".",
        "..",
        "%2e",
        "%2f",
        "%5c",
        "\\",
        ";",
        "%",
        "%25",
        "%41",
        "é",
        "%c3%a9",
        "%ff",
        ",",
        "?",
        "#",
        " ",
    ]
)


@given(st.lists(PIECES, max_size=8).map(lambda pieces: "/" + "".join(pieces)))
def test_read_target__whatever_is_accepted__is_the_same_to_every_reader(target: str) -> None:
    """Resolving, merging, decoding a second time and cutting parameters change nothing."""
    try:
        segments = read_target(target)
    except InputError:
        return
    path, decoded = target.partition("?")[0], "/" + "/".join(segments)
    assert unquote_to_bytes(path).decode() == decoded == unquote(decoded)
    assert posixpath.normpath(decoded).rstrip("/") == decoded.rstrip("/")
    assert re.sub(r";[^/]*", "", re.sub("/+", "/", decoded)).replace("\\", "/") == decoded
    assert unquote(quote(decoded)) == decoded
