"""The way back from an OpenID Provider: a code becomes a verified identity. No Flask in here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from gateway.errors import AuthenticationError, OidcError, Reason
from gateway.federation.aims import NO_AIM, USER, Aim
from gateway.federation.oidc_pending import BegunLogin, take_oidc_login
from gateway.identity import VerifiedIdentity
from gateway.ids import new_handle
from gateway.oidc.client_authentication import prove_client
from gateway.oidc.expectation import LoginExpectation
from gateway.oidc.flow import (
    Callback,
    PendingLogin,
    Tokens,
    callback_state,
    check_callback,
    parse_token_answer,
    token_request,
)
from gateway.oidc.id_token import verify_id_token
from gateway.oidc.key_cache import KnownProvider, check_fingerprints
from gateway.oidc.names import redirect_uri
from gateway.oidc.userinfo import read_user_info, with_user_info
from gateway.secret import Secret
from gateway.services import Services
from gateway.web.oidc_setup import CALL_LIMITS, BrowserProvider
from gateway.web.oidc_start import checked_age_and_context
from gateway.web.oidc_trail import OidcTrail

_OK = 200
_NEEDS_THE_PERSON = frozenset(
    {"login_required", "interaction_required", "consent_required", "account_selection_required"}
)  # OpenID Connect Core 1.0 §3.1.2.6


@dataclass(frozen=True, slots=True)
class BroughtBack:
    """What a browser came back with: the parameters of the query, each with all its values, and its binding cookie."""

    parameters: Mapping[str, Sequence[str]]
    browser: str
    trail: OidcTrail = field(default_factory=OidcTrail)


@dataclass(frozen=True, slots=True)
class Redeemed:
    identity: VerifiedIdentity
    target: str  # where the person wanted to go
    purpose: str = USER
    aim: Aim = NO_AIM


@dataclass(frozen=True, slots=True)
class NotUnseen:
    """The provider could not sign the person in without showing anything, and may be asked once more."""

    begun: BegunLogin


def redeem_login(services: Services, provider: BrowserProvider, brought: BroughtBack) -> Redeemed | NotUnseen:
    """Use the pending login up, and the code with it; nothing is signed in yet.

    The pending login is gone before the provider is asked, so that of two answers one is redeemed, however long that
    takes: a redemption that fails means starting again. Only a provider whose document can't be had leaves it as it is.
    Raises: AuthenticationError(LOGIN_NOT_PENDING), AuthenticationError(LOGIN_OTHER_BROWSER), OidcError, UpstreamError.
    """
    state = callback_state(brought.parameters)
    known = services.oidc_providers.get(provider.issuer)
    begun = _take(services, provider, state, brought.browser)
    brought.trail.begun, brought.trail.purpose = True, begun.purpose
    pending = _pending(state, begun)
    _check_unchanged(services, provider, begun)
    check_fingerprints(known, provider.fingerprints)
    try:
        callback = check_callback(brought.parameters, pending, known.metadata)
    except OidcError as error:
        if begun.passive and error.reason is Reason.OIDC_REFUSED and error.subject in _NEEDS_THE_PERSON:
            return NotUnseen(begun)
        raise
    tokens = _redeem(services, provider, known, callback, pending)
    identity = _verify(services, provider, pending, callback, tokens, brought.trail)
    if provider.wish.reads_user_info:
        identity = _with_user_info(services, provider, identity, tokens.access_token)
    brought.trail.identity = identity
    return Redeemed(identity, begun.target, begun.purpose, begun.aim)


def _take(services: Services, provider: BrowserProvider, state: str, browser: str) -> BegunLogin:
    """In a transaction of its own, which commits even where the answer is refused: what is used up stays so."""
    refused: AuthenticationError | None = None
    with services.store.transaction() as session:
        try:
            return take_oidc_login(
                session,
                services.ring,
                state=state,
                provider_id=provider.id,
                browser=browser,
                now=services.clock.now(),
            )
        except AuthenticationError as error:
            refused = error
    raise refused


def _pending(state: str, begun: BegunLogin) -> PendingLogin:
    return PendingLogin(
        state=state,
        nonce=begun.nonce.reveal(),
        code_verifier=begun.code_verifier,
        issuer=begun.issuer,
        client_id=begun.client_id,
        redirect_uri=begun.redirect_uri,
        max_age=None if begun.max_age_s is None else timedelta(seconds=begun.max_age_s),
        acr_values=begun.acr_values,
        authenticated_since=begun.authenticated_since,
    )


def _check_unchanged(services: Services, provider: BrowserProvider, begun: BegunLogin) -> None:
    """What was asked for must be what would be asked for now: a setting that was tightened meanwhile counts."""
    asked = (begun.issuer, begun.client_id, begun.redirect_uri, begun.max_age_s, begun.acr_values)
    ours = redirect_uri(services.base_url, provider.account_id, provider.name)
    max_age, acr_values = checked_age_and_context(provider, begun.purpose)
    max_age_s = None if max_age is None else int(max_age.total_seconds())
    if asked != (provider.issuer, provider.client.client_id, ours, max_age_s, acr_values):
        raise AuthenticationError(
            Reason.LOGIN_NOT_PENDING,
            "The settings of this sign-in were changed since you began. Start again.",
            detail=f"{provider.arn} was changed while the login was under way",
        )


def _redeem(
    services: Services, provider: BrowserProvider, known: KnownProvider, callback: Callback, pending: PendingLogin
) -> Tokens:
    proof = prove_client(provider.client, provider.issuer, services.clock.now(), new_handle())
    request = token_request(known.metadata, callback, pending, proof)
    answer = services.fetcher.post(request.url, request.body, authorization=request.authorization, limits=CALL_LIMITS)
    return parse_token_answer(answer.status, answer.body)


def _verify(  # noqa: PLR0917 - whose, what was asked, what came, and where it is noted
    services: Services,
    provider: BrowserProvider,
    pending: PendingLogin,
    callback: Callback,
    tokens: Tokens,
    trail: OidcTrail,
) -> VerifiedIdentity:
    login = LoginExpectation(
        client_id=pending.client_id,
        redirect_uri=pending.redirect_uri,
        nonce=pending.nonce,
        access_token=tokens.access_token,
        code=callback.code,
        max_age=pending.max_age,
        acr_values=pending.acr_values,
        authenticated_since=pending.authenticated_since,
    )

    def verify(known: KnownProvider) -> VerifiedIdentity:
        check_fingerprints(known, provider.fingerprints)
        expectation = provider.expectation(login, known.metadata.id_token_algorithms, services.skew)
        trail.note(tokens.unverified_id_token, expectation, known.keys)
        return verify_id_token(tokens.unverified_id_token, expectation, known.keys, services.clock.now())

    return services.oidc_providers.use(provider.issuer, verify)


def _with_user_info(
    services: Services, provider: BrowserProvider, identity: VerifiedIdentity, access_token: Secret
) -> VerifiedIdentity:
    """Raises: OidcError(OIDC_UNSUPPORTED) for a provider without the endpoint, OidcError(OIDC_ANSWER)."""
    endpoint = services.oidc_providers.get(provider.issuer).metadata.userinfo_endpoint
    if endpoint is None:
        raise OidcError(Reason.OIDC_UNSUPPORTED, "the provider tells nothing beyond the ID token")
    bearer = Secret("Bearer " + access_token.reveal())
    answer = services.fetcher.get(
        endpoint, accept="application/json, application/jwt", authorization=bearer, limits=CALL_LIMITS
    )
    if answer.status != _OK:
        message = "the provider did not tell its user information"
        raise OidcError(Reason.OIDC_ANSWER, message, f"status {answer.status}")

    def read(known: KnownProvider) -> VerifiedIdentity:
        algorithms = known.metadata.id_token_algorithms
        return with_user_info(
            identity, read_user_info(answer.media_type, answer.body, identity, known.keys, algorithms)
        )

    return services.oidc_providers.use(provider.issuer, read)
