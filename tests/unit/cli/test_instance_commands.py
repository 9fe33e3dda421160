"""`ramgate instance`: what an administrator does, and what is run on the instance."""

import json

from tests.unit.cli.conftest import Ramgate

TRUST = json.dumps(
    {
        "Version": "1",
        "Statement": [
            {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": ["ecs.aliyuncs.com"]}},
        ],
    }
)


def with_role(ramgate: Ramgate) -> None:
    ramgate.ok("role", "create", "app", "--trust", "-", stdin=TRUST)


def test_register__prints_the_token_once(ramgate: Ramgate) -> None:
    with_role(ramgate)
    made = ramgate.json("instance", "register", "web-1", "--role", "APP")
    assert made["enrolment_token"].startswith("rie_")
    assert made["expires_at"] == "2026-03-05T12:00:00Z"
    listed = ramgate.json("instance", "list")
    assert [(each["name"], each["id"], each["role"], each["enrolled_at"]) for each in listed] == [
        ("web-1", made["id"], "app", None)
    ]
    assert made["enrolment_token"] not in json.dumps(listed)


def test_register__what_can_not_be__is_refused(ramgate: Ramgate) -> None:
    assert ramgate.reason("instance", "register", "web-1", "--role", "nobody") == "NotFound"
    with_role(ramgate)
    assert ramgate.reason("instance", "register", "web 1", "--role", "app") == "NameInvalidChars"
    ramgate.ok("instance", "register", "web-1", "--role", "app")
    assert ramgate.reason("instance", "register", "WEB-1", "--role", "app") == "AlreadyExists"


def test_renew__another_id_and_token__under_the_same_name(ramgate: Ramgate) -> None:
    with_role(ramgate)
    first = ramgate.json("instance", "register", "web-1", "--role", "app")
    second = ramgate.json("instance", "renew", "Web-1")
    assert second["name"] == "web-1"
    assert not {first["id"], first["enrolment_token"]} & {second["id"], second["enrolment_token"]}
    assert [each["id"] for each in ramgate.json("instance", "list")] == [second["id"]]


def test_deregister__by_name_or_id__and_not_twice(ramgate: Ramgate) -> None:
    with_role(ramgate)
    made = ramgate.json("instance", "register", "web-1", "--role", "app")
    assert "have ended" in ramgate.ok("instance", "deregister", made["id"])
    assert ramgate.json("instance", "list") == []
    assert ramgate.reason("instance", "deregister", "web-1") == "NotFound"


def test_list__whose_role_is_gone__says_so(ramgate: Ramgate) -> None:
    with_role(ramgate)
    ramgate.ok("instance", "register", "web-1", "--role", "app")
    ramgate.ok("role", "delete", "app")
    assert [each["role"] for each in ramgate.json("instance", "list")] == ["(deleted)"]


def test_enrol__by_an_address_that_is_no_gateways__is_refused(ramgate: Ramgate) -> None:
    state = str(ramgate.folder / "state")
    for url, reason in (
        ("http://sso.example.com", "FetchUrl"),  # never in the clear
        ("https://sso.example.com/path", "ParameterInvalid"),
        ("ftp://sso.example.com", "FetchUrl"),
        ("http://127.0.0.1:9", "FetchConnect"),
    ):
        words = ("instance", "enrol", "--gateway", url, "--state", state)
        assert ramgate.reason(*words, stdin="rie_x\n") == reason
    assert not (ramgate.folder / "state" / "instance.json").exists()


def test_agent__where_others_can_reach__is_refused(ramgate: Ramgate) -> None:
    assert ramgate.reason("instance", "agent", "--listen", "0.0.0.0:80") == "ParameterInvalid"
    state = str(ramgate.folder / "nothing")
    assert ramgate.reason("instance", "agent", "--state", state) == "ConfigInvalid"
