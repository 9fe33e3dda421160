"""Login profiles on the wire. Rule: ram-limits §5, §6, §10; policy-language §2.

A password that was set, disabled or taken away by this signs the user out of its browsers.
"""

from dataclasses import dataclass

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.named_user import NamedUser, named_user, named_user_target, read_logon_name, read_user_name
from gateway.api.new_passwords import prepare
from gateway.api.parameters import Parameters, missing
from gateway.api.principal_names import principal_name_of
from gateway.api.render import Value
from gateway.api.versions import IMS, RAM
from gateway.clock import wire_time
from gateway.directory.login_profiles import (
    LoginProfile,
    LoginProfileStatus,
    NewPassword,
    add_login_profile,
    delete_login_profile,
    find_login_profile,
    get_login_profile,
    login_status,
    password_status,
    prepare_password,
    update_login_profile,
)
from gateway.directory.password_policy import get_password_policy
from gateway.directory.security_preference import get_security_preference
from gateway.directory.users import User
from gateway.errors import AlreadyExists, Reason
from gateway.secret import Secret
from gateway.sts.sessions import end_sessions_of_user


@dataclass(frozen=True, slots=True)
class ProfileRequest:
    """None: not sent."""

    who: NamedUser
    password: Secret | None
    password_reset_required: bool | None
    mfa_bind_required: bool | None
    status: LoginProfileStatus | None


def _ram_request(parameters: Parameters) -> ProfileRequest:
    return _request(read_user_name(parameters), parameters, None)


def _ims_request(parameters: Parameters) -> ProfileRequest:
    status = parameters.optional_choice("Status", tuple(LoginProfileStatus))
    return _request(read_logon_name(parameters), parameters, None if status is None else LoginProfileStatus(status))


def _request(who: NamedUser, parameters: Parameters, status: LoginProfileStatus | None) -> ProfileRequest:
    password = parameters.optional_text("Password")
    return ProfileRequest(
        who,
        None if password is None else Secret(password),
        parameters.optional_boolean("PasswordResetRequired"),
        parameters.optional_boolean("MFABindRequired"),
        status,
    )


def _new_profile(request: ProfileRequest) -> ProfileRequest:
    """ASSUMPTION: a profile is made with a password; what one without would be good for is not published."""
    if request.password is None:
        raise missing("Password")
    return request


def _new_ram_profile(parameters: Parameters) -> ProfileRequest:
    """Raises: InputError(PARAMETER_MISSING), InputError(PARAMETER_INVALID)."""
    return _new_profile(_ram_request(parameters))


def _new_ims_profile(parameters: Parameters) -> ProfileRequest:
    """Raises: InputError(PARAMETER_MISSING), InputError(PARAMETER_INVALID)."""
    return _new_profile(_ims_request(parameters))


def _targets(work: Work, request: ProfileRequest) -> tuple[Target, ...]:
    return (named_user_target(work, request.who),)


def _name_targets(work: Work, who: NamedUser) -> tuple[Target, ...]:
    return (named_user_target(work, who),)


def prepare_profile(work: Work, request: ProfileRequest) -> NewPassword | None:
    """Check and hash the password, if one was sent.

    Raises: NotFound, subject "User" or "User.LoginProfile"; InputError(PASSWORD_TOO_WEAK), InputError(PASSWORD_REUSED).
    """
    user = named_user(work, request.who)
    get_login_profile(work.session, user)
    return _prepared(work, user, request.password)


def _prepared(work: Work, user: User, password: Secret | None) -> NewPassword | None:
    return None if password is None else prepare(work, password, lambda: prepare_password(work.session, user, password))


def prepare_new_profile(work: Work, request: ProfileRequest) -> NewPassword | None:
    """Raises: AlreadyExists, before anything is hashed; as `prepare_profile`."""
    user = named_user(work, request.who)
    if find_login_profile(work.session, user) is not None:
        message = "the user has a password already"
        raise AlreadyExists(Reason.ALREADY_EXISTS, message, subject="User.LoginProfile")
    return _prepared(work, user, request.password)


def create_ram_profile(work: Work, request: ProfileRequest) -> Outcome:
    user, profile = _create(work, request)
    return Outcome({"LoginProfile": _ram_answer(user, profile)})


def create_ims_profile(work: Work, request: ProfileRequest) -> Outcome:
    user, profile = _create(work, request)
    return Outcome({"LoginProfile": _ims_answer(work, user, profile)})


