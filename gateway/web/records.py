"""What the browser edge leaves behind: receipts of password sign-ins and changes, log lines of refused sign-ins."""

from collections.abc import Mapping

from sqlalchemy.orm import Session

from gateway.audit.log import log_event
from gateway.audit.receipts import Detail, Receipt, record
from gateway.errors import GatewayError
from gateway.principal import Principal
from gateway.services import Services
from gateway.web.visit import current_visit

PASSWORD_LOGIN = "PasswordLogin"  # noqa: S105 - the kind of a receipt


def record_password_login(session: Session, services: Services, principal: Principal) -> None:
    _record(session, services, principal, PASSWORD_LOGIN, {})


def record_change(session: Session, services: Services, principal: Principal, action: str, entity: str) -> None:
    _record(session, services, principal, action, {"entity": entity})


def log_refused_password(error: GatewayError, account_id: str) -> None:
    """A refused sign-in leaves a count in the database (`directory/login_attempts.py`) and everything else here: the
    table is bounded, so nobody can fill it. `detail` names whoever exists; what else was typed is not written down.
    """
    visit = current_visit()
    log_event(
        "web.password_refused",
        request_id=visit.request_id,
        reason=error.reason,
        detail=error.detail,
        account_id=account_id,
        client=visit.client.address,
    )


def _record(
    session: Session, services: Services, principal: Principal, kind: str, details: Mapping[str, Detail]
) -> None:
    visit = current_visit()
    record(
        session,
        Receipt(
            at=services.clock.now(),
            request_id=visit.request_id,
            account_id=principal.account_id,
            kind=kind,
            principal_arn=principal.arn,
            outcome="Allow",
            details={"client": visit.client.address, **details},
        ),
    )
