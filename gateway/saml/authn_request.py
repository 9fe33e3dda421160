"""AuthnRequest: asking an identity provider to sign somebody in, by redirect or by a form that posts itself.

Every request is signed. The redirect is signed over its query string, the form with an enveloped XML signature; both
are made in process. ASSUMPTION: `rsa-sha1` changes the signature method only, digests are always SHA-256.
Rule: SAML Core 2.0 §3.4.1; SAML Bindings 2.0 §3.4.4.1 (redirect), §3.5.4 (POST); sso-contract §1.1 (AuthnSignAlgo).
"""

import base64
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import xmlsec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from lxml import etree
from saml2 import BINDING_HTTP_POST, VERSION, saml, samlp, xmldsig

from gateway.clock import wire_time
from gateway.errors import InputError, Reason
from gateway.saml.certificates import ServiceProviderKeys, rsa_private_key

_PREFIXES = {"samlp": samlp.NAMESPACE, "saml": saml.NAMESPACE}


@dataclass(frozen=True, slots=True)
class PostForm:
    """What a page has to post: `SAMLRequest`, and `RelayState` unless it is empty, to `action`."""

    action: str
    saml_request: str
    relay_state: str


@dataclass(frozen=True, slots=True)
class _SignAlgorithm:
    uri: str
    hash: HashAlgorithm
    transform: Any  # xmlsec keeps the type of its transforms private


_ALGORITHMS = {
    "rsa-sha256": _SignAlgorithm(xmldsig.SIG_RSA_SHA256, SHA256(), xmlsec.constants.TransformRsaSha256),
    "rsa-sha1": _SignAlgorithm(xmldsig.SIG_RSA_SHA1, SHA1(), xmlsec.constants.TransformRsaSha1),  # noqa: S303
}


def build_authn_request(
    *,
    entity_id: str,
    acs_url: str,
    destination: str,
    request_id: str,
    now: datetime,
    force_authn: bool = False,
    name_id_format: str | None = None,
) -> bytes:
    """The unsigned request. Without `name_id_format` there is no NameIDPolicy and the IdP sends what it is set up to.

    The response is asked for at `acs_url` by HTTP-POST. Times have a resolution of one second.
    """
    policy = None
    if name_id_format is not None:
        policy = samlp.NameIDPolicy(format=name_id_format, allow_create="true")
    request = samlp.AuthnRequest(
        id=request_id,
        version=VERSION,
        issue_instant=wire_time(now),
        destination=destination,
        protocol_binding=BINDING_HTTP_POST,
        assertion_consumer_service_url=acs_url,
        force_authn="true" if force_authn else None,
        issuer=saml.Issuer(text=entity_id),
        name_id_policy=policy,
    )
    xml: bytes = request.to_string_force_namespace(_PREFIXES)  # to_string() would change a registry of the process
    return xml


def redirect_url(request_xml: bytes, sso_url: str, relay_state: str, keys: ServiceProviderKeys, sign_algo: str) -> str:
    """Where to send the browser. The signature covers `SAMLRequest`, `RelayState` if any, and `SigAlg`, in this order.

    `sso_url` keeps a query of its own. Raises: InputError(PARAMETER_INVALID) for an unknown `sign_algo`.
    """
    algorithm = _algorithm(sign_algo)
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = deflate.compress(request_xml) + deflate.flush()
    fields = [("SAMLRequest", base64.b64encode(deflated).decode())]
    if relay_state:
        fields.append(("RelayState", relay_state))
    fields.append(("SigAlg", algorithm.uri))
    signed = urlencode(fields)
    signature = rsa_private_key(keys.signing_key_pem).sign(signed.encode("ascii"), PKCS1v15(), algorithm.hash)
    query = signed + "&" + urlencode({"Signature": base64.b64encode(signature).decode()})
    return sso_url + ("&" if "?" in sso_url else "?") + query


def post_form(
    request_xml: bytes, sso_url: str, relay_state: str, keys: ServiceProviderKeys, sign_algo: str
) -> PostForm:
    """The same request as a form, signed inside, with our certificate in `KeyInfo`.

    Raises: InputError(PARAMETER_INVALID) for an unknown `sign_algo`.
    """
    root = etree.fromstring(request_xml)
    template = xmlsec.template.create(
        root, xmlsec.constants.TransformExclC14N, _algorithm(sign_algo).transform, ns="ds"
    )
    issuer = root.find(f"{{{saml.NAMESPACE}}}Issuer")
    issuer.addnext(template)  # the schema wants the signature right after the issuer
    reference = xmlsec.template.add_reference(template, xmlsec.constants.TransformSha256, uri="#" + root.get("ID"))
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformExclC14N)
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(template))
    xmlsec.tree.add_ids(root, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(keys.signing_key_pem.reveal(), xmlsec.constants.KeyDataFormatPem, None)
    context.key.load_cert_from_memory(keys.signing_certificate_pem, xmlsec.constants.KeyDataFormatPem)
    context.sign(template)
    signed = etree.tostring(root)
    return PostForm(action=sso_url, saml_request=base64.b64encode(signed).decode(), relay_state=relay_state)


def _algorithm(name: str) -> _SignAlgorithm:
    if name not in _ALGORITHMS:
        raise InputError(
            Reason.PARAMETER_INVALID,
            "AuthnSignAlgo must be rsa-sha256 or rsa-sha1.",
            name[:40],
            subject="AuthnSignAlgo",
        )
    return _ALGORITHMS[name]
