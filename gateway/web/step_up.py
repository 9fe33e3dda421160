"""Sending a person who lacks a second factor back for it: to the provider that the session came from, or to our own
page; and taking the role when it is proved. Whether a second factor is all that is missing is asked of the policies.
"""

from dataclasses import dataclass

from flask import Response
from sqlalchemy.orm import Session

from gateway.arn import RamArn, parse_ram_arn
from gateway.directory.mfa_devices import find_device_of
from gateway.directory.provider_keys import user_sso_key
from gateway.directory.roles import get_role
from gateway.directory.users import find_user_by_id
from gateway.errors import CredentialError, Denied, Reason
from gateway.federation.aims import STEP_UP, Aim, person_mark
from gateway.federation.registered import get_registered
from gateway.federation.step_up import StepUp, why_no_step_up_at
from gateway.federation.user_session import UserLogin
from gateway.identity import Protocol
from gateway.principal import RamUser
from gateway.services import Services
from gateway.sts.sessions import BrowserSession, end_session, find_session
from gateway.web.edge import Edge, see_other
from gateway.web.oidc_setup import get_browser_provider_of_key
from gateway.web.oidc_start import OidcStart, start_oidc_login
from gateway.web.relay import HOME
from gateway.web.saml_pages import step_up_page
from gateway.web.session import sign_in
from gateway.web.sso_start import Start, ask, door_of_key, user_door
from gateway.web.take_role import change_to, may_with_second_factor, take_as_user

OWN_PAGE = "/session/second-factor"
NO_DEVICE = (
    "The role asks for a second factor, and you have no device for one. Bind one under My security; if you can't, an "
    "administrator can let you in the security settings of the account."
)


@dataclass(frozen=True, slots=True)
class OwnStepUp:
    """The second factor is one that we check ourselves: a code of the user's device."""

    role_arn: str


def step_up_away(edge: Edge, step_up: StepUp, browser: str) -> Response:
    """Back to the provider, with a page in between that says why."""
    services = edge.services
    role = parse_ram_arn(step_up.aim.role_arn, "role").name
    if step_up.provider_key.startswith("oidc:"):
        with services.store.reading() as session:
            provider = get_browser_provider_of_key(session, services.ring, step_up.provider_key)
        start = OidcStart(provider, browser, step_up.target, "", STEP_UP, step_up.aim)
        return step_up_page(edge, start_oidc_login(services, edge.lanes, start), browser, role)
    with services.store.reading() as session:
        door = door_of_key(session, step_up.provider_key)
    begun = Start(browser, step_up.target, STEP_UP, step_up.aim)
    return step_up_page(edge, ask(services, door, begun), browser, role)


def find_step_up(
    edge: Edge, session: Session, who: BrowserSession, named: RamArn, denied: Denied
) -> StepUp | OwnStepUp:
    """What a user can do who was denied a role for want of a second factor.

    Raises: `denied` where a second factor would not help; Denied(STEP_UP_IMPOSSIBLE) where there is no way to prove it.
    """
    services, user = edge.services, who.principal
    if not isinstance(user, RamUser) or not may_with_second_factor(edge, session, user, named):
        raise denied
    if who.provenance is None:
        holder = find_user_by_id(session, user.account_id, user.user_id)
        if holder is None or find_device_of(session, holder) is None:
            raise Denied(Reason.STEP_UP_IMPOSSIBLE, NO_DEVICE, denied.decision, denied.detail)
        return OwnStepUp(str(named))
    key, second_factors = _provider_of(services, session, who)
    problem = why_no_step_up_at(second_factors, who.provenance.subject_type)
    if problem:
        raise Denied(Reason.STEP_UP_IMPOSSIBLE, problem, denied.decision, denied.detail)
    role = get_role(session, named.account_id, named.name)
    mark = person_mark(who.provenance.protocol, who.provenance.provider_arn, who.provenance.subject)
    return StepUp(key, Aim(str(named), role.id, mark), HOME)


def user_stepped_up(edge: Edge, session: Session, login: UserLogin, aim: Aim) -> Response:
    """A user came back with a second factor: on to the role that it was for, in the same transaction.

    The session of the login is ended again: nobody gets its handle. Raises: as `take_role.take_as_user`;
    CredentialError(TOKEN_REVOKED) where all that came from this provider, or this user, was called back just now.
    """
    services = edge.services
    who = find_session(session, services.ring, login.handle, services.clock.now())
    if who is None:  # opened in this very transaction, and called back by a clock that is ahead of ours
        message = "This sign-in has ended already. Start again."
        raise CredentialError(Reason.TOKEN_REVOKED, message, "called back as it was made")
    grant = take_as_user(edge, session, who, parse_ram_arn(aim.role_arn, "role"), role_id=aim.role_id)
    handle = change_to(edge, session, who, grant)
    end_session(session, login.handle, services.clock.now())
    return sign_in(see_other(login.target), edge.cookies, handle, grant.token.expires_at)


def _provider_of(services: Services, session: Session, who: BrowserSession) -> tuple[str, tuple[str, ...]]:
    """The key of the provider that a user's session came from, and what counts as a second factor there.

    Raises: AuthenticationError(SSO_DISABLED), NotFound if it is gone.
    """
    assert who.provenance is not None
    account_id = who.principal.account_id
    if who.provenance.protocol != Protocol.OIDC:
        return user_sso_key(account_id), user_door(session, account_id).second_factors
    named = parse_ram_arn(who.provenance.provider_arn, "oidc-provider")
    provider = get_registered(session, named.account_id, Protocol.OIDC, named.name)
    get_browser_provider_of_key(session, services.ring, provider.key)
    return provider.key, provider.settings.second_factors
