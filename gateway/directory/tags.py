"""Tags of users, roles, policies and resources: one table for all kinds. Rule: ram-limits §1, §8.

A thing is (account id, kind, id). Ids are those of its row, never reused while the thing has tags: whoever deletes a
thing calls `drop_tags`, and whoever makes or changes one holds the account's lock.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from enum import StrEnum

from sqlalchemy import ColumnElement, ForeignKey, Index, Select, bindparam, delete, select, tuple_
from sqlalchemy.orm import Mapped, Session, mapped_column

from gateway.directory.accounts import lock_account
from gateway.directory.names import is_storable
from gateway.errors import InputError, LimitExceeded, Reason
from gateway.policy.fold import fold
from gateway.store.base import Base
from gateway.store.paging import Page, Slice, cut

TAGS_PER_THING = 20
TAGS_PER_CALL = 20
_LONGEST_KEY = 128
_LONGEST_VALUE = 128  # ASSUMPTION: the limit of values is from memory
_RESERVED = ("aliyun", "acs:")
_URLS = ("http://", "https://")
_SEPARATOR = "\n"  # of the parts of a marker; no key has one


class TagKind(StrEnum):
    """What can have tags, as the wire calls it (`ResourceType`)."""

    USER = "user"
    ROLE = "role"
    POLICY = "policy"
    RESOURCE = "resource"


class Tag(Base):
    """ASSUMPTION: keys of one thing are unique without regard to case.

    Conditions compare key names so, and of two values under one condition key each would pass for the other.
    """

    __tablename__ = "tags"
    __table_args__ = (Index(None, "account_id", "kind", "key_folded", "value"),)

    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), primary_key=True)
    kind: Mapped[str] = mapped_column(primary_key=True)
    thing_id: Mapped[str] = mapped_column(primary_key=True)
    key_folded: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str]
    value: Mapped[str]


def check_tags(pairs: Iterable[tuple[str, str]]) -> Mapping[str, str]:
    """Read tags that are to be set: at most 20 in one call.

    Keys have 1 to 128 characters, do not start with `aliyun` or `acs:` and hold no URL; values have at most 128 and
    hold no URL. Nothing invisible in either. Case does not help around these rules.
    Raises: InputError(PARAMETER_INVALID), subject "Tag", for too many or for one key twice; InputError, subject
    "TagKey" or "TagValue" (PARAMETER_TOO_LONG, else PARAMETER_INVALID).
    """
    given = tuple(pairs)
    if len(given) > TAGS_PER_CALL:
        raise InputError(Reason.PARAMETER_INVALID, f"at most {TAGS_PER_CALL} tags in one call", subject="Tag")
    for key, value in given:
        _check_part("TagKey", key, _LONGEST_KEY)
        _check_part("TagValue", value, _LONGEST_VALUE)
        if not key or fold(key).startswith(_RESERVED):
            message = "a tag key has at least one character and does not start with aliyun or acs:"
            raise InputError(Reason.PARAMETER_INVALID, message, subject="TagKey")
    if len({fold(key) for key, _ in given}) < len(given):
        raise InputError(Reason.PARAMETER_INVALID, "a tag key is given twice", subject="Tag")
    return dict(given)


def _check_part(subject: str, text: str, longest: int) -> None:
    if len(text) > longest:
        message = f"`{subject}` must have at most {longest} characters"
        raise InputError(Reason.PARAMETER_TOO_LONG, message, subject=subject)
    if not is_storable(text) or not text.isprintable() or any(url in fold(text) for url in _URLS):
        message = f"`{subject}` may hold no http:// or https://, and nothing invisible"
        raise InputError(Reason.PARAMETER_INVALID, message, subject=subject)


def set_tags(session: Session, account_id: str, kind: TagKind, thing_id: str, tags: Mapping[str, str]) -> None:
    """Add tags to a thing, or give those that it has other values.

    Raises: as `check_tags`; LimitExceeded, subject "Tag", beyond 20 tags of the thing.
    """
    check_tags(tags.items())
    lock_account(session, account_id)
    known = {tag.key_folded: tag for tag in session.scalars(select(Tag).where(*_is(account_id, kind, (thing_id,))))}
    if len(known.keys() | {fold(key) for key in tags}) > TAGS_PER_THING:
        message = f"the {kind.value} may have {TAGS_PER_THING} tags at most"
        raise LimitExceeded(Reason.LIMIT_EXCEEDED, message, subject="Tag")
    for key, value in tags.items():
        tag = known.get(fold(key))
        if tag is None:
            tag = Tag(account_id=account_id, kind=kind.value, thing_id=thing_id, key_folded=fold(key))
            session.add(tag)
        tag.key, tag.value = key, value
    session.flush()


def remove_tags(session: Session, account_id: str, kind: TagKind, thing_id: str, keys: Collection[str] | None) -> None:
    """Take tags off a thing; None means all of them. Removing what it does not have changes nothing."""
    lock_account(session, account_id)
    if keys is None:
        drop_tags(session, account_id, kind, thing_id)
        return
    folded = [fold(key) for key in keys if is_storable(key)]
    session.execute(delete(Tag).where(*_is(account_id, kind, (thing_id,)), Tag.key_folded.in_(folded)))


def drop_tags(session: Session, account_id: str, kind: TagKind, thing_id: str) -> None:
    """Take all tags off a thing; for whoever deletes it too. The account must be locked."""
    session.execute(delete(Tag).where(*_is(account_id, kind, (thing_id,))))


# Made once: building a statement costs more than running it, and every call about something with tags asks.
_FIND_TAGS = (
    select(Tag.thing_id, Tag.key, Tag.value)
    .where(
        Tag.account_id == bindparam("account_id"),
        Tag.kind == bindparam("kind"),
        Tag.thing_id.in_(bindparam("thing_ids", expanding=True)),
    )
    .order_by(Tag.key_folded)
)


def tags_of(session: Session, account_id: str, kind: TagKind, thing_id: str) -> Mapping[str, str]:
    """All tags of one thing, by key."""
    return tags_of_each(session, account_id, kind, (thing_id,))[thing_id]


def tags_of_each(
    session: Session, account_id: str, kind: TagKind, thing_ids: Collection[str]
) -> Mapping[str, Mapping[str, str]]:
    """The tags of the things of one page, in one query; every id has an entry."""
    found: dict[str, dict[str, str]] = {thing_id: {} for thing_id in thing_ids}
    wanted = {"account_id": account_id, "kind": kind.value, "thing_ids": list(thing_ids)}
    for thing_id, key, value in session.execute(_FIND_TAGS, wanted):
        found[thing_id][key] = value
    return found


def list_tags(
    session: Session,
    account_id: str,
    kind: TagKind,
    page: Page,
    *,
    thing_ids: Collection[str] | None = None,
    wanted: Sequence[tuple[str, str]] = (),
) -> Slice[Tag]:
    """One page of tags, by thing and key: of these things (None: of all) as far as they have all wanted tags."""
    query = select(Tag).where(Tag.account_id == account_id, Tag.kind == kind.value)
    if thing_ids is not None:
        query = query.where(Tag.thing_id.in_(thing_ids))
    if wanted:
        query = query.where(Tag.thing_id.in_(ids_with_tags(account_id, kind, wanted)))
    if page.after:
        thing_id, _, key = page.after.partition(_SEPARATOR)
        query = query.where(tuple_(Tag.thing_id, Tag.key_folded) > (thing_id, key))
    rows = session.scalars(query.order_by(Tag.thing_id, Tag.key_folded).limit(page.size + 1)).all()
    return cut(rows, page, lambda tag: f"{tag.thing_id}{_SEPARATOR}{tag.key_folded}")


def ids_with_tags(account_id: str, kind: TagKind, wanted: Sequence[tuple[str, str]]) -> Select[str]:
    """The ids of the things that have all wanted tags (at least one), to say `Row.id.in_(...)` with.

    ASSUMPTION: a wanted tag without a value is met by any value of its key.
    """
    matching = [_matching(account_id, kind, key, value) for key, value in wanted]
    query = matching[0]
    for other in matching[1:]:
        query = query.where(Tag.thing_id.in_(other))
    return query


def check_wanted(pairs: Sequence[tuple[str, str]]) -> Sequence[tuple[str, str]]:
    """Read tags that a list is asked for.

    Raises: InputError(PARAMETER_INVALID), subject "Tag", for more than 20 and for what no tag can be.
    """
    if len(pairs) > TAGS_PER_CALL or not all(is_storable(key + value) for key, value in pairs):
        raise InputError(Reason.PARAMETER_INVALID, f"at most {TAGS_PER_CALL} tags in one call", subject="Tag")
    return pairs


def _matching(account_id: str, kind: TagKind, key: str, value: str) -> Select[str]:
    query = select(Tag.thing_id).where(
        Tag.account_id == account_id, Tag.kind == kind.value, Tag.key_folded == fold(key)
    )
    return query.where(Tag.value == value) if value else query


def _is(account_id: str, kind: TagKind, thing_ids: Collection[str]) -> tuple[ColumnElement[bool], ...]:
    return Tag.account_id == account_id, Tag.kind == kind.value, Tag.thing_id.in_(thing_ids)
