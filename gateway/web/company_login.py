"""What company logins share, whatever their protocol: the occasion, taking a role, the page to choose one on."""

from datetime import datetime

from flask import Response
from markupsafe import Markup

from gateway.client import policy_context
from gateway.federation.facts import Occasion
from gateway.federation.login import RoleOffer, RoleSignedIn
from gateway.web.edge import Edge, page, see_other
from gateway.web.session import sign_in
from gateway.web.visit import current_visit


def login_occasion(now: datetime) -> Occasion:
    """What our side knows of a company login. What the company says of a second factor is added where its provider is
    known: until then such a login is one without.
    """
    visit = current_visit()
    return Occasion(visit.request_id, now, policy_context(visit.client, now, mfa_present=False))


def role_taken(edge: Edge, outcome: RoleSignedIn) -> Response:
    return sign_in(see_other(outcome.target), edge.cookies, outcome.handle, outcome.expires_at)


def chooser_page(offer: RoleOffer, role_page_block: Markup | None = None) -> Response:
    """`role_page_block`: what command-line tools read of an answer to a SAML response."""
    open_to_them = offer.mapping.open
    accounts: dict[str, list[object]] = {}
    for choice in open_to_them:
        accounts.setdefault(choice.account_id, []).append(choice)
    aliases = {choice.account_id: choice.account_alias for choice in open_to_them}
    return page(
        "roles.html",
        role_page_block=role_page_block,
        offer=offer,
        accounts=[{"id": key, "alias": aliases[key], "roles": roles} for key, roles in accounts.items()],
        refused=[choice for choice in offer.mapping.choices if choice not in open_to_them],
    )
