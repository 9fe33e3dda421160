"""Who am I? Rule: sts-contract §2.4."""

from gateway.api.action import Action, AnyAction, Auth, Outcome, Work
from gateway.api.parameters import no_parameters
from gateway.api.render import Value
from gateway.api.versions import STS
from gateway.principal import AccountOwner, RamUser, RoleSession


def get_caller_identity(work: Work, _request: None) -> Outcome:
    """Tell a caller who it is.

    ASSUMPTION: no permission is needed; type, ARN and principal id of an account owner are from memory; `UserId` is
    left out for it. Rule: sts-contract §2.4.
    """
    caller = work.caller
    answer: dict[str, Value] = {"AccountId": caller.account_id, "Arn": caller.arn}
    match caller:
        case RamUser():
            answer |= {"IdentityType": "RAMUser", "PrincipalId": caller.user_id, "UserId": caller.user_id}
        case RoleSession():
            principal_id = f"{caller.role_id}:{caller.session_name}"
            answer |= {"IdentityType": "AssumedRoleUser", "PrincipalId": principal_id, "RoleId": caller.role_id}
        case AccountOwner():
            answer |= {"IdentityType": "Account", "PrincipalId": caller.account_id}
    return Outcome(answer)


ACTIONS: tuple[AnyAction, ...] = (
    Action("GetCallerIdentity", STS, Auth.SIGNED, no_parameters, get_caller_identity, reads=True),
)
