"""`ramgate trace`."""

from gateway.directory.accounts import list_accounts
from gateway.directory.login_traces import Evidence, NewTrace, TraceKind, keep_trace
from gateway.directory.trace_body import dump_body, redacted_body
from gateway.errors import Reason
from gateway.login_verdict import CheckResult, LoginVerdict, Outcome, Value
from tests.unit.cli.conftest import Ramgate


def keep(ramgate: Ramgate, request_id: str, *, nobody: bool = False) -> str:
    checks = (CheckResult("20 audience", Outcome.FAILED, (Value("urn:x"),), ("urn:us",), "made for another"),)
    store = ramgate.store()
    with store.transaction() as session:
        account_id = list_accounts(session)[0].id
        trace = NewTrace(
            request_id=request_id,
            account_id="" if nobody else account_id,
            provider_key="" if nobody else "saml:1",
            kind=TraceKind.FAILED,
            consumer="role-sso",
            evidence=Evidence.NONE,
            reason="SamlAudienceMismatch",
            body=dump_body(redacted_body(LoginVerdict(checks, (), proven=False), public="Made for another.")),
            at=ramgate.clock.now(),
        )
        keep_trace(session, trace)
    store.dispose()
    return account_id


def test_trace_list__of_all_of_one_and_of_nobody(ramgate: Ramgate) -> None:
    keep(ramgate, "R-1")
    keep(ramgate, "R-2", nobody=True)
    assert [row["request_id"] for row in ramgate.json("trace", "list")] == ["R-2", "R-1"]
    assert [row["request_id"] for row in ramgate.json("trace", "list", "--nobody")] == ["R-2"]
    assert [row["request_id"] for row in ramgate.json("trace", "list", "--account", "example")] == ["R-1"]
    assert [row["request_id"] for row in ramgate.json("trace", "list", "--provider", "saml:1")] == ["R-1"]
    assert "SamlAudienceMismatch" in ramgate.ok("trace", "list")


def test_trace_show__by_request_id_in_any_case__tells_every_check(ramgate: Ramgate) -> None:
    account_id = keep(ramgate, "R-1")
    (shown,) = ramgate.json("trace", "show", "r-1")
    assert (shown["account"], shown["said"], shown["proven"]) == (account_id, "Made for another.", False)
    assert shown["checks"] == [
        {
            "check": "20 audience",
            "outcome": "failed",
            "seen": ["urn:x"],
            "expected": ["urn:us"],
            "problem": "made for another",
        }
    ]
    assert "20 audience" in ramgate.ok("trace", "show", "R-1")


def test_trace_show__for_one_account__tells_nothing_of_others(ramgate: Ramgate) -> None:
    keep(ramgate, "R-1")
    keep(ramgate, "R-1", nobody=True)
    keep(ramgate, "R-2", nobody=True)
    assert len(ramgate.json("trace", "show", "R-1")) == 2
    assert len(ramgate.json("trace", "show", "R-1", "--account", "example")) == 1
    assert ramgate.reason("trace", "show", "R-2", "--account", "example") == Reason.NOT_FOUND


def test_trace_show__unknown__is_refused(ramgate: Ramgate) -> None:
    assert ramgate.reason("trace", "show", "R-9") == Reason.NOT_FOUND
