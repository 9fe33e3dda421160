"""Names that no other test has: the tests of a room share one company."""

import secrets


def new_name(prefix: str = "wire") -> str:
    return f"{prefix}-{secrets.token_hex(5)}"
