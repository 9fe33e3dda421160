"""Tags of roles, policies and users, through the official clients and in both spellings of a list."""

import json
import secrets
from collections.abc import Mapping
from typing import Any

import pytest
from alibabacloud_ims20190815 import models as ims
from alibabacloud_ram20150501 import models as ram

from tests.wire.refusal import refusal
from tests.wire.seed import Seed
from tests.wire.signed import Answer, SignedCall, send
from tests.wire.test_policies import new_policy
from tests.wire.test_roles import new_role, user_with


def tag_ram(client: Any, kind: str, names: list[str], **tags: str) -> Any:
    tag = [ram.TagResourcesRequestTag(key=key, value=value) for key, value in tags.items()]
    return client.tag_resources(ram.TagResourcesRequest(resource_type=kind, resource_names=names, tag=tag))


def tags_ram(client: Any, kind: str, names: list[str] | None = None, **more: Any) -> list[tuple[str, str, str]]:
    request = ram.ListTagResourcesRequest(resource_type=kind, resource_names=names, **more)
    found = client.list_tag_resources(request).body.tag_resources
    assert {tag.resource_type for tag in found} <= {kind}
    return [(tag.resource_name, tag.tag_key, tag.tag_value) for tag in found]


def tag_ims(client: Any, *, names: list[str] | None = None, ids: list[str] | None = None, **tags: str) -> Any:
    tag = [ims.TagResourcesRequestTag(key=key, value=value) for key, value in tags.items()]
    request = ims.TagResourcesRequest(resource_type="user", resource_principal_name=names, resource_id=ids, tag=tag)
    return client.tag_resources(request)


def tags_ims(client: Any, **more: Any) -> list[tuple[str, str, str]]:
    request = ims.ListTagResourcesRequest(resource_type="user", **more)
    found = client.list_tag_resources(request).body.tag_resources.tag_resource
    return [(tag.resource_id, tag.tag_key, tag.tag_value) for tag in found]


@pytest.mark.parametrize("kind", ["role", "policy"])
def test_tag_resources__several_things__all_listed_until_untagged(company: Seed, kind: str) -> None:
    client = company.ram()
    make = new_role if kind == "role" else new_policy
    one, two = sorted((make(company), make(company)))
    tag_ram(client, kind, [one, two.upper(), two], env="prod", team="")
    everything = [(name, key, value) for name in (one, two) for key, value in (("env", "prod"), ("team", ""))]
    assert sorted(tags_ram(client, kind, [one, two])) == everything
    tag_ram(client, kind, [one], ENV="dev")
    assert sorted(tags_ram(client, kind, [one])) == [(one, "ENV", "dev"), (one, "team", "")]
    by_tag = [ram.ListTagResourcesRequestTag(key="env", value="prod")]
    assert sorted(tags_ram(client, kind, [one, two], tag=by_tag)) == everything[2:]
    untag = ram.UntagResourcesRequest(resource_type=kind, resource_names=[one], tag_keys=["env", "unknown"])
    client.untag_resources(untag)
    assert tags_ram(client, kind, [one]) == [(one, "team", "")]
    client.untag_resources(ram.UntagResourcesRequest(resource_type=kind, resource_names=[one, two], all=True))
    assert tags_ram(client, kind, [one, two]) == []


def test_tag_resources__users_by_name_and_by_id__all_listed_until_untagged(company: Seed) -> None:
    client, one, two = company.ims(), company.new_user(), company.new_user()
    name = f"{one.name}@acme.onaliyun.com"
    tag_ims(client, names=[name], env="prod")
    tag_ims(client, ids=[one.user_id, two.user_id], team="a")
    assert sorted(tags_ims(client, resource_principal_name=[name])) == [
        (one.user_id, "env", "prod"),
        (one.user_id, "team", "a"),
    ]
    wanted = [ims.ListTagResourcesRequestTag(key="team", value="a"), ims.ListTagResourcesRequestTag(key="env")]
    assert {user_id for user_id, _, _ in tags_ims(client, tag=wanted)} == {one.user_id}
    untag = ims.UntagResourcesRequest(resource_type="user", resource_principal_name=[name], tag_key=["env"])
    client.untag_resources(untag)
    client.untag_resources(ims.UntagResourcesRequest(resource_type="user", resource_id=[two.user_id], all=True))
    assert tags_ims(client, resource_id=[one.user_id, two.user_id]) == [(one.user_id, "team", "a")]


