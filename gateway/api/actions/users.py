"""Users on the wire, one at a time: by name in RAM, by logon name, id or AccessKey in IMS. Rule: ram-limits §2, §10.

ASSUMPTION: RAM's DeleteUser refuses a user that something hangs on, as published; IMS's takes everything off it, as
the console does. Both move the user to the recycle bin.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.parameters import ANY_LENGTH, Parameters
from gateway.api.people import ims_user, last_login, ram_user, tag_list
from gateway.api.principal_names import (
    check_new_principal_name,
    new_user_name_of,
    read_principal_name,
    user_name_of,
)
from gateway.api.render import Value
from gateway.api.targets import any_of, renamed, user_target
from gateway.api.user_keys import (
    KEY_ID,
    PRINCIPAL_NAME,
    USER_ID,
    UserKey,
    get_keyed_user,
    keyed_user_target,
    read_user_key,
)
from gateway.api.versions import IMS, RAM
from gateway.arn import user_arn
from gateway.audit.receipts import Detail
from gateway.clock import wire_time
from gateway.directory.accounts import lock_account
from gateway.directory.names import DISPLAY_NAME, check_name
from gateway.directory.recycle_bin import RecycledUser, delete_user, recycle_user
from gateway.directory.tags import TagKind, check_tags, set_tags, tags_of
from gateway.directory.users import User, create_user, get_user, update_user

_IMS_DISPLAY_NAME = replace(DISPLAY_NAME, longest=24, shortest=1)


@dataclass(frozen=True, slots=True)
class NewUser:
    name: str  # a logon name in IMS
    display_name: str
    comments: str
    email: str
    mobile_phone: str
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Changes:
    """None leaves a thing as it is, "" clears it."""

    new_name: str | None  # a logon name in IMS
    display_name: str | None
    comments: str | None
    email: str | None
    mobile_phone: str | None


@dataclass(frozen=True, slots=True)
class RamUpdate:
    name: str
    changes: Changes


@dataclass(frozen=True, slots=True)
class ImsUpdate:
    key: UserKey
    changes: Changes


def _user_name(parameters: Parameters) -> str:
    return parameters.text("UserName", max_length=ANY_LENGTH)


def _new_ram_user(parameters: Parameters) -> NewUser:
    return _new_user(parameters, _user_name(parameters))


def _new_ims_user(parameters: Parameters) -> NewUser:
    """Raises: InputError; subjects "UserPrincipalName", "DisplayName", and those of tags."""
    name = read_principal_name(parameters)
    check_new_principal_name(name, PRINCIPAL_NAME)
    check_name(_IMS_DISPLAY_NAME, parameters.text("DisplayName", max_length=ANY_LENGTH))
    return replace(_new_user(parameters, name), tags=check_tags(parameters.pairs("Tag")))


def _new_user(parameters: Parameters, name: str) -> NewUser:
    return NewUser(
        name=name,
        display_name=parameters.optional_text("DisplayName") or "",
        comments=parameters.optional_text("Comments") or "",
        email=parameters.optional_text("Email") or "",
        mobile_phone=parameters.optional_text("MobilePhone") or "",
    )


def _changes(parameters: Parameters, name_parameter: str) -> Changes:
    """ASSUMPTION: an empty text clears comments, e-mail and phone; names can't be cleared."""
    return Changes(
        new_name=parameters.optional_text(name_parameter),
        display_name=parameters.optional_text("NewDisplayName"),
        comments=parameters.given_text("NewComments"),
        email=parameters.given_text("NewEmail"),
        mobile_phone=parameters.given_text("NewMobilePhone"),
    )


def _ram_update(parameters: Parameters) -> RamUpdate:
    return RamUpdate(_user_name(parameters), _changes(parameters, "NewUserName"))


def _ims_update(parameters: Parameters) -> ImsUpdate:
    """Raises: InputError; subjects "NewUserPrincipalName" and "NewDisplayName" among others."""
    changes = _changes(parameters, "NewUserPrincipalName")
    if changes.new_name is not None:
        check_new_principal_name(read_principal_name(parameters, "NewUserPrincipalName"), "NewUserPrincipalName")
    if changes.display_name is not None:
        check_name(_IMS_DISPLAY_NAME.renamed("NewDisplayName"), changes.display_name)
    return ImsUpdate(read_user_key(parameters), changes)


def _any_user_key(parameters: Parameters) -> UserKey:
    return read_user_key(parameters, (PRINCIPAL_NAME, USER_ID, KEY_ID))


def create_ram_user(work: Work, new: NewUser) -> Outcome:
    """Raises: InputError; AlreadyExists and LimitExceeded, subject "User"."""
    user = _create(work, new, new.name)
    return Outcome({"User": ram_user(user)}, details=_who(user))


def create_ims_user(work: Work, new: NewUser) -> Outcome:
    """Raises: as `create_ram_user`; InputError(PARAMETER_INVALID) for a domain that is not the account's."""
    user = _create(work, new, new_user_name_of(work, new.name, PRINCIPAL_NAME))
    set_tags(work.session, work.account_id, TagKind.USER, user.id, new.tags)
    return Outcome({"User": _with_tags(work, user)}, details=_who(user))


