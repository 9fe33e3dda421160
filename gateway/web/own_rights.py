"""What somebody may do to themselves in the browser: as on the wire, the account's settings allow it, and a policy can
forbid it. Rule: ram-limits §7.
"""

from sqlalchemy.orm import Session

from gateway.client import policy_context
from gateway.directory.accounts import get_account
from gateway.directory.password_holders import Holder
from gateway.directory.users import find_user_by_id
from gateway.errors import AuthenticationError, Denied, NotFound, Reason
from gateway.policy import Decision
from gateway.principal import AccountOwner, RamUser
from gateway.services import Services
from gateway.sts.sessions import BrowserSession
from gateway.web.records import remember
from gateway.web.session import current_session
from gateway.web.visit import current_visit


def current_holder(session: Session) -> Holder:
    """The user, or the account whose owner it is, at the browser.

    Raises: AuthenticationError(NOT_SIGNED_IN); NotFound for a role session, which has no password and no device.
    """
    match current_session().principal:
        case AccountOwner(account_id=account_id):
            return get_account(session, account_id)
        case RamUser(account_id=account_id, user_id=user_id):
            user = find_user_by_id(session, account_id, user_id)
            if user is None:
                raise AuthenticationError(Reason.NOT_SIGNED_IN, "You are not signed in.")
            return user
        case _:
            message = "A role has no password and no second factor. Sign in as a user to see yours."
            raise NotFound(Reason.NOT_FOUND, message, subject="User")


def check_own(session: Session, services: Services, action: str, *, settings_allow: bool) -> None:
    """Refuse `ram:<action>` on oneself.

    An owner may; a user whose account lets its users, unless a policy denies it or control policies do not let it
    through; and whom a policy lets.
    Raises: Denied(ACCESS_DENIED).
    """
    decision = _decide(session, services, current_session(), action)
    if not _may(decision, settings_allow=settings_allow):
        raise Denied(Reason.ACCESS_DENIED, "You may not do this.", decision, detail=decision.explain())


def may_own(session: Session, services: Services, action: str, *, settings_allow: bool) -> bool:
    """Whether `check_own` would pass."""
    return _may(_decide(session, services, current_session(), action), settings_allow=settings_allow)


def _may(decision: Decision, *, settings_allow: bool) -> bool:
    return decision.allowed or (settings_allow and decision.only_ungranted)


def _decide(session: Session, services: Services, who: BrowserSession, action: str) -> Decision:
    context = policy_context(
        current_visit().client, services.clock.now(), who.principal.arn, mfa_present=who.mfa_present, mfa_at=who.mfa_at
    )
    decision = services.authorizer.decide(session, who.principal, f"ram:{action}", who.principal.arn, context)
    remember(services, who.principal, decision)
    return decision