def test_list_tag_resources__in_pages__every_tag_once(company: Seed) -> None:
    mark = secrets.token_hex(4)
    roles = [new_role(company) for _ in range(3)]
    tag_ram(company.ram(), "role", roles, mark=mark, env="prod", team="a")
    wanted = [ram.ListTagResourcesRequestTag(key="mark", value=mark)]
    seen: list[tuple[str, str]] = []
    token = None
    while True:
        request = ram.ListTagResourcesRequest(resource_type="role", tag=wanted, page_size=2, next_token=token)
        body = company.ram().list_tag_resources(request).body
        assert len(body.tag_resources) <= 2
        seen += [(tag.resource_name, tag.tag_key) for tag in body.tag_resources]
        token = body.next_token
        if token is None:
            break
    assert sorted(seen) == sorted((role, key) for role in roles for key in ("mark", "env", "team"))
    user = company.new_user()
    tag_ims(company.ims(), ids=[user.user_id], a="1", b="2")
    request = ims.ListTagResourcesRequest(resource_type="user", resource_id=[user.user_id], page_size=1)
    first = company.ims().list_tag_resources(request).body
    assert (first.is_truncated, first.tag_resources.tag_resource[0].tag_key) == (True, "a")
    request.next_token = first.next_token
    last = company.ims().list_tag_resources(request).body
    assert (last.is_truncated, last.next_token, last.tag_resources.tag_resource[0].tag_key) == (False, None, "b")


def test_tag_resources__either_spelling_of_lists__means_the_same(company: Seed) -> None:
    role, user = new_role(company), company.new_user()
    json_tags = json.dumps([{"Key": "json", "Value": "1"}])
    for version, action, values in (
        ("2015-05-01", "TagResources", {"ResourceType": "role", "ResourceNames": json.dumps([role]), "Tag": json_tags}),
        (
            "2015-05-01",
            "TagResources",
            {"ResourceType": "role", "ResourceNames.1": role, "Tag.1.Key": "list", "Tag.1.Value": "2"},
        ),
        (
            "2019-08-15",
            "TagResources",
            {"ResourceType": "user", "ResourceId": json.dumps([user.user_id]), "Tag": json_tags},
        ),
        (
            "2019-08-15",
            "TagResources",
            {"ResourceType": "user", "ResourceId.1": user.user_id, "Tag.1.Key": "list", "Tag.1.Value": "2"},
        ),
    ):
        answer = by_hand(company, version, action, values)
        assert answer.status == 200, answer.body
    assert sorted(tags_ram(company.ram(), "role", [role])) == [(role, "json", "1"), (role, "list", "2")]
    assert sorted(tags_ims(company.ims(), resource_id=[user.user_id])) == [
        (user.user_id, "json", "1"),
        (user.user_id, "list", "2"),
    ]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"Tag": r'[{"Key":"k","Value":"\ud800"}]'}, "InvalidParameter.Tag"),
        ({"Tag": r'[{"Key":"\u0000","Value":""}]'}, "InvalidParameter.Tag"),
        ({"Tag": '[{"Key":1,"Value":"v"}]'}, "InvalidParameter.Tag"),
        ({"Tag": '[{"Value":"v"}]'}, "InvalidParameter.Tag"),
        ({"Tag": '{"Key":"k","Value":"v"}'}, "InvalidParameter.Tag"),
        ({"Tag": "[" * 5000}, "InvalidParameter.Tag"),
        ({"Tag.1.Value": "v"}, "InvalidParameter.Tag"),
        ({"ResourceNames": r'["r\ud800"]'}, "InvalidParameter.ResourceNames"),
        ({"ResourceNames": '[["r"]]'}, "InvalidParameter.ResourceNames"),
        ({"ResourceNames": "role"}, "InvalidParameter.ResourceNames"),
    ],
)
def test_tag_resources__lists_of_another_shape__refused(company: Seed, values: dict[str, str], code: str) -> None:
    usual = {} if "Tag.1.Value" in values else {"Tag": '[{"Key":"k","Value":"v"}]'}
    complete = {"ResourceType": "role", "ResourceNames": f'["{new_role(company)}"]', **usual, **values}
    answer = by_hand(company, "2015-05-01", "TagResources", complete)
    assert (answer.status, answer.code) == (400, code)


