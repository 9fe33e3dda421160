"""LogoutRequest and LogoutResponse as we write them, from pysaml2's classes. They go out signed, by redirect or as a
form, see `message_signing`. Rule: SAML Core 2.0 §3.7; SAML Profiles 2.0 §4.4.
"""

from dataclasses import dataclass
from datetime import datetime

from saml2 import VERSION, saml, samlp

from gateway.clock import wire_time
from gateway.saml.endpoints import ServiceEndpoint
from gateway.saml.logout import LIFETIME
from gateway.saml.logout_bindings import Binding
from gateway.saml.message_signing import Signer, signed_message, signed_redirect
from gateway.saml.subject import NameId

_PREFIXES = {"samlp": samlp.NAMESPACE, "saml": saml.NAMESPACE}


@dataclass(frozen=True, slots=True)
class LogoutForm:
    """What a page has to post to `action`."""

    action: str
    fields: tuple[tuple[str, str], ...]


def build_logout_request(
    *, entity_id: str, destination: str, request_id: str, name_id: NameId, session_index: str, now: datetime
) -> bytes:
    """The unsigned request. The NameID goes back as it came, with its format and qualifiers.

    An empty `session_index` stands for every session of the person. Rule: SAML Core 2.0 §3.7.1, §3.7.3.
    """
    request = samlp.LogoutRequest(
        id=request_id,
        version=VERSION,
        issue_instant=wire_time(now),
        not_on_or_after=wire_time(now + LIFETIME),
        destination=destination,
        issuer=saml.Issuer(text=entity_id),
        name_id=saml.NameID(
            text=name_id.value,
            format=name_id.format or None,
            name_qualifier=name_id.name_qualifier or None,
            sp_name_qualifier=name_id.sp_name_qualifier or None,
        ),
        session_index=[samlp.SessionIndex(text=session_index)] if session_index else [],
    )
    return _written(request)


def build_logout_response(
    *, entity_id: str, destination: str, response_id: str, in_response_to: str, now: datetime
) -> bytes:
    """The unsigned answer to a request that was carried out. One that was refused gets a page, and no answer."""
    response = samlp.LogoutResponse(
        id=response_id,
        version=VERSION,
        issue_instant=wire_time(now),
        destination=destination,
        in_response_to=in_response_to,
        issuer=saml.Issuer(text=entity_id),
        status=samlp.Status(status_code=samlp.StatusCode(value=samlp.STATUS_SUCCESS)),
    )
    return _written(response)


def send_logout_request(xml: bytes, endpoint: ServiceEndpoint, signer: Signer) -> str | LogoutForm:
    """Where to redirect, or the form to post. No RelayState: what waits for the answer is known by its request."""
    return _sent("SAMLRequest", xml, endpoint.binding, endpoint.location, signer, "")


def send_logout_response(xml: bytes, endpoint: ServiceEndpoint, signer: Signer, relay_state: str) -> str | LogoutForm:
    """The same for an answer; `relay_state` is the provider's own, and goes back to it."""
    return _sent("SAMLResponse", xml, endpoint.binding, endpoint.response_location, signer, relay_state)


def _sent(  # noqa: PLR0917 - what, by which way, where, by whom
    parameter: str, xml: bytes, binding: str, url: str, signer: Signer, relay_state: str
) -> str | LogoutForm:
    if binding == Binding.REDIRECT:
        return signed_redirect(parameter, xml, url, signer, relay_state)
    fields = [(parameter, signed_message(xml, signer))]
    return LogoutForm(url, (*fields, ("RelayState", relay_state)) if relay_state else tuple(fields))


def _written(message: samlp.LogoutRequest | samlp.LogoutResponse) -> bytes:
    xml: bytes = message.to_string_force_namespace(_PREFIXES)  # to_string() would change a registry of the process
    return xml
