"""Sessions and logins that are called back while somebody proves a second factor for a role."""

import threading
from datetime import timedelta

import pytest

from gateway.audit.receipts import list_receipts
from gateway.directory.roles import get_role
from gateway.federation.recall import RecallKind, parse_recall, recall_sessions
from tests.saml_asking import request_in
from tests.saml_factory import IDP
from tests.unit.web.signing_in import bind, code, has_session, post
from tests.unit.web.site import Browser, Site, reason_of
from tests.unit.web.test_step_up import USER_ACS, ready, show, stepped_up, through_company
from tests.unit.web.test_take_role import take

__all__ = ["ready"]


def recall(site: Site, kind: RecallKind, value: str) -> None:
    with site.services.store.transaction() as session:
        recall_sessions(session, site.account_id, parse_recall(kind, value), site.clock.now())


@pytest.mark.parametrize("stepping_up", [False, True])
def test_assertion__called_back_before_it_comes__signs_nobody_in(
    ready: Site, browser: Browser, stepping_up: bool
) -> None:
    through_company(ready, browser)
    spec = ready.user_spec(assertion_id="_a2", response_id="_r2")
    if stepping_up:
        spec = stepped_up(request_in(take(browser, "careful")).id, ready.user_spec())
    recall(ready, RecallKind.ASSERTION, f"{IDP}#_a2")
    came = browser if stepping_up else ready.browser()
    answer = show(came, spec, USER_ACS)
    assert reason_of(answer) == "TokenRevoked"
    with ready.services.store.reading() as session:
        kinds = [receipt.kind for receipt in list_receipts(session, account_id=ready.account_id)]
    assert kinds.count("UserLogin") == 1, "that of the first login"


def test_step_up__user_called_back_by_a_clock_that_is_ahead__is_refused(ready: Site, browser: Browser) -> None:
    """Another worker's clock, which may be a little ahead of this one's."""
    through_company(ready, browser)
    request = request_in(take(browser, "careful"))
    with ready.services.store.transaction() as session:
        ahead = ready.clock.now() + timedelta(seconds=2)
        recall_sessions(session, ready.account_id, parse_recall(RecallKind.USER, "alice"), ahead)
    assert reason_of(show(browser, stepped_up(request.id, ready.user_spec()), USER_ACS)) == "TokenRevoked"


def test_second_factor__user_called_back_while_the_code_is_on_its_way__gets_no_new_session(ready: Site) -> None:
    """The request has seen its session alive, and waits for the write lock that the recall holds."""
    seed, browser = bind(ready), ready.signed_in(ready.alice)
    role = f"acs:ram::{ready.account_id}:role/nothing"
    given, now = code(ready, seed, 1), ready.clock.now()
    token = browser.csrf("/owner/login.htm")
    answers: list[object] = []
    form = {"csrf_token": token, "role": role, "code": given}
    waiting = threading.Thread(target=lambda: answers.append(browser.post("/session/second-factor", data=form)))
    with ready.services.store.transaction() as session:
        session.connection()
        wanted = parse_recall(RecallKind.USER, "alice")
        recall_sessions(session, ready.account_id, wanted, now)
        session.flush()
        ready.clock.advance(1)
        waiting.start()
        waiting.join(0.5)  # it comes to the lock, and can't end before the recall does
        assert waiting.is_alive()
    waiting.join(10)
    assert len(answers) == 1
    assert not has_session(browser)


def test_second_factor__role_not_for_the_browser__leaves_no_receipt_of_taking_it(ready: Site) -> None:
    seed, browser = bind(ready), ready.signed_in(ready.alice)
    with ready.services.store.transaction() as session:
        get_role(session, ready.account_id, "careful").allow_console_login = False
    role = f"acs:ram::{ready.account_id}:role/careful"
    answer = post(browser, "/session/second-factor", role=role, code=code(ready, seed, 1))
    assert answer.headers["Location"] == "/session"
    assert "Proved at sign-in" in browser.get("/session").text
    with ready.services.store.reading() as session:
        kinds = [receipt.kind for receipt in list_receipts(session, account_id=ready.account_id)]
    assert "ProveSecondFactor" in kinds
    assert "AssumeRole" not in kinds
