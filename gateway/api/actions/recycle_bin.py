"""The recycle bin on the wire. Its operations know users by id only: names are free once a user is deleted.

Rule: the operations' published texts; all of them are decided on the account as a whole. ASSUMPTION: a RAM user that
leaves out whose AccessKey it means has its own in mind, in all three operations that take both, not only in the one
where the texts say so.
"""

import re
from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Work, ram_action
from gateway.api.paging import page_fields, read_page
from gateway.api.parameters import Parameters
from gateway.api.principal_names import default_principal_name, user_name_of
from gateway.api.render import Value
from gateway.api.targets import whole_account
from gateway.api.user_keys import KEY_ID, USER_ID, UserKey, read_user_key
from gateway.api.versions import IMS
from gateway.clock import wire_time
from gateway.directory.recycle_bin import (
    RecycledUser,
    find_recycled_user,
    get_recycled_user,
    page_recycled_users,
    purge_user,
    restore_user,
)
from gateway.directory.recycled_keys import (
    RecycledAccessKey,
    get_recycled_key,
    list_recycled_keys,
    purge_access_key,
    restore_access_key,
)
from gateway.directory.users import find_user_by_id
from gateway.errors import InputError, NotFound, Reason
from gateway.principal import RamUser
from gateway.store.paging import Page

_LONGEST = 128
_FILTER = re.compile(r"UserPrincipalName eq ([^@\s]+@[^@\s]+)")


@dataclass(frozen=True, slots=True)
class BinRequest:
    page: Page
    principal_name: str | None


@dataclass(frozen=True, slots=True)
class KeyRequest:
    user_id: str | None  # None: the calling RAM user
    key_id: str


def _user_id(parameters: Parameters) -> str:
    return parameters.text(USER_ID, max_length=_LONGEST)


def _optional_user_id(parameters: Parameters) -> str | None:
    return parameters.optional_text(USER_ID, max_length=_LONGEST)


def _key_id(parameters: Parameters) -> str:
    return parameters.text(KEY_ID, max_length=_LONGEST)


def _user_or_key(parameters: Parameters) -> UserKey:
    return read_user_key(parameters, (USER_ID, KEY_ID))


def _key_of_user(parameters: Parameters) -> KeyRequest:
    return KeyRequest(_optional_user_id(parameters), _key_id(parameters))


def _bin(parameters: Parameters) -> BinRequest:
    """Raises: InputError(PARAMETER_INVALID), subject "Filter"."""
    text = parameters.optional_text("Filter")
    matched = None if text is None else _FILTER.fullmatch(text)
    if text is not None and matched is None:
        message = "the filter must be `UserPrincipalName eq <user>@<domain>`"
        raise InputError(Reason.PARAMETER_INVALID, message, text[:200], subject="Filter")
    return BinRequest(read_page(parameters), None if matched is None else matched[1])


def list_users_in_bin(work: Work, request: BinRequest) -> Outcome:
    name = None if request.principal_name is None else user_name_of(work, request.principal_name)
    users = page_recycled_users(work.session, work.account_id, request.page, work.now, name=name)
    return Outcome({"Users": {"User": [_user(work, kept) for kept in users.rows]}, **page_fields(users)})


def get_user_in_bin(work: Work, key: UserKey) -> Outcome:
    """Raises: NotFound, subject "User" or "User.AccessKey"."""
    user_id = key.text
    if key.parameter == KEY_ID:
        user_id = get_recycled_key(work.session, work.account_id, key.text, work.now).user_id
    return Outcome({"User": _user(work, get_recycled_user(work.session, work.account_id, user_id, work.now))})


def restore_user_from_bin(work: Work, user_id: str) -> Outcome:
    """Raises: NotFound, AlreadyExists and LimitExceeded, subject "User"."""
    restored = restore_user(work.session, work.account_id, user_id, work.now)
    return Outcome(details={"user": restored.user.arn, "user_id": user_id, "not_given_back": list(restored.lost)})


def delete_user_in_bin(work: Work, user_id: str) -> Outcome:
    """Raises: NotFound, subject "User"."""
    kept = purge_user(work.session, work.account_id, user_id, work.now)
    return Outcome(details={"user_id": kept.id, "user_name": kept.name})


