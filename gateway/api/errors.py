"""How a failure looks on the wire. Rule: sts-contract §6; sdk-wire §3."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from gateway.api.render import Value
from gateway.api.wire_codes import BY_STATUS, INTERNAL_ERROR, row_for
from gateway.api.wire_row import Row
from gateway.errors import Denied, GatewayError
from gateway.policy import Decision, Outcome
from gateway.principal import AccountOwner, Principal, RamUser, RoleSession

_TROUBLESHOOT = "https://api.aliyun.com/troubleshoot"


@dataclass(frozen=True, slots=True)
class FederatedCaller:
    """Somebody whom an identity provider vouched for, and who is not a principal yet."""

    account_id: str
    provider: str  # saml-provider/<name>


@dataclass(frozen=True, slots=True)
class Failure:
    """What is known when a call fails. `caller` is None until it was authenticated."""

    request_id: str
    host_id: str
    action: str = ""
    permission: str = ""
    caller: Principal | FederatedCaller | None = None


def render_error(error: GatewayError, failure: Failure, diagnosis: str = "") -> tuple[int, Mapping[str, Value]]:
    """The HTTP status and the body for a refusal. `diagnosis` is what a denial tells an administrator, sealed."""
    row = row_for(error.reason, error.subject, failure.action)
    body = _envelope(row, failure, subject=error.subject, public=error.public)
    body["Reason"] = str(error.reason)  # ours: what tests and operators tell apart where codes are coarse
    if isinstance(error, Denied) and isinstance(error.decision, Decision):
        body["AccessDeniedDetail"] = _denied_detail(error.decision, failure, diagnosis)
    return row.status, body


def render_internal_error(failure: Failure) -> tuple[int, Mapping[str, Value]]:
    """The body for a fault of ours. Says nothing about it: the log does, under the same request id."""
    return INTERNAL_ERROR.status, _envelope(INTERNAL_ERROR, failure)


def render_http_error(status: int, failure: Failure) -> tuple[int, Mapping[str, Value]]:
    """The body for what the HTTP layer refused. A status without a row of its own is told as 400 or as 500."""
    row = BY_STATUS.get(status) or BY_STATUS[400 if status < 500 else 500]  # noqa: PLR2004
    return row.status, _envelope(row, failure)


def _envelope(row: Row, failure: Failure, *, subject: str = "", public: str = "") -> dict[str, Value]:
    code = row.code.replace("{subject}", subject).rstrip(".")
    return {
        "RequestId": failure.request_id,
        "HostId": failure.host_id,
        "Code": code,
        "Message": row.message.replace("{subject}", subject).replace("{public}", public),
        "Recommend": f"{_TROUBLESHOOT}?{urlencode({'q': code, 'requestId': failure.request_id})}",
    }


def _denied_detail(decision: Decision, failure: Failure, diagnosis: str) -> Mapping[str, Value]:
    """Rule: sts-contract §6, AccessDeniedDetail.

    Which statement decided, and by what condition, is sealed in the message, and in the log under the request id: it
    is not for somebody who was refused to read other people's policies.
    """
    kind, owner, name = describe_caller(failure.caller)
    denied = "ExplicitDeny" if decision.outcome is Outcome.EXPLICIT_DENY else "ImplicitDeny"
    return {
        "AuthAction": failure.permission,
        "AuthPrincipalType": kind,
        "AuthPrincipalOwnerId": owner,
        "AuthPrincipalDisplayName": name,
        "NoPermissionType": denied,
        "PolicyType": decision.layer.value,
        "EncodedDiagnosticMessage": diagnosis,
    }


def describe_caller(caller: Principal | FederatedCaller | None) -> tuple[str, str, str]:
    """Type, owning account and display name of a caller.

    ASSUMPTION: an owner is shown as `Account` under its account id; the contract lists no type for it.
    """
    match caller:
        case RamUser():
            return "SubUser", caller.account_id, caller.user_id
        case RoleSession():
            return "AssumedRoleUser", caller.account_id, f"{caller.role_name}:{caller.session_name}"
        case FederatedCaller():
            return "Federated", caller.account_id, caller.provider
        case AccountOwner():
            return "Account", caller.account_id, caller.account_id
        case None:
            return "", "", ""
