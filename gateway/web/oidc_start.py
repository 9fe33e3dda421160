"""The way to an OpenID Provider: what is asked of it, and what we remember. No Flask in here."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from gateway.federation.aims import NO_AIM, STEP_UP, USER, Aim
from gateway.federation.oidc_pending import BegunLogin, save_oidc_login
from gateway.ids import new_handle
from gateway.oidc.call_lanes import CallLanes
from gateway.oidc.client_authentication import prove_client
from gateway.oidc.discovery import ProviderMetadata, check_login
from gateway.oidc.flow import (
    LoginWish,
    PendingLogin,
    authorization_parameters,
    authorization_url,
    begin_login,
    parse_pushed_answer,
    pushed_request,
)
from gateway.oidc.key_cache import check_fingerprints
from gateway.oidc.names import redirect_uri
from gateway.secret import Secret
from gateway.services import Services
from gateway.web.oidc_setup import CALL_LIMITS, BrowserProvider

_LOGIN, _NONE = "login", "none"


@dataclass(frozen=True, slots=True)
class OidcStart:
    """A login to begin. `target` was checked by `relay.relay_target`; `login_hint` is what the person typed;
    `interactive`: one without any pages has failed.
    """

    provider: BrowserProvider
    browser: str
    target: str
    login_hint: str
    purpose: str = USER
    aim: Aim = NO_AIM
    interactive: bool = False


def start_oidc_login(services: Services, lanes: CallLanes, start: OidcStart) -> str:
    """Remember the login and give the address to redirect to.

    The provider is asked before the write transaction begins, and while no connection to the database is held. Where it
    takes pushed requests, what is asked travels past the browser. Rule: RFC 9126.
    Raises: OidcError, UpstreamError.
    """
    provider = start.provider
    known = services.oidc_providers.get(provider.issuer)
    check_fingerprints(known, provider.fingerprints)
    check_login(known.metadata, provider.client.method)
    wish, now = _wish(start), services.clock.now()
    ours = redirect_uri(services.base_url, provider.account_id, provider.name)
    pending = _held_to(start, wish, begin_login(known.metadata, provider.client.client_id, ours, wish, new_handle), now)
    url = _authorization_url(services, lanes, provider, known.metadata, pending, wish)
    with services.store.transaction() as session:
        save_oidc_login(
            session,
            services.ring,
            state=pending.state,
            provider_id=provider.id,
            browser=start.browser,
            login=_begun(pending, start, wish),
            now=services.clock.now(),
        )
    return url


def _authorization_url(  # noqa: PLR0917 - whom, about what, by what means
    services: Services,
    lanes: CallLanes,
    provider: BrowserProvider,
    metadata: ProviderMetadata,
    pending: PendingLogin,
    wish: LoginWish,
) -> str:
    parameters = authorization_parameters(pending, wish)
    proof = prove_client(provider.client, provider.issuer, services.clock.now(), new_handle())
    pushed = pushed_request(metadata, parameters, proof)
    if pushed is not None:
        with lanes.enter(provider.issuer):
            answer = services.fetcher.post(
                pushed.url, pushed.body, authorization=pushed.authorization, limits=CALL_LIMITS
            )
        parameters = parse_pushed_answer(answer.status, answer.body, pending.client_id)
    return authorization_url(metadata, parameters)


def _wish(start: OidcStart) -> LoginWish:
    """What is asked for. A step-up asks for what counts as a second factor here, to be proved anew.

    `prompt=login` comes with a maximum age, which obliges the provider to say when the login was.
    Rule: OpenID Connect Core 1.0 §2 (auth_time), §3.1.2.1.
    """
    provider = start.provider
    wish = LoginWish(
        scopes=provider.wish.scopes,
        max_age=provider.max_age,
        acr_values=provider.wish.acr_values,
        prompt=provider.wish.prompt,
        login_hint=start.login_hint,
    )
    if start.purpose == STEP_UP:
        return replace(wish, max_age=timedelta(0), acr_values=provider.second_factors, prompt=(_LOGIN,))
    if start.interactive:
        wish = replace(wish, prompt=tuple(each for each in wish.prompt if each != _NONE))
    if _LOGIN in wish.prompt and wish.max_age is None:
        wish = replace(wish, max_age=timedelta(0))
    return wish


def checked_age_and_context(provider: BrowserProvider, purpose: str) -> tuple[timedelta | None, tuple[str, ...]]:
    """What an answer is held to of what was asked: the maximum age, and the authentication contexts.

    A step-up is held to neither: its login must be newer than the request, and that it says what counts as a second
    factor, in `acr` or in `amr`, is the business of `federation.step_up`.
    """
    return (None, ()) if purpose == STEP_UP else (provider.max_age, provider.wish.acr_values)


def _held_to(start: OidcStart, wish: LoginWish, pending: PendingLogin, now: datetime) -> PendingLogin:
    max_age, acr_values = checked_age_and_context(start.provider, start.purpose)
    since = now if _LOGIN in wish.prompt else None
    return replace(pending, max_age=max_age, acr_values=acr_values, authenticated_since=since)


def _begun(pending: PendingLogin, start: OidcStart, wish: LoginWish) -> BegunLogin:
    return BegunLogin(
        nonce=Secret(pending.nonce),
        code_verifier=pending.code_verifier,
        issuer=pending.issuer,
        client_id=pending.client_id,
        redirect_uri=pending.redirect_uri,
        max_age_s=None if pending.max_age is None else int(pending.max_age.total_seconds()),
        acr_values=pending.acr_values,
        target=start.target,
        authenticated_since=pending.authenticated_since,
        passive=_NONE in wish.prompt,
        purpose=start.purpose,
        aim=start.aim,
    )
