"""Virtual MFA devices: made, bound to one user or the account owner, unbound, deleted. Rule: ram-limits §1, §4, §10.

The seed is shown once, when a device is made, and kept sealed. No code works twice, in whatever process: a device
remembers the last 30-second step that it was used with. Wrong codes in a row make a device wait, and nothing but a
right code clears them: the device is only asked after a password, so that strangers can't hold anybody up with it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Select, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.arn import mfa_arn, parse_ram_arn
from gateway.directory import quotas, ties
from gateway.directory.accounts import Account, lock_account
from gateway.directory.names import MFA_DEVICE_NAME, check_name, name_key
from gateway.directory.password_holders import Holder, account_id_of
from gateway.directory.unique import insert_unique
from gateway.directory.users import User
from gateway.errors import AlreadyExists, Conflict, CredentialError, NotFound, Reason, Throttled
from gateway.ids import new_entity_id
from gateway.keyring import KeyRing
from gateway.secret import Secret
from gateway.store.base import Base
from gateway.store.paging import Page, Slice, read_row_slice
from gateway.totp import check_code_format, matching_pair, matching_step, new_seed

BLOCKING_FROM = 5  # wrong codes in a row: the fifth is the first that costs a wait
FIRST_BLOCK = timedelta(seconds=30)
LONGEST_BLOCK = timedelta(hours=1)

_PURPOSE = "mfa-seed"
_NEVER_USED = 0
_LONGEST_NAME = 64


class MfaDevice(Base):
    __tablename__ = "mfa_devices"
    __table_args__ = (UniqueConstraint("account_id", "name_key"),)

    id: Mapped[str] = mapped_column(primary_key=True)  # 18 digits, never reused
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    name_key: Mapped[str]  # the name in lower case
    sealed_seed: Mapped[bytes]
    user_id: Mapped[str | None] = mapped_column(ForeignKey("users.id"), unique=True)  # bound to this user,
    owner_of: Mapped[str | None] = mapped_column(ForeignKey("accounts.id"), unique=True)  # or to this account's owner
    bound_at: Mapped[datetime | None]
    last_step: Mapped[int] = mapped_column(BigInteger)  # of the last code that was accepted; only grows
    wrong_codes: Mapped[int]  # in a row
    blocked_until: Mapped[datetime | None]
    created_at: Mapped[datetime]

    @property
    def serial_number(self) -> str:
        return mfa_arn(self.account_id, self.name)

    @property
    def bound(self) -> bool:
        return self.user_id is not None or self.owner_of is not None


@dataclass(frozen=True, slots=True)
class NewDevice:
    device: MfaDevice
    seed: Secret  # Base32


@dataclass(frozen=True, slots=True)
class ListedDevice:
    """A device and the user it is bound to; None if it is bound to nobody, or to the account owner."""

    device: MfaDevice
    user: User | None


@dataclass(frozen=True, slots=True)
class Codes:
    """What somebody typed: one code, or two that follow each other."""

    first: Secret
    second: Secret | None = None

    def check_format(self) -> None:
        """Raises: InputError(PARAMETER_INVALID), subject "AuthenticationCode"."""
        check_code_format(self.first.reveal())
        if self.second is not None:
            check_code_format(self.second.reveal())


def create_device(session: Session, ring: KeyRing, account_id: str, name: str, now: datetime) -> NewDevice:
    """Make a device that is bound to nobody.

    Raises: InputError; AlreadyExists and LimitExceeded, subject "VirtualMFADevice".
    """
    check_name(MFA_DEVICE_NAME, name)
    seed = new_seed()
    lock_account(session, account_id)
    return NewDevice(_insert(session, ring, account_id, name, seed=seed, now=now), seed)


def find_device(session: Session, account_id: str, serial_number: str) -> MfaDevice | None:
    """By serial number, its name in any case. One of another account is as good as none.

    Raises: InputError(ARN_MALFORMED).
    """
    arn = parse_ram_arn(serial_number, "mfa")
    if arn.account_id != account_id:
        return None
    query = select(MfaDevice).where(MfaDevice.account_id == account_id, MfaDevice.name_key == name_key(arn.name))
    return session.scalar(query)


def get_device(session: Session, account_id: str, serial_number: str) -> MfaDevice:
    """Raises: NotFound, subject "VirtualMFADevice"; InputError(ARN_MALFORMED)."""
    device = find_device(session, account_id, serial_number)
    if device is None:
        raise _no_device()
    return device


def find_device_of(session: Session, holder: Holder) -> MfaDevice | None:
    """The device that a user, or the owner of an account, has bound."""
    return session.scalar(_of(holder).execution_options(populate_existing=True))


def get_device_of(session: Session, holder: Holder) -> MfaDevice:
    """Raises: NotFound, subject "User.MFADevice"."""
    device = find_device_of(session, holder)
    if device is None:
        raise NotFound(Reason.NOT_FOUND, "no MFA device is bound", subject="User.MFADevice")
    return device


def list_devices(session: Session, account_id: str, page: Page) -> Slice[ListedDevice]:
    """By name, bound or not."""
    query = (
        select(MfaDevice, User).outerjoin(User, User.id == MfaDevice.user_id).where(MfaDevice.account_id == account_id)
    )
    rows = read_row_slice(session, query, MfaDevice.name_key, page, _name_key_of)
    return rows.map(lambda row: ListedDevice(*row))


def check_may_bind(session: Session, device: MfaDevice, holder: Holder) -> None:
    """Raises: AlreadyExists, subject "VirtualMFADevice.User" for a device that somebody has, "User.MFADevice" for
    somebody who has a device.
    """
    if device.bound:
        message = "the MFA device is bound already"
        raise AlreadyExists(Reason.ALREADY_EXISTS, message, subject="VirtualMFADevice.User")
    if find_device_of(session, holder) is not None:
        raise AlreadyExists(Reason.ALREADY_EXISTS, "an MFA device is bound already", subject="User.MFADevice")


def spend_codes(session: Session, ring: KeyRing, device_id: str, codes: Codes, now: datetime) -> bool:
    """Whether these are the device's codes, of now and not used before. Either way it is remembered.

    Call it in a write transaction that commits before anything is refused, or a wrong code is not counted.
    Raises: InputError(PARAMETER_INVALID), subject "AuthenticationCode"; Throttled(LOGIN_THROTTLED) without looking at
    the codes; NotFound, subject "VirtualMFADevice".
    """
    codes.check_format()
    device = session.get(MfaDevice, device_id, with_for_update=True, populate_existing=True)
    if device is None:
        raise _no_device()
    _check_not_blocked(device, now)
    step = matching(_seed_of(ring, device), codes, now, after=device.last_step)
    if step is None:
        device.wrong_codes += 1
        device.blocked_until = now + _block_after(device.wrong_codes)
    else:
        device.last_step = step
        device.wrong_codes = 0
        device.blocked_until = None
    session.flush()
    return step is not None


def matching(seed: Secret, codes: Codes, now: datetime, *, after: int = _NEVER_USED) -> int | None:
    """The last step that these codes of a seed use up; None if they are wrong, old, or used already."""
    if codes.second is None:
        return matching_step(seed, codes.first.reveal(), now, after=after)
    return matching_pair(seed, codes.first.reveal(), codes.second.reveal(), now, after=after)


def wrong_code(codes: Codes) -> CredentialError:
    message = "the code is wrong, too old, or was used already"
    if codes.second is not None:
        message = "the codes are wrong, too old, or do not follow each other"
    return CredentialError(Reason.MFA_CODE_WRONG, message)


def bind_device(session: Session, device_id: str, holder: Holder, now: datetime) -> MfaDevice:
    """Bind a device whose codes were spent for it just now.

    Raises: AlreadyExists as `check_may_bind`; NotFound, subject "VirtualMFADevice" or "User".
    """
    lock_account(session, account_id_of(holder))
    _check_still_there(session, holder)
    device = session.get(MfaDevice, device_id, populate_existing=True)
    if device is None or device.account_id != account_id_of(holder):
        raise _no_device()
    check_may_bind(session, device, holder)
    _bind(device, holder, now)
    session.flush()
    return device


def bind_seed(
    session: Session, ring: KeyRing, holder: Holder, seed: Secret, *, used_step: int, now: datetime
) -> MfaDevice:
    """Make a device of a seed that a person has in an app already, as the codes up to `used_step` proved, and bind it.

    It is called like its holder. Raises: AlreadyExists, subject "User.MFADevice"; LimitExceeded; NotFound.
    """
    account_id = account_id_of(holder)
    lock_account(session, account_id)
    _check_still_there(session, holder)
    if find_device_of(session, holder) is not None:
        raise AlreadyExists(Reason.ALREADY_EXISTS, "an MFA device is bound already", subject="User.MFADevice")
    device = _insert(session, ring, account_id, _free_name(session, holder), seed=seed, now=now)
    device.last_step = used_step
    _bind(device, holder, now)
    session.flush()
    return device


def unbind_device(session: Session, holder: Holder) -> MfaDevice:
    """Take the device off its holder. It can be bound again by whoever has its seed.

    Raises: NotFound, subject "User.MFADevice".
    """
    lock_account(session, account_id_of(holder))
    device = get_device_of(session, holder)
    device.user_id = device.owner_of = device.bound_at = None
    session.flush()
    return device


def delete_device(session: Session, account_id: str, serial_number: str) -> None:
    """Raises: Conflict(DELETE_CONFLICT), subject "VirtualMFADevice.User", while bound; NotFound."""
    lock_account(session, account_id)
    device = get_device(session, account_id, serial_number)
    session.refresh(device)
    if device.bound:
        message = "it can't be deleted: the device is bound to a user"
        raise Conflict(Reason.DELETE_CONFLICT, message, subject="VirtualMFADevice.User")
    session.delete(device)
    session.flush()


def drop_device_of(session: Session, holder: Holder) -> MfaDevice:
    """Unbind and delete in one go. Raises: NotFound, subject "User.MFADevice"."""
    device = unbind_device(session, holder)
    session.delete(device)
    session.flush()
    return device


def _insert(session: Session, ring: KeyRing, account_id: str, name: str, *, seed: Secret, now: datetime) -> MfaDevice:
    """The account is locked."""
    quotas.check_room(session, MfaDevice.account_id, account_id, quotas.MFA_DEVICES_PER_ACCOUNT, "VirtualMFADevice")
    device_id = new_entity_id()
    device = MfaDevice(
        id=device_id,
        account_id=account_id,
        name=name,
        name_key=name_key(name),
        sealed_seed=ring.seal(_PURPOSE, seed.reveal().encode(), bound_to=device_id.encode()),
        last_step=_NEVER_USED,
        wrong_codes=0,
        created_at=now,
    )
    insert_unique(session, device, "VirtualMFADevice")
    return device


def _seed_of(ring: KeyRing, device: MfaDevice) -> Secret:
    return Secret(ring.open(_PURPOSE, device.sealed_seed, bound_to=device.id.encode()).decode())


def _bind(device: MfaDevice, holder: Holder, now: datetime) -> None:
    device.user_id = holder.id if isinstance(holder, User) else None
    device.owner_of = holder.id if isinstance(holder, Account) else None
    device.bound_at = now


def _of(holder: Holder) -> Select[MfaDevice]:
    mine = MfaDevice.user_id if isinstance(holder, User) else MfaDevice.owner_of
    return select(MfaDevice).where(mine == holder.id)


def _check_still_there(session: Session, holder: Holder) -> None:
    if isinstance(holder, User):
        ties.check_still_there(session, "User", holder.id)


def _free_name(session: Session, holder: Holder) -> str:
    """The holder's name as far as a device may be called so; with a part of the id where that is taken."""
    name = holder.name.replace("_", "-") if isinstance(holder, User) else "account-owner"
    taken = select(MfaDevice.id).where(
        MfaDevice.account_id == account_id_of(holder), MfaDevice.name_key == name_key(name)
    )
    if session.scalar(taken) is None:
        return name
    suffix = "-" + new_entity_id()[-8:]
    return name[: _LONGEST_NAME - len(suffix)] + suffix


