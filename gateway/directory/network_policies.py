"""Network policies of AccessKeys: the addresses that a lasting key may be used from. Rule: ram-limits §1, §3.

A key's own policy goes before the account's: while it is active, the account's does not count for that key. A policy
that is inactive counts for nothing. Temporary keys are not asked, nor are sign-ins: those have their own networks.
The document, from the platform's page on SetAccessKeyPolicy: `{"Version": 1, "Status": "Active", "Statements":
[{"Type": "ClassicWhiteList", "IPList": ["192.0.2.0/24"]}, {"Type": "VPCWhiteList", "Value": "vpc-1", "IPList":
["10.0.0.0/8"]}]}`. ASSUMPTION: how the platform combines an inactive policy of a key with the account's.
Statements about a VPC are kept and given back, and let nobody in: no call reaches the gateway through one.
"""

import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import ForeignKey
from sqlalchemy.orm import Mapped, mapped_column

from gateway.directory import quotas
from gateway.directory.networks import is_within, parse_network
from gateway.errors import CredentialError, InputError, LimitExceeded, Reason
from gateway.store.base import Base

_PARAMETER = "AccessKeyPolicy"
_LONGEST = 16_384
_VERSION = 1
_ANYWHERE, _VPC = "ClassicWhiteList", "VPCWhiteList"
_VPC_NAME = re.compile(r"AllowAllVPC|vpc-[A-Za-z0-9]{1,60}")
_MEMBERS = frozenset({"Version", "Status", "Statements"})
_STATEMENT_MEMBERS = frozenset({"Type", "Value", "IPList"})
_STATUS = {"Active": True, "Inactive": False}


class NetworkPolicyRow(Base):
    __tablename__ = "access_key_policies"

    # A key, or an account for all keys of it that have no active policy. A key in the recycle bin keeps its policy.
    holder_id: Mapped[str] = mapped_column(primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    document: Mapped[str]  # as `NetworkPolicy.render` writes it


@dataclass(frozen=True, slots=True)
class Statement:
    type: str
    value: str  # the VPC; empty where no VPC is meant
    networks: tuple[str, ...]  # as they were written


@dataclass(frozen=True, slots=True)
class NetworkPolicy:
    active: bool
    statements: tuple[Statement, ...]

    @property
    def is_none(self) -> bool:
        """Whether this is how callers say that there is to be no policy: inactive, without any statement."""
        return not self.active and not self.statements

    def render(self) -> str:
        """The document in its one spelling."""
        statements = [
            {"Type": one.type, **({"Value": one.value} if one.value else {}), "IPList": list(one.networks)}
            for one in self.statements
        ]
        status = "Active" if self.active else "Inactive"
        return json.dumps({"Version": _VERSION, "Status": status, "Statements": statements}, separators=(",", ":"))


NO_POLICY = NetworkPolicy(active=False, statements=())


def parse_network_policy(text: str) -> NetworkPolicy:
    """Read a document. Everything in it must be understood: a misspelt member would leave a door open, or shut one.

    Refused: anything but the JSON of this module's head; a member twice; a white list without addresses, or with one
    that is none; an active policy that no address satisfies because it has no statement at all.
    Raises: InputError(PARAMETER_INVALID), InputError(PARAMETER_TOO_LONG), subject "AccessKeyPolicy"; LimitExceeded,
    subject "AccessKeyPolicy.Statement" over 8 statements, "AccessKeyPolicy.IP" over 50 addresses and networks in all.
    """
    if len(text) > _LONGEST:
        raise InputError(Reason.PARAMETER_TOO_LONG, f"`{_PARAMETER}` is too long", subject=_PARAMETER)
    document = _object(_load(text), _MEMBERS, "the policy")
    version, status, statements = (document.get(name) for name in ("Version", "Status", "Statements"))
    if version is not None and (version != _VERSION or isinstance(version, bool)):
        raise _malformed("`Version` is 1")
    if not isinstance(status, str) or status not in _STATUS:
        raise _malformed("`Status` is Active or Inactive")
    if not isinstance(statements, list):
        raise _malformed("`Statements` is a list")
    _check_count(len(statements), quotas.STATEMENTS_PER_NETWORK_POLICY, "Statement")
    read = tuple(_statement(one) for one in statements)
    _check_count(sum(len(one.networks) for one in read), quotas.ADDRESSES_PER_NETWORK_POLICY, "IP")
    if _STATUS[status] and not read:
        raise _malformed("an active policy needs a statement: without one the key could be used from nowhere")
    return NetworkPolicy(_STATUS[status], read)


def check_network(own: str | None, account_wide: str | None, client_address: str) -> None:
    """Refuse a call from an address that the policy in force does not list. An unknown address is not listed.

    `own` and `account_wide` are documents as they are stored; `client_address` is `Client.address`.
    Raises: CredentialError(ACCESS_KEY_NETWORK).
    """
    for document in (own, account_wide):
        networks = None if document is None else _networks_in_force(document)
        if networks is not None:
            if not is_within(networks, client_address):
                message = "the access key can't be used from this network"
                raise CredentialError(
                    Reason.ACCESS_KEY_NETWORK, message, f"from {client_address or 'an unknown address'}"
                )
            return


@lru_cache(maxsize=1024)
def _networks_in_force(document: str) -> tuple[str, ...] | None:
    """None where the policy is inactive. Pure in its argument; memoised because every signed call asks."""
    policy = parse_network_policy(document)
    if not policy.active:
        return None
    return tuple(network for one in policy.statements if one.type == _ANYWHERE for network in one.networks)


def _load(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError):
        raise _malformed("it is not JSON with each member once") from None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member is there twice")
    return members


def _object(value: Any, members: frozenset[str], what: str) -> dict[str, Any]:
    if not isinstance(value, dict) or not set(value) <= members:
        raise _malformed(f"{what} is an object of {', '.join(sorted(members))}")
    return value


def _statement(value: Any) -> Statement:
    members = _object(value, _STATEMENT_MEMBERS, "a statement")
    kind, vpc, networks = members.get("Type"), members.get("Value", ""), members.get("IPList")
    if not isinstance(kind, str) or kind not in {_ANYWHERE, _VPC}:
        raise _malformed(f"`Type` is {_ANYWHERE} or {_VPC}")
    if not isinstance(vpc, str) or bool(vpc) is not (kind == _VPC) or (vpc and not _VPC_NAME.fullmatch(vpc)):
        raise _malformed(f"`Value` is a VPC or AllowAllVPC where `Type` is {_VPC}, and empty elsewhere")
    if not isinstance(networks, list) or not networks:
        raise _malformed("`IPList` is a list of addresses and networks, and not empty")
    return Statement(kind, vpc, tuple(_checked(network) for network in networks))


def _checked(network: Any) -> str:
    try:
        parse_network(network if isinstance(network, str) else "")
    except ValueError:
        raise _malformed("addresses are written like 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32") from None
    return str(network)


def _check_count(count: int, most: int, what: str) -> None:
    if count > most:
        message = f"a policy may have {most} of these at most"
        raise LimitExceeded(Reason.LIMIT_EXCEEDED, message, subject=f"{_PARAMETER}.{what}")


def _malformed(message: str) -> InputError:
    return InputError(Reason.PARAMETER_INVALID, f"`{_PARAMETER}`: {message}", subject=_PARAMETER)
