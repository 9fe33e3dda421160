"""What binds a login to one browser: a random text in its cookie, of which only the hash is stored."""

import hashlib
import hmac


def hash_browser(browser: str) -> str:
    """The stored form, 64 hex digits, of a binding cookie or of a one-time handle."""
    return hashlib.sha256(browser.encode("utf-8", "surrogatepass")).hexdigest()


def is_same_browser(stored: str, browser: str) -> bool:
    """False for a browser without a binding cookie (an empty text), whatever is stored."""
    return bool(browser) and hmac.compare_digest(stored, hash_browser(browser))
