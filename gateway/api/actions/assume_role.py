"""AssumeRole: a user or a role session puts on a role, of its own account or of another. Rule: sts-contract §2.1, §6.2.

Both sides have to allow it: the caller's own policies (phase 4, on the ARN of the role), then the role's trust policy.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from gateway.api.action import Action, AnyAction, Auth, Outcome, Target, Work
from gateway.api.authorize import mfa_of
from gateway.api.parameters import Parameters
from gateway.api.render import Value
from gateway.api.role_credentials import arn_parameter, credentials_answer
from gateway.api.versions import STS
from gateway.arn import RamArn, role_arn
from gateway.audit.receipts import Receipt
from gateway.client import policy_context
from gateway.directory.roles import AssumableRole, find_assumable_role, tags_of_role
from gateway.errors import Denied, InputError, NotFound, Reason
from gateway.federation.receipts import grant_details
from gateway.principal import AccountOwner, RamUser, RoleSession
from gateway.sts.assume import RoleSessionGrant, assume_as_caller, check_trusted, decide_no_role, trusted_principal
from gateway.sts.token import SessionToken

_NAME = "AssumeRole"
_SESSION_NAME = re.compile(r"[A-Za-z0-9.@_-]{2,64}")
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
# ASSUMPTION: the limits of a source identity are not published; these are those of a session name, and the signs of an
# external ID that no condition takes apart.
_SOURCE_IDENTITY = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
# Legacy parameters, not published any more: their format is checked, and they prove nothing.
_SERIAL_NUMBER = re.compile(r"acs:ram::[0-9]{16}:mfa/[A-Za-z0-9.-]{1,64}")
_TOKEN_CODE = re.compile(r"[0-9]{6}")


@dataclass(frozen=True, slots=True)
class AssumeRoleRequest:
    role: RamArn
    session_name: str
    duration_s: int | None
    policy: str | None
    external_id: str | None
    source_identity: str | None


def parse_assume_role(parameters: Parameters) -> AssumeRoleRequest:
    """Raises: InputError(PARAMETER_MISSING), InputError(ARN_MALFORMED), InputError(PARAMETER_INVALID)."""
    role = arn_parameter(parameters, "RoleArn", "role")
    session_name = _formed(parameters, "RoleSessionName", _SESSION_NAME)
    if session_name is None:
        raise InputError(Reason.PARAMETER_MISSING, "RoleSessionName is missing", subject="RoleSessionName")
    for name, form in (("SerialNumber", _SERIAL_NUMBER), ("TokenCode", _TOKEN_CODE)):
        _formed(parameters, name, form)
    return AssumeRoleRequest(
        role=role,
        session_name=session_name,
        duration_s=parameters.optional_integer("DurationSeconds"),
        policy=parameters.optional_text("Policy"),
        external_id=_formed(parameters, "ExternalId", _EXTERNAL_ID),
        source_identity=_formed(parameters, "SourceIdentity", _SOURCE_IDENTITY),
    )


def assume_role(work: Work, request: AssumeRoleRequest) -> Outcome:
    """Give credentials of the role, if its trust policy lets the caller in.

    Whether there is such a role is told only to those whom their own policies allow to assume it, and of the roles of
    another account to nobody whom they do not trust.
    Raises: NotFound, subject "Role"; Denied(TRUST_POLICY_DENIED); otherwise as `assume_as_caller`.
    """
    caller = _assuming(work)
    role = _role(work, request.role, caller)
    arn = caller.arn if isinstance(caller, RamUser) else caller.principal.role_arn
    acts = policy_context(work.client, work.now, arn, **mfa_of(work.token))
    grant = assume_as_caller(
        work.source,
        ring=work.services.ring,
        caller=caller,
        role=role,
        session_name=request.session_name,
        context={**acts, **_condition_keys(request)},
        duration_s=request.duration_s,
        session_policy=request.policy,
        source_identity=request.source_identity,
        access_key_id=work.access_key_id,
        now=work.now,
    )
    details = grant_details(grant)
    foreign = role.account_id != work.account_id
    return Outcome(_answer(grant), details=details, also=(_receipt_of_owner(work, grant),) if foreign else ())


def _targets(work: Work, request: AssumeRoleRequest) -> tuple[Target, ...]:
    """A role of another account is named by its ARN alone: whether it exists has no bearing on the caller's policies.

    Raises: Denied, subject "AccountOwner": an owner assumes no role, whatever policies say.
    """
    if isinstance(work.caller, AccountOwner):
        message = "roles can't be assumed by the owner of an account"
        raise Denied(Reason.ACCESS_DENIED, message, None, subject="AccountOwner")
    account_id, name = request.role.account_id, request.role.name
    tags = tags_of_role(work.source, account_id, name) if account_id == work.account_id else {}
    return (Target(role_arn(account_id, name), tags),)


def _role(work: Work, wanted: RamArn, caller: RamUser | SessionToken) -> AssumableRole:
    role = find_assumable_role(work.source, wanted.account_id, wanted.name)
    if role is None and wanted.account_id != work.account_id:
        principal = trusted_principal(caller)
        check_trusted(decide_no_role(role_arn(wanted.account_id, wanted.name), principal), principal)
    if role is None:
        raise NotFound(Reason.NOT_FOUND, "the role does not exist", subject="Role")
    return role


def _assuming(work: Work) -> RamUser | SessionToken:
    if isinstance(work.caller, RoleSession):
        assert work.token is not None, "a role session signs with its token"
        return work.token
    assert isinstance(work.caller, RamUser), "an owner was refused before"
    return work.caller


def _condition_keys(request: AssumeRoleRequest) -> Mapping[str, tuple[str, ...]]:
    """ASSUMPTION: `sts:ExternalId` is from memory; `sts:SourceIdentity` is named after it."""
    given = {"sts:ExternalId": request.external_id, "sts:SourceIdentity": request.source_identity}
    return {key: (value,) for key, value in given.items() if value is not None}


def _answer(grant: RoleSessionGrant) -> dict[str, Value]:
    """ASSUMPTION: the role's name in the ARN is in lower case, as in every role ARN."""
    holder, source = grant.token.principal, grant.token.source_identity
    answer: dict[str, Value] = {
        "AssumedRoleUser": {
            "AssumedRoleId": f"{holder.role_id}:{holder.session_name}",
            "Arn": f"{holder.role_arn}/{holder.session_name}",
        },
        "Credentials": credentials_answer(grant.credentials),
    }
    return answer if source is None else answer | {"SourceIdentity": source}


def _receipt_of_owner(work: Work, grant: RoleSessionGrant) -> Receipt:
    """What the account that the role belongs to remembers of a caller from elsewhere."""
    return Receipt(
        at=work.now,
        request_id=work.call.wire.request_id,
        account_id=grant.token.principal.account_id,
        kind=_NAME,
        principal_arn=work.caller.arn,
        outcome=grant.decision.outcome.value,
        details=grant_details(grant) | {"client": work.client.address},
    )


def _formed(parameters: Parameters, name: str, form: re.Pattern[str]) -> str | None:
    value = parameters.optional_text(name)
    if value is not None and not form.fullmatch(value):
        raise InputError(Reason.PARAMETER_INVALID, f"{name} is malformed", f"{len(value)} characters", subject=name)
    return value


ACTIONS: tuple[AnyAction, ...] = (
    Action(
        _NAME,
        STS,
        Auth.SIGNED,
        parse_assume_role,
        assume_role,
        "sts:AssumeRole",
        _targets,
        context=_condition_keys,
        grants=True,
    ),
)
