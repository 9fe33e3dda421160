"""Pages of the SAML logins that only lead on: to the provider, once more to ourselves, to the choice of a role."""

from collections.abc import Sequence
from urllib.parse import quote

from flask import Response, request

from gateway.federation.login import RoleOffer
from gateway.saml.authn_request import PostForm
from gateway.web.acs import Posted
from gateway.web.company_login import chooser_page
from gateway.web.edge import Edge, page, see_other
from gateway.web.role_page import OfferedRole, role_page_block
from gateway.web.sso_start import origin_of
from gateway.web.visit import current_visit


def on_to_provider(edge: Edge, step: str | PostForm, browser: str) -> Response:
    """Send a browser to a provider, and bind it to the login that waits for the answer."""
    return edge.bind(_form_page(step) if isinstance(step, PostForm) else see_other(step), browser)


def step_up_page(edge: Edge, step: str | PostForm, browser: str, role: str) -> Response:
    """The same where the person expects to be let in, and is asked for a second factor first: a page says why."""
    lead = f"{role} asks for a second factor. Your company's sign-in asks you for it, and brings you back here."
    return once_more_page(edge, step, browser, lead)


def once_more_page(edge: Edge, step: str | PostForm, browser: str, lead: str) -> Response:
    """On to a provider in answer to a form of ours: by a page, and not by a redirect, since browsers hold a form that
    was just sent against the policy of the page that it stood on, redirects included.
    """
    if isinstance(step, PostForm):
        response = _form_page(step, heading="One more step", lead=lead)
    else:
        response = page("step_up.html", lead=lead, url=step)
    return edge.bind(response, browser)


def again_page(names: Sequence[str]) -> Response:
    """The same form once more, sent from our own page: cookies that stay at home on a cross-site POST come along."""
    fields = [(name, request.form[name]) for name in names if name in request.form]
    return page(
        "post_form.html",
        heading="Signing you in",
        lead="One moment. If nothing happens, continue by hand.",
        action=quote(request.path),  # browsers read a backslash as a slash
        fields=[*fields, ("again", "1")],
    )


def saml_chooser(offer: RoleOffer, posted: Posted) -> Response:
    offered = [
        OfferedRole(
            choice.account_id,
            choice.account_alias,
            choice.role_name,
            choice.role_arn,
            choice.provider_arn,
            choice.raw,
        )
        for choice in offer.mapping.allowed
    ]
    block = role_page_block(offered, relay_state=posted.relay_state, saml_response=posted.saml_response)
    return chooser_page(offer, block)


def _form_page(
    form: PostForm,
    heading: str = "On to your company's sign-in",
    lead: str = "One moment. If nothing happens, continue by hand.",
) -> Response:
    current_visit().form_targets += (origin_of(form.action),)
    fields = [("SAMLRequest", form.saml_request)]
    return page(
        "post_form.html",
        heading=heading,
        lead=lead,
        action=form.action,
        fields=[*fields, ("RelayState", form.relay_state)] if form.relay_state else fields,
    )
