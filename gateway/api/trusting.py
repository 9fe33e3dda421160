"""What conditions can ask of a trust policy that somebody sets: `ram:TrustedPrincipalTypes`, `ram:ServiceNames`.

Rule: policy-language §4. ASSUMPTION: each principal that the policy would admit is decided on by itself. The language
has no operator for "all values", and a role that trusts an allowed service and a stranger too must not pass for one
that trusts the service.
"""

from dataclasses import replace

from gateway.api.action import Target
from gateway.policy import Effect, FederatedPrincipal, ServicePrincipal, TrustedPrincipal, TrustPolicy


def trusting_targets(target: Target, trust: TrustPolicy) -> tuple[Target, ...]:
    """The role once for each kind of principal that the trust policy admits, and for each service."""
    admitted = {
        tuple(sorted(_facts(principal).items())): _facts(principal)
        for statement in trust.statements
        if statement.compiled.ref.effect is Effect.ALLOW
        for principal in statement.principals
    }
    return tuple(replace(target, facts=facts) for facts in admitted.values()) or (target,)


def _facts(principal: TrustedPrincipal) -> dict[str, str]:
    if isinstance(principal, ServicePrincipal):
        return {"ram:TrustedPrincipalTypes": "Service", "ram:ServiceNames": principal.service}
    kind = "Federated" if isinstance(principal, FederatedPrincipal) else "RAM"
    return {"ram:TrustedPrincipalTypes": kind}
