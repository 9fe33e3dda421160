"""AssumeRoleWithOIDC after the token was verified: the role's trust policy alone decides.

Rule: sts-contract §2.3, §6.4.

A token may be exchanged as often as it is valid, since a workload is given one for many calls; what it gives is bounded
by the role, and ends with the token's provider, key and subject when they are revoked.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.arn import RamArn, parse_ram_arn
from gateway.errors import Denied, NotFound, OidcError, Reason
from gateway.federation.attributes import RolePair
from gateway.federation.ended_logins import check_not_ended
from gateway.federation.facts import Occasion, facts_of
from gateway.federation.grant import grant_role
from gateway.federation.mapping import Refusal, ResolvedRole, resolve_role
from gateway.federation.role_options import RoleOption
from gateway.federation.vouching import Vouching
from gateway.identity import VerifiedIdentity
from gateway.keyring import KeyRing
from gateway.sts.assume import RoleSessionGrant
from gateway.sts.duration import api_duration


@dataclass(frozen=True, slots=True)
class OidcExchange:
    """The grant, and what `OIDCTokenInfo` tells."""

    grant: RoleSessionGrant
    subject: str
    issuer: str
    client_ids: tuple[str, ...]
    issued_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the caller asks for."""

    role: RamArn
    session_name: str
    duration_s: int | None
    session_policy: str | None


def exchange_oidc_for_role(
    session: Session, ring: KeyRing, *, identity: VerifiedIdentity, wanted: Wanted, occasion: Occasion
) -> OidcExchange:
    """Give credentials of a role for a verified ID token. A session policy narrows them. The receipt is the caller's.

    Raises: InputError about Policy, DurationSeconds or RoleSessionName; NotFound, subject "RoleArn"; OidcError(
    OIDC_ISSUER) where the provider changed since the token was verified; Denied(TRUST_POLICY_DENIED); CredentialError(
    TOKEN_REVOKED) where what the token came from was revoked.
    """
    claims = identity.oidc
    assert claims is not None, "an OIDC identity has claims"
    facts = facts_of(identity)
    check_not_ended(session, facts)
    vouching = Vouching(session, facts)
    provider = parse_ram_arn(identity.provider, "oidc-provider")
    pair = RolePair(f"{wanted.role},{provider}", wanted.role, provider)
    option = RoleOption(pair, wanted.session_name, None, "the caller")
    resolved = _resolve(vouching, option, occasion)
    duration = api_duration(
        duration_s=wanted.duration_s,
        session_not_on_or_after=None,
        role_max_s=resolved.role.max_session_duration_s,
        now=occasion.now,
    )
    grant = grant_role(
        session,
        ring,
        facts=facts,
        resolved=resolved,
        session_name=wanted.session_name,
        duration=duration,
        session_policy=wanted.session_policy,
        occasion=occasion,
    )
    return OidcExchange(grant, facts.subject, facts.issuer, claims.audiences, identity.issued_at, claims.expires_at)


def _resolve(vouching: Vouching, option: RoleOption, occasion: Occasion) -> ResolvedRole:
    choice, resolved = resolve_role(vouching, option, occasion)
    if resolved is not None:
        return resolved
    if choice.decision is not None:
        message = "the role's trust policy does not let the token in"
        raise Denied(Reason.TRUST_POLICY_DENIED, message, choice.decision, choice.detail)
    if choice.refusal is Refusal.PROVIDER:
        raise OidcError(Reason.OIDC_ISSUER, "the token is not of this provider", choice.detail)
    raise NotFound(Reason.NOT_FOUND, str(option.pair.role), choice.detail, subject="RoleArn")
