"""Where identifiers and randomness come from. Rule: sts-contract §3."""

import secrets
import string

_ALPHANUMERIC = string.ascii_letters + string.digits
_EVEN = 256 - 256 % len(_ALPHANUMERIC)
_TO_ALPHANUMERIC = bytes(ord(_ALPHANUMERIC[byte % len(_ALPHANUMERIC)]) for byte in range(256))
_UNEVEN = bytes(range(_EVEN, 256))


def _digits(count: int) -> str:
    return str(secrets.randbelow(9) + 1) + "".join(secrets.choice(string.digits) for _ in range(count - 1))


def _alphanumeric(count: int) -> str:
    """Each letter and digit as likely as any other: bytes beyond the last multiple of 62 are thrown away."""
    text = b""
    while len(text) < count:
        text += secrets.token_bytes(count + 8).translate(_TO_ALPHANUMERIC, _UNEVEN)
    return text[:count].decode("ascii")


def new_account_id() -> str:
    """16 decimal digits."""
    return _digits(16)


def new_entity_id() -> str:
    """18 decimal digits: users, groups and roles."""
    return _digits(18)


def new_node_id(kind: str) -> str:
    """`rd-`, `r-`, `fd-`, `cp-`, `rg-`, `i-` and 16 hex digits: what a resource directory is made of, and instances."""
    return f"{kind}-{secrets.token_hex(8)}"


def new_access_key_id() -> str:
    """ASSUMPTION: `LTAI` and 20 alphanumerics; the contract gives 12 to 20."""
    return "LTAI" + _alphanumeric(20)


def new_access_key_secret() -> str:
    """ASSUMPTION: 30 alphanumerics."""
    return _alphanumeric(30)


def new_sts_key_id() -> str:
    """ASSUMPTION: `STS.` and 25 alphanumerics."""
    return "STS." + _alphanumeric(25)


def new_sts_key_secret() -> str:
    """ASSUMPTION: 44 alphanumerics."""
    return _alphanumeric(44)


def new_request_id() -> str:
    """An upper-case UUID; the id that a caller quotes and an admin searches the log for."""
    # As `str(uuid.uuid4()).upper()` makes it, by what is cheaper: every request has one. Rule: RFC 9562 §5.4.
    digits = secrets.token_hex(16).upper()
    variant = "89AB"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def new_saml_id() -> str:
    """An xs:ID: starts with a letter or underscore, carries 160 random bits. Rule: SAML Core 2.0 §1.3.4."""
    return "_" + secrets.token_hex(20)


def new_handle() -> str:
    """A URL-safe random text of 256 bits, for cookies and one-time links."""
    return secrets.token_urlsafe(32)


def new_password() -> str:
    """20 characters out of letters and digits, each kind among them: about 119 random bits."""
    while True:
        text = _alphanumeric(20)
        if any(c.islower() for c in text) and any(c.isupper() for c in text) and any(c.isdigit() for c in text):
            return text
