"""Mapping rules kept per identity provider, SAML and OIDC alike: who may take which roles by what a login says.

A rule offers roles of any account; the role's own trust policy decides. Deleting a provider deletes its rules.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.arn import parse_ram_arn
from gateway.directory.accounts import lock_account
from gateway.directory.names import NameRule, check_name, name_key
from gateway.directory.unique import insert_unique
from gateway.errors import InputError, LimitExceeded, NotFound, Reason
from gateway.policy import parse_condition_block
from gateway.store.base import Base, RowNumber

RULE_NAME = NameRule("RuleName", re.compile(r"[A-Za-z0-9._-]*"), 64)
MOST_RULES = 100  # of one provider; the limit is ours
MOST_ROLES = 100
_SHORTEST_S, _LONGEST_S = 900, 43200


class MappingRuleRow(Base):
    __tablename__ = "mapping_rules"
    __table_args__ = (UniqueConstraint("provider_key", "name_key"),)

    id: Mapped[int] = mapped_column(RowNumber, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    provider_key: Mapped[str]  # see `directory.provider_keys`
    position: Mapped[int]  # rules are asked from the lowest on
    name: Mapped[str]
    name_key: Mapped[str]
    condition_text: Mapped[str]
    role_arns_text: Mapped[str]  # a JSON list
    session_name: Mapped[str]
    max_duration_s: Mapped[int | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]

    @property
    def role_arns(self) -> tuple[str, ...]:
        return tuple(json.loads(self.role_arns_text))


@dataclass(frozen=True, slots=True)
class RuleContent:
    """What a rule says. `condition` is the JSON text of a condition block; `{}` is met by every login.

    That `session_name` can become a session name is checked by `federation.rules.check_session_name_template`.
    """

    condition: str
    role_arns: tuple[str, ...]
    session_name: str
    max_duration_s: int | None = None


def create_rule(
    session: Session, account_id: str, provider_key: str, name: str, content: RuleContent, *, now: datetime
) -> MappingRuleRow:
    """Add a rule after those that the provider has.

    Raises: InputError (subjects "RuleName", "PolicyDocument" for the condition, "RoleArn", "MaxSessionDuration");
    AlreadyExists and LimitExceeded, subject "MappingRule".
    """
    check_name(RULE_NAME, name)
    _check_content(content)
    lock_account(session, account_id)
    bounds = select(func.count(), func.coalesce(func.max(MappingRuleRow.position), 0))
    count, last = session.execute(bounds.where(MappingRuleRow.provider_key == provider_key)).one()
    if count >= MOST_RULES:
        message = f"a provider may have {MOST_RULES} mapping rules at most"
        raise LimitExceeded(Reason.LIMIT_EXCEEDED, message, subject="MappingRule")
    row = MappingRuleRow(
        account_id=account_id,
        provider_key=provider_key,
        position=last + 1,
        name=name,
        name_key=name_key(name),
        created_at=now,
        updated_at=now,
        **_columns(content),
    )
    insert_unique(session, row, "MappingRule")
    return row


def update_rule(
    session: Session, account_id: str, provider_key: str, name: str, content: RuleContent, *, now: datetime
) -> MappingRuleRow:
    """Replace what a rule says; it keeps its place. Raises: InputError as `create_rule`; NotFound, "MappingRule"."""
    _check_content(content)
    lock_account(session, account_id)
    row = get_rule(session, provider_key, name)
    for column, value in _columns(content).items():
        setattr(row, column, value)
    row.updated_at = now
    session.flush()
    return row


def move_rule(session: Session, account_id: str, provider_key: str, name: str, place: int) -> None:
    """Let a rule be asked as the `place`-th, counted from 1; beyond either end it comes first or last.

    Raises: NotFound, subject "MappingRule".
    """
    lock_account(session, account_id)
    moved = get_rule(session, provider_key, name)
    rows = [row for row in list_rules(session, provider_key) if row.id != moved.id]
    rows.insert(max(0, place - 1), moved)
    for position, row in enumerate(rows, start=1):
        row.position = position
    session.flush()


def delete_rule(session: Session, account_id: str, provider_key: str, name: str) -> None:
    """Raises: NotFound, subject "MappingRule"."""
    lock_account(session, account_id)
    session.delete(get_rule(session, provider_key, name))
    session.flush()


def get_rule(session: Session, provider_key: str, name: str) -> MappingRuleRow:
    """Raises: NotFound, subject "MappingRule"."""
    query = select(MappingRuleRow).where(
        MappingRuleRow.provider_key == provider_key, MappingRuleRow.name_key == name_key(name)
    )
    row = session.scalar(query)
    if row is None:
        raise NotFound(Reason.NOT_FOUND, "the mapping rule does not exist", subject="MappingRule")
    return row


def list_rules(session: Session, provider_key: str) -> Sequence[MappingRuleRow]:
    """In the order in which they are asked."""
    query = select(MappingRuleRow).where(MappingRuleRow.provider_key == provider_key)
    return session.scalars(query.order_by(MappingRuleRow.position, MappingRuleRow.id)).all()


def delete_rules_of(session: Session, provider_key: str) -> None:
    """With a provider go its rules."""
    session.execute(delete(MappingRuleRow).where(MappingRuleRow.provider_key == provider_key))


def _check_content(content: RuleContent) -> None:
    parse_condition_block(content.condition)
    if not 1 <= len(content.role_arns) <= MOST_ROLES:
        message = f"a rule names 1 to {MOST_ROLES} roles"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="RoleArn")
    for arn in content.role_arns:
        try:
            parse_ram_arn(arn, "role")
        except InputError as error:
            raise InputError(error.reason, error.public, error.detail, subject="RoleArn") from error
    if content.max_duration_s is not None and not _SHORTEST_S <= content.max_duration_s <= _LONGEST_S:
        message = f"a session lasts {_SHORTEST_S} to {_LONGEST_S} seconds"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="MaxSessionDuration")


def _columns(content: RuleContent) -> dict[str, object]:
    return {
        "condition_text": content.condition,
        "role_arns_text": json.dumps(content.role_arns),
        "session_name": content.session_name,
        "max_duration_s": content.max_duration_s,
    }
