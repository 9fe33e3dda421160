"""Which control policies hang on which level of a resource directory: its root, a folder, a member account.

Every level has at least one, or nothing could be done below it: a level begins with FullAliyunAccess, which allows
everything and so takes nothing away. Rule: policy-language §5.2.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.store.base import Base, RowNumber

FULL_ACCESS = "FullAliyunAccess"


class NodeKind(StrEnum):
    ROOT = "Root"
    FOLDER = "Folder"
    ACCOUNT = "Account"


class ControlAttachment(Base):
    __tablename__ = "control_policy_attachments"
    __table_args__ = (UniqueConstraint("node_id", "policy_key"), Index(None, "policy_id"))

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    directory_id: Mapped[str] = mapped_column(ForeignKey("resource_directories.id"))
    node_kind: Mapped[str]
    node_id: Mapped[str]
    policy_key: Mapped[str]  # the id of the policy, or FullAliyunAccess
    policy_id: Mapped[str | None] = mapped_column(ForeignKey("control_policies.id"))
    attached_at: Mapped[datetime]


def attach_full_access(session: Session, directory_id: str, kind: NodeKind, node_id: str, now: datetime) -> None:
    session.add(
        ControlAttachment(
            directory_id=directory_id,
            node_kind=kind.value,
            node_id=node_id,
            policy_key=FULL_ACCESS,
            policy_id=None,
            attached_at=now,
        )
    )
    session.flush()


def attachments_of(session: Session, node_id: str) -> Sequence[ControlAttachment]:
    """Oldest first; at most 10."""
    query = select(ControlAttachment).where(ControlAttachment.node_id == node_id).order_by(ControlAttachment.id)
    return session.scalars(query).all()


def forget_node(session: Session, kind: NodeKind, node_id: str) -> None:
    """With a level go its attachments."""
    session.execute(
        delete(ControlAttachment).where(ControlAttachment.node_kind == kind.value, ControlAttachment.node_id == node_id)
    )
