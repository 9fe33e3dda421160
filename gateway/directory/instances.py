"""Instances: machines whose applications get the credentials of a role without keeping a secret of the account's.

An instance is registered with one role. Whoever holds its enrolment token, once and for a day, brings a public key;
from then on the instance proves itself by the private one, which never leaves it. Everything that it gets has its id in
the lineage, so that deregistering it ends what is out; enrolled anew it is another instance of the same name. It holds
the id of the role: another role of the same name, made later, is not what it was registered for.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ForeignKey, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.arn import instance_arn
from gateway.directory import quotas
from gateway.directory.accounts import lock_account
from gateway.directory.names import NameRule, check_name, name_key
from gateway.directory.revocations import revoke_for_ever
from gateway.directory.roles import Role, get_role
from gateway.directory.unique import insert_unique
from gateway.errors import InputError, NotFound, Reason
from gateway.ids import new_handle, new_node_id
from gateway.secret import Secret
from gateway.signing import is_everybodys
from gateway.store.base import Base
from gateway.store.hashed_key import hash_key
from gateway.store.paging import Page, Slice, read_slice

INSTANCE = "instance"  # the kind of its revocations
SERVICE = "ecs.aliyuncs.com"  # what a role for instances must trust
ENROLMENT_LIFE = timedelta(hours=24)

_NAME = NameRule("InstanceName", re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?"), 64)
_PUBLIC_KEY = re.compile(r"[0-9a-f]{64}")


class Instance(Base):
    __tablename__ = "instances"
    __table_args__ = (UniqueConstraint("account_id", "name_key"),)

    id: Mapped[str] = mapped_column(primary_key=True)  # i-..., never given twice
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    name: Mapped[str]
    name_key: Mapped[str]
    role_id: Mapped[str]
    token_hash: Mapped[str | None] = mapped_column(unique=True)  # of the enrolment token, until it is used
    token_expires_at: Mapped[datetime | None]
    public_key: Mapped[str | None]  # Ed25519, hex; None until it is enrolled
    created_at: Mapped[datetime]
    enrolled_at: Mapped[datetime | None]
    credentials_at: Mapped[datetime | None]  # when it last got some

    @property
    def arn(self) -> str:
        return instance_arn(self.account_id, self.id)


@dataclass(frozen=True, slots=True)
class Registered:
    """A new instance and its enrolment token, which can't be had a second time."""

    instance: Instance
    token: Secret


def register_instance(session: Session, account_id: str, name: str, role_name: str, now: datetime) -> Registered:
    """Raises: InputError; NotFound, subject "Role"; AlreadyExists and LimitExceeded, subject "Instance"."""
    check_name(_NAME, name)
    lock_account(session, account_id)
    role = get_role(session, account_id, role_name)
    quotas.check_room(session, Instance.account_id, account_id, quotas.INSTANCES_PER_ACCOUNT, "Instance")
    return _insert(session, account_id, name, role.id, now)


def renew_enrolment(session: Session, account_id: str, name: str, now: datetime) -> Registered:
    """A new token, and a new id, for an instance that lost its key or may have been copied: its key, an older token and
    all that it got are refused from now on. Raises: NotFound, subject "Instance".
    """
    old = deregister_instance(session, account_id, name)
    return _insert(session, account_id, old.name, old.role_id, now)


def deregister_instance(session: Session, account_id: str, name: str) -> Instance:
    """What it got ends with it, and nothing of its id ever lives again. Raises: NotFound, subject "Instance"."""
    lock_account(session, account_id)
    instance = get_instance(session, account_id, name)
    revoke_for_ever(session, INSTANCE, instance.id)
    session.delete(instance)
    session.flush()
    return instance


def get_instance(session: Session, account_id: str, name: str) -> Instance:
    """By its name, in any case, or by its id. Raises: NotFound, subject "Instance"."""
    query = select(Instance).where(Instance.account_id == account_id)
    found = session.scalar(query.where(Instance.name_key == name_key(name)))
    found = found or session.scalar(query.where(Instance.id == name_key(name)))
    if found is None:
        raise NotFound(Reason.NOT_FOUND, "the instance does not exist", subject="Instance")
    return found


def find_instance(session: Session, account_id: str, instance_id: str) -> Instance | None:
    """By its id, exactly as it was given."""
    instance = session.get(Instance, name_key(instance_id))
    return instance if instance is not None and instance.account_id == account_id else None


def page_instances(session: Session, account_id: str, page: Page) -> Slice[Instance]:
    """By name."""
    query = select(Instance).where(Instance.account_id == account_id)
    return read_slice(session, query, Instance.name_key, page, lambda row: row.name_key)


def find_enrolment(session: Session, token: str, now: datetime) -> Instance:
    """The instance that waits for this enrolment token.

    Raises: NotFound, subject "EnrolmentToken", for one that nobody was given, that was used, renewed, or has expired.
    """
    query = select(Instance).where(Instance.token_hash == hash_key(token))
    found = session.scalar(query, execution_options={"populate_existing": True})
    if found is None or found.token_expires_at is None or now >= found.token_expires_at:
        message = "the enrolment token was used, was replaced, has expired, or never was one"
        raise NotFound(Reason.NOT_FOUND, message, subject="EnrolmentToken")
    return found


def enrol_instance(session: Session, token: str, public_key: str, now: datetime) -> Instance:
    """Give the token's instance its public key; the token is used up. Of two at the same instant one is refused.

    That the caller holds the private key is owed before. Raises: NotFound, subject "EnrolmentToken"; InputError.
    """
    check_public_key(public_key)
    lock_account(session, find_enrolment(session, token, now).account_id)
    instance = find_enrolment(session, token, now)  # as it is now that the account is locked
    instance.token_hash = instance.token_expires_at = None
    instance.public_key, instance.enrolled_at = public_key, now
    session.flush()
    return instance


def check_public_key(text: str) -> bytes:
    """The 32 bytes of it. Refused: one that everybody can sign for. Raises: InputError(PARAMETER_INVALID), subject
    "PublicKey".
    """
    if not _PUBLIC_KEY.fullmatch(text):
        raise InputError(Reason.PARAMETER_INVALID, "a public key is 64 lower-case hex digits", subject="PublicKey")
    public = bytes.fromhex(text)
    if is_everybodys(public):
        raise InputError(Reason.PARAMETER_INVALID, "everybody can sign for this public key", subject="PublicKey")
    return public


def role_of_instance(session: Session, instance: Instance) -> Role:
    """Raises: NotFound, subject "Role", where it was deleted since."""
    role = session.get(Role, instance.role_id)
    if role is None or role.account_id != instance.account_id:
        raise NotFound(Reason.NOT_FOUND, "the role of the instance was deleted", subject="Role")
    return role


def _insert(session: Session, account_id: str, name: str, role_id: str, now: datetime) -> Registered:
    token = Secret(f"rie_{new_handle()}")
    instance = Instance(
        id=new_node_id("i"),
        account_id=account_id,
        name=name,
        name_key=name_key(name),
        role_id=role_id,
        token_hash=hash_key(token.reveal()),
        token_expires_at=now + ENROLMENT_LIFE,
        public_key=None,
        created_at=now,
        enrolled_at=None,
        credentials_at=None,
    )
    insert_unique(session, instance, "Instance")
    return Registered(instance, token)
