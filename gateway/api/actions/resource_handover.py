"""Many resources in one call: other tags, another owner. All or none, decided on each. Rule: policy-language §2."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.actions.resources import read_party_id
from gateway.api.authorize import authorize
from gateway.api.parameters import Parameters, missing
from gateway.api.tag_parameters import read_keys_to_remove, read_tags
from gateway.api.targets import any_of
from gateway.api.versions import RESOURCES
from gateway.directory.accounts import lock_account
from gateway.directory.resources import (
    LONGEST_ARN,
    Search,
    get_resources,
    list_resources,
    tags_of_resources,
    transfer_resources,
)
from gateway.directory.tags import TagKind, remove_tags, set_tags
from gateway.directory.users import get_user
from gateway.errors import InputError, Reason
from gateway.store.paging import Page

_AT_ONCE = 100
_LONGEST_NAME = 64


@dataclass(frozen=True, slots=True)
class Handover:
    """Either the resources, or whose: then up to 100 of them in one call."""

    to_user_name: str
    from_owner_id: str | None
    arns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Tagging:
    arns: tuple[str, ...]
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Untagging:
    """`keys` are taken off; None means all of them."""

    arns: tuple[str, ...]
    keys: tuple[str, ...] | None


def transfer(work: Work, handover: Handover) -> Outcome:
    """Hand resources to another user. `IsTruncated`: the owner has more than this call took; call again.

    Raises: NotFound, subject "User" or "Resource"; InputError(PARAMETER_INVALID), subject "FromOwnerId", for an owner
    who would get its own.
    """
    user = get_user(work.session, work.account_id, handover.to_user_name)
    if user.id == handover.from_owner_id:
        raise InputError(Reason.PARAMETER_INVALID, "they are this user's already", subject="FromOwnerId")
    lock_account(work.session, work.account_id)
    arns, more = _chosen(work, handover)
    if handover.from_owner_id is not None:  # the owner may have come by others since the call was decided on
        authorize(TRANSFER, handover, work, _each(work, arns))
    moved = transfer_resources(work.session, work.account_id, arns, user, work.now)
    return Outcome(
        {"ResourceArns": {"ResourceArn": moved}, "IsTruncated": more},
        details={"from": handover.from_owner_id, "to": user.id, "transferred": moved},
    )


def tag(work: Work, tagging: Tagging) -> Outcome:
    """Raises: NotFound, subject "Resource"; LimitExceeded, subject "Tag"."""
    lock_account(work.session, work.account_id)
    for resource in get_resources(work.session, work.account_id, tagging.arns):
        set_tags(work.session, work.account_id, TagKind.RESOURCE, resource.id, tagging.tags)
    return Outcome(details={"keys": list(tagging.tags)})


def untag(work: Work, untagging: Untagging) -> Outcome:
    """Raises: NotFound, subject "Resource"."""
    lock_account(work.session, work.account_id)
    for resource in get_resources(work.session, work.account_id, untagging.arns):
        remove_tags(work.session, work.account_id, TagKind.RESOURCE, resource.id, untagging.keys)
    return Outcome(details={"keys": list(untagging.keys or ())})


def _chosen(work: Work, handover: Handover) -> tuple[Sequence[str], bool]:
    """Which resources change hands, and whether their owner has more."""
    if handover.from_owner_id is None:
        return handover.arns, False
    page = list_resources(work.session, work.account_id, Search(owner_id=handover.from_owner_id), Page(_AT_ONCE))
    return [resource.arn for resource in page.rows], page.next_after is not None


def _handed_over(work: Work, handover: Handover) -> tuple[Target, ...]:
    """The resources that will change hands. An owner without any is decided on as a list is, or anybody could ask."""
    arns, _more = _chosen(work, handover)
    return _each(work, arns) or (any_of(work, "resource"),)


def _each(work: Work, arns: Sequence[str]) -> tuple[Target, ...]:
    tags = tags_of_resources(work.session, work.account_id, arns)
    return tuple(Target(arn, tags.get(arn, {})) for arn in arns)


def _handover(parameters: Parameters) -> Handover:
    owner = read_party_id(parameters, "FromOwnerId")
    if owner is not None and parameters.texts("ResourceArn"):
        message = "give either the resources or their owner"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="FromOwnerId")
    arns = () if owner is not None else _arns(parameters)
    return Handover(parameters.text("ToUserName", max_length=_LONGEST_NAME), owner, arns)


def _tagging(parameters: Parameters) -> Tagging:
    return Tagging(_arns(parameters), read_tags(parameters))


def _untagging(parameters: Parameters) -> Untagging:
    return Untagging(_arns(parameters), read_keys_to_remove(parameters, "TagKey"))


def _arns(parameters: Parameters) -> tuple[str, ...]:
    """Raises: InputError(PARAMETER_MISSING), InputError(PARAMETER_INVALID), subject "ResourceArn"."""
    arns = tuple(dict.fromkeys(parameters.texts("ResourceArn")))
    if not arns:
        raise missing("ResourceArn")
    if any(len(arn) > LONGEST_ARN for arn in arns):
        raise InputError(Reason.PARAMETER_INVALID, "a resource ARN is too long", subject="ResourceArn")
    return arns


TRANSFER = ram_action("TransferResources", RESOURCES, _handover, transfer, _handed_over)
ACTIONS: tuple[AnyAction, ...] = (
    TRANSFER,
    ram_action(
        "TagResources",
        RESOURCES,
        _tagging,
        tag,
        lambda work, tagging: _each(work, tagging.arns),
        request_tags=lambda tagging: tagging.tags,
    ),
    ram_action("UntagResources", RESOURCES, _untagging, untag, lambda work, untagging: _each(work, untagging.arns)),
)
