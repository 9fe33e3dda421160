"""Lists of users on the wire. Rule: ram-limits §9; operations.md, paging."""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Work, ram_action
from gateway.api.paging import page_fields, read_page
from gateway.api.parameters import Parameters
from gateway.api.people import ACTIVE, ims_user, ram_user, tag_list
from gateway.api.principal_names import principal_name_of
from gateway.api.targets import all_of
from gateway.api.versions import IMS, RAM
from gateway.clock import wire_time
from gateway.directory.tags import TagKind, check_wanted, tags_of_each
from gateway.directory.users import User, page_users
from gateway.store.paging import Page, Slice

_FROZEN = "freeze"
_STATUSES = (ACTIVE, _FROZEN, f"{ACTIVE},{_FROZEN}")
_IMS_PAGE = 1000


@dataclass(frozen=True, slots=True)
class ListRequest:
    page: Page
    status: str | None
    tags: Sequence[tuple[str, str]]


def _ims_list(parameters: Parameters) -> ListRequest:
    return _list(parameters, read_page(parameters, default=_IMS_PAGE))


def _basic_list(parameters: Parameters) -> ListRequest:
    return _list(parameters, read_page(parameters))


def _list(parameters: Parameters, page: Page) -> ListRequest:
    """Raises: InputError(PARAMETER_INVALID), subject "Status" or "Tag"."""
    status = parameters.optional_choice("Status", _STATUSES)
    return ListRequest(page, status, check_wanted(parameters.pairs("Tag")))


def list_ram_users(work: Work, page: Page) -> Outcome:
    users = page_users(work.session, work.account_id, page)
    rows = [{**ram_user(user), "UpdateDate": wire_time(user.updated_at)} for user in users.rows]
    return Outcome({"Users": {"User": rows}, **page_fields(users)})


def list_ims_users(work: Work, request: ListRequest) -> Outcome:
    users = _users(work, request)
    tags = tags_of_each(work.session, work.account_id, TagKind.USER, [user.id for user in users.rows])
    rows = [{**ims_user(work, user), "Status": ACTIVE, **tag_list(tags[user.id])} for user in users.rows]
    return Outcome({"Users": {"User": rows}, **page_fields(users)})


def list_user_basic_infos(work: Work, request: ListRequest) -> Outcome:
    users = _users(work, request)
    rows = [
        {
            "UserId": user.id,
            "UserPrincipalName": principal_name_of(work, user),
            "DisplayName": user.display_name,
            "Status": ACTIVE,
        }
        for user in users.rows
    ]
    return Outcome({"UserBasicInfos": {"UserBasicInfo": rows}, **page_fields(users)})


def _users(work: Work, request: ListRequest) -> Slice[User]:
    """Nobody is frozen: see `people.ACTIVE`."""
    if request.status == _FROZEN:
        return Slice(())
    return page_users(work.session, work.account_id, request.page, request.tags)


ACTIONS: tuple[AnyAction, ...] = (
    ram_action("ListUsers", RAM, read_page, list_ram_users, all_of("user"), reads=True),
    ram_action("ListUsers", IMS, _ims_list, list_ims_users, all_of("user"), reads=True),
    ram_action("ListUserBasicInfos", IMS, _basic_list, list_user_basic_infos, all_of("user"), reads=True),
)
