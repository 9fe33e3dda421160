"""Who am I? Rule: sts-contract §2.4."""

from gateway.api.action import Action, AnyAction, Auth, Outcome, Work
from gateway.api.parameters import no_parameters
from gateway.api.rulings import identity_fields
from gateway.api.versions import STS


def get_caller_identity(work: Work, _request: None) -> Outcome:
    """Tell a caller who it is.

    ASSUMPTION: no permission is needed; type, ARN and principal id of an account owner are from memory; `UserId` is
    left out for it. Rule: sts-contract §2.4.
    """
    return Outcome(identity_fields(work.caller))


ACTIONS: tuple[AnyAction, ...] = (
    Action("GetCallerIdentity", STS, Auth.SIGNED, no_parameters, get_caller_identity, reads=True),
)
