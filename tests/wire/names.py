"""Names that no other test has: the tests of a room share one company."""

import secrets


def new_name(prefix: str = "wire") -> str:
    return f"{prefix}-{secrets.token_hex(5)}"


def logon(name: str) -> str:
    """The logon name of a user of the shared company."""
    return f"{name}@acme.onaliyun.com"
