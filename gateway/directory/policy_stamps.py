"""The stamp of an account's policies: what was compiled under another one is void. See `accounts.change_policies`."""

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from gateway.directory.accounts import Account
from gateway.store.direct import Source, Statement
from gateway.store.reading import Reading

_FIND_STAMP = Statement(
    lambda _dialect: select(Account.policy_stamp).where(Account.id == bindparam("account_id")), "account_id"
)


def find_stamp(source: Session | Reading, account_id: str) -> int | None:
    """The policy stamp of an account; None if there is no such account.

    Asked for every decision. One reading asks once for each account: what is decided on one snapshot has one stamp.
    """
    if isinstance(source, Session):
        source.flush()  # what this transaction changed counts already
    elif (known := source.stamps_read.get(account_id)) is not None:
        return known
    found = _FIND_STAMP.first(source, account_id)
    if found is None:
        return None
    note_stamp(source, account_id, found[0])
    return int(found[0])


def note_stamp(source: Source, account_id: str, stamp: int) -> None:
    """Spare a reading the question where another statement of it brought the stamp along.

    INVARIANT: nothing that decisions depend on was read before it in the same reading: a stamp may be older than what
    is compiled under it, and then voids it a call too early; never newer.
    """
    if isinstance(source, Reading):
        source.stamps_read.setdefault(account_id, stamp)
