"""From a role that a login may take to a session of it: the step that all three ways to a role share."""

from sqlalchemy.orm import Session

from gateway.federation.ended_logins import check_not_ended
from gateway.federation.facts import LoginFacts, Occasion
from gateway.federation.mapping import ResolvedRole
from gateway.federation.metadata_use import count_login, promote_by_login
from gateway.federation.role_options import login_context
from gateway.keyring import KeyRing
from gateway.sts.assume import RoleSessionGrant, assume_with_identity
from gateway.sts.duration import Cap


def grant_role(
    session: Session,
    ring: KeyRing,
    *,
    facts: LoginFacts,
    resolved: ResolvedRole,
    session_name: str,
    duration: Cap,
    session_policy: str | None,
    occasion: Occasion,
) -> RoleSessionGrant:
    """A session of the role, which remembers the provider that vouched and by which certificate or key of its own.

    Raises: as `ended_logins.check_not_ended`; as `sts.assume.assume_with_identity`, which asks the trust policy.
    """
    provider = resolved.provider
    check_not_ended(session, facts, provider.arn)
    promote_by_login(session, provider, occasion)
    grant = assume_with_identity(
        session,
        ring=ring,
        role=resolved.role,
        provider_arn=provider.arn,
        session_name=session_name,
        identity_context=login_context(facts, provider, occasion),
        provenance=facts.provenance(provider.arn, provider.certificate_fingerprint),
        duration=duration,
        session_policy=session_policy,
        now=occasion.now,
    )
    count_login(session, provider, occasion)
    return grant
