"""The path of a request as a proxy passes it on, read once. Pure.

INVARIANT: what is accepted has one reading. Whatever two servers could read in two ways is refused, so that it does not
matter which of them decodes, merges or resolves: an encoded slash, backslash or percent sign; `.` and `..`; an empty
segment; path parameters (`;`); control characters; text that is not UTF-8. What is left is decoded exactly once.
Rule: RFC 3986 §3.3, §6.2.
"""

import re
from urllib.parse import unquote_to_bytes

from gateway.errors import InputError, Reason

LONGEST_TARGET = 8192

# As RFC 3986 has it, without `;`. A raw `{` or `"` is what some servers encode on the way, and others do not.
_PATH = re.compile(r"(?:/(?:[A-Za-z0-9._~!$&'()*+,=:@-]|%[0-9A-Fa-f]{2})*)+")
_QUERY = re.compile(r"[!-~]*")
_AMBIGUOUS = frozenset("/\\%?#;")  # what must not come out of decoding
_PRINTABLE_FROM, _DELETE = 0x20, 0x7F
_DOTS = frozenset({".", ".."})

Segments = tuple[str, ...]


def read_target(target: str) -> Segments:
    """The decoded segments of a request target such as `/docs/a%20b?x=1`; a final slash is an empty last segment.

    Refused: an absolute form, and everything that the module names. The query is not looked at, but has to be ASCII.
    Raises: InputError(PARAMETER_INVALID), subject "Path".
    """
    if len(target) > LONGEST_TARGET:
        raise _refused("the address is too long")
    path, _, query = target.partition("?")
    if not _PATH.fullmatch(path) or not _QUERY.fullmatch(query) or "#" in query:
        raise _refused("the address is not written as a path")
    if ",/" in target:  # two headers that a server joined look like this
        raise _refused("the address is there twice")
    segments = tuple(_decoded(segment) for segment in path[1:].split("/"))
    if "" in segments[:-1]:
        raise _refused("the path has an empty segment")
    return segments


def _decoded(segment: str) -> str:
    try:
        text = unquote_to_bytes(segment).decode("utf-8")
    except UnicodeDecodeError:
        raise _refused("the path is not UTF-8") from None
    if text in _DOTS or _AMBIGUOUS & set(text) or any(not _is_plain(letter) for letter in text):
        raise _refused("the path can be read in two ways")
    return text


def _is_plain(letter: str) -> bool:
    """Neither a control character nor one that changes how its neighbours are read."""
    return letter == " " or (ord(letter) >= _PRINTABLE_FROM and ord(letter) != _DELETE and letter.isprintable())


def _refused(why: str) -> InputError:
    return InputError(Reason.PARAMETER_INVALID, why, subject="Path")
