"""Resource names of the platform: `acs:<service>:<region>:<account>:<relative-id>`. Rule: sts-contract §3."""

import re
from dataclasses import dataclass

from gateway.errors import InputError, Reason

_MAX_LENGTH = 1024
_RAM_ENTITY = re.compile(r"([a-z-]+)/(.+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class RamArn:
    """The ARN of one RAM entity, such as `acs:ram::1234567890123456:role/reader`."""

    account_id: str
    kind: str  # user | group | role | mfa | policy | saml-provider | oidc-provider | instance
    name: str

    def __str__(self) -> str:
        return f"acs:ram::{self.account_id}:{self.kind}/{self.name}"


def parse_ram_arn(text: str, kind: str) -> RamArn:
    """Read the ARN of a RAM entity of one kind.

    Refused: another service or kind, a region, an account that is not 16 digits, an empty name, white space.
    Raises: InputError(ARN_MALFORMED).
    """
    parts = text.split(":", 4) if len(text) <= _MAX_LENGTH else []
    entity = _RAM_ENTITY.fullmatch(parts[4]) if len(parts) == 5 else None  # noqa: PLR2004
    if (
        entity is None
        or parts[:3] != ["acs", "ram", ""]
        or not re.fullmatch(r"[0-9]{16}", parts[3])
        or entity[1] != kind
        or not re.fullmatch(r"[A-Za-z0-9._@+=-]{1,128}", entity[2])
    ):
        raise InputError(Reason.ARN_MALFORMED, f"not the ARN of a {kind}", detail=text[:200])
    return RamArn(account_id=parts[3], kind=kind, name=entity[2])


def user_arn(account_id: str, name: str) -> str:
    return f"acs:ram::{account_id}:user/{name}"


def group_arn(account_id: str, name: str) -> str:
    return f"acs:ram::{account_id}:group/{name}"


def role_arn(account_id: str, name: str) -> str:
    """ASSUMPTION: role ARNs are written in lower case and matched without regard to case."""
    return f"acs:ram::{account_id}:role/{name.lower()}"


def saml_provider_arn(account_id: str, name: str) -> str:
    return f"acs:ram::{account_id}:saml-provider/{name}"


def oidc_provider_arn(account_id: str, name: str) -> str:
    return f"acs:ram::{account_id}:oidc-provider/{name}"


def mfa_arn(account_id: str, name: str) -> str:
    """The serial number of a virtual MFA device."""
    return f"acs:ram::{account_id}:mfa/{name}"


def instance_arn(account_id: str, instance_id: str) -> str:
    return f"acs:ram::{account_id}:instance/{instance_id}"


def root_arn(account_id: str) -> str:
    return f"acs:ram::{account_id}:root"


def assumed_role_arn(account_id: str, role_name: str, session_name: str) -> str:
    """How GetCallerIdentity names a role session."""
    return f"acs:ram::{account_id}:assumed-role/{role_name}/{session_name}"
