"""Making role sessions: the trust policy decides, the caps bound the time, the token is sealed."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from sqlalchemy.orm import Session

from gateway.client import MFA_AGE, MFA_PRESENT
from gateway.directory.control_levels import control_levels
from gateway.directory.roles import AssumableRole, Role
from gateway.errors import Denied, InputError, Reason
from gateway.ids import new_request_id, new_sts_key_id, new_sts_key_secret
from gateway.keyring import KeyRing
from gateway.policy import (
    Decision,
    FederatedPrincipal,
    RamKind,
    RamPrincipal,
    ServicePrincipal,
    TrustedPrincipal,
    TrustPolicy,
    decide_trust,
    parse_session_policy,
    parse_trust_policy,
)
from gateway.principal import RamUser, RoleSession
from gateway.secret import Secret
from gateway.store.direct import Source
from gateway.sts.credentials import Credentials, build_credentials
from gateway.sts.duration import Cap, api_duration
from gateway.sts.revocation import account_value, check_live, token_pairs
from gateway.sts.token import Provenance, SessionToken

Context = Mapping[str, tuple[str, ...]]
_SESSION_NAME = re.compile(r"[A-Za-z0-9\-_.@=]{2,64}", re.ASCII)


@dataclass(frozen=True, slots=True)
class RoleSessionGrant:
    """A new role session, and why it was granted."""

    token: SessionToken
    credentials: Credentials
    decision: Decision  # of the trust policy
    duration_cap: str  # in words, which limit set the end
    caps: tuple[str, ...] = ()  # all limits that were compared, see `Cap.told`


def is_session_name(text: str) -> bool:
    """2 to 64 letters, digits and `- _ . @ =`. Rule: sso-contract §2.2; sts-contract §2.1 is narrower by the `=`."""
    return _SESSION_NAME.fullmatch(text) is not None


def decide_federated(source: Source, role: Role | AssumableRole, provider_arn: str, context: Context) -> Decision:
    """Does the role's trust policy admit a login through this provider? It and control policies decide: no identity
    policy and no session policy has a say. Rule: policy-language §5.3; sso-contract §2.4.
    """
    return decide_trusted(source, role, FederatedPrincipal(provider_arn), context)


def decide_caller(
    source: Source, role: Role | AssumableRole, caller: RamUser | SessionToken, context: Context
) -> Decision:
    """Does the role's trust policy admit this caller? Its own policies are another question."""
    return decide_trusted(source, role, trusted_principal(caller), context)


def decide_trusted(
    source: Source, role: Role | AssumableRole, principal: TrustedPrincipal, context: Context
) -> Decision:
    """Does the role's trust policy admit this principal, and do the control policies over the role's account?"""
    control = control_levels(source, role.account_id) if role.controlled else ()
    trust = _compiled_trust(role.trust_document)
    return decide_trust(trust, principal, context, role_arn=role.arn, control=control)


def decide_no_role(role_arn: str, principal: TrustedPrincipal) -> Decision:
    """What somebody is told of a role of another account that is not there: what one that does not trust them says.

    Otherwise any account could find out which roles, and which accounts, there are.
    """
    return decide_trust(TrustPolicy("", ()), principal, {}, role_arn=role_arn)


@lru_cache(maxsize=4096)
def _compiled_trust(document: str) -> TrustPolicy:
    """Pure in its argument; memoised because every login asks the same few documents, and a changed one is another."""
    return parse_trust_policy(document)


