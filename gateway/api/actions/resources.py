"""Resources that outlive the user who made them, on a version of our own. Rule: policy-language §2, §4.

Each call is decided on the ARNs of the resources themselves, whatever their service, with the tags that they have;
lists on `acs:ram:*:<account>:resource/*`.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.paging import page_fields, read_page
from gateway.api.parameters import Parameters
from gateway.api.render import Value
from gateway.api.targets import all_of, resource_group_target
from gateway.api.versions import RESOURCES
from gateway.clock import wire_time
from gateway.directory.resources import (
    LONGEST_ARN,
    NewResource,
    Resource,
    Search,
    check_resource_arn,
    check_resource_group,
    check_resource_type,
    deregister_resource,
    get_resource,
    gone_owners,
    list_resources,
    register_resource,
    service_of,
    tags_of_resource,
    update_resource,
)
from gateway.directory.tags import TagKind, check_tags, check_wanted, tags_of_each
from gateway.errors import InputError, Reason
from gateway.store.paging import Page

_LONGEST_TYPE = 64
_LONGEST_GROUP = 64
_ID = re.compile(r"[0-9]{16,18}")


@dataclass(frozen=True, slots=True)
class Listing:
    search: Search
    page: Page


@dataclass(frozen=True, slots=True)
class Change:
    """None leaves a thing as it is; an empty resource group takes the resource out of its group."""

    arn: str
    resource_type: str | None
    resource_group_id: str | None


def read_arn(parameters: Parameters) -> str:
    return parameters.text("ResourceArn", max_length=LONGEST_ARN)


def read_party_id(parameters: Parameters, name: str) -> str | None:
    """Raises: InputError(PARAMETER_INVALID) for what can't be an id of a user, a role or an account."""
    text = parameters.optional_text(name, max_length=18)
    if text is not None and not _ID.fullmatch(text):
        raise InputError(Reason.PARAMETER_INVALID, f"{name} is the id of a user, role or account", subject=name)
    return text


def describe_each(work: Work, resources: Sequence[Resource]) -> Sequence[Mapping[str, Value]]:
    """How answers show resources: tags and whether the owner is gone are looked up for all of them at once."""
    ids = [resource.id for resource in resources]
    tags = tags_of_each(work.session, work.account_id, TagKind.RESOURCE, ids)
    gone = gone_owners(work.session, resources)
    return [_fields(resource, tags[resource.id], gone=resource.owner_id in gone) for resource in resources]


def register(work: Work, new: NewResource) -> Outcome:
    """Raises: as `register_resource`."""
    resource = register_resource(work.session, work.caller, new, work.now)
    return Outcome({"Resource": describe_each(work, [resource])[0]})


def get(work: Work, arn: str) -> Outcome:
    """Raises: NotFound, subject "Resource"."""
    return Outcome({"Resource": describe_each(work, [get_resource(work.session, work.account_id, arn)])[0]})


def find(work: Work, listing: Listing) -> Outcome:
    page = list_resources(work.session, work.account_id, listing.search, listing.page)
    listed = describe_each(work, page.rows)
    return Outcome({"Resources": {"Resource": listed}, **page_fields(page, marker="NextToken")})


def update(work: Work, change: Change) -> Outcome:
    """Raises: NotFound, subject "Resource"."""
    resource = update_resource(
        work.session,
        work.account_id,
        change.arn,
        resource_type=change.resource_type,
        resource_group_id=change.resource_group_id,
        now=work.now,
    )
    return Outcome({"Resource": describe_each(work, [resource])[0]})


def deregister(work: Work, arn: str) -> Outcome:
    """Raises: NotFound, subject "Resource"."""
    resource = deregister_resource(work.session, work.account_id, arn)
    return Outcome(details={"creator": resource.creator_id, "owner": resource.owner_id})


def _fields(resource: Resource, tags: Mapping[str, str], *, gone: bool) -> Mapping[str, Value]:
    return {
        "ResourceArn": resource.arn,
        "ResourceType": resource.resource_type,
        **({"ResourceGroupId": resource.resource_group_id} if resource.resource_group_id else {}),
        "Creator": _party(resource.creator_kind, resource.creator_id, resource.creator_name),
        "Owner": _party(resource.owner_kind, resource.owner_id, resource.owner_name),
        "OwnerGone": gone,
        "Tags": {"Tag": [{"Key": key, "Value": value} for key, value in tags.items()]},
        "CreateDate": wire_time(resource.created_at),
        "UpdateDate": wire_time(resource.updated_at),
    }


def _party(kind: str, party_id: str, name: str) -> Mapping[str, Value]:
    return {"Type": kind, "Id": party_id, "Name": name}


def _new_resource(parameters: Parameters) -> NewResource:
    """Without a type, the resource's service is its type."""
    arn = read_arn(parameters)
    check_resource_arn(arn)
    return NewResource(
        arn=arn,
        resource_type=_optional_type(parameters) or service_of(arn),
        resource_group_id=_optional_group(parameters) or "",
        tags=check_tags(parameters.pairs("Tag")),
    )


def _listing(parameters: Parameters) -> Listing:
    search = Search(
        creator_id=read_party_id(parameters, "CreatorId"),
        owner_id=read_party_id(parameters, "OwnerId"),
        owner_gone=parameters.optional_boolean("OwnerGone"),
        resource_type=_optional_type(parameters),
        resource_group_id=_optional_group(parameters),
        tags=check_wanted(parameters.pairs("Tag")),
    )
    return Listing(search, read_page(parameters, default=50, most=100, marker="NextToken", size="MaxResults"))


def _change(parameters: Parameters) -> Change:
    """Raises: InputError(PARAMETER_MISSING), subject "ResourceType", where nothing is to be changed."""
    group = parameters.given_text("ResourceGroupId")
    if group:
        check_resource_group(group)
    change = Change(read_arn(parameters), _optional_type(parameters), group)
    if change.resource_type is None and group is None:
        raise InputError(Reason.PARAMETER_MISSING, "nothing is to be changed", subject="ResourceType")
    return change


def _optional_type(parameters: Parameters) -> str | None:
    text = parameters.optional_text("ResourceType", max_length=_LONGEST_TYPE)
    if text is not None:
        check_resource_type(text)
    return text


def _optional_group(parameters: Parameters) -> str | None:
    text = parameters.optional_text("ResourceGroupId", max_length=_LONGEST_GROUP)
    if text is not None:
        check_resource_group(text)
    return text


def _itself(work: Work, arn: str) -> tuple[Target, ...]:
    return (Target(arn, tags_of_resource(work.session, work.account_id, arn)),)


def _into(work: Work, group_id: str | None) -> tuple[Target, ...]:
    """Who puts a resource into a group gives rights on it to others: that needs rights on the group as well."""
    return (resource_group_target(work, group_id),) if group_id else ()


def _moved(work: Work, change: Change) -> tuple[Target, ...]:
    return (*_itself(work, change.arn), *_into(work, change.resource_group_id))


ACTIONS: tuple[AnyAction, ...] = (
    ram_action(
        "RegisterResource",
        RESOURCES,
        _new_resource,
        register,
        lambda work, new: (Target(new.arn), *_into(work, new.resource_group_id)),
        request_tags=lambda new: new.tags,
    ),
    ram_action("GetResource", RESOURCES, read_arn, get, _itself, reads=True),
    ram_action("ListResources", RESOURCES, _listing, find, all_of("resource"), reads=True),
    ram_action("UpdateResource", RESOURCES, _change, update, _moved),
    ram_action("DeregisterResource", RESOURCES, read_arn, deregister, _itself),
)
