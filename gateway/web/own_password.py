"""Changing one's own password at the browser, after proving the present one."""

from sqlalchemy.orm import Session

from gateway.directory.accounts import Account, check_owner_password, set_owner_password
from gateway.directory.guarded_check import guarded_check
from gateway.directory.login_attempts import clear_failures, owner_attempt, user_attempt
from gateway.directory.login_profiles import change_own_password, find_login_profile
from gateway.directory.password_holders import Holder, account_id_of
from gateway.directory.password_login import check_user_password, prepare_own_password
from gateway.directory.security_preference import get_security_preference
from gateway.directory.user_sso import passwords_are_off
from gateway.directory.users import User
from gateway.secret import Secret
from gateway.sts.sessions import end_sessions_of_owner, end_sessions_of_user
from gateway.web.edge import Edge
from gateway.web.login_steps import principal_of
from gateway.web.own_rights import check_own, may_own
from gateway.web.records import record_own_change
from gateway.web.session import current_handle

_ACTION = "ChangePassword"


def has_password(session: Session, holder: Holder) -> bool:
    """Whether there is a password that could sign the person in: none while a company signs them in."""
    if isinstance(holder, Account):
        return True
    return find_login_profile(session, holder) is not None and not passwords_are_off(session, holder.account_id)


def may_change_password(session: Session, edge: Edge, holder: Holder) -> bool:
    return may_own(session, edge.services, _ACTION, settings_allow=_settings_allow(session, holder))


def change_password(edge: Edge, holder: Holder, old: Secret, new: Secret) -> None:
    """Set the new password; every other browser of the person is signed out.

    Raises: Denied(ACCESS_DENIED); CredentialError, Throttled among them, about the old password; InputError about the
    new one; Conflict(CHANGED_MEANWHILE).
    """
    with edge.services.store.reading() as session:
        check_own(session, edge.services, _ACTION, settings_allow=_settings_allow(session, holder))
    if isinstance(holder, User):
        _change_of_user(edge, holder, old, new)
    else:
        _change_of_owner(edge, holder, old, new)


def _change_of_user(edge: Edge, user: User, old: Secret, new: Secret) -> None:
    services = edge.services
    known = guarded_check(
        services.store,
        services.hashing,
        services.clock,
        user_attempt(user.account_id, user.name),
        lambda session: check_user_password(session, user.account_id, user.name, old, services.clock.now()),
    )
    with services.hashing.long_turn(), services.store.reading() as session:
        prepared = prepare_own_password(session, known.user, known.password_id, new)
    with services.store.transaction() as session:
        now = services.clock.now()
        change_own_password(session, known.user, prepared, now)
        end_sessions_of_user(session, user.id, now, keep=current_handle(edge.cookies))
        record_own_change(session, services, principal_of(user), _ACTION, {})


def _change_of_owner(edge: Edge, owner: Account, old: Secret, new: Secret) -> None:
    services, attempt = edge.services, owner_attempt(owner.owner_login)
    guarded_check(
        services.store,
        services.hashing,
        services.clock,
        attempt,
        lambda session: check_owner_password(session, owner.owner_login, old),
    )
    with services.hashing.long_turn(), services.store.transaction() as session:
        now = services.clock.now()
        set_owner_password(session, owner.id, new)  # hashes before it locks
        clear_failures(session, attempt, now)
        end_sessions_of_owner(session, owner.id, now, keep=current_handle(edge.cookies))
        record_own_change(session, services, principal_of(owner), _ACTION, {})


def _settings_allow(session: Session, holder: Holder) -> bool:
    return get_security_preference(session, account_id_of(holder)).allow_user_to_change_password