def assume_with_identity(
    session: Session,
    *,
    ring: KeyRing,
    role: Role | AssumableRole,
    provider_arn: str,
    session_name: str,
    identity_context: Context,
    provenance: Provenance,
    duration: Cap,
    session_policy: str | None,
    now: datetime,
) -> RoleSessionGrant:
    """Turn a verified external login into a session of `role`.

    `identity_context` holds the `saml:` keys of the login and the `acs:` keys of the request. That the provider
    vouches for the login (entity ID, certificate) was checked by the caller; `duration` comes from `sts.duration`.
    Raises: Denied(TRUST_POLICY_DENIED) with the decision; InputError for an ill-formed session policy or session
    name; CredentialError(TOKEN_REVOKED) when the assertion was revoked.
    """
    decision = decide_federated(session, role, provider_arn, identity_context)
    check_trusted(decision, provider_arn)
    if provenance.provider_arn != provider_arn:
        raise ValueError("the provenance names another provider than the trust policy was asked about")
    token = _new_token(role, session_name, session_policy, duration, now)
    token = replace(
        token,
        provenance=provenance,
        mfa_present=_proved_mfa(identity_context),
        mfa_at=_mfa_time(identity_context, now),
    )
    check_live(session, token, now)
    return RoleSessionGrant(token, build_credentials(ring, token), decision, duration.name, duration.told)


def assume_for_service(
    source: Source,
    *,
    ring: KeyRing,
    service: str,
    role: Role,
    session_name: str,
    context: Context,
    duration_s: int | None,
    lineage: tuple[tuple[str, str], ...],
    now: datetime,
) -> RoleSessionGrant:
    """Turn something that a service runs, such as an instance, into a session of `role`.

    That it is this service's was proven before; the role's trust policy and control policies decide. Whatever is named
    in `lineage` ends the session when it is revoked.
    Raises: Denied(TRUST_POLICY_DENIED); InputError about DurationSeconds; CredentialError(TOKEN_REVOKED).
    """
    decision = decide_trusted(source, role, ServicePrincipal(service), context)
    check_trusted(decision, service)
    duration = api_duration(
        duration_s=duration_s, session_not_on_or_after=None, role_max_s=role.max_session_duration_s, now=now
    )
    token = replace(_new_token(role, session_name, None, duration, now), lineage=lineage)
    check_live(source, token, now)
    return RoleSessionGrant(token, build_credentials(ring, token), decision, duration.name, duration.told)


def assume_as_caller(
    source: Source,
    *,
    ring: KeyRing,
    caller: RamUser | SessionToken,
    role: Role | AssumableRole,
    session_name: str,
    context: Context,
    duration_s: int | None,
    session_policy: str | None,
    source_identity: str | None = None,
    access_key_id: str | None = None,
    now: datetime,
) -> RoleSessionGrant:
    """Turn a RAM user, or the holder of a role session, into a session of `role`.

    `access_key_id`: the lasting key that the user signed with, if it was one; revoking it ends the session.

    The trust policy is asked here. That the caller's own policies allow `sts:AssumeRole` on the role (in a role
    session its session policy too) is the other half and was decided by the caller of this function.
    A session got with a role session ends with it at the latest, dies with everything that one came from, and, as
    the same role again, keeps its session policy, whatever roles were taken in between. The source identity of a chain
    is set once and stays.
    Raises: Denied(TRUST_POLICY_DENIED); InputError about DurationSeconds, Policy, RoleSessionName or SourceIdentity;
    CredentialError(TOKEN_EXPIRED), CredentialError(TOKEN_REVOKED). Rule: sts-contract §2.1, §2.5.
    """
    parent = caller if isinstance(caller, SessionToken) else None
    decision = decide_caller(source, role, caller, context)
    check_trusted(decision, trusted_principal(caller))
    duration = api_duration(
        duration_s=duration_s,
        session_not_on_or_after=None,
        role_max_s=role.max_session_duration_s,
        now=now,
        parent_expires_at=parent.expires_at if parent else None,
    )
    policy = _narrowed(parent, role, session_policy)
    token = _new_token(role, session_name, policy, duration, now)
    if parent is not None:
        upstream = token_pairs(parent)
        token = replace(
            token,
            provenance=parent.provenance,
            parent=parent.session_id,
            lineage=tuple(upstream),
            lineage_at=tuple(upstream.values()),
            narrowed=_bounds(parent),
        )
        check_live(source, parent, now)
    elif isinstance(caller, RamUser):
        token = replace(token, lineage=(("user", caller.user_id), *_by_key(caller, role, access_key_id)))
    identity = _source_of(parent, source_identity)
    token = replace(token, mfa_present=_proved_mfa(context), mfa_at=_mfa_time(context, now), source_identity=identity)
    check_live(source, token, now)
    return RoleSessionGrant(token, build_credentials(ring, token), decision, duration.name, duration.told)


