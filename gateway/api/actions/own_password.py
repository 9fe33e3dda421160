"""A user's own password on the wire. Rule: ram-limits §6, §7 (AllowUserToChangePassword); policy-language §2."""

from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.new_passwords import prepare
from gateway.api.parameters import ANY_LENGTH, Parameters
from gateway.api.targets import any_of, user_target
from gateway.api.versions import IMS, RAM
from gateway.directory.guarded_check import guarded_check
from gateway.directory.login_attempts import user_attempt
from gateway.directory.login_profiles import NewPassword, change_own_password, get_login_profile
from gateway.directory.password_login import check_user_password, prepare_own_password
from gateway.directory.security_preference import get_security_preference
from gateway.directory.users import User, get_user_by_id
from gateway.errors import NotFound, Reason
from gateway.principal import RamUser
from gateway.secret import Secret
from gateway.sts.sessions import end_sessions_of_user


@dataclass(frozen=True, slots=True)
class PasswordChange:
    old: Secret
    new: Secret


def _change(parameters: Parameters) -> PasswordChange:
    """Texts much longer than passwords are read, so that the answer is about the password, and never hashed.

    Raises: InputError(PARAMETER_MISSING).
    """
    old = parameters.text("OldPassword", max_length=ANY_LENGTH)
    return PasswordChange(Secret(old), Secret(parameters.text("NewPassword", max_length=ANY_LENGTH)))


def _targets(work: Work, _request: PasswordChange) -> tuple[Target, ...]:
    return (user_target(work, work.caller.name) if isinstance(work.caller, RamUser) else any_of(work, "user"),)


def _changes_own(work: Work, _request: PasswordChange) -> bool:
    preference = get_security_preference(work.session, work.account_id)
    return isinstance(work.caller, RamUser) and preference.allow_user_to_change_password


def prepare_change(work: Work, request: PasswordChange) -> NewPassword:
    """Prove the old password, under the brake that sign-ins are under, then check and hash the new one.

    Raises: NotFound, subject "User" for a caller that is no RAM user, "User.LoginProfile" for one without a password;
    CredentialError as `check_user_password`, Throttled among them; InputError(PASSWORD_TOO_WEAK), InputError(
    PASSWORD_REUSED).
    """
    user, services = _caller(work), work.services
    get_login_profile(work.session, user)
    known = guarded_check(
        services.store,
        services.hashing,
        services.clock,
        user_attempt(user.account_id, user.name),
        lambda session: check_user_password(session, user.account_id, user.name, request.old, work.now),
    )
    # Read anew: what this session sees may be older than what the old password was checked against.
    with services.store.reading() as session:
        return prepare(work, request.new, lambda: prepare_own_password(session, user, known.password_id, request.new))


def change_password(work: Work, _request: PasswordChange) -> Outcome:
    """Set the new password, if the old one is still the user's; whoever is signed in with it is signed out.

    Raises: Throttled if the name was blocked meanwhile; Conflict(CHANGED_MEANWHILE).
    """
    user = _caller(work)
    change_own_password(work.session, user, work.made(NewPassword), work.now)
    end_sessions_of_user(work.session, user.id, work.now)
    return Outcome()


def _caller(work: Work) -> User:
    """ASSUMPTION: what the platform tells owners and roles, who have no such password, is not published."""
    if not isinstance(work.caller, RamUser):
        raise NotFound(Reason.NOT_FOUND, "only a RAM user has a password of its own", subject="User")
    return get_user_by_id(work.session, work.account_id, work.caller.user_id)


ACTIONS: tuple[AnyAction, ...] = tuple(
    ram_action(
        "ChangePassword", version, _change, change_password, _targets, on_itself=_changes_own, prepare=prepare_change
    )
    for version in (RAM, IMS)
)
