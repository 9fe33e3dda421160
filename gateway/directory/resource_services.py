"""Resource services that may ask about the principals of every account. The operator of the gateway registers them.

Everybody else may ask about its own account only. Bound to the id of a user or role: another one that is called the
same later has nothing of it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, bindparam, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.arn import role_arn, user_arn
from gateway.directory.accounts import change_policies
from gateway.directory.roles import Role, get_role
from gateway.directory.users import User, get_user
from gateway.errors import InputError, NotFound, Reason
from gateway.policy.trusted import RamKind, find_ram_principal
from gateway.store.base import Base
from gateway.store.direct import Source, Statement

_CODE = re.compile(r"[a-z][a-z0-9-]{0,31}")
_OURS = frozenset({"ram", "sts", "ims"})
_MOST_CODES = 32


class ResourceServiceRow(Base):
    __tablename__ = "resource_services"

    principal_id: Mapped[str] = mapped_column(primary_key=True)  # of a user or a role, never given twice
    kind: Mapped[str]  # "User" or "Role"
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    codes: Mapped[str]  # sorted, with single spaces between
    created_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class ResourceService:
    """`arn` is as the user or role is called today; None: it is gone."""

    principal_id: str
    kind: str
    account_id: str
    arn: str | None
    codes: tuple[str, ...]
    created_at: datetime


# Asked whenever a service asks about another account.
_FIND_CODES = Statement(
    lambda _dialect: select(ResourceServiceRow.codes).where(
        ResourceServiceRow.principal_id == bindparam("principal_id"),
        ResourceServiceRow.account_id == bindparam("account_id"),
    ),
    "principal_id",
    "account_id",
)


def service_codes_of(source: Source, account_id: str, principal_id: str) -> frozenset[str]:
    """The services about which a user or role may ask in every account; none for most. One query below the ORM."""
    found = _FIND_CODES.first(source, principal_id, account_id)
    return frozenset() if found is None else frozenset(found[0].split())


def register_service(session: Session, arn: str, codes: Sequence[str], now: datetime) -> ResourceService:
    """Let a user or role ask about these services in every account; what it might ask about before is replaced.

    Raises: InputError(ARN_MALFORMED) for anything but the ARN of a user or role; InputError(PARAMETER_INVALID), subject
    "ServiceCode", for none, more than 32, one that is no code, and the gateway's own; NotFound, subject "Account",
    "User" or "Role".
    """
    wanted = tuple(sorted(set(codes)))
    if not 0 < len(wanted) <= _MOST_CODES or not all(_CODE.fullmatch(code) and code not in _OURS for code in wanted):
        message = "services are named by 1 to 32 codes such as oss, and never ram, sts or ims"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="ServiceCode")
    party = _find_party(session, arn)
    row = session.get(ResourceServiceRow, party.id)
    kind = "User" if isinstance(party, User) else "Role"
    if row is None:
        row = ResourceServiceRow(
            principal_id=party.id, kind=kind, account_id=party.account_id, codes="", created_at=now
        )
        session.add(row)
    row.codes = " ".join(wanted)
    session.flush()
    return ResourceService(party.id, kind, party.account_id, party.arn, wanted, row.created_at)


def list_services(session: Session) -> Sequence[ResourceService]:
    """All of them, oldest first: an operator registers a handful."""
    query = (
        select(ResourceServiceRow, User.name, Role.name)
        .outerjoin(User, User.id == ResourceServiceRow.principal_id)
        .outerjoin(Role, Role.id == ResourceServiceRow.principal_id)
        .order_by(ResourceServiceRow.created_at, ResourceServiceRow.principal_id)
    )
    return [_service(row, user, role) for row, user, role in session.execute(query)]


def remove_service(session: Session, named: str) -> None:
    """By the ARN of its user or role, or by the id of one that is gone.

    Raises: NotFound, subject "ResourceService".
    """
    found = [service for service in list_services(session) if named in {service.arn, service.principal_id}]
    if not found:
        raise NotFound(Reason.NOT_FOUND, f"`{named[:200]}` is no resource service", subject="ResourceService")
    change_policies(session, found[0].account_id)
    session.delete(session.get_one(ResourceServiceRow, found[0].principal_id))
    session.flush()


def _find_party(session: Session, arn: str) -> User | Role:
    named = find_ram_principal(arn)
    if named is None or named.kind is RamKind.ROOT:
        raise InputError(Reason.ARN_MALFORMED, "a service is named by the ARN of a user or role", arn[:200])
    change_policies(session, named.account_id)  # what it may ask about is remembered under the stamp
    if named.kind is RamKind.USER:
        return get_user(session, named.account_id, named.name)
    return get_role(session, named.account_id, named.name)


def _service(row: ResourceServiceRow, user: str | None, role: str | None) -> ResourceService:
    arn = None
    if user is not None:
        arn = user_arn(row.account_id, user)
    elif role is not None:
        arn = role_arn(row.account_id, role)
    return ResourceService(row.principal_id, row.kind, row.account_id, arn, tuple(row.codes.split()), row.created_at)