def _by_key(caller: RamUser, role: Role | AssumableRole, access_key_id: str | None) -> tuple[tuple[str, str], ...]:
    """By what the account of the key, and that of the role, call back what was got with a lasting key."""
    accounts = () if access_key_id is None else dict.fromkeys((caller.account_id, role.account_id))
    return tuple(("access-key", account_value(account_id, access_key_id or "")) for account_id in accounts)


def _source_of(parent: SessionToken | None, source_identity: str | None) -> str | None:
    """ASSUMPTION: a session can't give the sessions derived from it another source identity than its own.

    Raises: InputError(PARAMETER_INVALID) about SourceIdentity.
    """
    inherited = parent.source_identity if parent else None
    if inherited is not None and source_identity not in (None, inherited):
        message = "the calling session has another source identity already"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="SourceIdentity")
    return source_identity if inherited is None else inherited


def _proved_mfa(context: Context) -> bool:
    """Whether the request came from a sign-in with a second factor: then calls of the new session do, too."""
    return context.get(MFA_PRESENT) == ("true",)


def _mfa_time(context: Context, now: datetime) -> datetime | None:
    """When the second factor was proved, to the second; None where the request does not say."""
    ages = context.get(MFA_AGE, ())
    return now - timedelta(seconds=int(ages[0])) if ages else None


def trusted_principal(caller: RamUser | SessionToken) -> RamPrincipal:
    """As trust policies name a caller."""
    if isinstance(caller, RamUser):
        return RamPrincipal(caller.account_id, RamKind.USER, caller.name)
    return RamPrincipal(caller.principal.account_id, RamKind.ROLE, caller.principal.role_name)


def check_trusted(decision: Decision, who: str | RamPrincipal) -> None:
    """Raises: Denied(TRUST_POLICY_DENIED) unless the trust policy lets them in."""
    if not decision.allowed:
        message = "The role's trust policy does not let you in."
        raise Denied(Reason.TRUST_POLICY_DENIED, message, decision, detail=f"{who}: {decision.explain()}")


def _narrowed(parent: SessionToken | None, role: Role | AssumableRole, session_policy: str | None) -> str | None:
    """The session policy of a derived session: that of the session of the same role which it came from, however many
    roles lie between them, or a session could shed its policy by a detour.

    Raises: InputError(PARAMETER_INVALID) about Policy where one would have to be put on top of another.
    """
    inherited = None if parent is None else dict(_bounds(parent)).get(role.id)
    if inherited is not None and session_policy not in (None, inherited):
        raise InputError(
            Reason.PARAMETER_INVALID,
            "a session of this role which this one came from has a session policy, and a second one can't be added",
            subject="Policy",
        )
    return session_policy if inherited is None else inherited


def _bounds(token: SessionToken) -> tuple[tuple[str, str], ...]:
    """Role and session policy of a session and of those upstream of it, each role once."""
    own = token.principal
    if own.session_policy is None or own.role_id in dict(token.narrowed):
        return token.narrowed
    return (*token.narrowed, (own.role_id, own.session_policy))


def _new_token(
    role: Role | AssumableRole, session_name: str, session_policy: str | None, duration: Cap, now: datetime
) -> SessionToken:
    if not is_session_name(session_name):
        raise InputError(
            Reason.PARAMETER_INVALID,
            "RoleSessionName must be 2 to 64 letters, digits and - _ . @ =",
            subject="RoleSessionName",
        )
    if session_policy is not None:
        parse_session_policy(session_policy)
    return SessionToken(
        session_id=new_request_id(),
        principal=RoleSession(
            account_id=role.account_id,
            role_id=role.id,
            role_name=role.name,
            session_name=session_name,
            session_policy=session_policy,
        ),
        access_key_id=new_sts_key_id(),
        secret=Secret(new_sts_key_secret()),
        issued_at=now,
        expires_at=now + timedelta(seconds=duration.seconds),
        provenance=None,
    )
