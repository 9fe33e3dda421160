"""What every view needs to know about the request at hand, gathered once at its start."""

from dataclasses import dataclass

from flask import g, request

from gateway.client import Client, client_of_environ
from gateway.errors import GatewayError
from gateway.ids import new_request_id
from gateway.services import Services
from gateway.web.oidc_trail import OidcTrail

_ATTRIBUTE = "ramgate_visit"


@dataclass(slots=True)
class Visit:
    request_id: str
    client: Client
    form_targets: tuple[str, ...] = ()  # origins that forms on this page may lead to, besides our own
    refused: GatewayError | None = None  # why the request is refused
    trail: OidcTrail | None = None  # of a login at an OpenID Provider
    message: str = ""  # a SAML response that came in; not verified


def begin_visit(services: Services) -> Visit:
    client = client_of_environ(request.environ, services.trusted_proxies)
    visit = Visit(new_request_id(), client)
    setattr(g, _ATTRIBUTE, visit)
    return visit


def current_visit() -> Visit:
    visit = getattr(g, _ATTRIBUTE)
    assert isinstance(visit, Visit)
    return visit


def has_visit() -> bool:
    return hasattr(g, _ATTRIBUTE)
