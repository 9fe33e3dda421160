"""What may tell of a person: kept apart and sealed, and shown by its type where people read it.

What is kept in the clear is listed; everything else counts as personal, so that nothing new is shown by mistake.
"""

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gateway.keyring import KeyRing

_LISTED = 8  # values of one condition
CLEAR_DETAILS = frozenset(
    {
        # of calls and changes
        "version",
        "targets",
        "entity",
        "second_factor",
        "method",
        # of commands
        "operator",
        "sudo_user",
        "named",
        "options",
        # of what was refused: a name is kept as its mark only, and nothing at all of one that nobody has
        "tried",
        "holder",
        "times",
        "others",
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
        "claimed_groups",  # of groups that the account has
        "lapsed_groups",
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
        "provider_key",
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


def compared(key: str, operator: str, wanted: Sequence[str], seen: Sequence[str], of: str = "") -> str:
    """What a condition compared, as a detail of a receipt; `of` says whose it is. `Redaction.comparison` reads it."""
    return json.dumps([of, key, operator, list(wanted)[:_LISTED], list(seen)[:_LISTED]])


class Kind(StrEnum):
    """What a value tells, as far as its name says it."""

    ADDRESS = "an address"
    PERSON = "a name of a person"
    CLAIM = "an attribute of a person"
    SECRET = "a secret"  # noqa: S105 - a word
    OPEN = ""  # nothing of a person


_ADDRESSES = frozenset({"client", "acs:sourceip"})
_OPEN_KEYS = frozenset(
    {
        "acs:currenttime",
        "acs:securetransport",
        "acs:mfapresent",
        "acs:mfaage",
        "acs:principalarn",
        "acs:accesskeyid",
        "ramgate:times",
        "ramgate:others",
        "saml:iss",
        "saml:recipient",
        "saml:sub_type",
        "oidc:iss",
        "oidc:aud",
        "sts:durationseconds",
        "ram:policytype",
        "ram:servicename",
    }
)
_CLAIMS = ("saml:attribute/", "oidc:claim/")


def kind_of(key: str) -> Kind:
    """Of a condition key, or of a detail of a receipt."""
    folded = key.lower()
    if folded in _ADDRESSES:
        return Kind.ADDRESS
    if folded in _OPEN_KEYS or key in CLEAR_DETAILS or folded.startswith("acs:resourcetag/"):
        return Kind.OPEN
    return Kind.CLAIM if folded.startswith(_CLAIMS) else Kind.PERSON


@dataclass(frozen=True, slots=True)
class Redaction:
    """Shows values by their type: a tag that is the same for the same value, and that tells nothing to whoever has not
    the key.
    """

    secret: bytes

    @classmethod
    def under(cls, ring: KeyRing) -> "Redaction":
        return cls(ring.derive("redaction"))

    def show(self, key: str, value: str) -> str:
        kind = kind_of(key)
        if kind is Kind.OPEN:
            return one_line(value)
        tag = hmac.digest(self.secret, value.encode("utf-8", "surrogatepass"), "sha256").hex()[:8]
        told = _family(value) if kind is Kind.ADDRESS else f"{kind.value}, {len(value)} characters"
        return f"[{told}, #{tag}]"

    def comparison(self, text: str) -> str:
        """What `compared` has written, in words."""
        of, key, operator, wanted, seen = json.loads(text)
        found = " and ".join(self.show(key, value) for value in seen) or "not there"
        wants = " or ".join(f"`{one_line(value)}`" for value in wanted)
        owner = f"{one_line(of)}: " if of else ""
        return f"{owner}{one_line(key)} was {found}; {operator} wants {wants}"


def one_line(text: str, longest: int = 200) -> str:
    """A text from outside that can neither drive a terminal nor end a line."""
    short = text if len(text) <= longest else text[:longest] + "..."
    return "".join(letter if letter.isprintable() else "?" for letter in short)


def _family(address: str) -> str:
    return "an IPv6 address" if ":" in address else "an IPv4 address"
