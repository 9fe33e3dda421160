"""AssumeRoleWithSAML after the response was verified: one assertion against one set of credentials.

Rule: sts-contract §2.2, §6.3; sso-contract §2.3.
"""

from dataclasses import dataclass

from sqlalchemy.orm import Session

from gateway.arn import parse_ram_arn
from gateway.directory.saml_providers import SamlProvider
from gateway.errors import Denied, NotFound, Reason, SamlError
from gateway.federation.facts import Occasion, facts_of
from gateway.federation.grant import grant_role
from gateway.federation.mapping import Refusal, ResolvedRole, resolve_role
from gateway.federation.replay import claim_session
from gateway.federation.role_options import RoleOption, RoleOptions, saml_role_options
from gateway.federation.vouching import Vouching
from gateway.identity import VerifiedIdentity
from gateway.keyring import KeyRing
from gateway.sts.assume import RoleSessionGrant
from gateway.sts.duration import api_duration


@dataclass(frozen=True, slots=True)
class SamlExchange:
    """The grant, and the texts of `SAMLAssertionInfo`."""

    grant: RoleSessionGrant
    subject_type: str  # NameID format without the SAML 2.0 prefix, others verbatim
    subject: str
    issuer: str
    recipient: str


def exchange_saml_for_role(
    session: Session,
    ring: KeyRing,
    *,
    identity: VerifiedIdentity,
    provider: SamlProvider,
    role_arn: str,
    duration_s: int | None,
    session_policy: str | None,
    occasion: Occasion,
) -> SamlExchange:
    """Give credentials of `role_arn` for a verified assertion of `provider`.

    The assertion must offer this very role through this very provider: that the role trusts the provider does not
    mean that everybody in the company may take it. A session policy narrows the credentials. The assertion is used
    up; that it was shown to the role page before does not matter. The receipt is the caller's to write.
    Raises: InputError(ARN_MALFORMED), InputError about Policy, DurationSeconds; NotFound about RoleArn; SamlError with
    SAML_UNKNOWN_ISSUER, ROLE_ATTRIBUTE, ROLE_SESSION_NAME, SAML_REPLAYED, SAML_EXPIRED; Denied(TRUST_POLICY_DENIED).
    """
    facts = facts_of(identity)
    vouching = Vouching(session, facts)
    option = _offered_role(saml_role_options(vouching, occasion), provider, role_arn)
    resolved = _resolve(vouching, option, occasion)
    duration = api_duration(
        duration_s=duration_s,
        session_not_on_or_after=facts.session_not_on_or_after,
        role_max_s=_role_maximum(resolved, option),
        now=occasion.now,
    )
    claim_session(session, facts, occasion.now)
    grant = grant_role(
        session,
        ring,
        facts=facts,
        resolved=resolved,
        session_name=option.session_name,
        duration=duration,
        session_policy=session_policy,
        occasion=occasion,
    )
    return SamlExchange(grant, facts.subject_type, facts.subject, facts.issuer, facts.recipient)


def _offered_role(offered: RoleOptions, provider: SamlProvider, role_arn: str) -> RoleOption:
    wanted = parse_ram_arn(role_arn, "role")
    for option in offered.options:
        pair = option.pair
        if (pair.role.account_id, pair.role.name.lower()) != (wanted.account_id, wanted.name.lower()):
            continue
        if (pair.provider.account_id, pair.provider.name.lower()) == (provider.account_id, provider.name.lower()):
            return option
    raise SamlError(
        Reason.ROLE_ATTRIBUTE,
        "The SAML assertion does not offer this role through this provider.",
        detail=f"wanted {wanted} through {provider.arn}; offered {[each.pair.raw for each in offered.options]!r:.500}; "
        f"rules not met: {[f'{miss.rule.name}: {miss.why}' for miss in offered.misses]!r:.500}",
    )


def _resolve(vouching: Vouching, option: RoleOption, occasion: Occasion) -> ResolvedRole:
    choice, resolved = resolve_role(vouching, option, occasion)
    if resolved is not None:
        return resolved
    if choice.decision is not None:
        raise Denied(
            Reason.TRUST_POLICY_DENIED,
            "The role's trust policy does not let you in through this identity provider.",
            choice.decision,
            choice.detail,
        )
    if choice.refusal is Refusal.PROVIDER:
        raise SamlError(Reason.SAML_UNKNOWN_ISSUER, "The SAML assertion is not by this provider.", choice.detail)
    raise NotFound(Reason.NOT_FOUND, "the role does not exist", choice.detail, subject="RoleArn")


def _role_maximum(resolved: ResolvedRole, option: RoleOption) -> int:
    """Seconds; a mapping rule can lower what the role allows."""
    return min(resolved.role.max_session_duration_s, option.session_duration_s or resolved.role.max_session_duration_s)
