"""One signed or anonymous API call from bytes to bytes.

The phases, always all of them and always in this order, so that no operation can forget one:
1. read call   2. authenticate   3. parse   4. authorize   5. perform   6. receipt   7. remember   8. render
Phases 2 to 4 run in a session that only reads: whoever is refused there never held the write lock. An operation that
changes nothing is performed in it too, and commits nothing. For a change they are gone through once more in the
transaction that it is made in: one transaction, and a change that fails leaves nothing of itself behind. What takes
long (a password's hash) and what an anonymous call proves itself with is done in between (`prepare`).
The nonce of a call whose signature is right is used up, whatever becomes of the call; see `authenticate`.
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from gateway.api.action import AnyAction, Auth, Outcome, Target, Work
from gateway.api.actions.table import find_action
from gateway.api.asked import Asked
from gateway.api.authenticate import CallProof, claim_nonce, claim_nonce_for_good, read_proof
from gateway.api.authorize import authorize
from gateway.api.call import ApiCall, WireRequest, asks_for_xml, read_call, wants_xml
from gateway.api.diagnosis import seal_diagnosis
from gateway.api.errors import Failure, render_error, render_internal_error
from gateway.api.parameters import Parameters
from gateway.api.receipts import call_receipt
from gateway.api.remembering import remember
from gateway.api.render import JSON_TYPE, XML_TYPE, Value, render_json, render_xml
from gateway.api.versions import SERVICE_NAMES
from gateway.audit.log import log_event
from gateway.audit.receipts import record
from gateway.errors import Denied, GatewayError, Throttled
from gateway.guard.proof import verify_proof
from gateway.policy import Decision
from gateway.services import Services
from gateway.store.direct import Direct, Source
from gateway.store.reading import Reading

_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")


@dataclass(frozen=True, slots=True)
class ApiReply:
    status: int
    body: bytes
    content_type: str
    request_id: str
    retry_after_ms: int | None = None  # what a throttled client is told to wait


def run(wire: WireRequest, services: Services, find: Callable[[str, str], AnyAction] = find_action) -> ApiReply:
    """Answer a call. Never raises: a refusal and a fault of ours are answers too."""
    trail = _Trail(Asked("", wire.request_id, wire.client))
    xml = wants_xml(wire.query_string)
    try:
        call = trail.asked.call = read_call(wire)
        xml = asks_for_xml(call.parameters.get("Format") or "JSON")
        action = find(call.version, call.action)
        trail.action, trail.asked.operation = action, action.name
        outcome = _carry_out(action, call, services, trail)
        remember(trail.asked, services, None)
    except GatewayError as error:
        return _refuse(error, trail, wire, services, xml=xml)
    except Exception as fault:  # noqa: BLE001 - logged; the last line of the edge: a caller never sees a stack trace
        return _break_off(fault, trail, wire, services, xml=xml)
    _log("api.answered", trail, wire)
    answer = {"RequestId": wire.request_id, **outcome.answer}
    return _reply(200, f"{action.name}Response", answer, wire, xml=xml)


def _refuse(error: GatewayError, trail: "_Trail", wire: WireRequest, services: Services, *, xml: bool) -> ApiReply:
    try:
        remember(trail.asked, services, error)
    except Exception as fault:  # noqa: BLE001 - logged; what can't be remembered is not answered
        return _break_off(fault, trail, wire, services, xml=xml)
    failure = _failure(trail, wire, services)
    status, body = render_error(error, failure, _diagnose(error, failure, services))
    _log("api.refused", trail, wire, error)
    wait_s = error.retry_after_s if isinstance(error, Throttled) else None
    return replace(_reply(status, "Error", body, wire, xml=xml), retry_after_ms=wait_s and wait_s * 1000)


def _break_off(fault: Exception, trail: "_Trail", wire: WireRequest, services: Services, *, xml: bool) -> ApiReply:
    logging.getLogger("ramgate").error("unexpected error in %s", wire.request_id, exc_info=fault)
    status, body = render_internal_error(_failure(trail, wire, services))
    return _reply(status, "Error", body, wire, xml=xml)


def _diagnose(error: GatewayError, failure: Failure, services: Services) -> str:
    if not isinstance(error, Denied) or not isinstance(error.decision, Decision):
        return ""
    return seal_diagnosis(services.ring, error.decision, failure, services.clock.now())


@dataclass(slots=True)
class _Trail:
    """How far a call came: what a failure may say about it, and the journal."""

    asked: Asked
    action: AnyAction | None = None


def _failure(trail: _Trail, wire: WireRequest, services: Services) -> Failure:
    action, host = trail.action, host_id(wire.headers, services.base_url)
    if action is None:
        return Failure(wire.request_id, host)
    return Failure(wire.request_id, host, action.name, action.permission, trail.asked.caller)


def _carry_out(action: AnyAction, call: ApiCall, services: Services, trail: _Trail) -> Outcome:
    proof = read_proof(call, services.clock.now()) if action.auth is Auth.SIGNED else None
    stage = _Stage(action, call, services, proof, trail)
    with services.store.looking(one_snapshot=bool(action.permission)) as reading:
        ready = _admit(stage, reading)
        if action.reads:
            return action.perform(ready.work, ready.request)
        prepared = action.prepare(ready.work, ready.request) if action.prepare is not None else None
        granted = action.perform(replace(ready.work, prepared=prepared), ready.request) if action.grants else None
    if granted is not None:
        services.store.commit_with_others(lambda direct: _leave_grant(direct, stage, ready, granted))
        return granted
    with services.store.transaction() as session:
        session.connection()  # wait for the write lock before the clock is read: what is revoked is revoked as of then
        ready = _admit(stage, session, earlier=ready)
        if proof is not None:
            claim_nonce_for_good(session, proof, ready.work.now)
        outcome = action.perform(replace(ready.work, prepared=prepared), ready.request)
        _leave_receipt(session, action, ready, outcome)
    return outcome


@dataclass(frozen=True, slots=True)
class _Stage:
    """One call on its way through the phases."""

    action: AnyAction
    call: ApiCall
    services: Services
    proof: CallProof | None
    trail: _Trail


@dataclass(frozen=True, slots=True)
class _Ready:
    """A call that may be performed."""

    work: Work
    request: Any
    targets: tuple[Target, ...]
    decisions: tuple[Decision, ...]  # one for each target


def _admit(stage: _Stage, source: Session | Reading, earlier: _Ready | None = None) -> _Ready:
    """Phases 2 to 4, in one session. The second time the nonce is claimed and the parameters are read already."""
    action, call, services, trail = stage.action, stage.call, stage.services, stage.trail
    now = services.clock.now()  # asked again: the transaction may have waited for other writers
    principal = token = None
    if stage.proof is not None:
        caller = verify_proof(source, services.ring, services.store.fleeting, stage.proof, now)
        principal, token = caller.principal, caller.token
        trail.asked.caller = principal
        if earlier is None:
            claim_nonce(services.store.fleeting, stage.proof, SERVICE_NAMES[action.version], now)
            trail.asked.proven = True
    key = None if stage.proof is None else stage.proof.access_key_id
    work = Work(services, source, call, call.wire.client, now, principal, token, key, rulings=trail.asked.rulings)
    request = action.parse(Parameters(call.parameters)) if earlier is None else earlier.request
    trail.asked.caller = principal or action.federated(request)
    if action.judge is not None:
        trail.asked.judge = partial(action.judge, request)
    if not action.permission or principal is None:
        return _Ready(work, request, (), ())
    targets = action.targets(work, request)
    decisions = trail.asked.decisions = authorize(action, request, work, targets)
    return _Ready(work, request, targets, decisions)


def _leave_grant(direct: Direct, stage: _Stage, ready: _Ready, granted: Outcome) -> None:
    """What was granted is handed out once it is remembered. It was decided on one snapshot, and is live only while
    what it came from is, so that nothing needs to be decided again here.
    """
    if stage.proof is not None:
        claim_nonce_for_good(direct, stage.proof, ready.work.now)
    _leave_receipt(direct, stage.action, ready, granted)


def _leave_receipt(source: Source, action: AnyAction, ready: _Ready, outcome: Outcome) -> None:
    """Phase 6: what changed or was granted is remembered with it."""
    if outcome.receipt is not None:
        record(source, outcome.receipt)
    else:
        record(source, call_receipt(action, ready.work, ready.targets, ready.decisions, outcome.details))
    for receipt in outcome.also:
        record(source, receipt)


def _reply(status: int, root: str, body: Mapping[str, Value], wire: WireRequest, *, xml: bool) -> ApiReply:
    rendered = render_xml(root, body) if xml else render_json(body)
    return ApiReply(status, rendered, XML_TYPE if xml else JSON_TYPE, wire.request_id)


def host_id(headers: Mapping[str, str], base_url: str) -> str:
    """The host that was called; ours where the header is missing or is not the name of a host."""
    host = headers.get("host", "").removeprefix("http://").removeprefix("https://")
    return host if _HOST.fullmatch(host) else urlsplit(base_url).netloc


def _log(event: str, trail: _Trail, wire: WireRequest, error: GatewayError | None = None) -> None:
    log_event(
        event,
        request_id=wire.request_id,
        reason=None if error is None else error.reason,
        action=trail.action.name if trail.action is not None else "",
        caller=getattr(trail.asked.caller, "arn", None),
        client=wire.client.address,
        detail=None if error is None else error.detail,
    )
