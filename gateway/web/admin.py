"""What the administration pages share: the policy engine decides, and each change leaves a receipt."""

from sqlalchemy.orm import Session

from gateway.client import policy_context
from gateway.principal import Principal
from gateway.services import Services
from gateway.web.records import record_change, require
from gateway.web.session import current_session
from gateway.web.visit import current_visit


def allowed_to(session: Session, services: Services, action: str, entity: str = "*") -> Principal:
    """The person at the browser, if policies let them do `ram:<action>` on `entity` of their own account.

    There is no way to name another account: what a page shows and changes is always the account of its visitor.
    Raises: AuthenticationError(NOT_SIGNED_IN), Denied(ACCESS_DENIED).
    """
    who = current_session()
    principal = who.principal
    resource = f"acs:ram:*:{principal.account_id}:{entity}"
    context = policy_context(
        current_visit().client, services.clock.now(), principal.arn, mfa_present=who.mfa_present, mfa_at=who.mfa_at
    )
    require(session, services, principal, f"ram:{action}", resource, context)
    return principal


def changing(session: Session, services: Services, action: str, entity: str = "*") -> Principal:
    """`allowed_to`, and the receipt of the change, which is kept only if the transaction is."""
    principal = allowed_to(session, services, action, entity)
    record_change(session, services, principal, action, entity)
    return principal
