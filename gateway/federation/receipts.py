"""What the audit log keeps of a login that succeeded. Written in the login's own transaction."""

from sqlalchemy.orm import Session

from gateway.audit.receipts import Detail, Receipt, record
from gateway.federation.facts import LoginFacts, Occasion
from gateway.federation.mapping import RoleMapping
from gateway.policy import Outcome
from gateway.principal import Principal, RamUser
from gateway.sts.assume import RoleSessionGrant
from gateway.sts.duration import Cap
from gateway.sts.token import Provenance

USER_LOGIN = "UserLogin"
ROLE_OFFER = "RoleOffer"
ROLE_LOGIN = "RoleLogin"


def record_user_login(
    session: Session,
    occasion: Occasion,
    principal: RamUser,
    provenance: Provenance,
    cap: Cap,
    *,
    how: str,
    groups: tuple[str, ...],
) -> None:
    """`how`: how the login came to be this user; `groups`: those that it said, as far as they exist."""
    details = _origin(provenance) | {
        "duration_s": cap.seconds,
        "duration_cap": cap.name,
        "user": how,
        "claimed_groups": list(groups),
    }
    record(session, _receipt(occasion, USER_LOGIN, principal, details))


def record_role_offer(session: Session, occasion: Occasion, facts: LoginFacts, mapping: RoleMapping) -> None:
    """An offer belongs to no account yet: its roles may be those of several."""
    details: dict[str, Detail] = {
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


def record_role_login(session: Session, occasion: Occasion, grant: RoleSessionGrant, because: str) -> None:
    """`because`: what offered the role."""
    details = grant_details(grant) | {"offered_by": because}
    record(session, _receipt(occasion, ROLE_LOGIN, grant.token.principal, details))


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
        "expires_at": grant.token.expires_at.isoformat(),
        "duration_cap": grant.duration_cap,
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
