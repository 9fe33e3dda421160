"""Who is in which group, on the wire. A group's policies count for its members from the next request on.

Rule: ram-limits §1, §10; policy-language §2: whoever adds or removes needs the right to both the user and the group.
"""

from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.actions.groups import read_group_name
from gateway.api.named_user import NamedUser, named_user, named_user_target, read_logon_name
from gateway.api.paging import page_fields, read_page
from gateway.api.parameters import ANY_LENGTH, Parameters
from gateway.api.people import ims_group, ram_group
from gateway.api.principal_names import principal_name_of
from gateway.api.render import Value
from gateway.api.targets import group_target
from gateway.api.versions import IMS, RAM
from gateway.clock import wire_time
from gateway.directory.groups import Membership, add_user, get_group, memberships_of, page_members, remove_user
from gateway.store.paging import Page, Slice


@dataclass(frozen=True, slots=True)
class Pair:
    who: NamedUser
    group: str


@dataclass(frozen=True, slots=True)
class MembersRequest:
    group: str
    page: Page


def _ram_user(parameters: Parameters) -> NamedUser:
    return NamedUser("UserName", parameters.text("UserName", max_length=ANY_LENGTH))


def _ram_pair(parameters: Parameters) -> Pair:
    return Pair(_ram_user(parameters), read_group_name(parameters))


def _ims_pair(parameters: Parameters) -> Pair:
    return Pair(read_logon_name(parameters), read_group_name(parameters))


def _members(parameters: Parameters) -> MembersRequest:
    return MembersRequest(read_group_name(parameters), read_page(parameters))


def add_user_to_group(work: Work, pair: Pair) -> Outcome:
    """Raises: NotFound, subject "User" or "Group"; AlreadyExists and LimitExceeded, subject "User.Group"."""
    user = named_user(work, pair.who)
    add_user(work.session, get_group(work.session, work.account_id, pair.group), user, work.now)
    return Outcome()


def remove_user_from_group(work: Work, pair: Pair) -> Outcome:
    """Raises: NotFound, subject "User", "Group" or "User.Group"."""
    user = named_user(work, pair.who)
    remove_user(work.session, get_group(work.session, work.account_id, pair.group), user)
    return Outcome()


def list_ram_groups_for_user(work: Work, who: NamedUser) -> Outcome:
    """Raises: NotFound, subject "User"."""
    joined = memberships_of(work.session, named_user(work, who))
    return Outcome({"Groups": {"Group": [{**ram_group(each.group), **_join_date(each)} for each in joined]}})


def list_ims_groups_for_user(work: Work, who: NamedUser) -> Outcome:
    """Raises: NotFound, subject "User"."""
    joined = memberships_of(work.session, named_user(work, who))
    return Outcome({"Groups": {"Group": [{**ims_group(each.group), **_join_date(each)} for each in joined]}})


def list_ram_users_for_group(work: Work, request: MembersRequest) -> Outcome:
    """Raises: NotFound, subject "Group"."""
    members = _page(work, request)
    rows = [{"UserName": each.user.name, **_shown(each)} for each in members.rows]
    return Outcome({"Users": {"User": rows}, **page_fields(members)})


def list_ims_users_for_group(work: Work, request: MembersRequest) -> Outcome:
    """Raises: NotFound, subject "Group"."""
    members = _page(work, request)
    rows = [
        {"UserId": each.user.id, "UserPrincipalName": principal_name_of(work, each.user), **_shown(each)}
        for each in members.rows
    ]
    return Outcome({"Users": {"User": rows}, **page_fields(members)})


def _page(work: Work, request: MembersRequest) -> Slice[Membership]:
    return page_members(work.session, get_group(work.session, work.account_id, request.group), request.page)


def _shown(membership: Membership) -> dict[str, Value]:
    return {"DisplayName": membership.user.display_name, **_join_date(membership)}


def _join_date(membership: Membership) -> dict[str, Value]:
    return {"JoinDate": wire_time(membership.joined_at)}


def _both(work: Work, pair: Pair) -> tuple[Target, ...]:
    return named_user_target(work, pair.who), group_target(work, pair.group)


def _user(work: Work, who: NamedUser) -> tuple[Target, ...]:
    return (named_user_target(work, who),)


def _group(work: Work, request: MembersRequest) -> tuple[Target, ...]:
    return (group_target(work, request.group),)


ACTIONS: tuple[AnyAction, ...] = (
    ram_action("AddUserToGroup", RAM, _ram_pair, add_user_to_group, _both),
    ram_action("AddUserToGroup", IMS, _ims_pair, add_user_to_group, _both),
    ram_action("RemoveUserFromGroup", RAM, _ram_pair, remove_user_from_group, _both),
    ram_action("RemoveUserFromGroup", IMS, _ims_pair, remove_user_from_group, _both),
    ram_action("ListGroupsForUser", RAM, _ram_user, list_ram_groups_for_user, _user, reads=True),
    ram_action("ListGroupsForUser", IMS, read_logon_name, list_ims_groups_for_user, _user, reads=True),
    ram_action("ListUsersForGroup", RAM, _members, list_ram_users_for_group, _group, reads=True),
    ram_action("ListUsersForGroup", IMS, _members, list_ims_users_for_group, _group, reads=True),
)
