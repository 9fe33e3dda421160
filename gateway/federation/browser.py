"""What binds a login to one browser: a random text in its cookie, of which only the hash is stored."""

import hmac

from gateway.store.hashed_key import hash_key


def is_same_browser(stored_hash: str, browser: str) -> bool:
    """False for a browser without a binding cookie (an empty text), whatever is stored."""
    return bool(browser) and hmac.compare_digest(stored_hash, hash_key(browser))
