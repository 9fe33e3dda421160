"""Calling sessions back, on a version of our own: by session, user, role, provider, certificate or assertion."""

from gateway.api.action import AnyAction, Outcome, Target, Work, ram_action
from gateway.api.parameters import Parameters
from gateway.api.targets import oidc_provider_target, role_target, saml_provider_target, user_target
from gateway.api.versions import RESOURCES
from gateway.clock import wire_time
from gateway.federation.recall import LONGEST_VALUE, Recall, RecallKind, parse_recall, recall_sessions
from gateway.federation.user_sso import user_sso_provider_arn


def revoke_sessions(work: Work, wanted: Recall) -> Outcome:
    """Every session and token of the account that came from it is refused at its next use.

    Raises: as `recall_sessions`.
    """
    name = recall_sessions(work.session, work.account_id, wanted, work.now)
    answer = {"Kind": wanted.kind.value, "Value": name, "RevokedAt": wire_time(work.now)}
    return Outcome({"Revocation": answer}, details={"revoked": wanted.kind.value, "value": name})


def _wanted(parameters: Parameters) -> Recall:
    """Raises: InputError(PARAMETER_MISSING), InputError(PARAMETER_INVALID)."""
    kind = RecallKind(parameters.choice("Kind", [kind.value for kind in RecallKind]))
    return parse_recall(kind, parameters.text("Value", max_length=LONGEST_VALUE))


def _target(work: Work, wanted: Recall) -> tuple[Target, ...]:
    """The user, role or provider itself; sessions as `session/<id>`; what has no ARN as any session of the account."""
    value = wanted.value
    match wanted.kind:
        case RecallKind.USER:
            return (user_target(work, value.rpartition("/")[2]),)
        case RecallKind.ROLE:
            return (role_target(work, value.rpartition("/")[2]),)
        case RecallKind.PROVIDER | RecallKind.SUBJECT:
            return (_provider_target(work, value.partition("#")[0]),)
        case RecallKind.SESSION:
            return (Target(f"acs:ram:*:{work.account_id}:session/{value}"),)
        case _:
            return (Target(f"acs:ram:*:{work.account_id}:session/*"),)


def _provider_target(work: Work, arn: str) -> Target:
    """An account's user SSO setting has an ARN of its own, and no name."""
    name = arn.rpartition("/")[2]
    if ":oidc-provider/" in arn:
        return oidc_provider_target(work, name)
    return saml_provider_target(work, name) if "/" in arn else Target(user_sso_provider_arn(work.account_id))


ACTIONS: tuple[AnyAction, ...] = (ram_action("RevokeSessions", RESOURCES, _wanted, revoke_sessions, _target),)
