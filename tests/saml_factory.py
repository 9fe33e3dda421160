"""Builds and signs SAML responses for tests; `saml_encryption` encrypts them.

Signed by the `xmlsec` bindings, which the gateway does not verify with: two implementations that nobody
here wrote together. `sign_by_hand` makes the signatures that xmlsec can't or won't make.
"""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from xml.sax.saxutils import escape

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from lxml import etree

from gateway.saml.certificates import (
    ServiceProviderKeys,
    TrustedCertificate,
    make_keys,
    parse_certificate,
)
from gateway.saml.response import Expectation
from tests.fake_clock import NOON

IDP = "https://idp.example.com/saml/metadata"
AUDIENCE = "urn:alibaba:cloudcomputing"
RECIPIENT = "https://sso.example.com/saml-role/sso"
OTHER_RECIPIENT = "https://sso.example.com/saml/SSO"
SKEW = timedelta(seconds=120)
REQUEST_ID = "_request0123456789abcdef"

SAML = "urn:oasis:names:tc:SAML:2.0:assertion"
SAMLP = "urn:oasis:names:tc:SAML:2.0:protocol"
DS = "http://www.w3.org/2000/09/xmldsig#"
XENC = "http://www.w3.org/2001/04/xmlenc#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
ENVELOPED = DS + "enveloped-signature"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
RSA_SHA256 = MORE + "rsa-sha256"
SHA256 = XENC + "sha256"
PERSISTENT = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"

NS = {"saml": SAML, "samlp": SAMLP, "ds": DS, "xenc": XENC}

Node = Any  # an lxml element; lxml has no types of its own


@dataclass(frozen=True)
class SigningKey:
    """An identity provider's key with its certificate."""

    private: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
    pem: str
    certificate_pem: str
    trusted: TrustedCertificate


@cache
def signing_key(name: str = "idp", kind: str = "rsa2048") -> SigningKey:
    """A key that stays the same for one name and kind during a test run."""
    private = _generate(kind)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"{name}.example.com")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOON - timedelta(days=1))
        .not_valid_after(NOON + timedelta(days=365))
        .sign(private, hashes.SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM)
    return SigningKey(
        private=private,
        pem=private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        certificate_pem=pem.decode(),
        trusted=parse_certificate(pem),
    )


