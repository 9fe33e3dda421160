"""`ramgate keys`, as an operator calls it."""

from tests.unit.cli.conftest import Ramgate


def test_keys__next_then_switch__metadata_shows_both_and_then_the_new_one_first(ramgate: Ramgate) -> None:
    before = ramgate.ok("metadata", "role-sso", "--encryption")
    made = ramgate.json("keys", "next")
    assert made == {"signing": "sp-signing-2", "encryption": "sp-encryption-2"}
    beside = ramgate.ok("metadata", "role-sso", "--encryption")
    assert (before.count("<ds:X509Certificate>"), beside.count("<ds:X509Certificate>")) == (2, 4)
    assert beside == ramgate.ok("metadata", "role-sso", "--encryption")
    planned = ramgate.json("keys", "switch", "--at", "2026-03-20T00:00Z", "--keep-days", "3")
    assert planned == {"switches_at": "2026-03-20T00:00:00Z", "old_certificate_leaves_at": "2026-03-23T00:00:00Z"}
    assert ramgate.ok("metadata", "role-sso", "--encryption") == beside
    ramgate.clock.advance(20 * 86400)
    after = ramgate.ok("metadata", "role-sso", "--encryption")
    assert after.count("<ds:X509Certificate>") == 2
    assert after != before
    assert [(row["file"], row["standing"], row["published"]) for row in ramgate.json("keys", "list")] == [
        ("sp-signing", "old", False),
        ("sp-signing-2", "current", True),
        ("sp-encryption", "old", False),
        ("sp-encryption-2", "current", True),
    ]
    ramgate.ok("keys", "retire", "sp-signing")
    assert [row["file"] for row in ramgate.json("keys", "list")] == [
        "sp-signing-2",
        "sp-encryption",
        "sp-encryption-2",
    ]


def test_keys__what_makes_no_sense__is_refused(ramgate: Ramgate) -> None:
    assert ramgate.reason("keys", "switch") == "NotFound"
    assert ramgate.reason("keys", "retire", "sp-signing") == "DeleteConflict"
    assert ramgate.reason("keys", "retire", "keyring") == "NotFound"
    ramgate.ok("keys", "next")
    assert ramgate.reason("keys", "next") == "AlreadyExists"
    assert ramgate.reason("keys", "switch", "--at", "2026-03-01") == "ParameterInvalid"
    for wrong in (("--at", "tomorrow"), ("--at", "2026-02-30"), ("--at", "2027-01-01", "--now"), ("--keep-days", "-1")):
        assert ramgate("keys", "switch", *wrong).exit_code == 2
    ramgate.ok("keys", "switch", "--now")
    assert ramgate.json("keys", "list")[1]["standing"] == "current"
