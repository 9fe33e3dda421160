"""Lists of users, in pages, through the official clients. The company is shared: each test looks for its own users."""

import secrets
from collections.abc import Iterator

import pytest
from alibabacloud_ims20190815 import models as ims
from alibabacloud_ram20150501 import models as ram

from tests.wire.refusal import refusal
from tests.wire.seed import Seed

DOMAIN = "acme.onaliyun.com"


def ram_names(company: Seed, size: int | None) -> Iterator[str]:
    """The names of all users, page by page."""
    marker = None
    while True:
        body = company.ram().list_users(ram.ListUsersRequest(marker=marker, max_items=size)).body
        assert len(body.users.user) <= (size or 100)
        yield from (user.user_name for user in body.users.user)
        if not body.is_truncated:
            assert body.marker is None
            return
        marker = body.marker


def make(company: Seed, prefix: str, count: int, **tags: str) -> list[str]:
    names = [f"{prefix}-{number}" for number in range(count)]
    for name in names:
        company.ims().create_user(
            ims.CreateUserRequest(
                user_principal_name=f"{name}@{DOMAIN}",
                display_name=name[:24],
                tag=[ims.CreateUserRequestTag(key=key, value=value) for key, value in tags.items()],
            )
        )
    return names


def new_prefix() -> str:
    return "list-" + secrets.token_hex(3)


def test_list_users__pages_of_two__every_user_once_in_order_of_names(company: Seed) -> None:
    mine = make(company, new_prefix(), 5)
    names = list(ram_names(company, 2))
    assert sorted(set(names)) == sorted(names)
    assert [name for name in names if name in mine] == mine
    assert names == sorted(names, key=str.lower)
    assert list(ram_names(company, None)) == names


def test_list_users__users_made_and_deleted_between_pages__the_others_come_once(company: Seed) -> None:
    prefix = new_prefix()
    mine = make(company, prefix, 4)
    seen = []
    for name in ram_names(company, 1):
        seen.append(name)
        if name == mine[1]:
            make(company, f"{prefix}-0-late", 1)  # sorts before the page at hand
            make(company, f"{prefix}-9-late", 1)  # sorts behind it
            company.ram().delete_user(ram.DeleteUserRequest(user_name=mine[2]))
    assert [name for name in seen if name.startswith(prefix)] == [*mine[:2], mine[3], f"{prefix}-9-late-0"]


def test_list_users__ram__shows_what_create_showed(company: Seed) -> None:
    name = new_prefix()
    request = ram.CreateUserRequest(user_name=name, email="e@example.com", mobile_phone="86-12345", comments="c")
    made = company.ram().create_user(request).body.user.to_map()
    listed = company.ram().list_users(ram.ListUsersRequest(max_items=1000)).body.users.user
    [mine] = [user.to_map() for user in listed if user.user_name == name]
    assert mine == {**made, "UpdateDate": made["CreateDate"]}


def test_list_users__ims_by_tags__those_that_have_them_all(company: Seed) -> None:
    prefix, color = new_prefix(), secrets.token_hex(4)
    blue = make(company, prefix + "b", 3, team=color, site="a")
    make(company, prefix + "g", 1, team=color + "x", site="a")
    make(company, prefix + "n", 1)
    wanted = [ims.ListUsersRequestTag(key="team", value=color), ims.ListUsersRequestTag(key="site", value="a")]
    first = company.ims().list_users(ims.ListUsersRequest(tag=wanted, max_items=2)).body
    assert first.is_truncated
    rest = company.ims().list_users(ims.ListUsersRequest(tag=wanted, max_items=2, marker=first.marker)).body
    users = [*first.users.user, *rest.users.user]
    assert [user.user_principal_name for user in users] == [f"{name}@{DOMAIN}" for name in blue]
    assert {user.status for user in users} == {"active"}
    assert all({tag.tag_key: tag.tag_value for tag in user.tags.tag} == {"team": color, "site": "a"} for user in users)
    wrong = [ims.ListUsersRequestTag(key="team", value="nothing-of-that")]
    assert company.ims().list_users(ims.ListUsersRequest(tag=wrong)).body.users.user == []


def test_list_users__ims_by_status__nobody_is_frozen(company: Seed) -> None:
    client = company.ims()
    everybody = [user.user_id for user in client.list_users(ims.ListUsersRequest()).body.users.user]
    assert company.user_id in everybody
    for status in ("active", "active,freeze"):
        listed = client.list_users(ims.ListUsersRequest(status=status)).body.users.user
        assert [user.user_id for user in listed] == everybody
    assert client.list_users(ims.ListUsersRequest(status="freeze")).body.users.user == []
    assert client.list_user_basic_infos(ims.ListUserBasicInfosRequest(status="freeze")).body.is_truncated is False


def test_list_user_basic_infos__pages__show_names_and_status(company: Seed) -> None:
    prefix, color = new_prefix(), secrets.token_hex(4)
    mine = make(company, prefix, 3, team=color)
    wanted = [ims.ListUserBasicInfosRequestTag(key="team", value=color)]
    first = company.ims().list_user_basic_infos(ims.ListUserBasicInfosRequest(tag=wanted, max_items=2)).body
    second = company.ims().list_user_basic_infos(
        ims.ListUserBasicInfosRequest(tag=wanted, max_items=2, marker=first.marker)
    )
    infos = [*first.user_basic_infos.user_basic_info, *second.body.user_basic_infos.user_basic_info]
    assert [info.user_principal_name for info in infos] == [f"{name}@{DOMAIN}" for name in mine]
    assert {info.status for info in infos} == {"active"}
    assert [info.display_name for info in infos] == mine
    assert all(info.user_id.isdigit() for info in infos)


@pytest.mark.parametrize(
    ("given", "code"),
    [
        ({"max_items": 0}, "InvalidParameter.MaxItems"),
        ({"max_items": 1001}, "InvalidParameter.MaxItems"),
        ({"marker": "!!"}, "InvalidParameter.Marker"),
        ({"marker": "AAAA"}, "InvalidParameter.Marker"),  # NUL
        ({"status": "frozen"}, "InvalidParameter.Status"),
        ({"tag": [ims.ListUsersRequestTag(key=f"k{number}") for number in range(21)]}, "InvalidParameter.Tag"),
    ],
)
def test_list_users__malformed__refused(company: Seed, given: dict[str, object], code: str) -> None:
    error = refusal(company.ims().list_users, ims.ListUsersRequest(**given))
    assert (error.status_code, error.code) == (400, code)
    if "tag" not in given:
        basic = refusal(company.ims().list_user_basic_infos, ims.ListUserBasicInfosRequest(**given))
        assert basic.code == code


def test_list_users__without_rights__denied(company: Seed) -> None:
    nobody, reader = company.new_user(), company.new_user("AliyunRAMReadOnlyAccess")
    for call, request in (
        (company.ram(*nobody.key).list_users, ram.ListUsersRequest()),
        (company.ims(*nobody.key).list_users, ims.ListUsersRequest()),
        (company.ims(*nobody.key).list_user_basic_infos, ims.ListUserBasicInfosRequest()),
    ):
        assert refusal(call, request).code == "NoPermission"
    assert company.ram(*reader.key).list_users(ram.ListUsersRequest(max_items=1)).body.users.user
