"""The resource directory: accounts of one company in a tree of folders, with one of them as its management account.

It exists for control policies, which say what accounts may do at most. Rule: policy-language §5.2.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, Select, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.accounts import change_policies, get_account
from gateway.directory.control_attachments import NodeKind, attach_full_access, forget_node
from gateway.directory.names import NameRule, check_name, name_key
from gateway.directory.unique import insert_unique
from gateway.errors import AlreadyExists, Conflict, InputError, LimitExceeded, NotFound, Reason
from gateway.ids import new_node_id
from gateway.store.base import Base

FOLDER_NAME = NameRule("FolderName", re.compile(r"[A-Za-z0-9._-]*"), 24)
_MOST_FOLDERS = 100  # ASSUMPTION: as many, and as deep, as the platform allows
_DEEPEST = 5


class ResourceDirectory(Base):
    __tablename__ = "resource_directories"

    id: Mapped[str] = mapped_column(primary_key=True)  # rd-...
    management_account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), unique=True)
    root_id: Mapped[str]  # r-..., the folder above all others
    controls_enabled: Mapped[bool]
    created_at: Mapped[datetime]


class Folder(Base):
    __tablename__ = "directory_folders"
    __table_args__ = (UniqueConstraint("parent_id", "name_key"),)

    id: Mapped[str] = mapped_column(primary_key=True)  # fd-...
    directory_id: Mapped[str] = mapped_column(ForeignKey("resource_directories.id"), index=True)
    parent_id: Mapped[str]  # of a folder, or of the root
    name: Mapped[str]
    name_key: Mapped[str]
    created_at: Mapped[datetime]


class Member(Base):
    __tablename__ = "directory_members"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    directory_id: Mapped[str] = mapped_column(ForeignKey("resource_directories.id"), index=True)
    folder_id: Mapped[str] = mapped_column(index=True)  # or the id of the root
    joined_at: Mapped[datetime]


def create_directory(session: Session, management_account_id: str, now: datetime) -> ResourceDirectory:
    """Make the account the management account of a new directory. Control policies are off until they are enabled.

    Raises: NotFound, subject "Account"; AlreadyExists, subject "ResourceDirectory", for an account that is in one.
    """
    get_account(session, management_account_id)
    taken = select(Member.directory_id).where(Member.account_id == management_account_id)
    if session.scalar(taken) is not None:
        raise AlreadyExists(Reason.ALREADY_EXISTS, "the account is in a directory", subject="ResourceDirectory")
    directory = ResourceDirectory(
        id=new_node_id("rd"),
        management_account_id=management_account_id,
        root_id=new_node_id("r"),
        controls_enabled=False,
        created_at=now,
    )
    insert_unique(session, directory, "ResourceDirectory")
    attach_full_access(session, directory.id, NodeKind.ROOT, directory.root_id, now)
    return directory


def get_directory(session: Session, management_account_id: str) -> ResourceDirectory:
    """The directory that the account manages, locked against other changes of it until the transaction ends.

    Raises: NotFound, subject "ResourceDirectory".
    """
    query = _managed_by(management_account_id).with_for_update().execution_options(populate_existing=True)
    return _found(session.scalar(query))


def look_at_directory(session: Session, management_account_id: str) -> ResourceDirectory:
    """The same, for whoever only reads. Raises: NotFound, subject "ResourceDirectory"."""
    return _found(session.scalar(_managed_by(management_account_id)))


def _managed_by(account_id: str) -> Select[ResourceDirectory]:
    return select(ResourceDirectory).where(ResourceDirectory.management_account_id == account_id)


def _found(directory: ResourceDirectory | None) -> ResourceDirectory:
    if directory is None:
        raise NotFound(Reason.NOT_FOUND, "the account manages no directory", subject="ResourceDirectory")
    return directory


def enable_controls(session: Session, directory: ResourceDirectory, *, enabled: bool) -> None:
    """Put all control policies of the directory in force, or none: from the next request of each member on."""
    directory.controls_enabled = enabled
    touch_members(session, directory, directory.root_id)


def add_folder(session: Session, directory: ResourceDirectory, name: str, parent_id: str, now: datetime) -> Folder:
    """Raises: InputError, NotFound, AlreadyExists and LimitExceeded, subject "Folder"."""
    check_name(FOLDER_NAME, name)
    path = path_of(session, directory, parent_id)
    if len(path) > _DEEPEST:
        raise InputError(Reason.PARAMETER_INVALID, f"folders are at most {_DEEPEST} deep", subject="ParentFolderId")
    count = select(func.count()).select_from(Folder).where(Folder.directory_id == directory.id)
    if (session.scalar(count) or 0) >= _MOST_FOLDERS:
        raise LimitExceeded(Reason.LIMIT_EXCEEDED, f"the directory has {_MOST_FOLDERS} folders", subject="Folder")
    folder = Folder(
        id=new_node_id("fd"),
        directory_id=directory.id,
        parent_id=parent_id,
        name=name,
        name_key=name_key(name),
        created_at=now,
    )
    insert_unique(session, folder, "Folder")
    attach_full_access(session, directory.id, NodeKind.FOLDER, folder.id, now)
    return folder


def delete_folder(session: Session, directory: ResourceDirectory, folder_id: str) -> None:
    """Raises: NotFound, subject "Folder"; Conflict(DELETE_CONFLICT) while something is in it."""
    folder = get_folder(session, directory, folder_id)
    for inside in (
        select(Folder.id).where(Folder.parent_id == folder_id),
        select(Member.account_id).where(Member.folder_id == folder_id),
    ):
        if session.scalar(inside.limit(1)) is not None:
            raise Conflict(Reason.DELETE_CONFLICT, "it can't be deleted: something is in it", subject="Folder")
    forget_node(session, NodeKind.FOLDER, folder_id)
    session.delete(folder)
    session.flush()


def get_folder(session: Session, directory: ResourceDirectory, folder_id: str) -> Folder:
    """Raises: NotFound, subject "Folder"."""
    folder = session.get(Folder, folder_id)
    if folder is None or folder.directory_id != directory.id:
        raise NotFound(Reason.NOT_FOUND, "the folder does not exist", subject="Folder")
    return folder


def list_folders(session: Session, directory: ResourceDirectory) -> Sequence[Folder]:
    """At most 100."""
    query = select(Folder).where(Folder.directory_id == directory.id).order_by(Folder.parent_id, Folder.name_key)
    return session.scalars(query).all()


def list_members(session: Session, directory: ResourceDirectory) -> Sequence[Member]:
    query = select(Member).where(Member.directory_id == directory.id).order_by(Member.folder_id, Member.account_id)
    return session.scalars(query).all()


def add_member(
    session: Session, directory: ResourceDirectory, account_id: str, folder_id: str, now: datetime
) -> Member:
    """Put an account under the directory's control policies.

    Raises: NotFound, subject "Account" or "Folder"; AlreadyExists, subject "Member", for one that is in a directory;
    InputError(PARAMETER_INVALID) for an account that manages one.
    """
    path_of(session, directory, folder_id)
    manages = select(ResourceDirectory.id).where(ResourceDirectory.management_account_id == account_id)
    if session.scalar(manages) is not None:
        message = "an account that manages a directory can't be a member of one"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="AccountId")
    change_policies(session, account_id)
    member = Member(account_id=account_id, directory_id=directory.id, folder_id=folder_id, joined_at=now)
    insert_unique(session, member, "Member")
    attach_full_access(session, directory.id, NodeKind.ACCOUNT, account_id, now)
    return member


def move_member(session: Session, directory: ResourceDirectory, account_id: str, folder_id: str) -> None:
    """Raises: NotFound, subject "Member" or "Folder"."""
    member = get_member(session, directory, account_id)
    path_of(session, directory, folder_id)
    change_policies(session, account_id)
    member.folder_id = folder_id
    session.flush()


def remove_member(session: Session, directory: ResourceDirectory, account_id: str) -> None:
    """Its control policies end with the next request. Raises: NotFound, subject "Member"."""
    member = get_member(session, directory, account_id)
    change_policies(session, account_id)
    forget_node(session, NodeKind.ACCOUNT, account_id)
    session.delete(member)
    session.flush()


def get_member(session: Session, directory: ResourceDirectory, account_id: str) -> Member:
    """Raises: NotFound, subject "Member"."""
    member = session.get(Member, account_id)
    if member is None or member.directory_id != directory.id:
        raise NotFound(Reason.NOT_FOUND, "the account is no member of the directory", subject="Member")
    return member


def path_of(session: Session, directory: ResourceDirectory, folder_id: str) -> tuple[str, ...]:
    """The folder and those above it, up to the root. Raises: NotFound, subject "Folder"."""
    path = [folder_id]
    while path[-1] != directory.root_id:
        path.append(get_folder(session, directory, path[-1]).parent_id)
    return tuple(path)


def touch_members(session: Session, directory: ResourceDirectory, node_id: str) -> None:
    """What the workers have compiled for an account, or for those in and below a folder, is void at the commit."""
    children: dict[str, list[str]] = {}
    for folder in list_folders(session, directory):
        children.setdefault(folder.parent_id, []).append(folder.id)
    within, waiting = {node_id}, [node_id]
    while waiting:
        found = children.get(waiting.pop(), [])
        within.update(found)
        waiting.extend(found)
    for member in list_members(session, directory):
        if member.folder_id in within or member.account_id in within:
            change_policies(session, member.account_id)
    session.flush()