def by_hand(company: Seed, version: str, action: str, values: dict[str, str]) -> Answer:
    signed = SignedCall(company.owner_key, query=values, more={"x-acs-action": action, "x-acs-version": version})
    with company.gateway.connect() as connection:
        return send(connection, signed.request())


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"resource_type": "user"}, 400, "InvalidParameter.ResourceType"),
        ({"resource_type": None}, 400, "MissingParameter"),
        ({"resource_names": ["no-such"]}, 404, "EntityNotExist.Role"),
        ({"resource_names": []}, 400, "MissingParameter"),
        ({"resource_names": [""]}, 400, "InvalidParameter.ResourceNames"),
        ({"resource_names": [f"r{n}" for n in range(51)]}, 400, "InvalidParameter.ResourceNames"),
        ({"tag": []}, 400, "MissingParameter"),
        ({"tag": [ram.TagResourcesRequestTag(key="")]}, 400, "InvalidParameter.TagKey"),
        ({"tag": [ram.TagResourcesRequestTag(key="k" * 129)]}, 400, "InvalidParameter.TagKey.Length"),
        ({"tag": [ram.TagResourcesRequestTag(key="k", value="v" * 129)]}, 400, "InvalidParameter.TagValue.Length"),
        ({"tag": [ram.TagResourcesRequestTag(key="k\0", value="v")]}, 400, "InvalidParameter.Tag"),
        (
            {"tag": [ram.TagResourcesRequestTag(key="k"), ram.TagResourcesRequestTag(key="K")]},
            400,
            "InvalidParameter.Tag",
        ),
        ({"tag": [ram.TagResourcesRequestTag(key=str(n)) for n in range(21)]}, 400, "InvalidParameter.Tag"),
    ],
)
def test_tag_resources__outside_the_rules__refused(
    company: Seed, change: dict[str, Any], status: int, code: str
) -> None:
    role = new_role(company)
    values = {
        "resource_type": "role",
        "resource_names": [role],
        "tag": [ram.TagResourcesRequestTag(key="k", value="v")],
        **change,
    }
    error = refusal(company.ram().tag_resources, ram.TagResourcesRequest(**values))
    assert (error.status_code, error.code) == (status, code)
    assert tags_ram(company.ram(), "role", [role]) == []


def test_tag_resources__one_of_many_unknown_or_full__none_is_tagged(company: Seed) -> None:
    full, empty = new_role(company), new_role(company)
    tag_ram(company.ram(), "role", [full], **{f"k{n}": "v" for n in range(20)})
    error = refusal(tag_ram, company.ram(), "role", [empty, full], one_more="v")
    assert (error.status_code, error.code) == (409, "LimitExceeded.Tag")
    error = refusal(tag_ram, company.ram(), "role", [empty, "no-such"], env="v")
    assert (error.status_code, error.code) == (404, "EntityNotExist.Role")
    assert tags_ram(company.ram(), "role", [empty]) == []
    tag_ram(company.ram(), "role", [full], k0="w")


def test_tag_operations__of_users__refused_outside_the_rules(company: Seed) -> None:
    client, user = company.ims(), company.new_user()
    for names in (["alice"], ["a@b@acme.onaliyun.com"], [user.name]):
        error = refusal(tag_ims, client, names=names, env="x")
        assert (error.status_code, error.code) == (400, "InvalidParameter.ResourcePrincipalName")
    for known_nowhere in ({"names": [f"{user.name}@other.onaliyun.com"]}, {"ids": ["123456789012345678"]}):
        error = refusal(tag_ims, client, **known_nowhere, env="x")
        assert (error.status_code, error.code) == (404, "EntityNotExist.User")
    nothing = ims.UntagResourcesRequest(resource_type="user", resource_id=[user.user_id])
    assert refusal(client.untag_resources, nothing).code == "MissingParameter"
    many = ims.UntagResourcesRequest(
        resource_type="user", resource_id=[user.user_id], tag_key=[str(n) for n in range(21)]
    )
    assert refusal(client.untag_resources, many).code == "InvalidParameter.TagKey"
    nobody = ims.UntagResourcesRequest(resource_type="user", all=True)
    assert refusal(client.untag_resources, nobody).code == "MissingParameter"
    wrong = ims.ListTagResourcesRequest(resource_type="role")
    assert refusal(client.list_tag_resources, wrong).code == "InvalidParameter.ResourceType"
    for request in (
        ims.ListTagResourcesRequest(resource_type="user", page_size=101),
        ims.ListTagResourcesRequest(resource_type="user", page_size=0),
    ):
        assert refusal(client.list_tag_resources, request).code == "InvalidParameter.PageSize"
    strange = ims.ListTagResourcesRequest(resource_type="user", next_token="!")
    assert refusal(client.list_tag_resources, strange).code == "InvalidParameter.NextToken"


