"""The one place where a company login that was refused is recorded.

It is done when the refusal is on its way to the browser and the login's transaction is long rolled back, in a short
transaction of its own. What goes wrong here is logged and nothing else; strangers who send garbage fill a bounded share
of the traces, and ask for the write lock no oftener (`directory.login_traces`).
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from flask import Flask, Response, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import HTTPException

from gateway.audit.receipts import LOGIN_REFUSED, Detail, Receipt, record
from gateway.directory.login_traces import Evidence, NewTrace, TraceKind, has_room, keep_trace
from gateway.directory.trace_body import dump_body, redacted_body
from gateway.errors import GatewayError, Reason
from gateway.login_verdict import LoginVerdict, Outcome
from gateway.services import Services
from gateway.web.concerned import FailedMessage, Suspect, oidc_suspects, saml_suspects
from gateway.web.edge import Edge
from gateway.web.retired_signers import Refused, note_refused_message
from gateway.web.visit import Visit, current_visit, has_visit


class Consumer(StrEnum):
    """Where the login came in."""

    USER_SSO = "user-sso"
    ROLE_SSO = "role-sso"
    OIDC = "oidc"


_CONSUMERS: Mapping[str, Consumer] = MappingProxyType(
    {
        "sso.user_acs": Consumer.USER_SSO,
        "sso.user_acs_of_account": Consumer.USER_SSO,
        "sso.user_artifact": Consumer.USER_SSO,
        "sso.role_acs": Consumer.ROLE_SSO,
        "sso.role_artifact": Consumer.ROLE_SSO,
        "oidc.callback": Consumer.OIDC,
    }
)


@dataclass(frozen=True, slots=True)
class Concerned:
    """A provider that a refused login was about. `account_id` and `provider_key` are empty for nobody's."""

    account_id: str
    provider_key: str
    evidence: Evidence
    verdict: LoginVerdict | None  # what the message is worth under this provider; None where none could be judged


@dataclass(frozen=True, slots=True)
class FailedLogin:
    request_id: str
    at: datetime
    consumer: Consumer
    reason: Reason
    public: str
    begun_here: bool  # the browser that came back had begun the login here
    concerned: tuple[Concerned, ...]

    @property
    def provider_keys(self) -> tuple[str, ...]:
        return tuple(each.provider_key for each in self.concerned if each.provider_key)


def is_company_login(endpoint: str | None) -> bool:
    """Whether a refusal at this endpoint leaves a trace."""
    return endpoint in _CONSUMERS


def install_failed_logins(app: Flask, edge: Edge) -> None:
    @app.after_request
    def after(response: Response) -> Response:
        error = current_visit().refused if has_visit() else None
        consumer = _CONSUMERS.get(request.endpoint or "")
        if error is not None and consumer is not None:
            failed, message = _failed(edge, consumer, error), _message(edge, consumer)
            response.call_on_close(lambda: record_failed_login(edge.services, failed, message))
        return response


def record_failed_login(services: Services, failed: FailedLogin, message: FailedMessage) -> None:
    """Judge the message under every provider it concerns, and keep what came of it. Raises nothing."""
    try:
        _record(services, failed, message)
    except Exception:  # the refusal stands, whatever happens to its trace
        logging.getLogger("ramgate").exception("the failed login %s can't be recorded", failed.request_id)
    try:
        if failed.consumer is not Consumer.OIDC:
            note_refused_message(services, message, Refused(failed.reason, failed.request_id, failed.at))
    except Exception:
        logging.getLogger("ramgate").exception("the failed login %s can't be judged", failed.request_id)


def _record(services: Services, failed: FailedLogin, message: FailedMessage) -> None:
    with services.store.reading() as session:
        look = oidc_suspects if failed.consumer is Consumer.OIDC else saml_suspects
        suspects = look(session, services, message)
    begun = any(suspect.begun for suspect in suspects)
    concerned = tuple(_concerned(suspect, message, failed.at) for suspect in suspects) or (_NOBODY,)
    with services.store.reading() as session:
        kept = tuple(each for each in concerned if has_room(session, each.provider_key, each.evidence, failed.at))
    if not kept:
        return
    whole = replace(failed, begun_here=begun, concerned=kept)
    with services.store.transaction() as session:
        write_failed_login(session, whole)


def write_failed_login(session: Session, failed: FailedLogin) -> None:
    """Everything that is written about a failed login, in one transaction."""
    for each in failed.concerned:
        keep_trace(session, _trace(failed, each))
        record(session, _receipt(failed, each))


_NOBODY = Concerned("", "", Evidence.NONE, None)


def _concerned(suspect: Suspect, message: FailedMessage, at: datetime) -> Concerned:
    verdict = suspect.judge(message, at)
    if verdict is not None and verdict.proven:
        evidence = Evidence.PROVEN
    else:
        evidence = Evidence.BEGUN if suspect.begun else Evidence.NONE
    return Concerned(suspect.account_id, suspect.provider_key, evidence, verdict)


def _trace(failed: FailedLogin, concerned: Concerned) -> NewTrace:
    verdict = concerned.verdict
    identity = None if verdict is None else verdict.identity
    personal = () if identity is None else (identity.subject, *(v for vs in identity.attributes.values() for v in vs))
    return NewTrace(
        request_id=failed.request_id,
        account_id=concerned.account_id,
        provider_key=concerned.provider_key,
        kind=TraceKind.FAILED,
        consumer=failed.consumer.value,
        evidence=concerned.evidence,
        reason=failed.reason.value,
        body=dump_body(redacted_body(verdict, public=failed.public, personal=personal)),
        at=failed.at,
    )


def _receipt(failed: FailedLogin, concerned: Concerned) -> Receipt:
    """The trace goes after a week; that there was such a login stays."""
    verdict = concerned.verdict
    details: dict[str, Detail] = {
        "consumer": failed.consumer.value,
        "provider_key": concerned.provider_key,
        "failed_check": "" if verdict is None else verdict.failed_check,
        "checks": [] if verdict is None else [each.check for each in verdict.results if each.outcome is Outcome.PASSED],
    }
    return Receipt(
        at=failed.at,
        request_id=failed.request_id,
        account_id=concerned.account_id or None,
        kind=LOGIN_REFUSED,
        principal_arn=None,
        outcome="Refused",
        reason=failed.reason.value,
        details=details,
    )


def _failed(edge: Edge, consumer: Consumer, error: GatewayError) -> FailedLogin:
    return FailedLogin(
        request_id=current_visit().request_id,
        at=edge.services.clock.now(),
        consumer=consumer,
        reason=error.reason,
        public=error.public,
        begun_here=False,
        concerned=(),
    )


def _message(edge: Edge, consumer: Consumer) -> FailedMessage:
    visit: Visit = current_visit()
    values = request.view_args or {}
    return FailedMessage(
        saml_response=visit.message or _sent_response(),
        browser=edge.browser(),
        account_id=str(values.get("account_id", "")),
        provider_name=str(values.get("name", "")),
        trail=visit.trail,
        is_role_sso=consumer is Consumer.ROLE_SSO,
    )


def _sent_response() -> str:
    """Empty where the form can't be read at all: then that is what was refused."""
    try:
        return request.form.get("SAMLResponse", "")
    except HTTPException:
        return ""
