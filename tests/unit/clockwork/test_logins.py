"""Traces and tests go when their time is over."""

from gateway.clockwork.logins import forget_logins
from gateway.directory.connection_tests import ConnectionTestRow, Starter, arm_test
from gateway.directory.login_traces import Evidence, LoginTrace, NewTrace, TraceKind, keep_trace
from gateway.services import Services
from tests.fake_clock import FakeClock

WEEK_S = 7 * 24 * 3600


def trace(request_id: str, services: Services) -> NewTrace:
    return NewTrace(
        request_id, "1", "saml:1", TraceKind.FAILED, "role-sso", Evidence.NONE, "x", "{}", services.clock.now()
    )


def test_forget_logins__week_over__takes_all_of_them_and_no_later_one(services: Services, clock: FakeClock) -> None:
    with services.store.transaction() as session:
        for number in range(1200):
            keep_trace(session, trace(f"R-{number}", services))
        arm_test(session, Starter("1", "acs:ram::1:root", "h"), "saml:1", clock.now())
    clock.advance(60)
    with services.store.transaction() as session:
        keep_trace(session, trace("later", services))
    clock.advance(WEEK_S - 30)
    forget_logins(services)
    with services.store.reading() as session:
        assert [row.request_id for row in session.query(LoginTrace)] == ["later"]
        assert session.query(ConnectionTestRow).count() == 0