def _generate(kind: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
    if kind.startswith("rsa"):
        return rsa.generate_private_key(public_exponent=65537, key_size=int(kind[3:]))
    curves: dict[str, ec.EllipticCurve] = {"p256": ec.SECP256R1(), "p384": ec.SECP384R1(), "p521": ec.SECP521R1()}
    return ec.generate_private_key(curves[kind])


@cache
def gateway_keys(name: str = "gateway") -> ServiceProviderKeys:
    return make_keys(name, NOON)


def expectation(**changes: Any) -> Expectation:
    """What the gateway expects of the response that `Spec()` describes."""
    base = Expectation(
        issuer=IDP,
        certificates=(signing_key().trusted,),
        audience=AUDIENCE,
        recipients=(RECIPIENT, OTHER_RECIPIENT),
        in_response_to=None,
        decryption_keys=gateway_keys().encryption,
        skew=SKEW,
    )
    return replace(base, **changes)


def at(seconds: float) -> str:
    """An instant relative to noon, as SAML writes it."""
    return instant(NOON + timedelta(seconds=seconds))


def instant(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True)
class Spec:
    """A response that passes every check; change one thing and it passes all but one.

    Texts stand in the XML as they are, so that a test can put anything into them. None leaves the part out.
    """

    response_id: str = "_response1"
    response_attributes: str = ""
    response_version: str = "2.0"
    response_issue_instant: str = at(-5)
    destination: str | None = RECIPIENT
    response_in_response_to: str | None = None
    response_issuer: str | None = IDP
    status: str = (
        f'<samlp:Status><samlp:StatusCode Value="{"urn:oasis:names:tc:SAML:2.0:status:Success"}"/></samlp:Status>'
    )
    response_extra: str = ""

    assertion_id: str = "_assertion1"
    assertion_attributes: str = ""
    assertion_version: str = "2.0"
    assertion_issue_instant: str = at(-5)
    issuer: str = f"<saml:Issuer>{IDP}</saml:Issuer>"
    name_id: str = f'<saml:NameID Format="{PERSISTENT}">alice@example.onaliyun.com</saml:NameID>'
    confirmation_method: str = "urn:oasis:names:tc:SAML:2.0:cm:bearer"
    confirmation_data_attributes: str = f'NotOnOrAfter="{at(300)}" Recipient="{RECIPIENT}"'
    in_response_to: str | None = None
    confirmation_data_content: str = ""
    confirmation_extra: str = ""
    subject_extra: str = ""
    conditions_attributes: str = f'NotBefore="{at(-60)}" NotOnOrAfter="{at(300)}"'
    audiences: str = f"<saml:AudienceRestriction><saml:Audience>{AUDIENCE}</saml:Audience></saml:AudienceRestriction>"
    conditions: str | None = "{here}"
    authn_attributes: str = f'AuthnInstant="{at(-30)}" SessionIndex="_session1" SessionNotOnOrAfter="{at(3600)}"'
    authn_context: str = (
        f"<saml:AuthnContext><saml:AuthnContextClassRef>{PASSWORD}</saml:AuthnContextClassRef></saml:AuthnContext>"
    )
    authn_statement: str = "{here}"
    attributes: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("https://www.aliyun.com/SAML-Role/Attributes/RoleSessionName", ("alice",)),
        ("department", ("R&D", "Zürich")),
    )
    attributes_extra: str = ""
    assertion_extra: str = ""

    def assertion(self) -> str:
        answers = _attribute("InResponseTo", self.in_response_to)
        conditions = f"<saml:Conditions {self.conditions_attributes}>{self.audiences}</saml:Conditions>"
        statement = f"<saml:AuthnStatement {self.authn_attributes}>{self.authn_context}</saml:AuthnStatement>"
        return (
            f'<saml:Assertion ID="{self.assertion_id}" Version="{self.assertion_version}" '
            f'IssueInstant="{self.assertion_issue_instant}" {self.assertion_attributes}>{self.issuer}'
            f"<saml:Subject>{self.name_id}"
            f'<saml:SubjectConfirmation Method="{self.confirmation_method}">'
            f"<saml:SubjectConfirmationData {self.confirmation_data_attributes} {answers}>"
            f"{self.confirmation_data_content}</saml:SubjectConfirmationData>{self.confirmation_extra}"
            f"</saml:SubjectConfirmation>{self.subject_extra}</saml:Subject>"
            f"{'' if self.conditions is None else self.conditions.replace('{here}', conditions)}"
            f"{self.authn_statement.replace('{here}', statement)}"
            f"{self._attribute_statement()}{self.assertion_extra}</saml:Assertion>"
        )

    def _attribute_statement(self) -> str:
        inside = self.attributes_extra
        for name, values in self.attributes:
            listed = "".join(f"<saml:AttributeValue>{escape(value)}</saml:AttributeValue>" for value in values)
            inside += f'<saml:Attribute Name="{name}">{listed}</saml:Attribute>'
        return f"<saml:AttributeStatement>{inside}</saml:AttributeStatement>" if inside else ""

    def xml(self) -> str:
        issuer = "" if self.response_issuer is None else f"<saml:Issuer>{self.response_issuer}</saml:Issuer>"
        return (
            f'<samlp:Response xmlns:samlp="{SAMLP}" xmlns:saml="{SAML}" ID="{self.response_id}" '
            f'Version="{self.response_version}" IssueInstant="{self.response_issue_instant}"'
            f"{_attribute('Destination', self.destination)}"
            f"{_attribute('InResponseTo', self.response_in_response_to)} {self.response_attributes}>"
            f"{issuer}{self.status}{self.assertion()}{self.response_extra}</samlp:Response>"
        )

    def tree(self) -> Node:
        return etree.fromstring(self.xml().encode())


def _attribute(name: str, value: str | None) -> str:
    return "" if value is None else f' {name}="{value}"'


def find(root: Node, path: str) -> Node:
    """The one element at an XPath with the prefixes saml, samlp, ds and xenc."""
    (found,) = root.xpath(path, namespaces=NS)
    return found


def assertion_of(root: Node) -> Node:
    return find(root, "/samlp:Response/saml:Assertion")


@dataclass(frozen=True)
class Profile:
    """How a signature is made."""

    algorithm: str = RSA_SHA256
    digest: str = SHA256
    transforms: tuple[str, ...] = (ENVELOPED, EXCLUSIVE)
    c14n: str = EXCLUSIVE
    prefix_list: str | None = None
    key_info: bool = True
    prefix: str = "ds"


def sign(root: Node, element: Node, key: SigningKey | None = None, profile: Profile = Profile()) -> Node:
    """Sign an element with xmlsec, the Signature behind its Issuer. Returns the Signature."""
    key = key or signing_key()
    signature = _template(element, profile)
    if profile.key_info:
        info = xmlsec.template.ensure_key_info(signature)
        xmlsec.template.add_x509_data(info)
    element.insert(1 if len(element) and etree.QName(element[0]).localname == "Issuer" else 0, signature)
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(key.pem, xmlsec.constants.KeyDataFormatPem)
    context.key.load_cert_from_memory(key.certificate_pem, xmlsec.constants.KeyDataFormatPem)
    context.register_id(element, "ID")
    context.sign(signature)
    return signature


