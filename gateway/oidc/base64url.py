"""base64url without padding, strictly: one text for each value, or a token could be written in several ways."""

import binascii
from base64 import urlsafe_b64encode

from gateway.errors import OidcError, Reason

# The characters that may end a text whose last one carries 4 or 2 bits that must be zero.
_ENDINGS: tuple[frozenset[int], ...] = (frozenset(), frozenset(b"AEIMQUYcgkosw048"), frozenset(b"AQgw"))
_PADDING = (b"", b"=", b"==")
# To the alphabet that binascii reads; what only that one has becomes something that it does not read.
_TO_STANDARD = bytes.maketrans(b"-_+/=", b"+/\0\0\0")


def decode_base64url(text: bytes) -> bytes:
    """Refused: padding, `+` and `/`, white space, anything else outside of the alphabet, stray bits at the end.

    Raises: OidcError(OIDC_ENCODING). Rule: RFC 7515 §2; RFC 4648 §3.5, §5.
    """
    missing = -len(text) % 4
    if missing and (missing == 3 or text[-1] not in _ENDINGS[missing]):  # noqa: PLR2004 - one character says nothing
        raise _malformed()
    try:
        return binascii.a2b_base64(text.translate(_TO_STANDARD) + _PADDING[missing], strict_mode=True)
    except binascii.Error as exc:
        raise _malformed() from exc


def encode_base64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _malformed() -> OidcError:
    return OidcError(Reason.OIDC_ENCODING, "the token is not in base64url as it must be")
