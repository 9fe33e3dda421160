"""Attack my connection: the response that a test caught, turned against the provider's own settings.

It takes a second or so of one core. So an administrator has one run at a time, and a worker does one at a time; whoever
comes meanwhile is told to come again.
"""

from contextlib import suppress
from threading import Lock

from flask import Blueprint, Response

from gateway.directory.connection_tests import begin_run, end_run, open_answer
from gateway.errors import Conflict, InputError, Reason, SamlError
from gateway.federation.facts import facts_of
from gateway.federation.replay import claim_presentation
from gateway.identity import VerifiedIdentity
from gateway.saml.response import verify_response
from gateway.services import Services
from gateway.web.admin_connection import get_connection, get_own_test, starter_of
from gateway.web.connection import SamlConnection
from gateway.web.connection_trial import SamlAnswer, load_caught
from gateway.web.edge import Edge, page
from gateway.web.session import current_session

_BUSY = "The attacks are being run already. Wait a few seconds, then try again."


def create_attack_blueprint(edge: Edge) -> Blueprint:
    services, at_work = edge.services, Lock()
    views = Blueprint("attack", __name__, url_prefix="/admin/tests")

    @views.post("/<test_id>/attack")
    def attack(test_id: str) -> Response:
        starter = starter_of(edge, current_session().principal)
        with services.store.transaction() as session:
            now = services.clock.now()
            test, tested = get_own_test(session, edge, test_id)
            connection = get_connection(session, edge, test)
            answer = load_caught(open_answer(session, services.ring, starter, test_id, now)).answer
            if not begin_run(session, starter, test_id, now):
                raise _busy()
        try:
            results = _run(services, at_work, connection, answer)
        finally:
            with services.store.transaction() as session:
                end_run(session, test_id)
        return page("admin/test_attack.html", active=tested.active, tested=tested, test=test, **results)

    return views


def _run(services: Services, at_work: Lock, connection: SamlConnection, answer: SamlAnswer | None) -> dict[str, object]:
    # Loaded here: nobody else needs it, and start-up does not wait for it.
    from gateway.saml.attacks.suite import AttackResult, run_suite  # noqa: PLC0415

    if answer is None:
        message = "This test caught no SAML response to attack with."
        raise InputError(Reason.PARAMETER_INVALID, message, subject="SAMLResponse")
    if not at_work.acquire(blocking=False):
        raise _busy()
    try:
        run = run_suite(answer.message, answer.expectation(connection), answer.at)
    finally:
        at_work.release()
    identity = verify_response(answer.message, answer.expectation(connection), answer.at)
    refusal = _replayed(services, identity)
    replay = AttackResult(
        family="elsewhere",
        name="the same response a second time",
        gain="use one login twice",
        accepted=refusal is None,
        check="23 used once",
        reason="" if refusal is None else refusal.reason.value,
        public="" if refusal is None else refusal.public,
    )
    results = (*run.results, replay)
    families = dict.fromkeys(result.family for result in results)
    return {
        "complete": run.complete,
        "count": len(results),
        "accepted": [result for result in results if result.accepted],
        "families": [(family, [each for each in results if each.family == family]) for family in families],
    }


class _Undo(Exception):  # noqa: N818 - no error: it takes back what was written
    pass


def _replayed(services: Services, identity: VerifiedIdentity) -> SamlError | None:
    """How a second use is refused: both claims are made for real, and taken back with the transaction."""
    facts, refusal = facts_of(identity), None
    with suppress(_Undo), services.store.transaction() as session:
        now = services.clock.now()
        try:
            claim_presentation(session, facts, now)
            claim_presentation(session, facts, now)
        except SamlError as error:
            refusal = error
        raise _Undo
    return refusal


def _busy() -> Conflict:
    return Conflict(Reason.CHANGED_MEANWHILE, _BUSY, subject="ConnectionTest")
