"""RAM roles: rights that are put on, and the trust policy that says by whom. Rule: ram-limits §1, §2, §10."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, and_, bindparam, exists, select, true
from sqlalchemy.orm import Mapped, Session, column_property, mapped_column

from gateway.arn import role_arn
from gateway.directory import quotas, ties
from gateway.directory.accounts import change_policies, lock_account
from gateway.directory.names import ROLE_NAME, check_name, check_text, name_key
from gateway.directory.resource_directory import Member
from gateway.directory.revocations import revoke_for_ever
from gateway.directory.tags import Tag, TagKind, drop_tags, ids_with_tags, set_tags
from gateway.directory.unique import insert_unique
from gateway.errors import Conflict, InputError, NotFound, Reason
from gateway.ids import new_entity_id
from gateway.policy import parse_trust_policy
from gateway.store.base import Base
from gateway.store.direct import Source, Statement
from gateway.store.paging import Page, Slice, read_slice

_LONGEST_DESCRIPTION = 1024
_SHORTEST_SESSION_S = 3600
_LONGEST_SESSION_S = 43200
_NO_TAGS: Mapping[str, str] = {}


class Role(Base):
    __tablename__ = "roles"
    __table_args__ = (UniqueConstraint("account_id", "name_key"),)

    id: Mapped[str] = mapped_column(primary_key=True)  # 18 digits, never reused
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    name_key: Mapped[str]
    description: Mapped[str]
    max_session_duration_s: Mapped[int]
    trust_document: Mapped[str]
    service_name: Mapped[str | None] = mapped_column()  # of a service-linked role: the service it was made for
    allow_console_login: Mapped[bool] = mapped_column(server_default=true())
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    # Whether control policies may have a say: its account is in a resource directory, and no service runs it.
    controlled: Mapped[bool] = column_property(
        and_(service_name.is_(None), exists().where(Member.account_id == account_id)).label("controlled")
    )

    @property
    def arn(self) -> str:
        return role_arn(self.account_id, self.name)


# Made once: building a statement costs more than running it, and every AssumeRole asks.
_FIND_ROLE = select(Role).where(Role.account_id == bindparam("account_id"), Role.name_key == bindparam("name_key"))


@dataclass(frozen=True, slots=True)
class AssumableRole:
    """What there is to know of a role for a session of it to be made."""

    id: str
    account_id: str
    name: str
    trust_document: str
    max_session_duration_s: int
    controlled: bool  # see `Role.controlled`

    @property
    def arn(self) -> str:
        return role_arn(self.account_id, self.name)


_FIND_ASSUMABLE = Statement(
    lambda _dialect: select(
        Role.id, Role.account_id, Role.name, Role.trust_document, Role.max_session_duration_s, Role.controlled
    ).where(Role.account_id == bindparam("account_id"), Role.name_key == bindparam("name_key")),
    "account_id",
    "name_key",
)
_FIND_TAGS = Statement(
    lambda _dialect: (
        select(Tag.key, Tag.value)
        .join(Role, and_(Tag.account_id == Role.account_id, Tag.thing_id == Role.id))
        .where(
            Role.account_id == bindparam("account_id"),
            Role.name_key == bindparam("name_key"),
            Tag.kind == TagKind.ROLE.value,
        )
        .order_by(Tag.key_folded)
    ),
    "account_id",
    "name_key",
)


def create_role(
    session: Session,
    account_id: str,
    name: str,
    *,
    trust_document: str,
    description: str = "",
    max_session_duration_s: int = 3600,
    allow_console_login: bool = True,
    service_name: str | None = None,
    tags: Mapping[str, str] = _NO_TAGS,
    now: datetime,
) -> Role:
    """Make a role; `service_name` makes it a service-linked one, which `service_roles` alone does.

    Raises: InputError, of the trust policy and the tags too; AlreadyExists and LimitExceeded, subject "Role".
    """
    check_name(ROLE_NAME, name)
    check_text("Description", description, _LONGEST_DESCRIPTION)
    _check_max_session_duration(max_session_duration_s)
    parse_trust_policy(trust_document)
    lock_account(session, account_id)
    quotas.check_room(session, Role.account_id, account_id, quotas.ROLES_PER_ACCOUNT, "Role")
    role = Role(
        id=new_entity_id(),
        account_id=account_id,
        name=name,
        name_key=name_key(name),
        description=description,
        max_session_duration_s=max_session_duration_s,
        trust_document=trust_document,
        service_name=service_name,
        allow_console_login=allow_console_login,
        created_at=now,
        updated_at=now,
    )
    insert_unique(session, role, "Role")
    session.refresh(role, ["controlled"])  # the insert does not tell
    set_tags(session, account_id, TagKind.ROLE, role.id, tags)
    return role


def find_role(session: Session, account_id: str, name: str) -> Role | None:
    """By name, in any case."""
    return session.scalar(_FIND_ROLE, {"account_id": account_id, "name_key": name_key(name)})


def find_assumable_role(source: Source, account_id: str, name: str) -> AssumableRole | None:
    """By name, in any case. One query below the ORM."""
    found = _FIND_ASSUMABLE.first(source, account_id, name_key(name))
    return None if found is None else AssumableRole(*found)


def tags_of_role(source: Source, account_id: str, name: str) -> Mapping[str, str]:
    """The tags of the role of this name, in any case; none if there is no such role. One query below the ORM."""
    return dict(_FIND_TAGS.all(source, account_id, name_key(name)))


def get_role(session: Session, account_id: str, name: str) -> Role:
    """Raises: NotFound, subject "Role"."""
    role = find_role(session, account_id, name)
    if role is None:
        raise NotFound(Reason.NOT_FOUND, "the role does not exist", subject="Role")
    return role


def find_role_by_id(session: Session, role_id: str) -> Role | None:
    return session.get(Role, name_key(role_id))


def list_roles(session: Session, account_id: str) -> Sequence[Role]:
    return session.scalars(select(Role).where(Role.account_id == account_id).order_by(Role.name_key)).all()


def list_role_page(
    session: Session, account_id: str, page: Page, wanted: Sequence[tuple[str, str]] = ()
) -> Slice[Role]:
    """One page of an account's roles by name; of those that have all wanted tags."""
    query = select(Role).where(Role.account_id == account_id)
    if wanted:
        query = query.where(Role.id.in_(ids_with_tags(account_id, TagKind.ROLE, wanted)))
    return read_slice(session, query, Role.name_key, page, lambda role: role.name_key)


