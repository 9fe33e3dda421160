"""What a row is found by when the text itself must not, or can't, be its key."""

import hashlib


def hash_key(text: str) -> str:
    """SHA-256 of a text that is secret or comes from outside, in any length: 64 hex digits. Takes lone surrogates."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