def _create(work: Work, request: ProfileRequest) -> tuple[User, LoginProfile]:
    """Raises: AlreadyExists, subject "User.LoginProfile"; NotFound, subject "User"; Conflict(CHANGED_MEANWHILE)."""
    user = named_user(work, request.who)
    profile = add_login_profile(
        work.session,
        user,
        work.made(NewPassword),
        password_reset_required=request.password_reset_required or False,
        mfa_bind_required=request.mfa_bind_required or False,
        status=request.status or LoginProfileStatus.ACTIVE,
        now=work.now,
    )
    return user, profile


def get_ram_profile(work: Work, who: NamedUser) -> Outcome:
    """Raises: NotFound, subject "User" or "User.LoginProfile"."""
    user = named_user(work, who)
    return Outcome({"LoginProfile": _ram_answer(user, get_login_profile(work.session, user))})


def get_ims_profile(work: Work, who: NamedUser) -> Outcome:
    """Raises: NotFound, subject "User" or "User.LoginProfile"."""
    user = named_user(work, who)
    answer = _ims_answer(work, user, get_login_profile(work.session, user))
    last_login = {} if user.last_login_at is None else {"LastLoginTime": wire_time(user.last_login_at)}
    return Outcome({"LoginProfile": answer | _auto_disable() | last_login})


def update_ram_profile(work: Work, request: ProfileRequest) -> Outcome:
    _update(work, request)
    return Outcome()


def update_ims_profile(work: Work, request: ProfileRequest) -> Outcome:
    user, profile = _update(work, request)
    return Outcome({"LoginProfile": _ims_answer(work, user, profile) | _auto_disable()})


def _update(work: Work, request: ProfileRequest) -> tuple[User, LoginProfile]:
    """Raises: NotFound, subject "User" or "User.LoginProfile"; Conflict(CHANGED_MEANWHILE)."""
    user = named_user(work, request.who)
    profile = update_login_profile(
        work.session,
        user,
        password=None if request.password is None else work.made(NewPassword),
        password_reset_required=request.password_reset_required,
        mfa_bind_required=request.mfa_bind_required,
        status=request.status,
        now=work.now,
    )
    if request.password is not None or request.status is LoginProfileStatus.INACTIVE:
        end_sessions_of_user(work.session, user.id, work.now)
    return user, profile


def delete_profile(work: Work, who: NamedUser) -> Outcome:
    """Raises: NotFound, subject "User" or "User.LoginProfile"."""
    user = named_user(work, who)
    delete_login_profile(work.session, user)
    end_sessions_of_user(work.session, user.id, work.now)
    return Outcome()


def _ram_answer(user: User, profile: LoginProfile) -> dict[str, Value]:
    return {
        "UserName": user.name,
        "CreateDate": wire_time(profile.created_at),
        "MFABindRequired": profile.mfa_bind_required,
        "PasswordResetRequired": profile.password_reset_required,
    }


def _ims_answer(work: Work, user: User, profile: LoginProfile) -> dict[str, Value]:
    preference = get_security_preference(work.session, work.account_id)
    return {
        "UserPrincipalName": principal_name_of(work, user),
        "UpdateDate": wire_time(profile.updated_at),
        "MFABindRequired": profile.mfa_bind_required,
        "PasswordResetRequired": profile.password_reset_required,
        "Status": login_status(profile, preference, work.now),
        "PasswordStatus": password_status(profile, get_password_policy(work.session, work.account_id), work.now),
    }


def _auto_disable() -> dict[str, Value]:
    """That idle users lose the console; nobody can switch it off. The platform says it as a text."""
    return {"AutoDisableLoginStatus": "true"}


_CREATE, _GET, _UPDATE, _DELETE = "CreateLoginProfile", "GetLoginProfile", "UpdateLoginProfile", "DeleteLoginProfile"
ACTIONS: tuple[AnyAction, ...] = (
    ram_action(_CREATE, RAM, _new_ram_profile, create_ram_profile, _targets, prepare=prepare_new_profile),
    ram_action(_GET, RAM, read_user_name, get_ram_profile, _name_targets, reads=True),
    ram_action(_UPDATE, RAM, _ram_request, update_ram_profile, _targets, prepare=prepare_profile),
    ram_action(_DELETE, RAM, read_user_name, delete_profile, _name_targets),
    ram_action(_CREATE, IMS, _new_ims_profile, create_ims_profile, _targets, prepare=prepare_new_profile),
    ram_action(_GET, IMS, read_logon_name, get_ims_profile, _name_targets, reads=True),
    ram_action(_UPDATE, IMS, _ims_request, update_ims_profile, _targets, prepare=prepare_profile),
    ram_action(_DELETE, IMS, read_logon_name, delete_profile, _name_targets),
)
