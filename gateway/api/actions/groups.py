"""Groups on the wire. Rule: ram-limits §2, §10; operations.md."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.paging import page_fields, read_page
from gateway.api.parameters import ANY_LENGTH, Parameters
from gateway.api.people import ims_group, ram_group
from gateway.api.render import Value
from gateway.api.targets import all_of, any_of, group_target, renamed
from gateway.api.versions import IMS, RAM
from gateway.arn import group_arn
from gateway.audit.receipts import Detail
from gateway.clock import wire_time
from gateway.directory.groups import Group, create_group, delete_group, get_group, page_groups, update_group
from gateway.directory.names import DISPLAY_NAME, check_name
from gateway.store.paging import Page

_IMS_DISPLAY_NAME = replace(DISPLAY_NAME, longest=24, shortest=1)


@dataclass(frozen=True, slots=True)
class NewGroup:
    name: str
    display_name: str
    comments: str


@dataclass(frozen=True, slots=True)
class GroupUpdate:
    """None leaves a thing as it is; empty comments clear them."""

    name: str
    new_name: str | None
    display_name: str | None
    comments: str | None


def read_group_name(parameters: Parameters) -> str:
    return parameters.text("GroupName", max_length=ANY_LENGTH)


def _new_ram_group(parameters: Parameters) -> NewGroup:
    return NewGroup(read_group_name(parameters), "", parameters.optional_text("Comments") or "")


def _new_ims_group(parameters: Parameters) -> NewGroup:
    """Raises: InputError, subject "DisplayName"."""
    display_name = parameters.optional_text("DisplayName")
    if display_name is not None:
        check_name(_IMS_DISPLAY_NAME, display_name)
    return replace(_new_ram_group(parameters), display_name=display_name or "")


def _ram_update(parameters: Parameters) -> GroupUpdate:
    return GroupUpdate(
        read_group_name(parameters),
        new_name=parameters.optional_text("NewGroupName"),
        display_name=None,
        comments=parameters.given_text("NewComments"),
    )


def _ims_update(parameters: Parameters) -> GroupUpdate:
    """Raises: InputError, subject "NewDisplayName"."""
    display_name = parameters.optional_text("NewDisplayName")
    if display_name is not None:
        check_name(_IMS_DISPLAY_NAME.renamed("NewDisplayName"), display_name)
    return replace(_ram_update(parameters), display_name=display_name)


def _create(work: Work, new: NewGroup) -> Group:
    return create_group(
        work.session, work.account_id, new.name, display_name=new.display_name, comments=new.comments, now=work.now
    )


def create_ram_group(work: Work, new: NewGroup) -> Outcome:
    """Raises: InputError; AlreadyExists and LimitExceeded, subject "Group"."""
    group = _create(work, new)
    answer = {**ram_group(group), "CreateDate": wire_time(group.created_at)}
    return Outcome({"Group": answer}, details=_which(group))


def create_ims_group(work: Work, new: NewGroup) -> Outcome:
    """Raises: as `create_ram_group`."""
    group = _create(work, new)
    return Outcome({"Group": _ims(group)}, details=_which(group))


def get_ram_group(work: Work, name: str) -> Outcome:
    """Raises: NotFound, subject "Group"."""
    return Outcome({"Group": _ram(get_group(work.session, work.account_id, name))})


def get_ims_group(work: Work, name: str) -> Outcome:
    """Raises: NotFound, subject "Group"."""
    return Outcome({"Group": _ims(get_group(work.session, work.account_id, name))})


def update_ram_group(work: Work, request: GroupUpdate) -> Outcome:
    """Raises: InputError; NotFound and AlreadyExists, subject "Group"."""
    group = _update(work, request)
    return Outcome({"Group": _ram(group)}, details=_which(group))


def update_ims_group(work: Work, request: GroupUpdate) -> Outcome:
    """Raises: as `update_ram_group`."""
    group = _update(work, request)
    return Outcome({"Group": _ims(group)}, details=_which(group))


def _update(work: Work, request: GroupUpdate) -> Group:
    return update_group(
        work.session,
        work.account_id,
        request.name,
        new_name=request.new_name,
        display_name=request.display_name,
        comments=request.comments,
        now=work.now,
    )


def perform_delete_group(work: Work, name: str) -> Outcome:
    """Raises: NotFound, subject "Group"; Conflict(DELETE_CONFLICT), subject "Group.User" or "Group.Policy"."""
    delete_group(work.session, work.account_id, name)
    return Outcome()


def list_ram_groups(work: Work, page: Page) -> Outcome:
    groups = page_groups(work.session, work.account_id, page)
    return Outcome({"Groups": {"Group": [_ram(group) for group in groups.rows]}, **page_fields(groups)})


def list_ims_groups(work: Work, page: Page) -> Outcome:
    groups = page_groups(work.session, work.account_id, page)
    return Outcome({"Groups": {"Group": [_ims(group) for group in groups.rows]}, **page_fields(groups)})


def _ram(group: Group) -> dict[str, Value]:
    return {**ram_group(group), **_dates(group)}


def _ims(group: Group) -> dict[str, Value]:
    return {**ims_group(group), **_dates(group)}


def _which(group: Group) -> Mapping[str, Detail]:
    """For the receipt: how the group is called now."""
    return {"group": group.arn, "group_id": group.id}


def _dates(group: Group) -> dict[str, Value]:
    return {"CreateDate": wire_time(group.created_at), "UpdateDate": wire_time(group.updated_at)}


def _new(work: Work, new: NewGroup) -> tuple[Target, ...]:
    """All groups, as published, and the group by its name: what is denied about a name is denied of a new group too."""
    return any_of(work, "group"), Target(group_arn(work.account_id, new.name))


def _named(work: Work, name: str) -> tuple[Target, ...]:
    return (group_target(work, name),)


def _updated(work: Work, request: GroupUpdate) -> tuple[Target, ...]:
    return renamed(group_target(work, request.name), request.new_name)


ACTIONS: tuple[AnyAction, ...] = (
    ram_action("CreateGroup", RAM, _new_ram_group, create_ram_group, _new),
    ram_action("CreateGroup", IMS, _new_ims_group, create_ims_group, _new),
    ram_action("GetGroup", RAM, read_group_name, get_ram_group, _named, reads=True),
    ram_action("GetGroup", IMS, read_group_name, get_ims_group, _named, reads=True),
    ram_action("UpdateGroup", RAM, _ram_update, update_ram_group, _updated),
    ram_action("UpdateGroup", IMS, _ims_update, update_ims_group, _updated),
    ram_action("ListGroups", RAM, read_page, list_ram_groups, all_of("group"), reads=True),
    ram_action("ListGroups", IMS, read_page, list_ims_groups, all_of("group"), reads=True),
    *(ram_action("DeleteGroup", version, read_group_name, perform_delete_group, _named) for version in (RAM, IMS)),
)
