"""One signed or anonymous API call from bytes to bytes.

The phases, always all of them and always in this order, so that no operation can forget one:
1. read call   2. authenticate   3. parse   4. authorize   5. perform   6. receipt   7. render
Phases 2 to 6 share one database transaction: a call that fails leaves nothing behind, its nonce included. Only what an
anonymous call proves itself with is parsed and verified before that, so that strangers can't hold the write lock.
"""

import logging
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from gateway.api.action import AnyAction, Auth, Outcome, Work
from gateway.api.actions.table import find_action
from gateway.api.authenticate import Proof, read_proof, verify_proof
from gateway.api.call import ApiCall, WireRequest, asks_for_xml, read_call, wants_xml
from gateway.api.errors import Failure, render_error, render_internal_error
from gateway.api.parameters import Parameters
from gateway.api.render import JSON_TYPE, XML_TYPE, Value, render_json, render_xml
from gateway.audit.log import log_event
from gateway.audit.receipts import record
from gateway.client import policy_context
from gateway.errors import GatewayError
from gateway.identity import VerifiedIdentity
from gateway.services import Services

_HOST = re.compile(r"[A-Za-z0-9.:\[\]-]{1,255}")


@dataclass(frozen=True, slots=True)
class ApiReply:
    status: int
    body: bytes
    content_type: str
    request_id: str


def run(wire: WireRequest, services: Services, find: Callable[[str, str], AnyAction] = find_action) -> ApiReply:
    """Answer a call. Never raises: a refusal and a fault of ours are answers too."""
    trail = _Trail(Failure(wire.request_id, host_id(wire.headers, services.base_url)))
    xml = wants_xml(wire.query_string)
    try:
        call = read_call(wire)
        xml = asks_for_xml(call.parameters.get("Format") or "JSON")
        action = find(call.version, call.action)
        trail.failure = replace(trail.failure, action=action.name, permission=action.permission)
        outcome = _carry_out(action, call, services, trail)
    except GatewayError as error:
        status, body = render_error(error, trail.failure)
        _log("api.refused", trail, wire, error)
        return _reply(status, "Error", body, wire, xml=xml)
    except Exception:  # the last line of the edge: a caller never sees a stack trace
        logging.getLogger("ramgate").exception("unexpected error in %s", wire.request_id)
        status, body = render_internal_error(trail.failure)
        return _reply(status, "Error", body, wire, xml=xml)
    _log("api.answered", trail, wire)
    answer = {"RequestId": wire.request_id, **outcome.answer}
    return _reply(200, f"{action.name}Response", answer, wire, xml=xml)


@dataclass(slots=True)
class _Trail:
    """How far a call came: what a failure may say about it."""

    failure: Failure


def _carry_out(action: AnyAction, call: ApiCall, services: Services, trail: _Trail) -> Outcome:
    now = services.clock.now()
    proof = read_proof(call, now) if action.auth is Auth.SIGNED else None
    identity = _identify(action, call, services, trail)
    with services.store.transaction() as session:
        work = replace(_authenticate(session, services, call, proof), identity=identity)
        trail.failure = replace(trail.failure, caller=work.principal)
        request = action.parse(Parameters(call.parameters))
        trail.failure = replace(trail.failure, caller=work.principal or action.federated(request))
        _authorize(action, request, work)
        outcome = action.perform(work, request)
        if outcome.receipt is not None:
            record(session, outcome.receipt)
    return outcome


def _identify(action: AnyAction, call: ApiCall, services: Services, trail: _Trail) -> VerifiedIdentity | None:
    if action.identify is None:
        return None
    request = action.parse(Parameters(call.parameters))
    trail.failure = replace(trail.failure, caller=action.federated(request))
    with services.store.reading() as session:
        return action.identify(services, session, request, services.clock.now())


def _authenticate(session: Session, services: Services, call: ApiCall, proof: Proof | None) -> Work:
    now = services.clock.now()  # asked again: the transaction may have waited for other writers
    principal = verify_proof(session, services.ring, proof, now) if proof is not None else None
    return Work(services, session, call, call.wire.client, now, principal)


def _authorize(action: AnyAction, request: object, work: Work) -> None:
    """Each resource must be allowed. Raises: Denied(ACCESS_DENIED)."""
    if not action.permission or work.principal is None:
        return
    context = policy_context(work.client, work.now, work.principal.arn)
    for resource in action.resources(request, work.principal):
        work.services.authorizer.require(work.session, work.principal, action.permission, resource, context)


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
        action=trail.failure.action,
        caller=getattr(trail.failure.caller, "arn", None),
        client=wire.client.address,
        detail=None if error is None else error.detail,
    )
