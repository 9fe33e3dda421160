"""Control policies: what accounts of a resource directory may do at most. They never grant anything.

Rule: policy-language §5.2, §6.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.control_attachments import (
    FULL_ACCESS,
    ControlAttachment,
    NodeKind,
    attachments_of,
)
from gateway.directory.names import POLICY_NAME, check_name, check_text, name_key
from gateway.directory.resource_directory import ResourceDirectory, get_folder, get_member, touch_members
from gateway.directory.unique import insert_unique
from gateway.errors import Conflict, InputError, LimitExceeded, NotFound, Reason
from gateway.ids import new_node_id
from gateway.policy import parse_policy
from gateway.store.base import Base

LONGEST_DOCUMENT = 4096
_LONGEST_DESCRIPTION = 1024
_MOST_POLICIES = 1500  # ASSUMPTION: this and the next are the platform's limits
_MOST_PER_NODE = 10
_NAME = replace(POLICY_NAME, parameter="ControlPolicyName")


class ControlPolicy(Base):
    __tablename__ = "control_policies"
    __table_args__ = (UniqueConstraint("directory_id", "name_key"),)

    id: Mapped[str] = mapped_column(primary_key=True)  # cp-...
    directory_id: Mapped[str] = mapped_column(ForeignKey("resource_directories.id"))
    name: Mapped[str]
    name_key: Mapped[str]
    description: Mapped[str]
    document: Mapped[str]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


def create_control_policy(
    session: Session, directory: ResourceDirectory, name: str, document: str, *, description: str = "", now: datetime
) -> ControlPolicy:
    """Raises: InputError, of the document too; AlreadyExists and LimitExceeded, subject "ControlPolicy"."""
    check_name(_NAME, name)
    check_text("Description", description, _LONGEST_DESCRIPTION)
    _check_document(document)
    count = select(func.count()).select_from(ControlPolicy).where(ControlPolicy.directory_id == directory.id)
    if (session.scalar(count) or 0) >= _MOST_POLICIES:
        message = f"the directory has {_MOST_POLICIES} control policies"
        raise LimitExceeded(Reason.LIMIT_EXCEEDED, message, subject="ControlPolicy")
    policy = ControlPolicy(
        id=new_node_id("cp"),
        directory_id=directory.id,
        name=name,
        name_key=name_key(name),
        description=description,
        document=document,
        created_at=now,
        updated_at=now,
    )
    insert_unique(session, policy, "ControlPolicy")
    return policy


def get_control_policy(session: Session, directory: ResourceDirectory, name: str) -> ControlPolicy:
    """By name, in any case. Raises: NotFound, subject "ControlPolicy"."""
    query = select(ControlPolicy).where(
        ControlPolicy.directory_id == directory.id, ControlPolicy.name_key == name_key(name)
    )
    policy = session.scalar(query)
    if policy is None:
        raise NotFound(Reason.NOT_FOUND, "the control policy does not exist", subject="ControlPolicy")
    return policy


def list_control_policies(session: Session, directory: ResourceDirectory) -> Sequence[ControlPolicy]:
    query = select(ControlPolicy).where(ControlPolicy.directory_id == directory.id).order_by(ControlPolicy.name_key)
    return session.scalars(query).all()


def update_control_policy(
    session: Session, directory: ResourceDirectory, name: str, document: str, now: datetime
) -> ControlPolicy:
    """In force wherever it is attached from the next request on. Raises: InputError; NotFound."""
    _check_document(document)
    policy = get_control_policy(session, directory, name)
    policy.document, policy.updated_at = document, now
    nodes = select(ControlAttachment.node_id).where(ControlAttachment.policy_id == policy.id)
    for node_id in session.scalars(nodes).all():
        touch_members(session, directory, node_id)
    session.flush()
    return policy


def delete_control_policy(session: Session, directory: ResourceDirectory, name: str) -> None:
    """Raises: NotFound; Conflict(DELETE_CONFLICT) while it is attached; subject "ControlPolicy"."""
    policy = get_control_policy(session, directory, name)
    if session.scalar(select(ControlAttachment.id).where(ControlAttachment.policy_id == policy.id).limit(1)):
        raise Conflict(Reason.DELETE_CONFLICT, "it can't be deleted: it is attached", subject="ControlPolicy")
    session.delete(policy)
    session.flush()


def attach_control_policy(
    session: Session, directory: ResourceDirectory, name: str, node_id: str, now: datetime
) -> None:
    """Put a policy on the root, a folder or a member account. `name` may be FullAliyunAccess.

    Raises: NotFound; AlreadyExists and LimitExceeded, subject "ControlPolicyAttachment".
    """
    kind = _kind_of(session, directory, node_id)
    policy = None if name == FULL_ACCESS else get_control_policy(session, directory, name)
    if len(attachments_of(session, node_id)) >= _MOST_PER_NODE:
        message = f"{_MOST_PER_NODE} control policies are attached there already"
        raise LimitExceeded(Reason.LIMIT_EXCEEDED, message, subject="ControlPolicyAttachment")
    attachment = ControlAttachment(
        directory_id=directory.id,
        node_kind=kind.value,
        node_id=node_id,
        policy_key=FULL_ACCESS if policy is None else policy.id,
        policy_id=None if policy is None else policy.id,
        attached_at=now,
    )
    insert_unique(session, attachment, "ControlPolicyAttachment")
    touch_members(session, directory, node_id)


def detach_control_policy(session: Session, directory: ResourceDirectory, name: str, node_id: str) -> None:
    """Raises: NotFound; Conflict(DELETE_CONFLICT) for the last one: without any, nothing could be done there."""
    _kind_of(session, directory, node_id)
    key = FULL_ACCESS if name == FULL_ACCESS else get_control_policy(session, directory, name).id
    there = attachments_of(session, node_id)
    found = next((each for each in there if each.policy_key == key), None)
    if found is None:
        message = "the control policy is not attached there"
        raise NotFound(Reason.NOT_FOUND, message, subject="ControlPolicyAttachment")
    if len(there) == 1:
        message = "the last control policy can't be detached; attach another one first"
        raise Conflict(Reason.DELETE_CONFLICT, message, subject="ControlPolicyAttachment")
    session.delete(found)
    session.flush()
    touch_members(session, directory, node_id)


def _kind_of(session: Session, directory: ResourceDirectory, node_id: str) -> NodeKind:
    if node_id == directory.root_id:
        return NodeKind.ROOT
    if node_id.startswith("fd-"):
        get_folder(session, directory, node_id)
        return NodeKind.FOLDER
    get_member(session, directory, node_id)
    return NodeKind.ACCOUNT


def _check_document(document: str) -> None:
    """ASSUMPTION: white space counts here. Raises: InputError(POLICY_TOO_LONG), InputError(POLICY_MALFORMED)."""
    if len(document) > LONGEST_DOCUMENT:
        message = f"a control policy may have {LONGEST_DOCUMENT} characters, this one has {len(document)}; shorten it"
        raise InputError(Reason.POLICY_TOO_LONG, message, subject="PolicyDocument")
    parse_policy(document)
