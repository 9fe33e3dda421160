"""What IMS finds a user by: the logon name, or instead the user's id or one of its AccessKeys. Rule: ram-limits §2."""

from collections.abc import Collection
from dataclasses import dataclass

from gateway.api.action import Target, Work
from gateway.api.parameters import Parameters
from gateway.api.principal_names import read_optional_principal_name, user_name_of
from gateway.api.targets import found_user_target, user_target
from gateway.directory.access_keys import find_user_of_key
from gateway.directory.users import User, find_user, find_user_by_id
from gateway.errors import InputError, NotFound, Reason

PRINCIPAL_NAME, USER_ID, KEY_ID = "UserPrincipalName", "UserId", "UserAccessKeyId"
_LONGEST_ID = 128


@dataclass(frozen=True, slots=True)
class UserKey:
    """One parameter, and what it says."""

    parameter: str
    text: str


def read_user_key(parameters: Parameters, among: Collection[str] = (PRINCIPAL_NAME, USER_ID)) -> UserKey:
    """Exactly one of these parameters must be there.

    Raises: InputError(PARAMETER_MISSING), InputError(PARAMETER_INVALID) for two of them and for a malformed one.
    """
    given = [name for name in among if parameters.optional_text(name, max_length=_LONGEST_ID) is not None]
    if not given:
        first = next(iter(among))
        raise InputError(Reason.PARAMETER_MISSING, f"one of {', '.join(among)} is missing", subject=first)
    if len(given) > 1:
        raise InputError(Reason.PARAMETER_INVALID, f"only one of {', '.join(among)} may be given", subject=given[1])
    if given[0] == PRINCIPAL_NAME:
        read_optional_principal_name(parameters)
    return UserKey(given[0], parameters.text(given[0], max_length=_LONGEST_ID))


def find_keyed_user(work: Work, key: UserKey) -> User | None:
    match key.parameter:
        case "UserId":
            return find_user_by_id(work.session, work.account_id, key.text)
        case "UserAccessKeyId":
            return find_user_of_key(work.session, work.account_id, key.text)
        case _:
            return find_user(work.session, work.account_id, user_name_of(work, key.text))


def get_keyed_user(work: Work, key: UserKey) -> User:
    """Raises: NotFound, subject "User"."""
    user = find_keyed_user(work, key)
    if user is None:
        raise NotFound(Reason.NOT_FOUND, "the user does not exist", subject="User")
    return user


def keyed_user_target(work: Work, key: UserKey) -> Target:
    """The user, or one called like the key where there is none: who may not see users can't tell which."""
    if key.parameter == PRINCIPAL_NAME:
        return user_target(work, user_name_of(work, key.text))
    user = find_keyed_user(work, key)
    return user_target(work, key.text) if user is None else found_user_target(work, user)
