"""The way to an OpenID Provider: what is asked of it, and what we remember. No Flask in here."""

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class OidcStart:
    """A login to begin. `target` was checked by `relay.relay_target`; `login_hint` is what the person typed."""

    provider: BrowserProvider
    browser: str
    target: str
    login_hint: str


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
    wish = LoginWish(
        scopes=provider.wish.scopes,
        max_age=provider.max_age,
        acr_values=provider.wish.acr_values,
        prompt=provider.wish.prompt,
        login_hint=start.login_hint,
    )
    ours = redirect_uri(services.base_url, provider.account_id, provider.name)
    pending = begin_login(known.metadata, provider.client.client_id, ours, wish, new_handle)
    url = _authorization_url(services, lanes, provider, known.metadata, pending, wish)
    with services.store.transaction() as session:
        save_oidc_login(
            session,
            services.ring,
            state=pending.state,
            provider_id=provider.id,
            browser=start.browser,
            login=_begun(pending, start.target),
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


def _begun(pending: PendingLogin, target: str) -> BegunLogin:
    return BegunLogin(
        nonce=Secret(pending.nonce),
        code_verifier=pending.code_verifier,
        issuer=pending.issuer,
        client_id=pending.client_id,
        redirect_uri=pending.redirect_uri,
        max_age_s=None if pending.max_age is None else int(pending.max_age.total_seconds()),
        acr_values=pending.acr_values,
        target=target,
    )
