"""The browser login through an OpenID Provider: to a RAM user, to roles, or to whichever the person is.

Everything is written in the caller's transaction; a refusal is raised, so that nothing stays behind. That the login was
begun here, in this browser and for this provider, was settled when its pending record was taken.
"""

from sqlalchemy.orm import Session

from gateway.arn import parse_ram_arn
from gateway.directory.accounts import get_account
from gateway.directory.provider_logins import Use
from gateway.errors import AuthenticationError, Reason
from gateway.federation.ended_logins import check_not_ended
from gateway.federation.facts import Occasion, facts_of
from gateway.federation.login import RoleOffer, RoleSignedIn, begin_role_login, check_network
from gateway.federation.persons import find_person
from gateway.federation.role_options import login_context
from gateway.federation.step_up import Solicited, StepUp, check_stepped_up
from gateway.federation.user_session import Arrival, UserLogin, open_user_session
from gateway.federation.vouching import Vouching
from gateway.identity import VerifiedIdentity
from gateway.keyring import KeyRing

_NOT_A_USER = frozenset({Reason.USER_NO_MATCH, Reason.USER_DOMAIN_NOT_ACCEPTED, Reason.USER_NAME_CLAIM})


def complete_oidc_login(
    session: Session,
    ring: KeyRing,
    *,
    identity: VerifiedIdentity,
    browser: str,
    target: str,
    suffix: str,
    occasion: Occasion,
    solicited: Solicited | None = None,
) -> UserLogin | RoleSignedIn | RoleOffer | StepUp:
    """Sign a verified person in as the provider's account wants it.

    Where the account wants both, a person who is a RAM user becomes that user, and anybody else may take roles.
    `solicited`: what it was begun for, if for one role; after a step-up the same person must have come back.
    Raises: AuthenticationError with SSO_DISABLED, ROLE_NONE_ALLOWED or a reason of `persons.find_person`;
    CredentialError(LOGIN_NETWORK); CredentialError(TOKEN_REVOKED) where the person has signed out meanwhile;
    what `check_stepped_up` and `begin_role_login` raise.
    """
    facts = facts_of(identity)
    named = parse_ram_arn(identity.provider, "oidc-provider")
    voucher, why = Vouching(session, facts).find(named)
    if voucher is None or voucher.settings.use is Use.EXCHANGE_ONLY:
        raise AuthenticationError(
            Reason.SSO_DISABLED,
            "Sign-in through this identity provider is not turned on.",
            detail=why or f"{named} is for the exchange of tokens only",
        )
    check_not_ended(session, facts)
    check_network(session, voucher.account_id, occasion)
    if solicited is not None and solicited.stepping_up:
        check_stepped_up(solicited, facts, voucher)
    if voucher.settings.use is not Use.ROLE:
        account = get_account(session, voucher.account_id)
        context = login_context(facts, voucher, occasion)
        try:
            person = find_person(session, account, voucher, facts, context, suffix=suffix, now=occasion.now)
        except AuthenticationError as error:
            if voucher.settings.use is Use.USER or error.reason not in _NOT_A_USER:
                raise
        else:
            return open_user_session(session, ring, account, person, Arrival(facts, voucher, occasion, target))
    return begin_role_login(
        session,
        ring,
        identity=identity,
        browser=browser,
        relay_target=target,
        occasion=occasion,
        solicited=solicited,
    )
