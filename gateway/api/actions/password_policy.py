"""The password policy on the wire. Rule: ram-limits §6, §10; policy-language §2; operations.md (HardExpiry).

What a call does not send goes to its default, as the texts of both operations have it. ASSUMPTION: RAM's operation
leaves alone what only the identity service knows.
"""

from collections.abc import Mapping
from dataclasses import replace

from gateway.api.action import AnyAction, Outcome, Work, ram_action
from gateway.api.parameters import Parameters, no_parameters
from gateway.api.render import Value
from gateway.api.targets import whole_account
from gateway.api.versions import IMS, RAM
from gateway.directory.accounts import lock_account
from gateway.directory.password_policy import get_password_policy, set_password_policy
from gateway.directory.passwords import PasswordPolicy


def _ram_policy(parameters: Parameters) -> PasswordPolicy:
    return replace(_common_policy(parameters), hard_expire=parameters.optional_boolean("HardExpiry") or False)


def _ims_policy(parameters: Parameters) -> PasswordPolicy:
    default = PasswordPolicy()
    age = parameters.optional_integer("InitialPasswordAge")
    return replace(
        _common_policy(parameters),
        hard_expire=parameters.optional_boolean("HardExpire") or False,
        initial_age_days=default.initial_age_days if age is None else age,
        intercept_risk_on_api=parameters.optional_boolean("InterceptRiskPasswordOnApi") or False,
        minimum_different_characters=parameters.optional_integer("MinimumPasswordDifferentCharacter") or 0,
        not_contain_user_name=parameters.optional_boolean("PasswordNotContainUserName") or False,
    )


def _common_policy(parameters: Parameters) -> PasswordPolicy:
    """Raises: InputError(PARAMETER_INVALID), subject the parameter."""
    default = PasswordPolicy()
    length = parameters.optional_integer("MinimumPasswordLength")
    return PasswordPolicy(
        minimum_length=default.minimum_length if length is None else length,
        require_lowercase=parameters.optional_boolean("RequireLowercaseCharacters") or False,
        require_uppercase=parameters.optional_boolean("RequireUppercaseCharacters") or False,
        require_numbers=parameters.optional_boolean("RequireNumbers") or False,
        require_symbols=parameters.optional_boolean("RequireSymbols") or False,
        max_age_days=parameters.optional_integer("MaxPasswordAge") or 0,
        reuse_prevention=parameters.optional_integer("PasswordReusePrevention") or 0,
        max_login_attempts=parameters.optional_integer("MaxLoginAttemps") or 0,
    )


def get_ram_policy(work: Work, _request: None) -> Outcome:
    return Outcome({"PasswordPolicy": _ram_answer(get_password_policy(work.session, work.account_id))})


def get_ims_policy(work: Work, _request: None) -> Outcome:
    return Outcome({"PasswordPolicy": _ims_answer(get_password_policy(work.session, work.account_id))})


def set_ram_policy(work: Work, wanted: PasswordPolicy) -> Outcome:
    """Raises: InputError(PARAMETER_INVALID), subject the parameter that is out of range."""
    lock_account(work.session, work.account_id)
    present = get_password_policy(work.session, work.account_id)
    policy = replace(
        wanted,
        initial_age_days=present.initial_age_days,
        intercept_risk_on_api=present.intercept_risk_on_api,
        minimum_different_characters=present.minimum_different_characters,
        not_contain_user_name=present.not_contain_user_name,
    )
    set_password_policy(work.session, work.account_id, policy)
    return Outcome({"PasswordPolicy": _ram_answer(policy)}, details=_remembered(policy))


def set_ims_policy(work: Work, policy: PasswordPolicy) -> Outcome:
    """Raises: InputError(PARAMETER_INVALID), subject the parameter that is out of range."""
    set_password_policy(work.session, work.account_id, policy)
    return Outcome({"PasswordPolicy": _ims_answer(policy)}, details=_remembered(policy))


def _ram_answer(policy: PasswordPolicy) -> Mapping[str, Value]:
    return {"HardExpiry": policy.hard_expire, **_common_answer(policy)}


def _ims_answer(policy: PasswordPolicy) -> Mapping[str, Value]:
    return {"HardExpire": policy.hard_expire, **_common_answer(policy), **_ims_part(policy)}


def _common_answer(policy: PasswordPolicy) -> dict[str, str | int | bool | None]:
    return {
        "MinimumPasswordLength": policy.minimum_length,
        "RequireLowercaseCharacters": policy.require_lowercase,
        "RequireUppercaseCharacters": policy.require_uppercase,
        "RequireNumbers": policy.require_numbers,
        "RequireSymbols": policy.require_symbols,
        "MaxPasswordAge": policy.max_age_days,
        "PasswordReusePrevention": policy.reuse_prevention,
        "MaxLoginAttemps": policy.max_login_attempts,
    }


def _ims_part(policy: PasswordPolicy) -> dict[str, str | int | bool | None]:
    return {
        "InitialPasswordAge": policy.initial_age_days,
        "InterceptRiskPasswordOnApi": policy.intercept_risk_on_api,
        "MinimumPasswordDifferentCharacter": policy.minimum_different_characters,
        "PasswordNotContainUserName": policy.not_contain_user_name,
    }


def _remembered(policy: PasswordPolicy) -> dict[str, str | int | bool | None]:
    """What the receipt says: the policy as a whole."""
    return {"HardExpire": policy.hard_expire, **_common_answer(policy), **_ims_part(policy)}


ACTIONS: tuple[AnyAction, ...] = (
    ram_action("GetPasswordPolicy", RAM, no_parameters, get_ram_policy, whole_account, reads=True),
    ram_action("SetPasswordPolicy", RAM, _ram_policy, set_ram_policy, whole_account),
    ram_action("GetPasswordPolicy", IMS, no_parameters, get_ims_policy, whole_account, reads=True),
    ram_action("SetPasswordPolicy", IMS, _ims_policy, set_ims_policy, whole_account),
)
