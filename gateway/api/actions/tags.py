"""Tags on the wire: of roles and policies by RAM, of users by IMS. Rule: ram-limits §8; operations.md, traps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.paging import page_fields, read_page
from gateway.api.parameters import Parameters, missing
from gateway.api.render import Value
from gateway.api.tag_parameters import read_keys_to_remove, read_tags
from gateway.api.tag_targets import TagScope, read_ram_scope, read_user_scope, tag_targets, thing_ids
from gateway.api.versions import IMS, RAM
from gateway.directory.accounts import lock_account
from gateway.directory.tagged import names_of
from gateway.directory.tags import (
    Tag,
    check_wanted,
    list_tags,
    remove_tags,
    set_tags,
)
from gateway.store.paging import Page, Slice

_LARGEST_PAGE = 100


@dataclass(frozen=True, slots=True)
class Tagging:
    scope: TagScope
    tags: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Untagging:
    """`keys` are taken off; None means all of them."""

    scope: TagScope
    keys: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class TagQuery:
    scope: TagScope
    wanted: Sequence[tuple[str, str]]
    page: Page


def _read_tagging(parameters: Parameters, scope: TagScope) -> Tagging:
    """Raises: InputError, of the tags; InputError(PARAMETER_MISSING)."""
    return Tagging(_named(scope), read_tags(parameters))


def _read_untagging(parameters: Parameters, scope: TagScope, keys_name: str) -> Untagging:
    """Raises: as `read_keys_to_remove`; InputError(PARAMETER_MISSING)."""
    return Untagging(_named(scope), read_keys_to_remove(parameters, keys_name))


def _read_query(parameters: Parameters, scope: TagScope) -> TagQuery:
    page = read_page(parameters, default=_LARGEST_PAGE, most=_LARGEST_PAGE, marker="NextToken", size="PageSize")
    return TagQuery(scope, check_wanted(parameters.pairs("Tag")), page)


def _ram_tagging(parameters: Parameters) -> Tagging:
    return _read_tagging(parameters, read_ram_scope(parameters))


def _ims_tagging(parameters: Parameters) -> Tagging:
    return _read_tagging(parameters, read_user_scope(parameters))


def _ram_untagging(parameters: Parameters) -> Untagging:
    return _read_untagging(parameters, read_ram_scope(parameters), "TagKeys")


def _ims_untagging(parameters: Parameters) -> Untagging:
    return _read_untagging(parameters, read_user_scope(parameters), "TagKey")


def _ram_query(parameters: Parameters) -> TagQuery:
    return _read_query(parameters, read_ram_scope(parameters))


def _ims_query(parameters: Parameters) -> TagQuery:
    return _read_query(parameters, read_user_scope(parameters))


def _named(scope: TagScope) -> TagScope:
    if not scope.names and not scope.ids:
        raise missing(scope.parameter)
    return scope


def perform_tag(work: Work, request: Tagging) -> Outcome:
    """All things are tagged, or none.

    Raises: NotFound, subject "Role", "Policy" or "User"; LimitExceeded, subject "Tag".
    """
    lock_account(work.session, work.account_id)  # before anything is looked up: what is found stays
    for thing_id in thing_ids(work, request.scope):
        set_tags(work.session, work.account_id, request.scope.kind, thing_id, request.tags)
    return Outcome(details={"tag_keys": sorted(request.tags)})


def perform_untag(work: Work, request: Untagging) -> Outcome:
    """Raises: NotFound, subject "Role", "Policy" or "User"."""
    lock_account(work.session, work.account_id)
    kind = request.scope.kind
    for thing_id in thing_ids(work, request.scope):
        remove_tags(work.session, work.account_id, kind, thing_id, request.keys)
    return Outcome(details={"tag_keys": "*" if request.keys is None else sorted(request.keys)})


def perform_list_ram(work: Work, query: TagQuery) -> Outcome:
    """Raises: NotFound, subject "Role" or "Policy", for a name that is nobody's."""
    page = _list(work, query)
    names = names_of(work.session, work.account_id, query.scope.kind, {tag.thing_id for tag in page.rows})
    rows = [{"ResourceName": names[tag.thing_id], **_fields(tag)} for tag in page.rows if tag.thing_id in names]
    fields = page_fields(page, marker="NextToken")
    return Outcome({"TagResources": rows, **{key: value for key, value in fields.items() if key == "NextToken"}})


def perform_list_ims(work: Work, query: TagQuery) -> Outcome:
    """Raises: NotFound, subject "User"."""
    page = _list(work, query)
    rows = [{"ResourceId": tag.thing_id, **_fields(tag)} for tag in page.rows]
    return Outcome({"TagResources": {"TagResource": rows}, **page_fields(page, marker="NextToken")})


def _list(work: Work, query: TagQuery) -> Slice[Tag]:
    scope = query.scope
    ids = thing_ids(work, scope) if scope.names or scope.ids else None
    return list_tags(work.session, work.account_id, scope.kind, query.page, thing_ids=ids, wanted=query.wanted)


def _fields(tag: Tag) -> dict[str, Value]:
    return {"ResourceType": tag.kind, "TagKey": tag.key, "TagValue": tag.value}


def _targets(work: Work, request: Tagging | Untagging | TagQuery) -> tuple[Target, ...]:
    return tag_targets(work, request.scope)


def _request_tags(request: Tagging) -> Mapping[str, str]:
    return request.tags


ACTIONS: tuple[AnyAction, ...] = tuple(
    action
    for version, tagging, untagging, query, listing in (
        (RAM, _ram_tagging, _ram_untagging, _ram_query, perform_list_ram),
        (IMS, _ims_tagging, _ims_untagging, _ims_query, perform_list_ims),
    )
    for action in (
        ram_action("TagResources", version, tagging, perform_tag, _targets, request_tags=_request_tags),
        ram_action("UntagResources", version, untagging, perform_untag, _targets),
        ram_action("ListTagResources", version, query, listing, _targets, reads=True),
    )
)
