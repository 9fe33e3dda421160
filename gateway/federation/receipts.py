"""What the audit log keeps of a login that succeeded. Written in the login's own transaction."""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from gateway.audit.personal import compared
from gateway.audit.receipts import Detail, Receipt, record
from gateway.directory.claimed_groups import DerivedGroups
from gateway.federation.attributes import RULES_OF
from gateway.federation.facts import LoginFacts, Occasion
from gateway.federation.mapping import RoleMapping
from gateway.federation.role_options import login_context, rules_of
from gateway.federation.rules import apply_rules, read_key
from gateway.federation.vouching import Voucher
from gateway.identity import Protocol
from gateway.policy import Decision, Outcome
from gateway.principal import Principal, RamUser
from gateway.sts.assume import RoleSessionGrant
from gateway.sts.duration import Cap
from gateway.sts.token import Provenance

USER_LOGIN = "UserLogin"
ROLE_OFFER = "RoleOffer"
ROLE_LOGIN = "RoleLogin"


@dataclass(frozen=True, slots=True)
class LoginProof:
    """What a login was let in by: what it says, who vouches for it, and when."""

    facts: LoginFacts
    voucher: Voucher
    occasion: Occasion


def record_user_login(
    session: Session,
    proof: LoginProof,
    principal: RamUser,
    provenance: Provenance,
    cap: Cap,
    *,
    how: str,
    groups: DerivedGroups,
) -> None:
    """`how`: how the login came to be this user; `groups`: what it changed about those that a provider says."""
    details = (
        _origin(provenance)
        | login_evidence(proof.facts)
        | {
            "client": proof.occasion.client_address,
            "duration_s": cap.seconds,
            "duration_cap": cap.name,
            "caps": list(cap.told),
            "user": how,
            "claimed_groups": list(groups.counting),
            "lapsed_groups": list(groups.lapsed),
        }
    )
    record(session, _receipt(proof.occasion, USER_LOGIN, principal, details))


def record_role_offer(session: Session, occasion: Occasion, facts: LoginFacts, mapping: RoleMapping) -> None:
    """An offer belongs to no account yet: its roles may be those of several."""
    details: dict[str, Detail] = login_evidence(facts) | {
        "client": occasion.client_address,
        "issuer": facts.issuer,
        "subject": facts.subject,
        "assertion_id": facts.assertion_id,
        "certificate": facts.certificate_fingerprint,
        "session_name": mapping.session_name,
        "offered": [f"{choice.raw}: {choice.because}" for choice in mapping.allowed],
        "refused": [f"{choice.raw}: {choice.detail}" for choice in mapping.choices if not choice.allowed],
        "rules_not_met": [f"{miss.rule.name}: {miss.why}" for miss in mapping.misses],
    }
    record(session, _receipt(occasion, ROLE_OFFER, None, details))


def record_role_login(session: Session, proof: LoginProof, grant: RoleSessionGrant, because: str) -> None:
    """`because`: what offered the role."""
    rules = rule_outcomes(session, proof.facts, proof.voucher, proof.occasion)
    details = (
        grant_details(grant)
        | login_evidence(proof.facts)
        | {
            "client": proof.occasion.client_address,
            "offered_by": because,
            "rules": [outcome.told for outcome in rules],
            "rule_values": [value for outcome in rules for value in outcome.values],
            "trust_values": _values_of(grant.decision),
        }
    )
    record(session, _receipt(proof.occasion, ROLE_LOGIN, grant.token.principal, details))


def login_evidence(facts: LoginFacts) -> dict[str, Detail]:
    """What was verified: the bytes, and by which of the numbered checks. Under which certificate says the origin."""
    return {"signed_sha256": facts.signed_sha256, "checks": list(facts.checks)}


@dataclass(frozen=True, slots=True)
class RuleOutcome:
    """A mapping rule that was asked: `told` says what came of it, `values` what it compared."""

    told: str
    values: tuple[str, ...]


def rule_outcomes(session: Session, facts: LoginFacts, voucher: Voucher, occasion: Occasion) -> tuple[RuleOutcome, ...]:
    """Each rule of the provider that vouches for a login, in their order; none where the login wants none asked."""
    if facts.protocol != Protocol.OIDC and not facts.attributes.get(RULES_OF):
        return ()
    context = login_context(facts, voucher, occasion)
    outcomes = []
    for rule in rules_of(session, voucher.key):
        hits, misses = apply_rules([rule], context)
        said = "met" if hits else f"not met: {misses[0].why}"
        values = tuple(
            compared(each.key, each.operator, each.values, read_key(context, each.key), of=rule.name)
            for each in rule.block.conditions
        )
        outcomes.append(RuleOutcome(f"{rule.name}: {said}", values))
    return tuple(outcomes)


def _values_of(decision: Decision) -> list[str]:
    return [compared(each.key, each.operator, each.wanted, each.seen) for each in decision.condition_values]


def grant_details(grant: RoleSessionGrant) -> dict[str, Detail]:
    """What a receipt says of a role session: what it came from, what decided, what bounds it. For the API too."""
    token, origin = grant.token, grant.token.provenance
    details: dict[str, Detail] = {} if origin is None else _origin(origin)
    if token.parent is not None:
        details["parent_session_id"] = token.parent
    if token.source_identity is not None:
        details["source_identity"] = token.source_identity
    return details | {
        "session_id": token.session_id,
        "access_key_id": token.access_key_id,
        "role_id": token.principal.role_id,
        "decision": grant.decision.explain(),
        "trust_values": _values_of(grant.decision),
        "expires_at": grant.token.expires_at.isoformat(),
        "duration_cap": grant.duration_cap,
        "caps": list(grant.caps),
    }


def _origin(origin: Provenance) -> dict[str, Detail]:
    return {
        "protocol": origin.protocol,
        "provider_arn": origin.provider_arn,
        "issuer": origin.issuer,
        "subject": origin.subject,
        "assertion_id": origin.assertion_id,
        "certificate": origin.certificate_fingerprint,
    }


def _receipt(occasion: Occasion, kind: str, principal: Principal | None, details: dict[str, Detail]) -> Receipt:
    return Receipt(
        at=occasion.now,
        request_id=occasion.request_id,
        account_id=principal.account_id if principal else None,
        kind=kind,
        principal_arn=principal.arn if principal else None,
        outcome=Outcome.ALLOW.value,
        details=details,
    )
