"""Sign-in that begins here: a signed AuthnRequest on its way to a SAML identity provider. No Flask in here."""

from dataclasses import dataclass, replace
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from gateway.asking import Asked, Comparison, RequestOptions, ResponseBinding, asked_by
from gateway.directory.provider_keys import saml_provider_key, user_sso_key
from gateway.directory.provider_logins import get_login_settings
from gateway.directory.request_options import get_request_options
from gateway.directory.saml_providers import SamlProvider, find_saml_provider
from gateway.directory.user_sso import UserSsoSettings, find_user_sso
from gateway.errors import AuthenticationError, Reason
from gateway.federation.aims import NO_AIM, STEP_UP, USER, Aim
from gateway.federation.pending import begin_login
from gateway.federation.user_sso import user_sso_provider_arn
from gateway.federation.vouching import SAML_DEFAULT
from gateway.ids import new_saml_id
from gateway.saml.authn_request import PostForm, build_authn_request, post_form, redirect_url
from gateway.saml.names import role_sso_recipient, user_sso_consumer_url, user_sso_entity_id
from gateway.services import Services


@dataclass(frozen=True, slots=True)
class Door:
    """A SAML provider that browsers are sent to, as it is registered right now: read once, then no database is needed.

    INVARIANT: made by `user_door`, `role_door` or `door_of_key`.
    """

    key: str  # see `directory.provider_keys`
    arn: str
    account_id: str
    name: str  # empty for that of user SSO
    entity_id: str
    sso_redirect_url: str | None
    sso_post_url: str | None
    sign_algo: str
    options: RequestOptions
    second_factors: tuple[str, ...]

    def ours(self, services: Services) -> tuple[str, str]:
        """Our entity ID towards it, and where its answers go."""
        if self.name:
            return services.role_sso_urn, role_sso_recipient(services.base_url)
        return user_sso_entity_id(services.base_url, self.account_id), user_sso_consumer_url(services.base_url)


@dataclass(frozen=True, slots=True)
class Start:
    """A login to begin. `target` was checked by `relay.relay_target`; `interactive`: a passive one has failed."""

    browser: str
    target: str
    purpose: str = USER
    aim: Aim = NO_AIM
    interactive: bool = False


def user_door(session: Session, account_id: str, *, even_off: bool = False) -> Door:
    """`even_off`: also where user SSO is set up and not turned on. Raises: AuthenticationError(SSO_DISABLED)."""
    found = find_user_sso(session, account_id) if even_off else None
    settings = enabled_user_sso(session, account_id) if found is None or found.metadata_xml is None else found
    key = user_sso_key(account_id)
    return Door(
        key=key,
        arn=user_sso_provider_arn(account_id),
        account_id=account_id,
        name="",
        entity_id=settings.entity_id or "",
        sso_redirect_url=settings.sso_redirect_url,
        sso_post_url=settings.sso_post_url,
        sign_algo=settings.authn_sign_algo,
        options=get_request_options(session, key),
        second_factors=get_login_settings(session, key, SAML_DEFAULT).second_factors,
    )


def role_door(session: Session, account_id: str, name: str) -> Door:
    """The role SSO provider of an account. Raises: AuthenticationError(SSO_DISABLED) if there is none of this name."""
    provider = find_saml_provider(session, account_id, name)
    if provider is None:
        raise _no_door(f"account {account_id[:40]}, provider {name[:128]!r}")
    return _role_door(session, provider)


def door_of_key(session: Session, key: str, *, even_off: bool = False) -> Door:
    """The provider of a login under way. Raises: AuthenticationError(SSO_DISABLED) if it is gone."""
    kind, _, rest = key.partition(":")
    if kind == "user-sso":
        return user_door(session, rest, even_off=even_off)
    provider = session.get(SamlProvider, int(rest)) if kind == "saml" else None
    if provider is None:
        raise _no_door(f"provider key {key!r:.100}")
    return _role_door(session, provider)


def ask(services: Services, door: Door, start: Start) -> str | PostForm:
    """Remember the login and give the address to redirect to, or the form to post when the IdP takes forms only.

    The request is signed before the write transaction begins: anybody may ask for one, and nobody may keep others
    from writing meanwhile. Where the person wanted to go stays with us, in the pending login; a RelayState is sent only
    where the answer is a reference, which names no request by itself.
    """
    now, request_id = services.clock.now(), new_saml_id()
    options, asked = _wanted(door, start, now)
    entity_id, acs_url = door.ours(services)
    destination = door.sso_redirect_url or door.sso_post_url or ""
    xml = build_authn_request(
        entity_id=entity_id,
        acs_url=acs_url,
        destination=destination,
        request_id=request_id,
        now=now,
        options=options,
    )
    send = redirect_url if door.sso_redirect_url else post_form
    relay_state = request_id if options.binding is ResponseBinding.ARTIFACT else ""
    step = send(xml, destination, relay_state, services.sp_keys, door.sign_algo)
    with services.store.transaction() as session:
        begin_login(
            session,
            account_id=door.account_id,
            browser=start.browser,
            target=start.target,
            request_id=request_id,
            now=now,
            purpose=start.purpose,
            provider_key=door.key,
            asked=asked,
            aim=start.aim,
        )
    return step


def _wanted(door: Door, start: Start, now: datetime) -> tuple[RequestOptions, Asked]:
    """What is asked for, and what the answer is held to.

    A step-up asks for what counts as a second factor here, to be proved anew. Whether the answer says so is the
    business of `federation.step_up`, whose refusal says what is missing.
    """
    if start.purpose == STEP_UP:
        options = replace(
            door.options,
            authn_contexts=door.second_factors,
            comparison=Comparison.EXACT,
            force_authn=True,
            is_passive=False,
        )
        return options, replace(asked_by(options, now), authn_contexts=())
    options = replace(door.options, is_passive=door.options.is_passive and not start.interactive)
    return options, asked_by(options, now)


def enabled_user_sso(session: Session, account_id: str) -> UserSsoSettings:
    """Raises: AuthenticationError(SSO_DISABLED), for an account that does not exist as well."""
    settings = find_user_sso(session, account_id)
    if settings is None or not settings.enabled:
        raise AuthenticationError(
            Reason.SSO_DISABLED, "Company sign-in is not switched on for this account.", f"account {account_id[:40]}"
        )
    return settings


def origin_of(url: str) -> str:
    """The origin of an address, as a Content-Security-Policy source."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def _role_door(session: Session, provider: SamlProvider) -> Door:
    key = saml_provider_key(provider.id)
    return Door(
        key=key,
        arn=provider.arn,
        account_id=provider.account_id,
        name=provider.name,
        entity_id=provider.entity_id,
        sso_redirect_url=provider.sso_redirect_url,
        sso_post_url=provider.sso_post_url,
        sign_algo=provider.authn_sign_algo,
        options=get_request_options(session, key),
        second_factors=get_login_settings(session, key, SAML_DEFAULT).second_factors,
    )


def _no_door(detail: str) -> AuthenticationError:
    return AuthenticationError(
        Reason.SSO_DISABLED, "Sign-in through this identity provider is not turned on.", detail=detail
    )
