"""Calling sessions back by what they came from. An account calls back its own, whatever it names.

What other accounts may have as well, a certificate or an assertion of a shared identity provider, is called back for
this account alone. Everything that was derived from what is called back goes with it, see `sts.revocation`.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from gateway.arn import parse_ram_arn
from gateway.directory.names import is_storable
from gateway.directory.oidc_providers import get_oidc_provider
from gateway.directory.revocations import revoke
from gateway.directory.roles import get_role
from gateway.directory.saml_providers import get_saml_provider
from gateway.directory.user_sso import find_user_sso
from gateway.directory.users import get_user
from gateway.errors import InputError, NotFound, Reason
from gateway.federation.user_sso import user_sso_provider_arn
from gateway.sts.revocation import Pair, account_value, provider_value

LONGEST_VALUE = 4096
_SESSION_ID = re.compile(r"[0-9A-F]{8}(?:-[0-9A-F]{4}){3}-[0-9A-F]{12}")
_FINGERPRINT = re.compile(r"[0-9a-f]{64}")
_ACCESS_KEY = re.compile(r"[A-Za-z0-9]{1,64}")


class RecallKind(StrEnum):
    """By what sessions are called back, and how it is named."""

    SESSION = "session"  # its ID, as the page of sessions and receipts tell it
    USER = "user"  # name or ARN
    ROLE = "role"  # name or ARN
    PROVIDER = "provider"  # ARN
    CERTIFICATE = "certificate"  # SHA-256, hex digits
    ASSERTION = "assertion"  # `<issuer>#<ID>`
    SUBJECT = "subject"  # `<ARN of the provider>#<NameID or sub>`
    ACCESS_KEY = "access-key"  # its ID


@dataclass(frozen=True, slots=True)
class Recall:
    """What is to be called back; the value was checked to be one, not to be there."""

    kind: RecallKind
    value: str


def parse_recall(kind: RecallKind, text: str) -> Recall:
    """Raises: InputError(PARAMETER_INVALID | ARN_MALFORMED), subject "Value"."""
    if not is_storable(text) or not text or len(text) > LONGEST_VALUE:
        raise _invalid(kind)
    match kind:
        case RecallKind.SESSION:
            found = _SESSION_ID.fullmatch(text.upper())
        case RecallKind.CERTIFICATE:
            found = _FINGERPRINT.fullmatch(text.lower().replace(":", ""))
        case RecallKind.ACCESS_KEY:
            found = _ACCESS_KEY.fullmatch(text)
        case RecallKind.ASSERTION | RecallKind.SUBJECT:
            issuer, _, rest = text.partition("#") if kind is RecallKind.SUBJECT else text.rpartition("#")
            if not issuer or not rest:
                raise _invalid(kind)
            return Recall(kind, text)
        case _:
            return Recall(kind, text)
    if found is None:
        raise _invalid(kind)
    return Recall(kind, found[0])


def recall_sessions(session: Session, account_id: str, wanted: Recall, now: datetime) -> str:
    """Call back everything of this account that came from it, up to `now`; gives what was called back, by its name in
    the directory.

    Raises: NotFound, subject "User", "Role", "SAMLProvider" or "OIDCProvider", for those that are not this account's;
    InputError(ARN_MALFORMED).
    """
    (kind, value), name = _resolve(session, account_id, wanted)
    revoke(session, kind, value, now)
    return name


def _resolve(session: Session, account_id: str, wanted: Recall) -> tuple[Pair, str]:
    value = wanted.value
    match wanted.kind:
        case RecallKind.USER:
            user = get_user(session, account_id, _own_name(account_id, value, "user"))
            return ("user", user.id), user.arn
        case RecallKind.ROLE:
            role = get_role(session, account_id, _own_name(account_id, value, "role"))
            return ("role", role.id), role.arn
        case RecallKind.PROVIDER:
            arn = _own_provider(session, account_id, value)
            return ("provider", arn), arn
        case RecallKind.SUBJECT:
            named, _, subject = value.partition("#")
            whole = provider_value(_own_provider(session, account_id, named), subject)
            return ("subject", whole), whole
        case RecallKind.ACCESS_KEY:
            return ("access-key", account_value(account_id, value)), value
        case _:
            return (f"own-{wanted.kind}", account_value(account_id, value)), value


def _own_name(account_id: str, text: str, kind: str) -> str:
    """A name, or the name in an ARN of this account. Raises: InputError(ARN_MALFORMED); NotFound."""
    if ":" not in text:
        return text
    named = parse_ram_arn(text, kind)
    if named.account_id != account_id:
        subject = "User" if kind == "user" else "Role"
        raise NotFound(Reason.NOT_FOUND, f"the {kind} does not exist", subject=subject)
    return named.name


def _own_provider(session: Session, account_id: str, text: str) -> str:
    """The ARN of a provider of this account, in the spelling of the directory."""
    user_sso = user_sso_provider_arn(account_id)
    if text == user_sso and find_user_sso(session, account_id) is not None:
        return user_sso
    kind = "oidc-provider" if ":oidc-provider/" in text else "saml-provider"
    named = parse_ram_arn(text, kind)
    if named.account_id != account_id:
        subject = "OIDCProvider" if kind == "oidc-provider" else "SAMLProvider"
        raise NotFound(Reason.NOT_FOUND, "the identity provider does not exist", subject=subject)
    find = get_oidc_provider if kind == "oidc-provider" else get_saml_provider
    return find(session, account_id, named.name).arn


def _invalid(kind: RecallKind) -> InputError:
    return InputError(Reason.PARAMETER_INVALID, f"this is not the value of a {kind}", subject="Value")
