"""What the browser edge leaves behind: receipts of password sign-ins and changes, and what policies were asked."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from sqlalchemy.orm import Session

from gateway.audit.decisions import decision_record, record_decision
from gateway.audit.receipts import Detail, Receipt, record
from gateway.errors import Denied
from gateway.policy import Decision
from gateway.principal import Principal
from gateway.services import Services
from gateway.sts.duration import Cap
from gateway.web.visit import current_visit

PASSWORD_LOGIN = "PasswordLogin"  # noqa: S105 - the kind of a receipt


def record_password_login(
    session: Session, services: Services, principal: Principal, second_factor: str, cap: Cap
) -> None:
    details: dict[str, Detail] = {
        "method": "password",
        "second_factor": second_factor,
        "duration_s": cap.seconds,
        "duration_cap": cap.name,
        "caps": list(cap.told),
    }
    _record(session, services, principal, PASSWORD_LOGIN, details)


def record_change(session: Session, services: Services, principal: Principal, action: str, entity: str) -> None:
    _record(session, services, principal, action, {"entity": entity})


def record_own_change(
    session: Session, services: Services, principal: Principal, action: str, details: Mapping[str, Detail]
) -> None:
    """Somebody changed something about themselves."""
    _record(session, services, principal, action, details)


def require(  # noqa: PLR0917 - who wants what, on which values
    session: Session,
    services: Services,
    principal: Principal,
    action: str,
    resource: str,
    context: Mapping[str, tuple[str, ...]],
) -> Decision:
    """Ask the policies for somebody at the browser; what they say is remembered before anything comes of it.

    Raises: Denied(ACCESS_DENIED), with the decision.
    """
    with remembering_denials(services, principal):
        decision = services.authorizer.require(session, principal, action, resource, context)
    remember(services, principal, decision)
    return decision


@contextmanager
def remembering_denials(services: Services, principal: Principal) -> Iterator[None]:
    """Hand the decision of a denial that passes to the journal."""
    try:
        yield
    except Denied as error:
        if isinstance(error.decision, Decision):
            remember(services, principal, error.decision)
        raise


def remember(services: Services, principal: Principal, decision: Decision, *, reason: str = "") -> None:
    """Hand a decision about somebody at the browser to the journal. Raises: OSError if it can't be written."""
    at, request_id = services.clock.now(), current_visit().request_id
    operation = decision.request.action.partition(":")[2]
    kept = decision_record(decision, principal, at=at, request_id=request_id, operation=operation, reason=reason)
    record_decision(services.store, kept)


def _record(
    session: Session, services: Services, principal: Principal, kind: str, details: Mapping[str, Detail]
) -> None:
    leave_receipt(session, services, principal.account_id, principal.arn, kind, details)


def leave_receipt(  # noqa: PLR0917 - whose, of whom, what, and more
    session: Session,
    services: Services,
    account_id: str,
    principal_arn: str | None,
    kind: str,
    details: Mapping[str, Detail],
) -> None:
    """Of something that this visit did. Its client is told as well."""
    visit = current_visit()
    record(
        session,
        Receipt(
            at=services.clock.now(),
            request_id=visit.request_id,
            account_id=account_id,
            kind=kind,
            principal_arn=principal_arn,
            outcome="Allow",
            details={"client": visit.client.address, **details},
        ),
    )
