"""Resource groups on the wire: an account's resources put together, so that rights can be given on them alone.

Which group a resource is in is said when it is registered or updated; rights within a group are given by
AttachPolicyToUser and its sisters, with ResourceGroupId. Rule: policy-language §5.2, step 3.
"""

from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.paging import page_fields, read_page
from gateway.api.parameters import Parameters
from gateway.api.render import Value
from gateway.api.targets import all_of, resource_group_target
from gateway.api.versions import RESOURCES
from gateway.clock import wire_time
from gateway.directory.resource_groups import (
    ResourceGroup,
    create_resource_group,
    delete_resource_group,
    get_resource_group,
    page_resource_groups,
)
from gateway.store.paging import Page

_LONGEST_ID = 64
_LONGEST_NAME = 50


@dataclass(frozen=True, slots=True)
class NewGroup:
    name: str
    display_name: str


def create(work: Work, new: NewGroup) -> Outcome:
    """Raises: InputError; AlreadyExists and LimitExceeded, subject "ResourceGroup"."""
    group = create_resource_group(work.session, work.account_id, new.name, display_name=new.display_name, now=work.now)
    return Outcome({"ResourceGroup": _fields(group)})


def get(work: Work, group_id: str) -> Outcome:
    """Raises: NotFound, subject "ResourceGroup"."""
    return Outcome({"ResourceGroup": _fields(get_resource_group(work.session, work.account_id, group_id))})


def find(work: Work, page: Page) -> Outcome:
    found = page_resource_groups(work.session, work.account_id, page)
    groups: list[Value] = [_fields(group) for group in found.rows]
    return Outcome({"ResourceGroups": {"ResourceGroup": groups}, **page_fields(found, marker="NextToken")})


def delete(work: Work, group_id: str) -> Outcome:
    """Raises: NotFound and Conflict(DELETE_CONFLICT), subject "ResourceGroup"."""
    delete_resource_group(work.session, work.account_id, group_id)
    return Outcome()


def _fields(group: ResourceGroup) -> dict[str, Value]:
    return {
        "Id": group.id,
        "Name": group.name,
        "DisplayName": group.display_name,
        "CreateDate": wire_time(group.created_at),
    }


def _new_group(parameters: Parameters) -> NewGroup:
    return NewGroup(
        name=parameters.text("Name", max_length=_LONGEST_NAME),
        display_name=parameters.optional_text("DisplayName", max_length=_LONGEST_NAME) or "",
    )


def _group_id(parameters: Parameters) -> str:
    return parameters.text("ResourceGroupId", max_length=_LONGEST_ID)


def _page(parameters: Parameters) -> Page:
    return read_page(parameters, default=50, most=100, marker="NextToken", size="MaxResults")


def _itself(work: Work, group_id: str) -> tuple[Target, ...]:
    return (resource_group_target(work, group_id),)


ACTIONS: tuple[AnyAction, ...] = (
    ram_action("CreateResourceGroup", RESOURCES, _new_group, create, all_of("resourcegroup")),
    ram_action("GetResourceGroup", RESOURCES, _group_id, get, _itself, reads=True),
    ram_action("ListResourceGroups", RESOURCES, _page, find, all_of("resourcegroup"), reads=True),
    ram_action("DeleteResourceGroup", RESOURCES, _group_id, delete, _itself),
)