@pytest.mark.parametrize("token", ["eA", "CgoK", "8J-YgA"])  # x, three line feeds, an emoji
def test_list_tag_resources__marker_of_ones_own_making__starts_somewhere(company: Seed, token: str) -> None:
    for_roles = ram.ListTagResourcesRequest(resource_type="role", next_token=token)
    assert company.ram().list_tag_resources(for_roles).status_code == 200
    assert isinstance(tags_ims(company.ims(), next_token=token), list)


def test_tags__of_a_deleted_role__are_not_those_of_the_next(company: Seed) -> None:
    role = new_role(company)
    tag_ram(company.ram(), "role", [role], env="prod")
    company.ram().delete_role(ram.DeleteRoleRequest(role_name=role))
    assert refusal(tags_ram, company.ram(), "role", [role]).code == "EntityNotExist.Role"
    new_role(company, role_name=role)
    assert tags_ram(company.ram(), "role", [role]) == []


def test_tag_operations__user_without_rights__denied(company: Seed) -> None:
    role, user, nobody = new_role(company), company.new_user(), company.new_user()
    reader = company.new_user("AliyunRAMReadOnlyAccess")
    for key in (nobody.key, reader.key):
        assert refusal(tag_ram, company.ram(*key), "role", [role], env="x").code == "NoPermission"
        assert refusal(tag_ims, company.ims(*key), ids=[user.user_id], env="x").code == "NoPermission"
        untag = ram.UntagResourcesRequest(resource_type="role", resource_names=[role], all=True)
        assert refusal(company.ram(*key).untag_resources, untag).code == "NoPermission"
    assert refusal(tags_ram, company.ram(*nobody.key), "role").code == "NoPermission"
    assert refusal(tags_ims, company.ims(*nobody.key)).code == "NoPermission"
    assert tags_ram(company.ram(*reader.key), "role", [role]) == []


def test_tag_resources__rights_on_one_thing_and_one_tag__cover_nothing_else(company: Seed) -> None:
    mine, other = new_role(company), new_role(company)
    statement = {
        "Effect": "Allow",
        "Action": "ram:TagResources",
        "Resource": f"acs:ram:*:{company.account_id}:role/{mine}",
        "Condition": {"StringEquals": {"acs:RequestTag/team": ["a", "b"]}},
    }
    client = company.ram(*user_with(company, statement).key)
    tag_ram(client, "role", [mine], team="a")
    assert refusal(tag_ram, client, "role", [mine], team="c").code == "NoPermission"
    assert refusal(tag_ram, client, "role", [mine], env="prod").code == "NoPermission"
    assert refusal(tag_ram, client, "role", [mine, other], team="a").code == "NoPermission"
    assert refusal(tag_ram, client, "policy", [mine], team="a").code == "NoPermission"


def test_conditions_on_resource_tags__of_a_user__follow_its_tags_at_once(company: Seed) -> None:
    target = company.new_user()
    statements: tuple[Mapping[str, object], ...] = (
        {"Effect": "Allow", "Action": ["ram:ListPoliciesForUser", "ram:TagResources"], "Resource": "*"},
        {
            "Effect": "Deny",
            "Action": "*",
            "Resource": "*",
            "Condition": {"StringEquals": {"acs:ResourceTag/locked": "yes"}},
        },
    )
    keeper = user_with(company, *statements)
    request = ram.ListPoliciesForUserRequest(user_name=target.name.upper())
    listing = company.ram(*keeper.key).list_policies_for_user
    assert listing(request).status_code == 200
    tag_ims(company.ims(), ids=[target.user_id], Locked="yes")
    assert refusal(listing, request).code == "NoPermission"
    assert refusal(tag_ims, company.ims(*keeper.key), ids=[target.user_id], locked="no").code == "NoPermission"
    untag = ims.UntagResourcesRequest(resource_type="user", resource_id=[target.user_id], tag_key=["LOCKED"])
    company.ims().untag_resources(untag)
    assert listing(request).status_code == 200