def _check_not_blocked(device: MfaDevice, now: datetime) -> None:
    remaining = device.blocked_until - now if device.blocked_until is not None else timedelta(0)
    # A block further away than the longest was made by a clock that has been set back since. It is void.
    if timedelta(0) < remaining <= LONGEST_BLOCK:
        seconds = ceil(remaining.total_seconds())
        message = f"too many wrong codes: wait {_in_words(seconds)}, then try again"
        raise Throttled(Reason.LOGIN_THROTTLED, message, f"device {device.id} is blocked", retry_after_s=seconds)


def _in_words(seconds: int) -> str:
    if seconds > 120:  # noqa: PLR2004 - two minutes
        return f"{ceil(seconds / 60)} minutes"
    return f"{seconds} seconds" if seconds > 1 else "1 second"


def _block_after(wrong_codes: int) -> timedelta:
    if wrong_codes < BLOCKING_FROM:
        return timedelta(0)
    doublings = min(wrong_codes - BLOCKING_FROM, 10)  # more than the longest block needs
    return min(FIRST_BLOCK * int(2**doublings), LONGEST_BLOCK)


def _name_key_of(row: Any) -> str:
    key: str = row[0].name_key
    return key


def _no_device() -> NotFound:
    return NotFound(Reason.NOT_FOUND, "the MFA device does not exist", subject="VirtualMFADevice")
