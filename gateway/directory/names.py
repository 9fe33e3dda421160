"""What things may be called, and how two names are compared. Rule: ram-limits §2.

A refusal's `subject` is the parameter (`UserName`), so that the wire can say `InvalidParameter.UserName.Length`.
"""

import re
from dataclasses import dataclass, replace

from gateway.errors import InputError, Reason

_MAX_ANY_NAME = 255
_ANY_NAME = re.compile(r"[A-Za-z0-9._@-]+")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class NameRule:
    parameter: str
    pattern: re.Pattern[str]
    longest: int
    shortest: int = 1

    def renamed(self, parameter: str) -> "NameRule":
        """The same rule for a parameter of another name, such as `NewUserName`."""
        return replace(self, parameter=parameter)


USER_NAME = NameRule("UserName", re.compile(r"[A-Za-z0-9._-]*"), 64)
GROUP_NAME = NameRule("GroupName", re.compile(r"[A-Za-z0-9._-]*"), 64)
ROLE_NAME = NameRule("RoleName", re.compile(r"[A-Za-z0-9.-]*"), 64)  # no underscore
POLICY_NAME = NameRule("PolicyName", re.compile(r"[A-Za-z0-9-]*"), 128)
SAML_PROVIDER_NAME = NameRule("SAMLProviderName", re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?"), 128)
OIDC_PROVIDER_NAME = replace(SAML_PROVIDER_NAME, parameter="OIDCProviderName")
MFA_DEVICE_NAME = NameRule("VirtualMFADeviceName", re.compile(r"[A-Za-z0-9.-]*"), 64)
# ASSUMPTION: "letters" are letters of any script; the error text names no white space.
DISPLAY_NAME = NameRule("DisplayName", re.compile(r"[\w@.-]*"), 128, shortest=0)


def check_name(rule: NameRule, name: str) -> None:
    """Refuse a name of the wrong length, or with a character that its rule does not list.

    Raises: InputError(NAME_LENGTH), InputError(NAME_INVALID_CHARS).
    """
    if not rule.shortest <= len(name) <= rule.longest:
        message = f"`{rule.parameter}` must have {rule.shortest} to {rule.longest} characters"
        raise InputError(Reason.NAME_LENGTH, message, subject=rule.parameter)
    if not rule.pattern.fullmatch(name):
        message = f"`{rule.parameter}` contains characters that it may not contain"
        raise InputError(Reason.NAME_INVALID_CHARS, message, subject=rule.parameter)


def check_text(parameter: str, text: str, longest: int) -> None:
    """Refuse a free text that is too long, or that no database can hold.

    Raises: InputError(PARAMETER_TOO_LONG), InputError(PARAMETER_INVALID) for NUL and lone surrogates.
    """
    if len(text) > longest:
        message = f"`{parameter}` must have at most {longest} characters"
        raise InputError(Reason.PARAMETER_TOO_LONG, message, subject=parameter)
    if not is_storable(text):
        raise InputError(Reason.PARAMETER_INVALID, f"`{parameter}` is not a text", subject=parameter)


def is_storable(text: str) -> bool:
    """Whether both databases take the text: PostgreSQL has no NUL, and lone surrogates have no UTF-8."""
    return "\0" not in text and (text.isascii() or _SURROGATE.search(text) is None)


def name_key(name: str) -> str:
    """What a name is found by: names are unique without regard to case.

    A text that can't be anybody's name gives "", which nothing is called: looking it up finds nothing, on any
    database, whatever bytes a stranger sent.
    ASSUMPTION: case-insensitive uniqueness is from memory.
    """
    if len(name) > _MAX_ANY_NAME or not _ANY_NAME.fullmatch(name):
        return ""
    return name.lower()
