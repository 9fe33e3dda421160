"""The two browser logins: from a verified identity to a signed-in user, or to a role, at once or after a choice.

Each function does all its writing in the caller's transaction. Any refusal is raised, so that the transaction rolls
back and neither a claim nor a session nor an offer stays behind.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.arn import parse_ram_arn
from gateway.directory.accounts import get_account
from gateway.directory.login_network import check_login_network
from gateway.directory.provider_keys import user_sso_key
from gateway.directory.provider_logins import get_login_settings
from gateway.directory.security_preference import login_network_masks
from gateway.errors import AuthenticationError, Denied, GatewayError, Reason, SamlError
from gateway.federation.aims import STEP_UP, Aim
from gateway.federation.attributes import parse_role_value
from gateway.federation.ended_logins import check_not_ended
from gateway.federation.facts import LoginFacts, Occasion, facts_of
from gateway.federation.grant import grant_role
from gateway.federation.mapping import Refusal, ResolvedRole, RoleChoice, RoleMapping, resolve_role, role_choices
from gateway.federation.offers import OfferContent, OfferedChoice, choice_gone, save_offer, take_offer
from gateway.federation.pending import PendingLogin
from gateway.federation.persons import Person
from gateway.federation.receipts import LoginProof, record_role_login, record_role_offer
from gateway.federation.replay import claim_presentation, claim_session
from gateway.federation.role_options import RoleOption
from gateway.federation.step_up import Solicited, StepUp, check_stepped_up, step_up_for
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
    CredentialError(LOGIN_NETWORK); after a step-up what `check_stepped_up` raises.
    """
    account = get_account(session, account_id)
    check_network(session, account_id, occasion)
    settings, use = check_user_sso(session, account, identity, audience)
    check_solicited(settings, identity, pending)
    facts = facts_of(identity)
    claim_presentation(session, facts, occasion.now)
    claim_session(session, facts, occasion.now)
    user = match_user(session, account, settings, identity.subject, suffix)
    arn, key = user_sso_provider_arn(account.id), user_sso_key(account.id)
    login_settings = get_login_settings(session, key, SAML_DEFAULT)
    voucher = Voucher(key, arn, account.id, facts.certificate_fingerprint, login_settings, use)
    target = pending.target if pending else relay_target
    if pending is not None and pending.purpose == STEP_UP:
        check_stepped_up(Solicited(arn, pending.aim, stepping_up=True), facts, voucher)
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
    solicited: Solicited | None = None,
) -> RoleSignedIn | RoleOffer | StepUp:
    """Take an assertion that names roles: a single one signs in at once, several become an offer.

    Several of which only one is allowed are an offer too: the page says why the others are refused, and
    command-line tools rely on finding it. Rule: sso-contract §2.2, §8.
    A role that only lacks a second factor is offered like the others, and leads back to the provider for it.
    `solicited`: the login was begun here. Then only the provider that was asked vouches, and the role that was wanted
    is taken at once if it is offered; after a step-up that one or none.

    Raises: SamlError(SAML_REPLAYED); SamlError with ROLE_ATTRIBUTE, ROLE_SESSION_NAME, SESSION_DURATION or
    SAML_EXPIRED; AuthenticationError(ROLE_NONE_ALLOWED), whose detail lists the reason for each role;
    AuthenticationError(STEP_UP_IMPOSSIBLE); after a step-up what `complete_step_up` raises.
    """
    facts = facts_of(identity)
    claim_presentation(session, facts, occasion.now)
    only = solicited.provider_arn if solicited else ""
    if solicited is not None and solicited.stepping_up:
        _check_stepped_up(session, facts, solicited)
    mapping = role_choices(session, identity, occasion, only_provider=only)
    content = OfferContent(
        facts=facts,
        target=relay_target,
        choices=tuple(_offered(choice) for choice in mapping.open),
    )
    if solicited is not None and solicited.stepping_up:
        picked = _stepped_up_choice(mapping, solicited.aim)
        return _sign_in(session, ring, content, _offered(picked), mapping.resolved_of(picked), occasion)
    if not content.choices:
        raise _none_allowed(mapping)
    wanted = _wanted(mapping, solicited)
    if wanted is not None:
        if wanted.steps_up:
            return _step_up(facts, wanted, relay_target)
        return _sign_in(session, ring, content, _offered(wanted), mapping.resolved_of(wanted), occasion)
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
) -> RoleSignedIn | StepUp:
    """Sign in to the role that was picked from an offer. Whether it may be taken is decided anew, now; a role that only
    lacks a second factor leads back to the provider, and the offer is used up all the same.

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
    if isinstance(resolved, RoleChoice):
        return _step_up(content.facts, resolved, content.target)
    return _sign_in(session, ring, content, picked, resolved, occasion)


def _offered(choice: RoleChoice) -> OfferedChoice:
    return OfferedChoice(choice.raw, choice.role_id, choice.session_name, choice.session_duration_s, choice.because)


def _wanted(mapping: RoleMapping, solicited: Solicited | None) -> RoleChoice | None:
    """The only role there is, or the one that the login was begun for, if it can be taken."""
    if len(mapping.choices) == 1:
        return mapping.open[0]
    role_arn = solicited.aim.role_arn.lower() if solicited else ""
    return next((choice for choice in mapping.open if role_arn and choice.role_arn.lower() == role_arn), None)


def _step_up(facts: LoginFacts, choice: RoleChoice, target: str) -> StepUp:
    role = (choice.role_arn, choice.role_id)
    return step_up_for(facts, choice.vouched_by, choice.provider_key, role=role, target=target)


def _check_stepped_up(session: Session, facts: LoginFacts, solicited: Solicited) -> None:
    """Raises: SamlError(SAML_UNKNOWN_ISSUER) where the provider no longer vouches; as `check_stepped_up`."""
    kind = "oidc-provider" if facts.protocol == Protocol.OIDC else "saml-provider"
    voucher, why = Vouching(session, facts).find(parse_ram_arn(solicited.provider_arn, kind))
    if voucher is None:
        message = "This account does not accept sign-ins from that identity provider."
        raise SamlError(Reason.SAML_UNKNOWN_ISSUER, message, why)
    check_stepped_up(solicited, facts, voucher)


def _stepped_up_choice(mapping: RoleMapping, aim: Aim) -> RoleChoice:
    """The role that the step-up was for, which must be allowed now.

    Raises: AuthenticationError(ROLE_CHOICE_GONE) where the answer does not offer it any more, or it was made anew;
    Denied(TRUST_POLICY_DENIED).
    """
    found = next((choice for choice in mapping.choices if choice.role_arn.lower() == aim.role_arn.lower()), None)
    if found is None:
        raise choice_gone(f"the answer to the step-up does not offer {aim.role_arn!r:.300}")
    if not found.allowed and found.decision is not None:
        message = "The role does not let you in, second factor or not."
        raise Denied(Reason.TRUST_POLICY_DENIED, message, found.decision, found.detail)
    if found.role_id != aim.role_id:
        raise choice_gone(f"{aim.role_arn!r:.300}: {found.detail}")
    return found


def _none_allowed(mapping: RoleMapping) -> GatewayError:
    refused = [f"{choice.raw!r:.300}: {choice.detail}" for choice in mapping.choices]
    missed = [f"mapping rule `{miss.rule.name}`: {miss.why}" for miss in mapping.misses]
    short = next((choice for choice in mapping.choices if choice.refusal is Refusal.SECOND_FACTOR), None)
    if short is not None:
        return AuthenticationError(Reason.STEP_UP_IMPOSSIBLE, short.why, detail=" | ".join(refused))
    return AuthenticationError(
        Reason.ROLE_NONE_ALLOWED,
        "None of the roles that your identity provider offers can be taken. Ask your administrator.",
        detail=" | ".join([*refused, *missed]) or "no role was named, and no mapping rule is there",
    )


def _resolve_again(
    session: Session, facts: LoginFacts, picked: OfferedChoice, occasion: Occasion
) -> ResolvedRole | RoleChoice:
    """What the directory and the trust policy say now about a choice that could be taken when it was offered: the rows
    behind it, or the choice if it takes a second factor.
    """
    kind = "oidc-provider" if facts.protocol == Protocol.OIDC else "saml-provider"
    pair = parse_role_value(picked.raw, kind)
    option = RoleOption(pair, picked.session_name, picked.session_duration_s, picked.because)
    choice, resolved = resolve_role(Vouching(session, facts), option, occasion)
    if resolved is None and choice.steps_up and choice.role_id == picked.role_id:
        return choice
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
    check_login_network(login_network_masks(session, account_id), occasion.client_address)


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
    record_role_login(session, LoginProof(facts, resolved.provider, occasion), grant, picked.because)
    return RoleSignedIn(grant, handle, content.target, grant.token.expires_at)
