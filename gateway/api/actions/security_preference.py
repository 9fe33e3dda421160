"""Security settings on the wire: what users may do by themselves, and how they may sign in.

Rule: ram-limits §7; policy-language §2. ASSUMPTION: what a call does not send stays as it is, or a call about the MFA
of sign-ins would lift the list of networks.
"""

from dataclasses import replace

from gateway.api.action import AnyAction, Outcome, Work, ram_action
from gateway.api.parameters import Parameters, no_parameters
from gateway.api.render import Value
from gateway.api.targets import whole_account
from gateway.api.versions import IMS, RAM
from gateway.directory.security_preference import (
    MfaOperation,
    RiskOperation,
    SecurityChange,
    SecurityPreference,
    get_security_preference,
    set_security_preference,
)

_TYPES = "VerificationTypes"


def _common_change(parameters: Parameters) -> SecurityChange:
    """Raises: InputError(PARAMETER_INVALID), subject the parameter."""
    return SecurityChange(
        allow_user_to_change_password=parameters.optional_boolean("AllowUserToChangePassword"),
        allow_user_to_manage_access_keys=parameters.optional_boolean("AllowUserToManageAccessKeys"),
        allow_user_to_manage_mfa_devices=parameters.optional_boolean("AllowUserToManageMFADevices"),
        enable_save_mfa_ticket=parameters.optional_boolean("EnableSaveMFATicket"),
        login_network_masks=parameters.given_text("LoginNetworkMasks"),
        login_session_duration_h=parameters.optional_integer("LoginSessionDuration"),
    )


def _ram_change(parameters: Parameters) -> SecurityChange:
    """Raises: as `_common_change`."""
    public_keys = parameters.optional_boolean("AllowUserToManagePublicKeys")
    return replace(_common_change(parameters), allow_user_to_manage_public_keys=public_keys)


def _ims_change(parameters: Parameters) -> SecurityChange:
    """Raises: as `_common_change`."""
    risk = parameters.optional_choice("OperationForRiskLogin", tuple(RiskOperation))
    return replace(
        _common_change(parameters),
        allow_user_to_manage_service_credentials=parameters.optional_boolean("AllowUserToManageServiceCredentials"),
        allow_user_to_manage_personal_dingtalk=parameters.optional_boolean("AllowUserToManagePersonalDingTalk"),
        allow_user_to_login_with_passkey=parameters.optional_boolean("AllowUserToLoginWithPasskey"),
        mfa_operation_for_login=_mfa_operation(parameters),
        operation_for_risk_login=None if risk is None else RiskOperation(risk),
        verification_types=_verification_types(parameters),
        max_idle_days_for_users=parameters.optional_integer("MaxIdleDaysForUsers"),
        max_idle_days_for_access_keys=parameters.optional_integer("MaxIdleDaysForAccessKeys"),
    )


def _mfa_operation(parameters: Parameters) -> MfaOperation | None:
    """`EnforceMFAForLogin`, which the newer parameter replaces, is still understood."""
    wanted = parameters.optional_choice("MFAOperationForLogin", tuple(MfaOperation))
    if wanted is not None:
        return MfaOperation(wanted)
    enforced = parameters.optional_boolean("EnforceMFAForLogin")
    if enforced is None:
        return None
    return MfaOperation.MANDATORY if enforced else MfaOperation.INDEPENDENT


def _verification_types(parameters: Parameters) -> tuple[str, ...] | None:
    """An empty list takes all away; no list leaves them."""
    types = parameters.texts(_TYPES)
    return types if types or parameters.given_text(_TYPES) is not None else None


def get_ram_preference(work: Work, _request: None) -> Outcome:
    return Outcome({"SecurityPreference": _ram_answer(get_security_preference(work.session, work.account_id))})


def get_ims_preference(work: Work, _request: None) -> Outcome:
    return Outcome({"SecurityPreference": _ims_answer(get_security_preference(work.session, work.account_id))})


def set_ram_preference(work: Work, change: SecurityChange) -> Outcome:
    """Raises: InputError(PARAMETER_INVALID), subject the parameter that is out of range."""
    return Outcome({"SecurityPreference": _ram_answer(_set(work, change))})


def set_ims_preference(work: Work, change: SecurityChange) -> Outcome:
    """Raises: InputError(PARAMETER_INVALID), subject the parameter that is out of range."""
    return Outcome({"SecurityPreference": _ims_answer(_set(work, change))})


def _set(work: Work, change: SecurityChange) -> SecurityPreference:
    return set_security_preference(work.session, work.account_id, change)


def _ram_answer(preference: SecurityPreference) -> dict[str, Value]:
    return {
        "AccessKeyPreference": {"AllowUserToManageAccessKeys": preference.allow_user_to_manage_access_keys},
        "LoginProfilePreference": _login_answer(preference),
        "MFAPreference": {"AllowUserToManageMFADevices": preference.allow_user_to_manage_mfa_devices},
        "PublicKeyPreference": {"AllowUserToManagePublicKeys": preference.allow_user_to_manage_public_keys},
    }


def _ims_answer(preference: SecurityPreference) -> dict[str, Value]:
    return {
        "AccessKeyPreference": {
            "AllowUserToManageAccessKeys": preference.allow_user_to_manage_access_keys,
            "AllowUserToManageServiceCredentials": preference.allow_user_to_manage_service_credentials,
        },
        "LoginProfilePreference": {
            **_login_answer(preference),
            "AllowUserToLoginWithPasskey": preference.allow_user_to_login_with_passkey,
            "MFAOperationForLogin": preference.mfa_operation_for_login,
            "OperationForRiskLogin": preference.operation_for_risk_login,
        },
        "MFAPreference": {"AllowUserToManageMFADevices": preference.allow_user_to_manage_mfa_devices},
        "MaxIdleDays": {
            "MaxIdleDaysForAccessKeys": preference.max_idle_days_for_access_keys,
            "MaxIdleDaysForUsers": preference.max_idle_days_for_users,
        },
        "PersonalInfoPreference": {
            "AllowUserToManagePersonalDingTalk": preference.allow_user_to_manage_personal_dingtalk
        },
        "VerificationPreference": {_TYPES: list(preference.verification_types)},
    }


def _login_answer(preference: SecurityPreference) -> dict[str, Value]:
    return {
        "AllowUserToChangePassword": preference.allow_user_to_change_password,
        "EnableSaveMFATicket": preference.enable_save_mfa_ticket,
        "LoginNetworkMasks": ";".join(preference.login_network_masks),
        "LoginSessionDuration": preference.login_session_duration_h,
    }


_GET, _SET = "GetSecurityPreference", "SetSecurityPreference"
ACTIONS: tuple[AnyAction, ...] = (
    ram_action(_GET, RAM, no_parameters, get_ram_preference, whole_account, reads=True),
    ram_action(_SET, RAM, _ram_change, set_ram_preference, whole_account),
    ram_action(_GET, IMS, no_parameters, get_ims_preference, whole_account, reads=True),
    ram_action(_SET, IMS, _ims_change, set_ims_preference, whole_account),
)
