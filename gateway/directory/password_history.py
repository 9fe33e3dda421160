"""The last passwords of each user, as hashes: so that none of them is set again. Rule: ram-limits §6.

24 are kept, the most that a policy can ask for, whatever it asks for now. They outlive the login profile: taking a
password away and giving a new one is no way around the rule. They go with the user.

The id of the newest row stands for the password itself: who remembers it can tell whether the password was changed
meanwhile.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.store.base import Base, RowNumber

MOST_KEPT = 24


class PastPassword(Base):
    __tablename__ = "password_history"

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    password_hash: Mapped[str]
    created_at: Mapped[datetime]


def newest_password_id(session: Session, user_id: str) -> int:
    """Which password the user has, as a number; 0 for a user that never had one."""
    query = select(PastPassword.id).where(PastPassword.user_id == user_id).order_by(PastPassword.id.desc()).limit(1)
    return session.scalar(query) or 0


def last_hashes(session: Session, user_id: str) -> Sequence[str]:
    """Newest first, all that are kept."""
    query = select(PastPassword.password_hash).where(PastPassword.user_id == user_id)
    return session.scalars(query.order_by(PastPassword.id.desc()).limit(MOST_KEPT)).all()


def remember_password(session: Session, user_id: str, password_hash: str, now: datetime) -> None:
    """Add the password that was just set, and forget what is too old to count. The account must be locked."""
    session.add(PastPassword(user_id=user_id, password_hash=password_hash, created_at=now))
    session.flush()
    kept = select(PastPassword.id).where(PastPassword.user_id == user_id)
    kept = kept.order_by(PastPassword.id.desc()).limit(MOST_KEPT)
    session.execute(
        delete(PastPassword).where(PastPassword.user_id == user_id, PastPassword.id.not_in(kept.scalar_subquery())),
        execution_options={"synchronize_session": False},
    )
