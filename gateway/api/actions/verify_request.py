"""VerifyRequest, of our own version: a resource service forwards what its client signed, learns who it was and whether
it may, and never sees a secret.

The names of the parameters are not those of the service's own signature, which may stand beside them. A service asks by
`ram:VerifyRequest` on `acs:ram:*:<its account>:service/<code>`; who asks no more than who it was, on `.../service/*`.
"""

from dataclasses import dataclass

from gateway.api.action import Action, AnyAction, Auth, Outcome, Target, Work
from gateway.api.parameters import Parameters, missing
from gateway.api.render import Value
from gateway.api.rulings import bench_of, identity_fields, remember_ruling, ruling_fields, service_target
from gateway.api.versions import RESOURCES
from gateway.clock import wire_time
from gateway.guard.forwarded import LONGEST_SIGNATURE, Forwarded, Method, decode_string
from gateway.guard.proof import Caller
from gateway.guard.questions import (
    LONGEST_ACTION,
    LONGEST_RESOURCE,
    SOURCE_IP,
    Question,
    read_context,
    read_question,
)
from gateway.guard.reach import reach_of
from gateway.guard.verifying import verify_forwarded
from gateway.principal import RoleSession
from gateway.sts.token import MAX_TEXT_LENGTH

_LONGEST_KEY, _LONGEST_NONCE, _LONGEST_TIME = 128, 128, 40
_ANY = "*"


@dataclass(frozen=True, slots=True)
class Request:
    forwarded: Forwarded
    question: Question | None


def verify_request(work: Work, request: Request) -> Outcome:
    """Raises: as `verify_forwarded`."""
    reach = reach_of(work.source, work.services.authorizer, work.caller)
    verified = verify_forwarded(work.source, bench_of(work), request.forwarded, request.question, reach)
    answer: dict[str, Value] = {"Caller": _caller(verified.caller)}
    if verified.ruling is not None:
        remember_ruling(work, "VerifyRequest", verified.caller.principal, verified.ruling)
        answer["Decision"] = ruling_fields(verified.ruling)
    return Outcome(answer)


def _caller(caller: Caller) -> dict[str, Value]:
    """GetCallerIdentity's fields, the name of a user or role session, and until when a session may be believed."""
    told = identity_fields(caller.principal)
    if isinstance(caller.principal, RoleSession):
        told |= {"RoleName": caller.principal.role_name, "SessionName": caller.principal.session_name}
    if caller.token is not None:
        told |= {"SessionId": caller.token.session_id, "Expiration": wire_time(caller.token.expires_at)}
    return told


def _request(parameters: Parameters) -> Request:
    context = read_context(parameters.optional_text("Context"))
    forwarded = Forwarded(
        access_key_id=parameters.text("ClientAccessKeyId", max_length=_LONGEST_KEY),
        security_token=parameters.optional_text("ClientSecurityToken", max_length=MAX_TEXT_LENGTH),
        method=Method(parameters.choice("ClientSignatureMethod", [method.value for method in Method])),
        string_to_sign=decode_string(
            parameters.optional_text("StringToSign"), parameters.optional_text("EncodedStringToSign")
        ),
        signature=parameters.text("ClientSignature", max_length=LONGEST_SIGNATURE),
        signed_at=parameters.text("SignedAt", max_length=_LONGEST_TIME),
        nonce=parameters.optional_text("ClientNonce", max_length=_LONGEST_NONCE),
        client_address="".join(context.get(SOURCE_IP, ())),
    )
    action = parameters.optional_text("RequestAction", max_length=LONGEST_ACTION)
    resource = parameters.optional_text("Resource", max_length=LONGEST_RESOURCE)
    if action is None and resource is None:
        return Request(forwarded, None)
    if action is None or resource is None:  # half a question must not be taken for none
        raise missing("Resource" if resource is None else "RequestAction")
    return Request(forwarded, read_question(action, resource, context))


def _targets(work: Work, request: Request) -> tuple[Target, ...]:
    return (service_target(work, _ANY if request.question is None else request.question.service),)


ACTIONS: tuple[AnyAction, ...] = (
    Action(
        "VerifyRequest", RESOURCES, Auth.SIGNED, _request, verify_request, "ram:VerifyRequest", _targets, reads=True
    ),
)
