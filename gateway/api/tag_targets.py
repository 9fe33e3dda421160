"""Which things a tag operation is about: named by `ResourceNames`, `ResourceId` or `ResourcePrincipalName`."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.api.action import Target, Work
from gateway.api.parameters import Parameters
from gateway.api.principal_names import user_name_of
from gateway.api.targets import any_of, found_user_target, policy_target, role_target, user_target
from gateway.arn import user_arn
from gateway.directory import ties
from gateway.directory.tagged import thing_id_of
from gateway.directory.tags import TagKind
from gateway.directory.users import find_user_by_id, get_user, get_user_by_id
from gateway.errors import InputError, Reason
from gateway.policy import PolicyType

_THINGS_PER_CALL = 50
_LONGEST_NAME = 128


@dataclass(frozen=True, slots=True)
class TagScope:
    """Things of one kind; without names and ids all of them. `parameter` is the one that names things."""

    kind: TagKind
    parameter: str
    names: tuple[str, ...] = ()
    ids: tuple[str, ...] = ()


def read_ram_scope(parameters: Parameters) -> TagScope:
    """Roles or custom policies, by name.

    Raises: InputError(PARAMETER_MISSING); InputError(PARAMETER_INVALID), subject "ResourceType" or "ResourceNames".
    """
    kind = _read_kind(parameters, TagKind.ROLE, TagKind.POLICY)
    return TagScope(kind, "ResourceNames", names=_read_things(parameters, "ResourceNames"))


def read_user_scope(parameters: Parameters) -> TagScope:
    """Users, by `<name>@<domain>` or by id.

    Raises: InputError(PARAMETER_MISSING); InputError(PARAMETER_INVALID), subject "ResourceType", "ResourceId" or
    "ResourcePrincipalName".
    """
    parameter = "ResourcePrincipalName"
    names = _read_things(parameters, parameter)
    if not all(name.count("@") == 1 for name in names):
        raise InputError(Reason.PARAMETER_INVALID, f"{parameter} must be <user>@<domain>", subject=parameter)
    ids = _read_things(parameters, "ResourceId")
    return TagScope(_read_kind(parameters, TagKind.USER), parameter, names, ids)


def _read_kind(parameters: Parameters, *kinds: TagKind) -> TagKind:
    return TagKind(parameters.choice("ResourceType", [kind.value for kind in kinds]))


def _read_things(parameters: Parameters, name: str) -> tuple[str, ...]:
    """Each thing once, in the order given."""
    texts = tuple(dict.fromkeys(parameters.texts(name)))
    if len(texts) > _THINGS_PER_CALL or any(not 1 <= len(text) <= _LONGEST_NAME for text in texts):
        message = f"{name} takes {_THINGS_PER_CALL} names at most, of {_LONGEST_NAME} characters each"
        raise InputError(Reason.PARAMETER_INVALID, message, subject=name)
    return texts


def tag_targets(work: Work, scope: TagScope) -> tuple[Target, ...]:
    """Every thing that is named; all of the kind where none is."""
    targets = tuple(_targets(work, scope))
    return targets or (any_of(work, scope.kind.value),)


def _targets(work: Work, scope: TagScope) -> Iterator[Target]:
    for name in scope.names:
        match scope.kind:
            case TagKind.ROLE:
                yield role_target(work, name)
            case TagKind.POLICY:
                yield policy_target(work, PolicyType.CUSTOM, name)
            case _:
                yield user_target(work, user_name_of(work, name))
    for user_id in scope.ids:
        user = find_user_by_id(work.session, work.account_id, user_id)
        yield Target(user_arn(work.account_id, user_id)) if user is None else found_user_target(work, user)


def thing_ids(work: Work, scope: TagScope) -> Sequence[str]:
    """Each named thing once. Raises: NotFound, subject "Role", "Policy" or "User"."""
    if scope.kind is not TagKind.USER:
        named = [thing_id_of(work.session, work.account_id, scope.kind, name) for name in scope.names]
        return list(dict.fromkeys(named))
    users = [get_user(work.session, work.account_id, user_name_of(work, name)).id for name in scope.names]
    return list(dict.fromkeys([*users, *(_user_id(work, user_id) for user_id in scope.ids)]))


def _user_id(work: Work, user_id: str) -> str:
    user = get_user_by_id(work.session, work.account_id, user_id)
    ties.check_still_there(work.session, "User", user.id)  # it may have been read before the lock
    return user.id
