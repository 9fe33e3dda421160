"""Who may be trusted to assume a role. Compared as typed values, never as texts searched in texts.

Rule: policy-language §1 (Principal).
"""

import re
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.errors import InputError, Reason
from gateway.policy.fold import fold

_RAM = re.compile(r"acs:ram:\*?:([0-9]{16}):(?:(root)|(user|role)/([A-Za-z0-9._@+=-]{1,128}))")
_PROVIDER = re.compile(r"acs:ram:\*?:([0-9]{16}):(saml-provider|oidc-provider)/([A-Za-z0-9._@+=-]{1,128})")
_SERVICE = re.compile(r"(?:([0-9]{16})@)?([a-z0-9-]+(?:\.[a-z0-9-]+)+)")


class RamKind(StrEnum):
    ROOT = "root"
    USER = "user"
    ROLE = "role"


@dataclass(frozen=True, slots=True)
class RamPrincipal:
    """An account (`ROOT`, no name), or one user or role of it.

    In a trust policy `ROOT` stands for the account: its owner and all of its users and roles.
    ASSUMPTION: user and role names are unique without regard to case and are compared so.
    """

    account_id: str
    kind: RamKind
    name: str = field(default="", compare=False)
    name_key: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "kind", RamKind(self.kind))
        object.__setattr__(self, "name_key", fold(self.name))

    def covers(self, other: "TrustedPrincipal") -> bool:
        if self.kind is RamKind.ROOT:
            return isinstance(other, RamPrincipal) and other.account_id == self.account_id
        return self == other


@dataclass(frozen=True, slots=True)
class FederatedPrincipal:
    """An identity provider, by its ARN; names are compared without regard to case, as they are unique so.

    Raises: InputError(ARN_MALFORMED) for anything but the ARN of a SAML or OIDC provider.
    """

    provider_arn: str = field(compare=False)
    account_id: str = field(init=False, repr=False)
    kind: str = field(init=False, repr=False)
    name_key: str = field(init=False, repr=False)

    def __post_init__(self) -> None:
        parts = _PROVIDER.fullmatch(self.provider_arn)
        if parts is None:
            raise InputError(Reason.ARN_MALFORMED, "not the ARN of a provider", detail=self.provider_arn[:200])
        object.__setattr__(self, "account_id", parts[1])
        object.__setattr__(self, "kind", parts[2])
        object.__setattr__(self, "name_key", fold(parts[3]))

    def covers(self, other: "TrustedPrincipal") -> bool:
        return self == other


@dataclass(frozen=True, slots=True)
class ServicePrincipal:
    """A cloud service, acting for the role's own account or (`account_id`) for another one."""

    service: str
    account_id: str | None = None

    def covers(self, other: "TrustedPrincipal") -> bool:
        return self == other


TrustedPrincipal = RamPrincipal | FederatedPrincipal | ServicePrincipal


def find_ram_principal(text: str) -> RamPrincipal | None:
    parts = _RAM.fullmatch(text)
    if parts is None:
        return None
    return RamPrincipal(parts[1], RamKind.ROOT) if parts[2] else RamPrincipal(parts[1], RamKind(parts[3]), parts[4])


def find_federated_principal(text: str) -> FederatedPrincipal | None:
    return FederatedPrincipal(text) if _PROVIDER.fullmatch(text) else None


def find_service_principal(text: str) -> ServicePrincipal | None:
    """ASSUMPTION: `<uid>@<service>` names a service acting for another account."""
    parts = _SERVICE.fullmatch(text) if len(text) <= 255 else None  # noqa: PLR2004 - the length of a host name
    return None if parts is None else ServicePrincipal(parts[2], parts[1])
