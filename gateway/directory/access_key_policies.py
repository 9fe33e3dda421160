"""Setting and reading the network policies of a key and of an account. What they mean: `network_policies.py`."""

from sqlalchemy import delete, exists
from sqlalchemy.orm import Session

from gateway.directory.access_keys import AccessKeyRow, get_access_key, lock_access_key
from gateway.directory.accounts import lock_account
from gateway.directory.network_policies import NO_POLICY, NetworkPolicy, NetworkPolicyRow, check_network
from gateway.directory.recycled_keys import RecycledAccessKey
from gateway.errors import CredentialError, InputError, Reason


def set_key_policy(
    session: Session, *, account_id: str, user_id: str | None, access_key_id: str, policy: NetworkPolicy
) -> None:
    """From the next call on the key obeys this policy, and the account's no more if it is active.

    Raises: NotFound, subject "User.AccessKey".
    """
    lock_access_key(session, account_id, user_id, access_key_id)
    _write(session, account_id, access_key_id, policy)
    _forget_gone_keys(session, account_id)


def set_account_policy(session: Session, account_id: str, policy: NetworkPolicy) -> None:
    """From the next call on all keys of the account obey this policy, but those with an active one of their own."""
    lock_account(session, account_id)
    _write(session, account_id, account_id, policy)


def get_key_policy(session: Session, *, account_id: str, user_id: str | None, access_key_id: str) -> str:
    """The key's own document. Raises: NotFound, subject "User.AccessKey"."""
    get_access_key(session, account_id, user_id, access_key_id)
    return _document(session, access_key_id) or NO_POLICY.render()


def get_account_policy(session: Session, account_id: str) -> str:
    return _document(session, account_id) or NO_POLICY.render()


def check_still_usable(session: Session, account_id: str, access_key_id: str, client_address: str) -> None:
    """Refuse a change that would refuse the call that makes it: nobody locks itself out by a typing mistake.

    `access_key_id` is the key that signed the call.
    Raises: InputError(PARAMETER_INVALID), subject "AccessKeyPolicy".
    """
    try:
        check_network(_document(session, access_key_id), _document(session, account_id), client_address)
    except CredentialError as refused:
        message = f"this policy would refuse the access key that sets it: list its address {client_address}"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="AccessKeyPolicy") from refused


def _write(session: Session, account_id: str, holder_id: str, policy: NetworkPolicy) -> None:
    row = session.get(NetworkPolicyRow, holder_id, populate_existing=True)
    if policy.is_none:
        if row is not None:
            session.delete(row)
    elif row is None:
        session.add(NetworkPolicyRow(holder_id=holder_id, account_id=account_id, document=policy.render()))
    else:
        row.document = policy.render()
    session.flush()


def _document(session: Session, holder_id: str) -> str | None:
    row = session.get(NetworkPolicyRow, holder_id)
    return None if row is None else row.document


def _forget_gone_keys(session: Session, account_id: str) -> None:
    """Policies of keys that are neither there nor in the recycle bin: a key's id never comes back."""
    known = (
        exists().where(AccessKeyRow.id == NetworkPolicyRow.holder_id)
        | exists().where(RecycledAccessKey.id == NetworkPolicyRow.holder_id)
        | (NetworkPolicyRow.holder_id == account_id)
    )
    session.execute(
        delete(NetworkPolicyRow)
        .where(NetworkPolicyRow.account_id == account_id, ~known)
        .execution_options(synchronize_session=False)
    )
