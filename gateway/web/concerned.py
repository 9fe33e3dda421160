"""Which providers a refused login is about, and what its message is worth under each. No Flask in here."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.directory.oidc_providers import find_oidc_provider
from gateway.directory.provider_keys import oidc_provider_key, user_sso_key
from gateway.errors import AuthenticationError
from gateway.federation.pending import PendingLogin, find_pending
from gateway.login_verdict import LoginVerdict
from gateway.saml.sight import Sight, look_at
from gateway.saml.verdict import judge_response
from gateway.services import Services
from gateway.web.connection import (
    SamlConnection,
    connection_of_key,
    find_user_connection,
    role_connections_of,
    user_connections_of,
)
from gateway.web.oidc_trail import OidcTrail


@dataclass(frozen=True, slots=True)
class FailedMessage:
    """What came in, as far as the refused view had it. Nothing of it is verified."""

    saml_response: str = field(repr=False)
    browser: str = field(repr=False)
    account_id: str  # in the path; empty where the path has none
    provider_name: str
    trail: OidcTrail | None
    is_role_sso: bool = False


@dataclass(frozen=True, slots=True)
class Suspect:
    account_id: str
    provider_key: str
    begun: bool  # the browser that came back had begun a login at this provider
    judge: Callable[[FailedMessage, datetime], LoginVerdict | None]


def saml_suspects(session: Session, services: Services, message: FailedMessage) -> tuple[Suspect, ...]:
    """The provider that a login of this browser was begun at; else those that the issuer and the path name."""
    now = services.clock.now()
    sight = look_at(message.saml_response, services.sp_keys.encryption)
    pending = begun_login(session, sight, message.browser, now)
    if pending is not None:
        found = _begun_at(session, services, pending)
    elif message.is_role_sso:
        found = [] if sight is None else role_connections_of(session, services, sight.issuer)
    elif message.account_id:
        named = find_user_connection(session, services, message.account_id)
        found = [] if named is None else [named]
    else:
        found = [] if sight is None else user_connections_of(session, services, sight.issuer)
    asked = None if pending is None else pending.request_id
    return tuple(_suspect(connection, asked) for connection in found)


def oidc_suspects(session: Session, services: Services, message: FailedMessage) -> tuple[Suspect, ...]:
    """The provider whose callback it was."""
    del services
    provider = find_oidc_provider(session, message.account_id, message.provider_name)
    if provider is None:
        return ()
    trail = message.trail
    begun = trail is not None and trail.begun
    return (Suspect(provider.account_id, oidc_provider_key(provider.id), begun, _judge_token),)


def _judge_token(message: FailedMessage, at: datetime) -> LoginVerdict | None:
    return None if message.trail is None else message.trail.judge(at)


def _suspect(connection: SamlConnection, asked: str | None) -> Suspect:
    def judge(message: FailedMessage, at: datetime) -> LoginVerdict:
        return judge_response(message.saml_response, connection.expecting(asked), at)

    return Suspect(connection.account_id, connection.key, asked is not None, judge)


def begun_login(session: Session, sight: Sight | None, browser: str, now: datetime) -> PendingLogin | None:
    """The login that this very browser had begun; a refusal has given it back."""
    request_id = None if sight is None else sight.in_response_to
    if not request_id:
        return None
    try:
        return find_pending(session, request_id, browser, now)
    except AuthenticationError:
        return None


def _begun_at(session: Session, services: Services, pending: PendingLogin) -> list[SamlConnection]:
    """The provider that was asked, whatever issuer the answer names."""
    key = pending.provider_key or user_sso_key(pending.account_id)  # one begun before the key was kept
    found = connection_of_key(session, services, key)
    return [] if found is None else [found]
