"""Security phone and security e-mail of a user: where a code could be sent before something dangerous is done.

Nothing here sends messages, so nobody ever proved to read them: every entry is pending, and says so. Rule: ram-limits
§4 (secure e-mail and SMS), §2 (formats).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory import ties
from gateway.directory.accounts import lock_account
from gateway.directory.contacts import check_email, check_mobile_phone
from gateway.directory.users import User
from gateway.errors import NotFound, Reason
from gateway.store.base import Base


class VerifyType(StrEnum):
    SMS = "sms"
    EMAIL = "email"


class VerificationStatus(StrEnum):
    """The platform also knows `active`: that a code which was sent there came back."""

    PENDING = "pending"


_PARAMETERS = {VerifyType.SMS: "MobilePhone", VerifyType.EMAIL: "Email"}
_SUBJECTS = {VerifyType.SMS: "User.SecurityPhone", VerifyType.EMAIL: "User.SecurityEmail"}


class Verification(Base):
    __tablename__ = "verifications"

    # Gone with the user: there is nothing in it that forbids a deletion.
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    verify_type: Mapped[str] = mapped_column(primary_key=True)
    address: Mapped[str]
    set_at: Mapped[datetime]


@dataclass(frozen=True, slots=True)
class SecurityPhone:
    area_code: str
    number: str
    status: VerificationStatus


@dataclass(frozen=True, slots=True)
class SecurityEmail:
    address: str
    status: VerificationStatus


@dataclass(frozen=True, slots=True)
class VerificationInfo:
    phone: SecurityPhone | None
    email: SecurityEmail | None


def set_verification(session: Session, user: User, verify_type: VerifyType, address: str, now: datetime) -> None:
    """Note a phone number (`86-18600001234`) or an e-mail address; one that was there before is replaced.

    Raises: InputError(PARAMETER_INVALID), subject "MobilePhone" or "Email"; NotFound, subject "User".
    """
    _check(verify_type, address)
    lock_account(session, user.account_id)
    ties.check_still_there(session, "User", user.id)
    session.merge(Verification(user_id=user.id, verify_type=verify_type, address=address, set_at=now))
    session.flush()


def remove_verification(session: Session, user: User, verify_type: VerifyType, address: str) -> None:
    """Forget an address, which must be the one that is noted, in any case.

    Raises: InputError(PARAMETER_INVALID); NotFound, subject "User.SecurityPhone" or "User.SecurityEmail".
    """
    _check(verify_type, address)
    lock_account(session, user.account_id)
    row = session.get(Verification, (user.id, verify_type), populate_existing=True)
    if row is None or row.address.lower() != address.lower():
        subject = _SUBJECTS[verify_type]
        raise NotFound(Reason.NOT_FOUND, "the user has no such address", subject=subject)
    session.delete(row)
    session.flush()


def get_verification(session: Session, user: User) -> VerificationInfo:
    rows: Sequence[Verification] = session.scalars(select(Verification).where(Verification.user_id == user.id)).all()
    addresses = {row.verify_type: row.address for row in rows}
    phone, email = addresses.get(VerifyType.SMS), addresses.get(VerifyType.EMAIL)
    area_code, _, number = (phone or "").partition("-")
    return VerificationInfo(
        SecurityPhone(area_code, number, VerificationStatus.PENDING) if phone else None,
        SecurityEmail(email, VerificationStatus.PENDING) if email else None,
    )


def _check(verify_type: VerifyType, address: str) -> None:
    check = check_mobile_phone if verify_type is VerifyType.SMS else check_email
    check(_PARAMETERS[verify_type], address)