def update_role(
    session: Session,
    account_id: str,
    name: str,
    *,
    trust_document: str | None = None,
    description: str | None = None,
    max_session_duration_s: int | None = None,
    allow_console_login: bool | None = None,
    now: datetime,
) -> Role:
    """Change what is given; None leaves a thing as it is. A role can't be renamed.

    Raises: InputError, of the trust policy too; NotFound; Conflict(ROLE_SERVICE_LINKED).
    """
    if trust_document is not None:
        parse_trust_policy(trust_document)
    if description is not None:
        check_text("NewDescription", description, _LONGEST_DESCRIPTION)
    if max_session_duration_s is not None:
        _check_max_session_duration(max_session_duration_s)
    role = _get_for_change(session, account_id, name)
    check_not_service_linked(role)
    role.trust_document = role.trust_document if trust_document is None else trust_document
    role.description = role.description if description is None else description
    if max_session_duration_s is not None:
        role.max_session_duration_s = max_session_duration_s
    if allow_console_login is not None:
        role.allow_console_login = allow_console_login
    role.updated_at = now
    session.flush()
    return role


def delete_role(session: Session, account_id: str, name: str) -> None:
    """Delete a role that no policy is attached to; its tags go, its sessions and tokens end.

    Raises: NotFound; Conflict(DELETE_CONFLICT), subject "Role.Policy"; Conflict(ROLE_SERVICE_LINKED).
    """
    role = _get_for_change(session, account_id, name)
    check_not_service_linked(role)
    remove_role(session, role)


def remove_role(session: Session, role: Role) -> None:
    """Delete a role of whatever kind; the account must be locked. Raises: Conflict(DELETE_CONFLICT)."""
    ties.check_role_untied(session, role.id)
    revoke_for_ever(session, "role", role.id)
    drop_tags(session, role.account_id, TagKind.ROLE, role.id)
    session.delete(role)
    session.flush()


def check_not_service_linked(role: Role) -> None:
    """Refuse to change by hand what belongs to a service. Raises: Conflict(ROLE_SERVICE_LINKED)."""
    if role.service_name is not None:
        message = f"the role belongs to {role.service_name} and can't be changed by hand"
        raise Conflict(Reason.ROLE_SERVICE_LINKED, message, subject="Role")


def _get_for_change(session: Session, account_id: str, name: str) -> Role:
    """The role as it is now that the account is locked; what this session read before may be old."""
    change_policies(session, account_id)
    role = get_role(session, account_id, name)
    session.refresh(role)
    return role


def _check_max_session_duration(seconds: int) -> None:
    if not _SHORTEST_SESSION_S <= seconds <= _LONGEST_SESSION_S:
        message = f"`MaxSessionDuration` must be {_SHORTEST_SESSION_S} to {_LONGEST_SESSION_S} seconds"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="MaxSessionDuration")
