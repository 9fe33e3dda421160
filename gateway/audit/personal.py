"""What may tell of a person: kept apart and sealed, and shown by its type where people read it.

What is kept in the clear is listed; everything else counts as personal, so that nothing new is shown by mistake.
"""

from collections.abc import Mapping
from typing import Any

CLEAR_DETAILS = frozenset(
    {
        # of calls and changes
        "version",
        "targets",
        "entity",
        "second_factor",
        # of sessions and what they hang on
        "session_id",
        "parent_session_id",
        "access_key_id",
        "role_id",
        "expires_at",
        "duration_s",
        "duration_cap",
        "caps",
        "offered_by",
        "user",
        # of logins
        "protocol",
        "provider_arn",
        "issuer",
        "assertion_id",
        "certificate",
        "signed_sha256",
        "checks",
        "failed_check",
        "consumer",
        # of the chain itself
        "old_rows",
        "old_digest",
        "lanes",
        "lane",
        "heads",
        "pruned",
        "entries",
        "damage",
    }
)


def split_details(details: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Those in the clear, and those that are sealed."""
    if not details:
        return details, {}
    clear = {name: value for name, value in details.items() if name in CLEAR_DETAILS}
    return clear, {name: value for name, value in details.items() if name not in CLEAR_DETAILS}
