"""Trust policies: who may assume a role, under which conditions. Rule: policy-language §1, §5.3."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from gateway.policy.compiled import CompiledStatement, PolicySet, compile_statement
from gateway.policy.decision import Decision, Unmatched
from gateway.policy.document import Effect, PolicyType, Statement
from gateway.policy.evaluate import find_refusal
from gateway.policy.parser import read_head, read_statements
from gateway.policy.request import ASSUME_ROLE, AccessRequest
from gateway.policy.strict_json import Json, check_length, malformed, positions_in, read_object, read_texts, shown
from gateway.policy.trusted import (
    TrustedPrincipal,
    find_federated_principal,
    find_ram_principal,
    find_service_principal,
)
from gateway.policy.verdict import Layer, Outcome, StatementRef

MAX_TRUST_POLICY = 2048  # ASSUMPTION: the platform's limit for trust policies is not confirmed
TRUST_POLICY_NAME = "AssumeRolePolicyDocument"

_KINDS: Mapping[str, tuple[Callable[[str], TrustedPrincipal | None], str]] = {
    "RAM": (find_ram_principal, '"acs:ram::<account id>:root", ":user/<name>" or ":role/<name>", without wildcards'),
    "Service": (find_service_principal, 'a service such as "ecs.aliyuncs.com"'),
    "Federated": (find_federated_principal, '"acs:ram::<account id>:saml-provider/<name>" or ":oidc-provider/<name>"'),
}


@dataclass(frozen=True, slots=True)
class TrustStatement:
    """A compiled statement together with whom it speaks of."""

    principals: tuple[TrustedPrincipal, ...]
    compiled: CompiledStatement

    def speaks_of(self, principal: TrustedPrincipal, request: AccessRequest) -> bool:
        return self.compiled.covers_action(request.action_key) and any(
            wanted.covers(principal) for wanted in self.principals
        )


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """A trust policy, compiled. `text` is the document as given."""

    text: str
    statements: tuple[TrustStatement, ...]


@dataclass(frozen=True, slots=True)
class _TrustEvidence:
    trust: TrustPolicy
    principal: TrustedPrincipal

    def near_misses(self, request: AccessRequest) -> Iterator[CompiledStatement]:
        for statement in self.trust.statements:
            allows = statement.compiled.ref.effect is Effect.ALLOW
            if allows and statement.speaks_of(self.principal, request):
                yield statement.compiled


def parse_trust_policy(text: str) -> TrustPolicy:
    """Read the trust policy of a role, at most 2048 characters.

    Refused beyond what identity policies refuse: a statement without Principal, `*` as a principal, Resource (the role
    itself is the resource). Raises: InputError(POLICY_TOO_LONG), InputError(POLICY_MALFORMED).
    """
    check_length(text, MAX_TRUST_POLICY, ignore_white_space=False)
    with positions_in(text):
        statements = enumerate(read_statements(text))
        return TrustPolicy(text, tuple(_parse_statement(value, index) for index, value in statements))


def _parse_statement(value: Json, index: int) -> TrustStatement:
    path = f"Statement[{index}]"
    head = read_head(value, path, allowed=("Effect", "Action", "NotAction", "Principal", "Condition"))
    if "Principal" not in head.members:
        raise malformed(f"{path}.Principal", 'missing; say who may assume the role, such as {"Federated": "..."}')
    ref = StatementRef(
        policy_name=TRUST_POLICY_NAME,
        policy_type=PolicyType.TRUST,
        policy_version="",
        index=index,
        effect=head.effect,
        attached_to="",
        via="",
    )
    statement = Statement(head.effect, head.actions, ("*",), head.conditions, not_action=head.not_action)
    return TrustStatement(
        principals=tuple(_read_principals(head.members["Principal"], f"{path}.Principal")),
        compiled=compile_statement(index, ref, statement),
    )


def _read_principals(value: Json, path: str) -> Iterator[TrustedPrincipal]:
    # ASSUMPTION: nobody can be trusted by a wildcard.
    kinds = read_object(value, path, 'such as {"Federated": "<provider ARN>"}; a bare "*" is not accepted')
    if not kinds:
        raise malformed(path, "names nobody; add RAM, Service or Federated")
    for kind, names in kinds.items():
        if kind not in _KINDS:
            raise malformed(path, f"{shown(kind)} is no kind of principal; known are {', '.join(_KINDS)}")
        find, wanted = _KINDS[kind]
        for index, name in enumerate(read_texts(names, f"{path}.{kind}", wanted)):
            principal = find(name)
            if principal is None:
                raise malformed(f"{path}.{kind}[{index}]", f"{shown(name)} is no principal; write {wanted}")
            yield principal


def decide_trust(
    trust: TrustPolicy,
    principal: TrustedPrincipal,
    context: Mapping[str, tuple[str, ...]],
    *,
    role_arn: str = "",
    control: tuple[PolicySet, ...] = (),
) -> Decision:
    """Whether a role lets `principal` assume it: the first Deny that applies, else the first Allow, else no.

    `control`: the control policies over the role's account, a level each; every level must allow it too. `role_arn`
    serves them and the explanation. Whether the caller's own policies allow it too is another question, put to
    `decide`; role SSO has no such caller. Rule: policy-language §5.3.
    """
    request = AccessRequest(ASSUME_ROLE, role_arn, context)
    refusal = find_refusal(request, ((Layer.CONTROL, level) for level in control))
    if refusal is not None:
        return refusal
    applying = [
        statement.compiled
        for statement in trust.statements
        if statement.speaks_of(principal, request) and all(test(request.facts) for test in statement.compiled.tests)
    ]
    for outcome in (Outcome.EXPLICIT_DENY, Outcome.ALLOW):
        for compiled in applying:
            if compiled.outcome is outcome:
                return Decision(Layer.TRUST, request, compiled)
    return Decision(Layer.TRUST, request, Unmatched(Outcome.IMPLICIT_DENY, (_TrustEvidence(trust, principal),)))
