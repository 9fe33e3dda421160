"""AuthnRequest: asking an identity provider to sign somebody in, by redirect or by a form that posts itself.

Every request is signed, see `message_signing`. Rule: SAML Core 2.0 §3.4.1; sso-contract §1.1 (AuthnSignAlgo).
"""

from dataclasses import dataclass
from datetime import datetime

from saml2 import BINDING_HTTP_ARTIFACT, BINDING_HTTP_POST, VERSION, saml, samlp

from gateway.asking import NOTHING_WANTED, RequestOptions, ResponseBinding
from gateway.clock import wire_time
from gateway.saml.certificates import ServiceProviderKeys
from gateway.saml.message_signing import Signer, signed_message, signed_redirect

_PREFIXES = {"samlp": samlp.NAMESPACE, "saml": saml.NAMESPACE}


@dataclass(frozen=True, slots=True)
class PostForm:
    """What a page has to post: `SAMLRequest`, and `RelayState` unless it is empty, to `action`."""

    action: str
    saml_request: str
    relay_state: str


def build_authn_request(
    *,
    entity_id: str,
    acs_url: str,
    destination: str,
    request_id: str,
    now: datetime,
    options: RequestOptions = NOTHING_WANTED,
) -> bytes:
    """The unsigned request, with those parts only that `options` ask for.

    The response is asked for at `acs_url`, by HTTP-POST or HTTP-Artifact. Times have a resolution of one second.
    """
    artifact = options.binding is ResponseBinding.ARTIFACT
    request = samlp.AuthnRequest(
        id=request_id,
        version=VERSION,
        issue_instant=wire_time(now),
        destination=destination,
        protocol_binding=BINDING_HTTP_ARTIFACT if artifact else BINDING_HTTP_POST,
        assertion_consumer_service_url=acs_url,
        force_authn="true" if options.force_authn else None,
        is_passive="true" if options.is_passive else None,
        issuer=saml.Issuer(text=entity_id),
        name_id_policy=_name_id_policy(options),
        requested_authn_context=_requested_context(options),
    )
    xml: bytes = request.to_string_force_namespace(_PREFIXES)  # to_string() would change a registry of the process
    return xml


def _name_id_policy(options: RequestOptions) -> samlp.NameIDPolicy | None:
    if not options.name_id_format:
        return None
    return samlp.NameIDPolicy(format=options.name_id_format, allow_create="true" if options.allow_create else "false")


def _requested_context(options: RequestOptions) -> samlp.RequestedAuthnContext | None:
    if not options.authn_contexts:
        return None
    return samlp.RequestedAuthnContext(
        authn_context_class_ref=[saml.AuthnContextClassRef(text=context) for context in options.authn_contexts],
        comparison=options.comparison.value,
    )


def redirect_url(request_xml: bytes, sso_url: str, relay_state: str, keys: ServiceProviderKeys, sign_algo: str) -> str:
    """Where to send the browser. The signature covers `SAMLRequest`, `RelayState` if any, and `SigAlg`, in this order.

    `sso_url` keeps a query of its own. Raises: InputError(PARAMETER_INVALID) for an unknown `sign_algo`.
    """
    return signed_redirect("SAMLRequest", request_xml, sso_url, Signer(keys, sign_algo), relay_state)


def post_form(
    request_xml: bytes, sso_url: str, relay_state: str, keys: ServiceProviderKeys, sign_algo: str
) -> PostForm:
    """The same request as a form, signed inside, with our certificate in `KeyInfo`.

    Raises: InputError(PARAMETER_INVALID) for an unknown `sign_algo`.
    """
    return PostForm(sso_url, signed_message(request_xml, Signer(keys, sign_algo)), relay_state)
