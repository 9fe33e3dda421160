"""The two browser logins: from a verified identity to a signed-in user, or to a role, at once or after a choice.

Each function does all its writing in the caller's transaction. Any refusal is raised, so that the transaction rolls
back and neither a claim nor a session nor an offer stays behind.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.directory.accounts import get_account
from gateway.directory.login_network import check_login_network
from gateway.directory.provider_keys import user_sso_key
from gateway.directory.provider_logins import get_login_settings
from gateway.directory.security_preference import get_security_preference
from gateway.errors import AuthenticationError, Denied, GatewayError, Reason
from gateway.federation.attributes import parse_role_value
from gateway.federation.ended_logins import check_not_ended
from gateway.federation.facts import LoginFacts, Occasion, facts_of
from gateway.federation.grant import grant_role
from gateway.federation.mapping import ResolvedRole, RoleChoice, RoleMapping, resolve_role, role_choices
from gateway.federation.offers import OfferContent, OfferedChoice, choice_gone, save_offer, take_offer
from gateway.federation.pending import PendingLogin
from gateway.federation.persons import Person
from gateway.federation.receipts import record_role_login, record_role_offer
from gateway.federation.replay import claim_presentation, claim_session
from gateway.federation.role_options import RoleOption
from gateway.federation.user_matching import match_user
from gateway.federation.user_session import Arrival, UserLogin, open_user_session
from gateway.federation.user_sso import check_solicited, check_user_sso, user_sso_provider_arn
from gateway.federation.vouching import SAML_DEFAULT, Voucher, Vouching
from gateway.identity import Protocol, VerifiedIdentity
from gateway.keyring import KeyRing
from gateway.sts.assume import RoleSessionGrant
from gateway.sts.duration import console_duration
from gateway.sts.sessions import open_session


@dataclass(frozen=True, slots=True)
class RoleSignedIn:
    grant: RoleSessionGrant
    handle: str
    target: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class RoleOffer:
    """Several roles to choose from. `offer_id` goes into the form; it is good for one pick in this browser."""

    offer_id: str
    mapping: RoleMapping
    expires_at: datetime


def complete_user_login(
    session: Session,
    ring: KeyRing,
    *,
    identity: VerifiedIdentity,
    account_id: str,
    audience: str,
    pending: PendingLogin | None,
    relay_target: str,
    suffix: str,
    occasion: Occasion,
) -> UserLogin:
    """Sign in the RAM user of `account_id` that an identity means.

    `audience` is our entity ID for that account; `pending` is what `take_pending` gave for an answer, None for a
    login that began at the IdP, which then goes to `relay_target` (checked by the edge).
    Raises: SamlError with SSO_DISABLED, SAML_AUDIENCE_MISMATCH, SAML_UNKNOWN_ISSUER, SAML_UNSOLICITED,
    SAML_IN_RESPONSE_TO, SAML_REPLAYED, SAML_EXPIRED, USER_DOMAIN_NOT_ACCEPTED or USER_NO_MATCH;
    CredentialError(LOGIN_NETWORK).
    """
    account = get_account(session, account_id)
    check_network(session, account_id, occasion)
    settings = check_user_sso(session, account, identity, audience)
    check_solicited(settings, identity, pending)
    facts = facts_of(identity)
    claim_presentation(session, facts, occasion.now)
    claim_session(session, facts, occasion.now)
    user = match_user(session, account, settings, identity.subject, suffix)
    arn, key = user_sso_provider_arn(account.id), user_sso_key(account.id)
    voucher = Voucher(
        key, arn, account.id, facts.certificate_fingerprint, get_login_settings(session, key, SAML_DEFAULT)
    )
    target = pending.target if pending else relay_target
    arrival = Arrival(facts, voucher, occasion, target)
    return open_user_session(session, ring, account, Person(user, "matched by the NameID"), arrival)


def begin_role_login(
    session: Session,
    ring: KeyRing,
    *,
    identity: VerifiedIdentity,
    browser: str,
    relay_target: str,
    occasion: Occasion,
) -> RoleSignedIn | RoleOffer:
    """Take an assertion that names roles: a single one signs in at once, several become an offer.

    Several of which only one is allowed are an offer too: the page says why the others are refused, and
    command-line tools rely on finding it. Rule: sso-contract §2.2, §8.

    Raises: SamlError(SAML_REPLAYED); SamlError with ROLE_ATTRIBUTE, ROLE_SESSION_NAME, SESSION_DURATION or
    SAML_EXPIRED; AuthenticationError(ROLE_NONE_ALLOWED), whose detail lists the reason for each role.
    """
    facts = facts_of(identity)
    claim_presentation(session, facts, occasion.now)
    mapping = role_choices(session, identity, occasion)
    content = OfferContent(
        facts=facts,
        target=relay_target,
        choices=tuple(_offered(choice) for choice in mapping.allowed),
    )
    if not content.choices:
        raise _none_allowed(mapping)
    if len(mapping.choices) == 1:
        return _sign_in(session, ring, content, content.choices[0], mapping.resolved[0], occasion)
    offer_id, expires_at = save_offer(session, ring, content=content, browser=browser, now=occasion.now)
    record_role_offer(session, occasion, facts, mapping)
    return RoleOffer(offer_id, mapping, expires_at)


def take_role(
    session: Session,
    ring: KeyRing,
    *,
    offer_id: str,
    browser: str,
    role_arn: str,
    provider_arn: str,
    occasion: Occasion,
) -> RoleSignedIn:
    """Sign in to the role that was picked from an offer. Whether it may be taken is decided anew, now.

    `role_arn` and `provider_arn` are a choice's own texts.
    Raises: AuthenticationError(ROLE_CHOICE_GONE) for an offer that is not open, a role that was not offered, or
    one that was deleted, made anew or lost its provider since; AuthenticationError(LOGIN_OTHER_BROWSER);
    Denied(TRUST_POLICY_DENIED); SamlError(SAML_REPLAYED), SamlError(SAML_EXPIRED).
    """
    content = take_offer(session, ring, offer_id=offer_id, browser=browser, now=occasion.now)
    raw = f"{role_arn},{provider_arn}"
    picked = next((choice for choice in content.choices if choice.raw == raw), None)
    if picked is None:
        raise choice_gone(f"not among the offered roles: {raw!r:.300}")
    resolved = _resolve_again(session, content.facts, picked, occasion)
    return _sign_in(session, ring, content, picked, resolved, occasion)


def _offered(choice: RoleChoice) -> OfferedChoice:
    return OfferedChoice(choice.raw, choice.role_id, choice.session_name, choice.session_duration_s, choice.because)


def _none_allowed(mapping: RoleMapping) -> GatewayError:
    refused = [f"{choice.raw!r:.300}: {choice.detail}" for choice in mapping.choices]
    missed = [f"mapping rule `{miss.rule.name}`: {miss.why}" for miss in mapping.misses]
    return AuthenticationError(
        Reason.ROLE_NONE_ALLOWED,
        "None of the roles that your identity provider offers can be taken. Ask your administrator.",
        detail=" | ".join([*refused, *missed]) or "no role was named, and no mapping rule is there",
    )


def _resolve_again(session: Session, facts: LoginFacts, picked: OfferedChoice, occasion: Occasion) -> ResolvedRole:
    """What the directory and the trust policy say now about a choice that was allowed when it was offered."""
    kind = "oidc-provider" if facts.protocol == Protocol.OIDC else "saml-provider"
    pair = parse_role_value(picked.raw, kind)
    option = RoleOption(pair, picked.session_name, picked.session_duration_s, picked.because)
    choice, resolved = resolve_role(Vouching(session, facts), option, occasion)
    if resolved is None:
        if choice.decision is not None:
            raise Denied(Reason.TRUST_POLICY_DENIED, choice.why, choice.decision, choice.detail)
        raise choice_gone(choice.detail)
    if resolved.role.id != picked.role_id:
        raise choice_gone(f"{pair.role} was deleted and made anew since the offer")
    return resolved


def check_network(session: Session, account_id: str, occasion: Occasion) -> None:
    """The networks that an account allows sign-ins from bind company sign-ins too. Rule: ram-limits §7.

    Raises: CredentialError(LOGIN_NETWORK).
    """
    preference = get_security_preference(session, account_id)
    check_login_network(preference.login_network_masks, occasion.client_address)


def _sign_in(  # noqa: PLR0917 - what, which, with what rows, when
    session: Session,
    ring: KeyRing,
    content: OfferContent,
    picked: OfferedChoice,
    resolved: ResolvedRole,
    occasion: Occasion,
) -> RoleSignedIn:
    facts = content.facts
    check_not_ended(session, facts)
    check_network(session, resolved.account.id, occasion)
    claim_session(session, facts, occasion.now)
    cap = console_duration(
        attribute_s=picked.session_duration_s,
        session_not_on_or_after=facts.session_not_on_or_after,
        role_max_s=resolved.role.max_session_duration_s,
        login_limit_h=resolved.account.login_session_duration_h,
        now=occasion.now,
    )
    grant = grant_role(
        session,
        ring,
        facts=facts,
        resolved=resolved,
        session_name=picked.session_name,
        duration=cap,
        session_policy=None,
        occasion=occasion,
    )
    handle = open_session(
        session,
        ring,
        grant.token.principal,
        token=grant.token,
        provenance=grant.token.provenance,
        expires_at=grant.token.expires_at,
        duration_cap=grant.duration_cap,
        now=occasion.now,
    )
    record_role_login(session, occasion, grant, picked.because)
    return RoleSignedIn(grant, handle, content.target, grant.token.expires_at)
