"""Signing what we send to an identity provider: over the query of a redirect, or inside the message of a form.

Both are made in process. ASSUMPTION: `rsa-sha1` changes the signature method only, digests are always SHA-256.
Rule: SAML Bindings 2.0 §3.4.4.1 (redirect), §3.5.4 (POST); SAML Core 2.0 §5.4; sso-contract §1.1 (AuthnSignAlgo).
"""

import base64
import zlib
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import xmlsec
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from lxml import etree
from saml2 import saml, xmldsig

from gateway.errors import InputError, Reason
from gateway.saml.certificates import ServiceProviderKeys, rsa_private_key


@dataclass(frozen=True, slots=True)
class _SignAlgorithm:
    uri: str
    hash: HashAlgorithm
    transform: Any  # xmlsec keeps the type of its transforms private


_ALGORITHMS = {
    "rsa-sha256": _SignAlgorithm(xmldsig.SIG_RSA_SHA256, SHA256(), xmlsec.constants.TransformRsaSha256),
    "rsa-sha1": _SignAlgorithm(xmldsig.SIG_RSA_SHA1, SHA1(), xmlsec.constants.TransformRsaSha1),  # noqa: S303
}


@dataclass(frozen=True, slots=True)
class Signer:
    """Our keys, and the algorithm that the provider was set up with: `rsa-sha256` or `rsa-sha1`."""

    keys: ServiceProviderKeys
    algorithm: str


def signed_redirect(parameter: str, xml: bytes, url: str, signer: Signer, relay_state: str = "") -> str:
    """Where to send the browser. The signature covers `parameter`, `RelayState` if any, and `SigAlg`, in this order.

    `parameter` is `SAMLRequest` or `SAMLResponse`; `url` keeps a query of its own.
    Raises: InputError(PARAMETER_INVALID) for an unknown algorithm.
    """
    algorithm = _algorithm(signer.algorithm)
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    deflated = deflate.compress(xml) + deflate.flush()
    fields = [(parameter, base64.b64encode(deflated).decode())]
    if relay_state:
        fields.append(("RelayState", relay_state))
    fields.append(("SigAlg", algorithm.uri))
    signed = urlencode(fields)
    signature = rsa_private_key(signer.keys.signing_key_pem).sign(signed.encode("ascii"), PKCS1v15(), algorithm.hash)
    query = signed + "&" + urlencode({"Signature": base64.b64encode(signature).decode()})
    return url + ("&" if "?" in url else "?") + query


def signed_message(xml: bytes, signer: Signer) -> str:
    """The message, signed inside, with our certificate in `KeyInfo`, in Base64: the value of the field of a form.

    Raises: InputError(PARAMETER_INVALID) for an unknown algorithm.
    """
    root = etree.fromstring(xml)
    template = xmlsec.template.create(
        root, xmlsec.constants.TransformExclC14N, _algorithm(signer.algorithm).transform, ns="ds"
    )
    issuer = root.find(f"{{{saml.NAMESPACE}}}Issuer")
    issuer.addnext(template)  # the schema wants the signature right after the issuer
    reference = xmlsec.template.add_reference(template, xmlsec.constants.TransformSha256, uri="#" + root.get("ID"))
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformEnveloped)
    xmlsec.template.add_transform(reference, xmlsec.constants.TransformExclC14N)
    xmlsec.template.add_x509_data(xmlsec.template.ensure_key_info(template))
    xmlsec.tree.add_ids(root, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(signer.keys.signing_key_pem.reveal(), xmlsec.constants.KeyDataFormatPem, None)
    context.key.load_cert_from_memory(signer.keys.signing_certificate_pem, xmlsec.constants.KeyDataFormatPem)
    context.sign(template)
    return base64.b64encode(etree.tostring(root)).decode()


def _algorithm(name: str) -> _SignAlgorithm:
    if name not in _ALGORITHMS:
        raise InputError(
            Reason.PARAMETER_INVALID,
            "AuthnSignAlgo must be rsa-sha256 or rsa-sha1.",
            name[:40],
            subject="AuthnSignAlgo",
        )
    return _ALGORITHMS[name]
