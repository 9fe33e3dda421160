"""SP-initiated sign-in: a signed AuthnRequest on its way to the account's identity provider."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from gateway.directory.user_sso import UserSsoSettings, find_user_sso
from gateway.errors import AuthenticationError, Reason
from gateway.federation.pending import begin_login
from gateway.ids import new_saml_id
from gateway.saml.authn_request import PostForm, build_authn_request, post_form, redirect_url
from gateway.saml.names import user_sso_consumer_url, user_sso_entity_id
from gateway.services import Services


@dataclass(frozen=True, slots=True)
class Start:
    """A login to begin. `target` was checked by `relay.relay_target`."""

    account_id: str
    browser: str
    target: str


def start_user_login(services: Services, start: Start, now: datetime) -> str | PostForm:
    """Remember the login and give the address to redirect to, or the form to post when the IdP takes forms only.

    The request is signed before the write transaction begins: anybody may ask for one, and nobody may keep others
    from writing meanwhile. No RelayState is sent: where the person wanted to go stays with us, in the pending login.
    Raises: AuthenticationError(SSO_DISABLED).
    """
    with services.store.reading() as session:
        settings = enabled_user_sso(session, start.account_id)
    destination = settings.sso_redirect_url or settings.sso_post_url or ""
    request_id = new_saml_id()
    xml = build_authn_request(
        entity_id=user_sso_entity_id(services.base_url, start.account_id),
        acs_url=user_sso_consumer_url(services.base_url),
        destination=destination,
        request_id=request_id,
        now=now,
    )
    send = redirect_url if settings.sso_redirect_url else post_form
    step = send(xml, destination, "", services.sp_keys, settings.authn_sign_algo)
    with services.store.transaction() as session:
        begin_login(
            session,
            account_id=start.account_id,
            browser=start.browser,
            target=start.target,
            request_id=request_id,
            now=now,
        )
    return step


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