def _template(element: Node, profile: Profile) -> Node:
    signature = etree.Element(f"{{{DS}}}Signature", nsmap={profile.prefix or None: DS})
    info = etree.SubElement(signature, f"{{{DS}}}SignedInfo")
    _method(info, "CanonicalizationMethod", profile.c14n, profile.prefix_list)
    _method(info, "SignatureMethod", profile.algorithm)
    reference = etree.SubElement(info, f"{{{DS}}}Reference", URI="#" + element.get("ID"))
    transforms = etree.SubElement(reference, f"{{{DS}}}Transforms")
    for transform in profile.transforms:
        _method(transforms, "Transform", transform, profile.prefix_list if transform == EXCLUSIVE else None)
    _method(reference, "DigestMethod", profile.digest)
    etree.SubElement(reference, f"{{{DS}}}DigestValue")
    etree.SubElement(signature, f"{{{DS}}}SignatureValue")
    return signature


def _method(parent: Node, name: str, algorithm: str, prefix_list: str | None = None) -> None:
    method = etree.SubElement(parent, f"{{{DS}}}{name}", Algorithm=algorithm)
    if prefix_list is not None:
        etree.SubElement(method, f"{{{EXCLUSIVE}}}InclusiveNamespaces", nsmap={"ec": EXCLUSIVE}, PrefixList=prefix_list)


def sign_by_hand(
    element: Node,
    key: SigningKey | None = None,
    profile: Profile = Profile(),
    *,
    digest_function: str = "sha256",
    signer: Callable[[bytes], bytes] | None = None,
    alter: Callable[[Node], None] | None = None,
) -> Node:
    """Sign with lxml and cryptography. `alter` changes the Signature before SignedInfo is signed."""
    key = key or signing_key()
    signature = _template(element, profile)
    inclusive = (profile.prefix_list or "").split()
    digest = hashlib.new(digest_function, c14n(element, inclusive)).digest()
    find(signature, ".//ds:DigestValue").text = base64.b64encode(digest).decode()
    element.insert(1 if len(element) and etree.QName(element[0]).localname == "Issuer" else 0, signature)
    if alter is not None:
        alter(signature)
    signed_info = c14n(signature.find(f"{{{DS}}}SignedInfo"), inclusive)
    value = (signer or default_signer(key, profile.algorithm))(signed_info)
    find(signature, "ds:SignatureValue").text = base64.b64encode(value).decode()
    return signature


def default_signer(key: SigningKey, algorithm: str) -> Callable[[bytes], bytes]:
    name = next(name for name in ("sha1", "sha224", "sha256", "sha384", "sha512") if name in algorithm)
    digest: hashes.HashAlgorithm = getattr(hashes, name.upper())()
    private = key.private

    def make(data: bytes) -> bytes:
        if isinstance(private, rsa.RSAPrivateKey):
            if "MGF1" in algorithm:
                return private.sign(data, padding.PSS(padding.MGF1(digest), digest.digest_size), digest)
            return private.sign(data, padding.PKCS1v15(), digest)
        half = (private.curve.key_size + 7) // 8
        r, s = decode_dss_signature(private.sign(data, ec.ECDSA(digest)))
        return r.to_bytes(half, "big") + s.to_bytes(half, "big")

    return make


def c14n(element: Node, prefixes: Sequence[str] = ()) -> bytes:
    canonical: bytes = etree.tostring(
        element, method="c14n", exclusive=True, with_tail=False, inclusive_ns_prefixes=list(prefixes)
    )
    return canonical


def serialize(root: Node) -> bytes:
    data: bytes = etree.tostring(root)
    return data


def encode(message: Node | bytes | str) -> str:
    """The form field: base64 of a tree or of bytes."""
    if isinstance(message, str):
        message = message.encode()
    return base64.b64encode(message if isinstance(message, bytes) else serialize(message)).decode()


def signed_assertion(spec: Spec = Spec(), key: SigningKey | None = None, profile: Profile = Profile()) -> Node:
    root = spec.tree()
    sign(root, assertion_of(root), key, profile)
    return root


def signed_response(spec: Spec = Spec(), key: SigningKey | None = None, profile: Profile = Profile()) -> Node:
    root = spec.tree()
    sign(root, root, key, profile)
    return root


def signed_both(spec: Spec = Spec(), key: SigningKey | None = None) -> Node:
    root = signed_assertion(spec, key)
    sign(root, root, key)
    return root
