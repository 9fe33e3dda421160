"""The page of one OpenID Provider: what is registered, how people sign in, and what the other side must know."""

from flask import Response
from sqlalchemy.orm import Session

from gateway.directory.accounts import get_account
from gateway.directory.mapping_rules import list_rules
from gateway.directory.oidc_providers import OidcProvider
from gateway.directory.oidc_sign_in import inspect_oidc_sign_in
from gateway.federation.registered import get_registered
from gateway.federation.user_matching import accepted_domains
from gateway.identity import Protocol
from gateway.oidc.names import (
    back_channel_logout_url,
    client_keys_url,
    post_logout_redirect_uri,
    redirect_uri,
    start_path,
)
from gateway.services import Services
from gateway.web.edge import Edge, page


def oidc_page(edge: Edge, session: Session, provider: OidcProvider, path: str) -> Response:
    services = edge.services
    account = get_account(session, provider.account_id)
    registered = get_registered(session, account.id, Protocol.OIDC, provider.name)
    sign_in, locked = inspect_oidc_sign_in(session, services.ring, provider)
    return page(
        "admin/oidc_provider.html",
        active="oidc",
        provider=provider,
        path=path,
        sign_in=sign_in,
        locked=locked,
        settings=registered.settings,
        rules=len(list_rules(session, registered.key)),
        domains=accepted_domains(session, account, services.domain_suffix),
        ours=_addresses(services, provider),
    )


def _addresses(services: Services, provider: OidcProvider) -> dict[str, str]:
    """What the people at the provider need to know about us."""
    at = (provider.account_id, provider.name)
    return {
        "redirect": redirect_uri(services.base_url, *at),
        "start": services.base_url + start_path(*at),
        "logout": post_logout_redirect_uri(services.base_url, *at),
        "back_channel": back_channel_logout_url(services.base_url, *at),
        "keys": client_keys_url(services.base_url, *at),
    }
