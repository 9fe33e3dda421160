"""What an account chose about things that lapse: how old AccessKeys may get, a calendar address, a webhook.

An account that never chose anything has the defaults of `ExpirySettings`, and no row.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.accounts import lock_account
from gateway.directory.expiry_notices import ExpiryNotice
from gateway.directory.names import check_text
from gateway.errors import InputError, NotFound, Reason
from gateway.ids import new_handle
from gateway.keyring import KeyRing
from gateway.secret import Secret
from gateway.store.base import Base
from gateway.store.hashed_key import hash_key

ROTATION_DAYS = (0, 30, 60, 90, 180, 365)  # 0: AccessKeys may get as old as they like
DEFAULT_ROTATION_DAYS = 90
_PURPOSE = "expiry-webhook"
_LONGEST_URL = 1024
_LONGEST_HANDLE = 100


class ExpirySettingsRow(Base):
    __tablename__ = "expiry_settings"

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    rotation_days: Mapped[int] = mapped_column(index=True)
    rotation_set_at: Mapped[datetime]
    calendar_hash: Mapped[str | None] = mapped_column(unique=True)  # of the handle in its address
    calendar_made_at: Mapped[datetime | None]
    webhook_url: Mapped[str | None]
    webhook_sealed: Mapped[bytes | None]  # the secret that messages are signed with
    webhook_not_before: Mapped[datetime | None] = mapped_column(index=True)  # when the next message may be sent
    webhook_held_until: Mapped[datetime | None]  # a process is sending until then
    webhook_tried_at: Mapped[datetime | None]
    webhook_told_at: Mapped[datetime | None]  # the last message that was taken
    webhook_failures: Mapped[int]  # in a row
    webhook_outcome: Mapped[str]  # of the last attempt, for people; empty before the first


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where messages go, and how the last one went."""

    url: str
    tried_at: datetime | None
    told_at: datetime | None
    failures: int
    outcome: str
    not_before: datetime | None


@dataclass(frozen=True, slots=True)
class ExpirySettings:
    rotation_days: int = DEFAULT_ROTATION_DAYS
    calendar_made_at: datetime | None = None  # None: there is no calendar address
    webhook: Webhook | None = None


def get_expiry_settings(session: Session, account_id: str) -> ExpirySettings:
    row = session.get(ExpirySettingsRow, account_id)
    if row is None:
        return ExpirySettings()
    webhook = None
    if row.webhook_url is not None:
        webhook = Webhook(
            row.webhook_url,
            row.webhook_tried_at,
            row.webhook_told_at,
            row.webhook_failures,
            row.webhook_outcome,
            row.webhook_not_before,
        )
    return ExpirySettings(row.rotation_days, row.calendar_made_at, webhook)


def set_rotation_days(session: Session, account_id: str, days: int, now: datetime) -> None:
    """How old an AccessKey may get before it is shown; 0 for as old as it likes.

    Raises: InputError(PARAMETER_INVALID), subject "RotationDays".
    """
    if days not in ROTATION_DAYS:
        choices = ", ".join(str(each) for each in ROTATION_DAYS)
        raise InputError(Reason.PARAMETER_INVALID, f"the rotation age is one of {choices} days", subject="RotationDays")
    row = _locked_row(session, account_id, now)
    row.rotation_days = days
    row.rotation_set_at = now


def make_calendar(session: Session, account_id: str, now: datetime) -> str:
    """A new handle for the account's calendar address, which can't be read back; one there was before is void."""
    row, handle = _locked_row(session, account_id, now), new_handle()
    row.calendar_hash = hash_key(handle)
    row.calendar_made_at = now
    session.flush()
    return handle


def drop_calendar(session: Session, account_id: str, now: datetime) -> None:
    """Raises: NotFound, subject "Calendar"."""
    row = _locked_row(session, account_id, now)
    if row.calendar_hash is None:
        raise NotFound(Reason.NOT_FOUND, "there is no calendar address", subject="Calendar")
    row.calendar_hash = row.calendar_made_at = None


def find_calendar_account(session: Session, handle: str) -> str | None:
    """Whose calendar a handle opens.

    The handle is looked up by its hash: how long that takes says nothing about handles that are near it.
    """
    if not 0 < len(handle) <= _LONGEST_HANDLE:
        return None
    query = select(ExpirySettingsRow.account_id).where(ExpirySettingsRow.calendar_hash == hash_key(handle))
    return session.scalar(query)


def set_webhook(session: Session, ring: KeyRing, account_id: str, url: str, now: datetime) -> Secret:
    """Send messages to an address from now on; the new secret they are signed with, which can't be read back.

    Whether the gateway would send to this address is the caller's to ask (`Fetcher.check_url`). Another address is
    told everything anew. Raises: InputError, subject "WebhookUrl".
    """
    check_text("WebhookUrl", url, _LONGEST_URL)
    row, secret = _locked_row(session, account_id, now), new_handle()
    if row.webhook_url != url:
        forget_notices(session, account_id)
    row.webhook_url = url
    row.webhook_sealed = ring.seal(_PURPOSE, secret.encode(), bound_to=account_id.encode())
    row.webhook_not_before = now
    row.webhook_held_until = row.webhook_tried_at = row.webhook_told_at = None
    row.webhook_failures, row.webhook_outcome = 0, ""
    session.flush()
    return Secret(secret)


def drop_webhook(session: Session, account_id: str, now: datetime) -> None:
    """Raises: NotFound, subject "Webhook"."""
    row = _locked_row(session, account_id, now)
    if row.webhook_url is None:
        raise NotFound(Reason.NOT_FOUND, "there is no webhook", subject="Webhook")
    row.webhook_url = row.webhook_sealed = row.webhook_not_before = row.webhook_held_until = None
    forget_notices(session, account_id)


def webhook_secret(ring: KeyRing, row: ExpirySettingsRow) -> Secret:
    """Raises: CredentialError(TOKEN_MALFORMED) if it was sealed under a key that the ring no longer has."""
    sealed = row.webhook_sealed or b""
    return Secret(ring.open(_PURPOSE, sealed, bound_to=row.account_id.encode()).decode())


def forget_notices(session: Session, account_id: str) -> None:
    session.execute(delete(ExpiryNotice).where(ExpiryNotice.account_id == account_id))


def _locked_row(session: Session, account_id: str, now: datetime) -> ExpirySettingsRow:
    """Raises: NotFound, subject "Account"."""
    lock_account(session, account_id)
    row = session.get(ExpirySettingsRow, account_id, populate_existing=True)
    if row is None:
        row = ExpirySettingsRow(
            account_id=account_id,
            rotation_days=DEFAULT_ROTATION_DAYS,
            rotation_set_at=now,
            webhook_failures=0,
            webhook_outcome="",
        )
        session.add(row)
        session.flush()
    return row