def _create(work: Work, new: NewUser, name: str) -> User:
    return create_user(
        work.session,
        work.account_id,
        name,
        display_name=new.display_name,
        comments=new.comments,
        email=new.email,
        mobile_phone=new.mobile_phone,
        now=work.now,
    )


def get_ram_user(work: Work, name: str) -> Outcome:
    """Raises: NotFound, subject "User"."""
    user = get_user(work.session, work.account_id, name)
    return Outcome({"User": {**ram_user(user), "UpdateDate": wire_time(user.updated_at), **last_login(user)}})


def get_ims_user(work: Work, key: UserKey) -> Outcome:
    """Raises: NotFound, subject "User"."""
    user = get_keyed_user(work, key)
    return Outcome({"User": {**_with_tags(work, user), "UserName": user.name}})


def update_ram_user(work: Work, request: RamUpdate) -> Outcome:
    """Change a user; a new name is its name everywhere at once, in its ARN too.

    Raises: InputError; NotFound and AlreadyExists, subject "User".
    """
    user = _update(work, request.name, request.changes, request.changes.new_name)
    return Outcome({"User": {**ram_user(user), "UpdateDate": wire_time(user.updated_at)}}, details=_who(user))


def update_ims_user(work: Work, request: ImsUpdate) -> Outcome:
    """Raises: as `update_ram_user`; InputError(PARAMETER_INVALID) for a domain that is not the account's."""
    lock_account(work.session, work.account_id)  # from here to the change nobody else gets the name
    changes = request.changes
    parameter = "NewUserPrincipalName"
    new_name = None if changes.new_name is None else new_user_name_of(work, changes.new_name, parameter)
    user = _update(work, get_keyed_user(work, request.key).name, changes, new_name)
    return Outcome({"User": ims_user(work, user)}, details=_who(user))


def _update(work: Work, name: str, changes: Changes, new_name: str | None) -> User:
    return update_user(
        work.session,
        work.account_id,
        name,
        new_name=new_name,
        display_name=changes.display_name,
        comments=changes.comments,
        email=changes.email,
        mobile_phone=changes.mobile_phone,
        now=work.now,
    )


def delete_ram_user(work: Work, name: str) -> Outcome:
    """Raises: NotFound, subject "User"; Conflict(DELETE_CONFLICT), subject "User.Group" and so on."""
    return _deleted(delete_user(work.session, work.account_id, name, work.now))


def delete_ims_user(work: Work, key: UserKey) -> Outcome:
    """Raises: NotFound, subject "User"."""
    lock_account(work.session, work.account_id)
    return _deleted(recycle_user(work.session, work.account_id, get_keyed_user(work, key).id, work.now))


def _deleted(kept: RecycledUser) -> Outcome:
    return Outcome(details={"user_id": kept.id, "kept_until": wire_time(kept.expires_at)})


def _who(user: User) -> Mapping[str, Detail]:
    """For the receipt: who it is now, whatever the call named it by."""
    return {"user": user.arn, "user_id": user.id}


def _with_tags(work: Work, user: User) -> dict[str, Value]:
    return {**ims_user(work, user), **tag_list(tags_of(work.session, work.account_id, TagKind.USER, user.id))}


def _ram_new(work: Work, new: NewUser) -> tuple[Target, ...]:
    """All users, as published, and the user by its name: what is denied about a name is denied of a new user too."""
    return any_of(work, "user"), Target(user_arn(work.account_id, new.name))


def _ims_new(work: Work, new: NewUser) -> tuple[Target, ...]:
    return _ram_new(work, replace(new, name=user_name_of(work, new.name)))


def _named(work: Work, name: str) -> tuple[Target, ...]:
    return (user_target(work, name),)


def _keyed(work: Work, key: UserKey) -> tuple[Target, ...]:
    return (keyed_user_target(work, key),)


def _ram_updated(work: Work, request: RamUpdate) -> tuple[Target, ...]:
    return renamed(user_target(work, request.name), request.changes.new_name)


def _ims_updated(work: Work, request: ImsUpdate) -> tuple[Target, ...]:
    new = request.changes.new_name
    new_name = None if new is None else user_name_of(work, new)
    return renamed(keyed_user_target(work, request.key), new_name)


def _tags(request: NewUser) -> Mapping[str, str]:
    return request.tags


ACTIONS: tuple[AnyAction, ...] = (
    ram_action("CreateUser", RAM, _new_ram_user, create_ram_user, _ram_new),
    ram_action("GetUser", RAM, _user_name, get_ram_user, _named, reads=True),
    ram_action("UpdateUser", RAM, _ram_update, update_ram_user, _ram_updated),
    ram_action("DeleteUser", RAM, _user_name, delete_ram_user, _named),
    ram_action("CreateUser", IMS, _new_ims_user, create_ims_user, _ims_new, request_tags=_tags),
    ram_action("GetUser", IMS, _any_user_key, get_ims_user, _keyed, reads=True),
    ram_action("UpdateUser", IMS, _ims_update, update_ims_user, _ims_updated),
    ram_action("DeleteUser", IMS, read_user_key, delete_ims_user, _keyed),
)
