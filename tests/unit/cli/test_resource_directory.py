"""`ramgate directory`, `control` and `resource-group`."""

import json

from gateway.errors import Reason
from tests.unit.cli.conftest import Ramgate

DENY = json.dumps({"Version": "1", "Statement": [{"Effect": "Deny", "Action": "oss:Delete*", "Resource": "*"}]})
ALLOW = DENY.replace("Deny", "Allow").replace("Delete", "Get")


def test_directory__a_tree_with_a_member__controls_hang_on_it(ramgate: Ramgate) -> None:
    ramgate.ok("account", "create", "--alias", "branch", "--owner", "chief", "--generate-password")
    words = ("--account", "example")
    root = ramgate.json("directory", "create", *words)["root_id"]
    folder = ramgate.json("directory", "add-folder", "prod", *words)["id"]
    ramgate.ok("directory", "add-member", "branch", "--folder", folder, *words)
    ramgate.ok("control", "create", "no-delete", "-", *words, stdin=DENY)
    ramgate.ok("control", "attach", "no-delete", folder, *words)
    ramgate.ok("control", "attach", "no-delete", "branch", *words)
    ramgate.ok("control", "on", *words)
    rows = ramgate.json("directory", "show", *words)
    assert [(row["kind"], row["parent"], len(row["control_policies"])) for row in rows] == [
        ("Root", "", 1),
        ("Folder", root, 2),
        ("Account", folder, 2),
    ]
    assert ramgate.reason("control", "delete", "no-delete", *words) == Reason.DELETE_CONFLICT
    ramgate.ok("control", "detach", "FullAliyunAccess", folder, *words)
    assert ramgate.reason("control", "detach", "no-delete", folder, *words) == Reason.DELETE_CONFLICT
    ramgate.ok("control", "update", "no-delete", "-", *words, stdin=ALLOW)
    assert json.loads(ramgate.ok("control", "show", "no-delete", *words)) == json.loads(ALLOW)
    ramgate.ok("directory", "move-member", "branch", root, *words)
    ramgate.ok("directory", "remove-member", "branch", *words)
    ramgate.ok("directory", "delete-folder", folder, *words)
    ramgate.ok("control", "off", *words)
    ramgate.ok("control", "delete", "no-delete", *words)
    assert ramgate.json("control", "list", *words) == []
    assert ramgate.reason("directory", "show", "--account", "branch") == Reason.NOT_FOUND
    assert ramgate.reason("directory", "add-member", "nobody", *words) == Reason.NOT_FOUND


def test_resource_group__rights_within_it__are_attached_and_listed(ramgate: Ramgate) -> None:
    group = ramgate.json("resource-group", "create", "web", "--display-name", "Web shop")["id"]
    assert ramgate.json("resource-group", "list") == [{"id": group, "name": "web", "display_name": "Web shop"}]
    ramgate.ok("user", "create", "alice")
    ramgate.ok("policy", "attach", "ReadOnlyAccess", "--system", "--user", "alice", "--resource-group", group)
    (row,) = ramgate.json("policy", "attached", "--user", "alice")
    assert (row["name"], row["resource_group"]) == ("ReadOnlyAccess", group)
    assert ramgate.reason("resource-group", "put", "acs:oss:::bucket", group) == Reason.NOT_FOUND
    assert ramgate.reason("resource-group", "take-out", "acs:oss:::bucket") == Reason.NOT_FOUND
    assert ramgate.reason("resource-group", "delete", group) == Reason.DELETE_CONFLICT
    ramgate.ok("policy", "detach", "ReadOnlyAccess", "--system", "--user", "alice", "--resource-group", group)
    ramgate.ok("resource-group", "delete", group)