def list_keys_in_bin(work: Work, user_id: str | None) -> Outcome:
    """Raises: NotFound, subject "User", for one that is neither there nor in the recycle bin."""
    whose = _whose(work, user_id)
    if _name_of(work, whose) is None:
        raise NotFound(Reason.NOT_FOUND, "the user does not exist", subject="User")
    keys = list_recycled_keys(work.session, work.account_id, whose, work.now)
    return Outcome({"AccessKeys": {"AccessKey": [_key(kept) for kept in keys]}})


def get_key_in_bin(work: Work, key_id: str) -> Outcome:
    """Raises: NotFound, subject "User.AccessKey"."""
    kept = get_recycled_key(work.session, work.account_id, key_id, work.now)
    name = _name_of(work, kept.user_id)
    answer: dict[str, Value] = {
        **_key(kept),
        "UserId": kept.user_id,
        "UserRecycled": find_user_by_id(work.session, work.account_id, kept.user_id) is None,
    }
    if name is not None:
        answer["UserPrincipalName"] = default_principal_name(work, name)
    return Outcome({"AccessKey": answer})


def restore_key_from_bin(work: Work, request: KeyRequest) -> Outcome:
    """Raises: NotFound, subject "User" or "User.AccessKey"; LimitExceeded, subject "User.AccessKey"."""
    whose = _whose(work, request.user_id)
    restore_access_key(
        work.session, account_id=work.account_id, user_id=whose, access_key_id=request.key_id, now=work.now
    )
    return Outcome(details={"user_id": whose, "access_key_id": request.key_id})


def delete_key_in_bin(work: Work, request: KeyRequest) -> Outcome:
    """Raises: NotFound, subject "User.AccessKey"."""
    whose = _whose(work, request.user_id)
    purge_access_key(
        work.session, account_id=work.account_id, user_id=whose, access_key_id=request.key_id, now=work.now
    )
    return Outcome(details={"user_id": whose, "access_key_id": request.key_id})


def _whose(work: Work, user_id: str | None) -> str:
    """Raises: InputError(PARAMETER_MISSING), subject "UserId", from a caller that is no user itself."""
    if user_id is not None:
        return user_id
    if not isinstance(work.caller, RamUser):
        raise InputError(Reason.PARAMETER_MISSING, "only a RAM user can leave out whom it means", subject=USER_ID)
    return work.caller.user_id


def _name_of(work: Work, user_id: str) -> str | None:
    """What a user is called, or was called when it was deleted."""
    user = find_user_by_id(work.session, work.account_id, user_id)
    found = user or find_recycled_user(work.session, work.account_id, user_id, work.now)
    return None if found is None else found.name


def _user(work: Work, kept: RecycledUser) -> dict[str, Value]:
    return {
        "UserId": kept.id,
        "UserPrincipalName": default_principal_name(work, kept.name),
        "DisplayName": kept.display_name,
        "CreateDate": wire_time(kept.created_at),
        "RecycleDate": wire_time(kept.recycled_at),
        "DeleteDate": wire_time(kept.expires_at),  # when it is gone for good
    }


def _key(kept: RecycledAccessKey) -> dict[str, Value]:
    return {
        "AccessKeyId": kept.id,
        "CreateDate": wire_time(kept.created_at),
        "RecycleDate": wire_time(kept.recycled_at),
        "DeleteDate": wire_time(kept.expires_at),
    }


ACTIONS: tuple[AnyAction, ...] = (
    ram_action("ListUsersInRecycleBin", IMS, _bin, list_users_in_bin, whole_account, reads=True),
    ram_action("GetUserInRecycleBin", IMS, _user_or_key, get_user_in_bin, whole_account, reads=True),
    ram_action("RestoreUserFromRecycleBin", IMS, _user_id, restore_user_from_bin, whole_account),
    ram_action("DeleteUserInRecycleBin", IMS, _user_id, delete_user_in_bin, whole_account),
    ram_action("ListAccessKeysInRecycleBin", IMS, _optional_user_id, list_keys_in_bin, whole_account, reads=True),
    ram_action("GetAccessKeyInfoInRecycleBin", IMS, _key_id, get_key_in_bin, whole_account, reads=True),
    ram_action("RestoreAccessKeyFromRecycleBin", IMS, _key_of_user, restore_key_from_bin, whole_account),
    ram_action("DeleteAccessKeyInRecycleBin", IMS, _key_of_user, delete_key_in_bin, whole_account),
)
