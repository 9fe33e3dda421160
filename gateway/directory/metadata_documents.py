"""Metadata documents of a provider besides the one in force, which stands with the provider itself.

At most one of each state per provider: the database says so.
"""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import Index, UniqueConstraint, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.store.base import Base, RowNumber


class DocumentState(StrEnum):
    STAGED = "staged"  # beside the one in force: its certificates verify logins, and one of them puts it in force
    WAITING = "waiting"  # for an administrator: nothing of it is trusted
    PREVIOUS = "previous"  # was in force before: the way back


class MetadataDocument(Base):
    __tablename__ = "metadata_documents"
    __table_args__ = (UniqueConstraint("provider_key", "state"), Index(None, "state", "since"))

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    provider_key: Mapped[str]
    state: Mapped[str]
    since: Mapped[datetime]  # when it got into this state
    xml: Mapped[bytes]
    digest: Mapped[str]  # of its content: `saml.metadata_difference.content_digest`
    origin: Mapped[str]  # what kind of act brought it: `metadata_offers.OriginKind`
    brought_by: Mapped[str]  # an ARN, an address, a file
    why: Mapped[str]  # it is in this state
    by_hand: Mapped[bool]  # was rolled back once: only an administrator puts it in force


def find_document(session: Session, provider_key: str, state: DocumentState) -> MetadataDocument | None:
    query = select(MetadataDocument).where(
        MetadataDocument.provider_key == provider_key, MetadataDocument.state == state.value
    )
    return session.scalar(query)


def keep_document(session: Session, document: MetadataDocument) -> None:
    """Instead of the one of the same provider and state, if there is one."""
    drop_document(session, document.provider_key, DocumentState(document.state))
    session.add(document)
    session.flush()


def drop_document(session: Session, provider_key: str, state: DocumentState) -> None:
    session.execute(
        delete(MetadataDocument).where(
            MetadataDocument.provider_key == provider_key, MetadataDocument.state == state.value
        )
    )


def drop_documents(session: Session, provider_key: str) -> None:
    session.execute(delete(MetadataDocument).where(MetadataDocument.provider_key == provider_key))
