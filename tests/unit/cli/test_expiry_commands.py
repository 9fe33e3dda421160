"""`ramgate expiry`, as an operator calls it."""

from tests.unit.cli.conftest import Ramgate


def test_list__keys_and_secrets__with_what_to_do(ramgate: Ramgate) -> None:
    assert ramgate.json("expiry", "list") == []
    ramgate.ok("user", "create", "alice")
    key = ramgate.json("key", "create", "--user", "alice")["access_key_id"]
    ramgate.ok("oidc", "create", "login", "https://login.example.com")
    sign_in = ("oidc", "sign-in", "login", "--client-id", "us", "--client-secret-stdin")
    ramgate.ok(*sign_in, "--secret-expires-on", "2026-03-10", stdin="hush\n")
    (row,) = ramgate.json("expiry", "list")
    assert (row["urgency"], row["kind"], row["name"], row["days_left"]) == (
        "Within a week",
        "client-secret",
        "login",
        5,
    )
    ramgate.clock.advance(100 * 86400)
    assert [(row["urgency"], row["name"]) for row in ramgate.json("expiry", "list")] == [
        ("Past due", key),
        ("Past due", "login"),
    ]
    assert "ramgate key disable" in ramgate.ok("expiry", "list")
    ramgate.ok("expiry", "rotation", "0")
    assert [row["name"] for row in ramgate.json("expiry", "list")] == ["login"]


def test_sign_in__date_of_the_secret__is_kept_until_there_is_a_new_secret(ramgate: Ramgate) -> None:
    ramgate.ok("oidc", "create", "login", "https://login.example.com")
    sign_in = ("oidc", "sign-in", "login", "--client-id", "us")
    ramgate.ok(*sign_in, "--client-secret-stdin", "--secret-expires-on", "2026-05-01", stdin="hush\n")

    def date() -> object:
        return ramgate.json("oidc", "show", "login")["sign_in"]["secret_expires_at"]

    assert date() == "2026-05-01T00:00:00Z"
    ramgate.ok(*sign_in, "--scope", "openid")
    assert date() == "2026-05-01T00:00:00Z"
    ramgate.ok(*sign_in, "--client-secret-stdin", stdin="other\n")
    assert date() is None


def test_list__own_keys__stand_there_a_year_ahead(ramgate: Ramgate) -> None:
    ramgate.clock.advance(3653 * 86400 - 366 * 86400)
    assert ramgate.json("expiry", "list") == []
    ramgate.clock.advance(86400)
    rows = ramgate.json("expiry", "list")
    assert {(row["kind"], row["name"], row["urgency"], row["days_left"]) for row in rows} == {
        ("own-key", "sp-encryption", "Later", 365),
        ("own-key", "sp-signing", "Later", 365),
    }
    assert all("ramgate keys next" in row["what_to_do"] for row in rows)
    ramgate.ok("keys", "next")
    assert all("is published already" in row["what_to_do"] for row in ramgate.json("expiry", "list"))
    ramgate.ok("keys", "switch", "--now", "--keep-days", "0")
    assert ramgate.json("expiry", "list") == []


def test_calendar_and_webhook__made_and_removed__secrets_are_shown_once(ramgate: Ramgate) -> None:
    url = ramgate.json("expiry", "calendar", "make")["calendar_url"]
    assert url.startswith("https://sso.example.com/calendar/expiry.ics?key=")
    ramgate.ok("expiry", "calendar", "remove")
    assert ramgate.reason("expiry", "calendar", "remove") == "NotFound"
    assert ramgate.json("expiry", "webhook", "show")["url"] is None
    made = ramgate.json("expiry", "webhook", "set", "https://10.0.0.1/hook")
    assert len(made["secret"]) == 43
    assert made["secret"] not in ramgate.ok("expiry", "webhook", "show")
    tested = ramgate.json("expiry", "webhook", "test")
    assert tested["taken"] is False
    assert "FetchAddress" in tested["outcome"]
    ramgate.ok("expiry", "webhook", "remove")
    assert ramgate.reason("expiry", "webhook", "test") == "NotFound"
    for wrong in ("http://hooks.example.com/", "https://user@hooks.example.com/", "ftp://x", "hooks.example.com"):
        assert ramgate.reason("expiry", "webhook", "set", wrong) == "FetchUrl"
