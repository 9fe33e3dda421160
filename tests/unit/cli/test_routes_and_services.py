"""`ramgate routes` and `ramgate service`."""

from gateway.errors import Reason
from tests.unit.cli.conftest import Ramgate

ROUTES = """
[[app]]
name = "wiki"
origin = "https://wiki.example.com"
[[app.rule]]
methods = ["GET", "HEAD"]
path = "/pages/{page}"
action = "wiki:Read"
resource = "acs:wiki:*:1234567890123456:page/{page}"
context = { "wiki:Kind" = "page" }
"""


def test_routes_check__good_and_odd_and_wrong(bare: Ramgate) -> None:
    assert bare.ok("routes", "check", "-", stdin=ROUTES) == "1 applications, 1 rules, nothing odd\n"
    odd = bare.json("routes", "check", "-", stdin=ROUTES.replace('"GET", "HEAD"', '"GET"'))
    assert odd == [{"where": "app `wiki`, rule 1", "what": "GET is allowed without HEAD"}]
    assert bare.reason("routes", "check", "-", stdin=ROUTES + "more = 1") == Reason.CONFIG_INVALID


def test_routes_try__says_what_is_asked_or_why_not(bare: Ramgate) -> None:
    asked = bare.json("routes", "try", "-", "GET", "https://wiki.example.com/pages/a%20b?x=1", stdin=ROUTES)
    assert (asked["rule"], asked["action"], asked["resource"]) == (
        1,
        "wiki:Read",
        "acs:wiki:*:1234567890123456:page/a b",
    )
    for method, url, reason in (
        ("POST", "https://wiki.example.com/pages/a", Reason.ACCESS_DENIED),
        ("GET", "https://wiki.example.com/pages/..", Reason.PARAMETER_INVALID),
        ("GET", "https://other.example.com/pages/a", Reason.ACCESS_DENIED),
        ("GET", "wiki.example.com/pages/a", Reason.PARAMETER_INVALID),
        ("GET", "https://wiki.example.com", Reason.PARAMETER_INVALID),
    ):
        assert bare.reason("routes", "try", "-", method, url, stdin=ROUTES) == reason


def test_service__added_listed_and_removed(ramgate: Ramgate) -> None:
    ramgate.ok("user", "create", "store")
    with ramgate.store().reading() as session:
        account_id = str(session.connection().exec_driver_sql("SELECT id FROM accounts").scalar_one())
    arn = f"acs:ram::{account_id}:user/store"
    assert "oss in every account" in ramgate.ok("service", "add", arn, "oss")
    (found,) = ramgate.json("service", "list")
    assert (found["arn"], found["codes"]) == (arn, ["oss"])
    assert ramgate.reason("service", "add", arn, "ram") == Reason.PARAMETER_INVALID
    assert ramgate.reason("service", "add", arn + "x", "oss") == Reason.NOT_FOUND
    ramgate.ok("service", "remove", arn)
    assert ramgate.json("service", "list") == []
    assert ramgate.reason("service", "remove", arn) == Reason.NOT_FOUND
