"""Signatures that are valid for somebody's idea of a signature, or almost.

Unless a row says otherwise its SignedInfo is signed with the provider's own key, so that only the check in question
stands between the message and acceptance.
"""

import base64
import copy
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from lxml import etree

from gateway.errors import Reason, SamlError
from gateway.saml.response import verify_response
from tests import saml_factory as factory
from tests.fake_clock import NOON
from tests.saml_factory import DS, ENVELOPED, EXCLUSIVE, MORE, Profile, Spec, assertion_of, find

INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
Alter = Callable[[Any], None]


def refusal(root: Any) -> Reason:
    with pytest.raises(SamlError) as caught:
        verify_response(factory.encode(root), factory.expectation(), NOON)
    return caught.value.reason


PROFILE = Profile()


def signed(alter: Alter | None = None, profile: Profile = PROFILE, **options: Any) -> Any:
    root = Spec().tree()
    factory.sign_by_hand(assertion_of(root), None, profile, alter=alter, **options)
    return root


def test_sign_by_hand__nothing_altered__is_accepted() -> None:
    assert verify_response(factory.encode(signed()), factory.expectation(), NOON).assertion_id == "_assertion1"


def uri(value: str | None) -> Alter:
    def alter(signature: Any) -> None:
        reference = find(signature, ".//ds:Reference")
        if value is None:
            del reference.attrib["URI"]
        else:
            reference.set("URI", value)

    return alter


@pytest.mark.parametrize(
    "value",
    [
        None, "", "#", "_assertion1", "#_response1", "#_nowhere", "#_assertion1 ", "#xpointer(/)",
        "#xpointer(id('_assertion1'))", "http://127.0.0.1:1/#_assertion1", "file:///etc/passwd", "cid:x",
    ],
)  # fmt: skip
def test_verify_response__reference_to_anything_but_the_parent__refused(value: str | None) -> None:
    assert refusal(signed(uri(value))) is Reason.SAML_SIGNATURE_REFERENCE


XSLT = (
    f'<ds:Transform xmlns:ds="{DS}" Algorithm="http://www.w3.org/TR/1999/REC-xslt-19991116"><xsl:stylesheet version="1.0" '
    'xmlns:xsl="http://www.w3.org/1999/XSL/Transform"><xsl:template match="/"><xsl:value-of '
    "select=\"document('http://127.0.0.1:1/')\"/></xsl:template></xsl:stylesheet></ds:Transform>"
)
XPATH = (
    f'<ds:Transform xmlns:ds="{DS}" Algorithm="http://www.w3.org/TR/1999/REC-xpath-19991116">'
    "<ds:XPath>not(ancestor-or-self::NameID)</ds:XPath></ds:Transform>"
)


def extra_transform(text: str, index: int) -> Alter:
    return lambda signature: find(signature, ".//ds:Transforms").insert(index, etree.fromstring(text))


@pytest.mark.parametrize(
    "text", [XSLT, XPATH, f'<ds:Transform xmlns:ds="{DS}" Algorithm="{EXCLUSIVE}"/>'], ids=["xslt", "xpath", "third"]
)
@pytest.mark.parametrize("index", [0, 1, 2])
def test_verify_response__extra_transform__refused(text: str, index: int) -> None:
    assert refusal(signed(extra_transform(text, index))) is Reason.SAML_SIGNATURE_REFERENCE


@pytest.mark.parametrize(
    "transforms",
    [
        (), (ENVELOPED,), (EXCLUSIVE,), (EXCLUSIVE, ENVELOPED), (ENVELOPED, ENVELOPED), (ENVELOPED, INCLUSIVE),
        (ENVELOPED, "http://www.w3.org/2006/12/xml-c14n11"), (ENVELOPED, DS + "base64"), (ENVELOPED, ""),
        ("http://www.w3.org/2002/06/xmldsig-filter2", EXCLUSIVE),
    ],
)  # fmt: skip
def test_verify_response__other_transforms__refused(transforms: tuple[str, ...]) -> None:
    assert refusal(signed(profile=Profile(transforms=transforms))) is Reason.SAML_SIGNATURE_REFERENCE


@pytest.mark.parametrize(
    "method", [INCLUSIVE, INCLUSIVE + "#WithComments", "http://www.w3.org/2006/12/xml-c14n11", "urn:none", ""]
)
def test_verify_response__other_canonicalization__refused(method: str) -> None:
    assert refusal(signed(profile=Profile(c14n=method))) is Reason.SAML_SIGNATURE_ALGORITHM


@pytest.mark.parametrize(
    "algorithm",
    [
        DS + "rsa-sha1", MORE + "rsa-md5", MORE + "rsa-sha224", MORE + "rsa-ripemd160", DS + "dsa-sha1", "",
        MORE + "ecdsa-sha1", "http://www.w3.org/2007/05/xmldsig-more#rsa-pss", "http://www.w3.org/2007/05/xmldsig-more#sha1-rsa-MGF1",
        MORE + "rsa-sha256 ", (MORE + "rsa-sha256").upper(), "urn:none",
    ],
)  # fmt: skip
def test_verify_response__weak_or_unknown_signature_algorithm__refused(algorithm: str) -> None:
    root = signed(profile=Profile(algorithm=algorithm), signer=factory.default_signer(factory.signing_key(), "sha256"))
    assert refusal(root) is Reason.SAML_SIGNATURE_ALGORITHM


@pytest.mark.parametrize(
    ("digest", "function"),
    [(DS + "sha1", "sha1"), (MORE + "md5", "md5"), (MORE + "sha224", "sha224"), ("urn:none", "sha256"), ("", "sha256")],
)
def test_verify_response__weak_or_unknown_digest__refused(digest: str, function: str) -> None:
    root = signed(profile=Profile(digest=digest), digest_function=function)
    assert refusal(root) is Reason.SAML_SIGNATURE_ALGORITHM


def public_forms() -> dict[str, bytes]:
    key = factory.signing_key()
    public = key.private.public_key()
    return {
        "certificate der": key.trusted.der,
        "certificate pem": key.certificate_pem.encode(),
        "public key der": public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        "public key pem": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "nothing": b"",
    }


@pytest.mark.parametrize("name", ["certificate der", "certificate pem", "public key der", "public key pem", "nothing"])
@pytest.mark.parametrize("algorithm", [DS + "hmac-sha1", MORE + "hmac-sha256", MORE + "hmac-sha512"])
def test_verify_response__hmac_with_public_data__refused(name: str, algorithm: str) -> None:
    secret = public_forms()[name]
    function = algorithm.rpartition("-")[2]
    root = signed(profile=Profile(algorithm=algorithm), signer=lambda data: hmac.new(secret, data, function).digest())
    assert refusal(root) is Reason.SAML_SIGNATURE_ALGORITHM


@pytest.mark.parametrize("child", ["HMACOutputLength", "RSAPSSParams"])
def test_verify_response__parameters_in_the_signature_method__refused(child: str) -> None:
    def alter(signature: Any) -> None:
        etree.SubElement(find(signature, ".//ds:SignatureMethod"), f"{{{DS}}}{child}").text = "0"

    assert refusal(signed(alter)) is Reason.SAML_SIGNATURE_ALGORITHM


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        (".//ds:DigestMethod", Reason.SAML_SIGNATURE_ALGORITHM),
        (".//ds:Transform[1]", Reason.SAML_SIGNATURE_REFERENCE),
        (".//ds:CanonicalizationMethod", Reason.SAML_SIGNATURE_SHAPE),
    ],
)
def test_verify_response__something_inside_of_a_method__refused(path: str, reason: Reason) -> None:
    def alter(signature: Any) -> None:
        etree.SubElement(find(signature, path), f"{{{DS}}}XPath").text = "true()"

    assert refusal(signed(alter)) is reason


def test_verify_response__attacker_key_in_key_info__refused() -> None:
    """xmlsec puts the attacker's certificate into KeyInfo; nobody looks."""
    root = factory.signed_assertion(key=factory.signing_key("attacker"))
    assert find(root, "//ds:X509Certificate").text
    assert refusal(root) is Reason.SAML_SIGNATURE_VALUE


def test_verify_response__key_info_of_somebody_else__is_ignored() -> None:
    root = factory.signed_assertion()
    find(root, "//ds:X509Certificate").text = "bm90IGEgY2VydGlmaWNhdGU="
    assert verify_response(factory.encode(root), factory.expectation(), NOON).subject


DOUBLED = (
    "ds:SignedInfo", "ds:SignatureValue", "ds:SignedInfo/ds:Reference", "ds:SignedInfo/ds:CanonicalizationMethod",
    "ds:SignedInfo/ds:SignatureMethod", "ds:SignedInfo/ds:Reference/ds:DigestValue",
    "ds:SignedInfo/ds:Reference/ds:DigestMethod", "ds:SignedInfo/ds:Reference/ds:Transforms",
)  # fmt: skip


@pytest.mark.parametrize("path", DOUBLED)
@pytest.mark.parametrize("before", [False, True])
def test_verify_response__doubled_part_of_a_signature__refused(path: str, before: bool) -> None:
    def alter(signature: Any) -> None:
        original = find(signature, path)
        (original.addprevious if before else original.addnext)(copy.deepcopy(original))

    root = Spec().tree()
    signature = factory.sign_by_hand(assertion_of(root))
    alter(signature)
    assert refusal(root) is Reason.SAML_SIGNATURE_SHAPE
    if path.startswith("ds:SignedInfo/"):
        assert refusal(signed(alter)) is Reason.SAML_SIGNATURE_SHAPE


@pytest.mark.parametrize("path", DOUBLED)
def test_verify_response__missing_part_of_a_signature__refused(path: str) -> None:
    root = factory.signed_assertion()
    part = find(root, "//ds:Signature/" + path)
    part.getparent().remove(part)
    assert refusal(root) is Reason.SAML_SIGNATURE_SHAPE


def test_verify_response__digest_smuggled_elsewhere__refused() -> None:
    """CVE-2024-45409: a DigestValue outside of the signed Reference, found by a search from the root."""
    root = factory.signed_assertion()
    find(root, "//saml:NameID").text = "mallory"
    assertion = assertion_of(root)
    clean = copy.deepcopy(assertion)
    clean.remove(find(clean, "ds:Signature"))
    digest = hashlib.sha256(factory.c14n(clean)).digest()
    detail = etree.SubElement(find(root, "samlp:Status"), f"{{{factory.SAMLP}}}StatusDetail")
    etree.SubElement(detail, f"{{{DS}}}DigestValue").text = base64.b64encode(digest).decode()
    assert refusal(root) is Reason.SAML_SIGNATURE_DIGEST


def test_verify_response__object_in_the_signature__refused() -> None:
    assert (
        refusal(signed(lambda signature: etree.SubElement(signature, f"{{{DS}}}Object"))) is Reason.SAML_SIGNATURE_SHAPE
    )


def test_verify_response__two_signatures_on_one_node__refused() -> None:
    for make in (factory.signed_assertion, factory.signed_response):
        root = make()
        signature = root.xpath("//ds:Signature", namespaces=factory.NS)[0]
        signature.addnext(copy.deepcopy(signature))
        assert refusal(root) is Reason.SAML_SHAPE


@pytest.mark.parametrize(
    "path",
    [
        "//saml:Subject",
        "//saml:Conditions",
        "samlp:Status",
        "//saml:AttributeValue[1]",
        "//saml:NameID",
        "//ds:KeyInfo",
    ],
)
def test_verify_response__signature_in_another_place__refused(path: str) -> None:
    """Moved away, and as an additional one below a valid one."""
    root = factory.signed_assertion()
    signature = find(root, "//ds:Signature")
    if path != "//ds:KeyInfo":
        root.xpath(path, namespaces=factory.NS)[0].append(signature)
        assert refusal(root) in {Reason.SAML_SIGNATURE_PLACE, Reason.SAML_UNSIGNED}
    root = factory.signed_assertion()
    copied = copy.deepcopy(find(root, "//ds:Signature"))
    root.xpath(path, namespaces=factory.NS)[0].append(copied)
    assert refusal(root) is Reason.SAML_SIGNATURE_PLACE


def test_verify_response__signature_of_another_response__refused() -> None:
    root = factory.signed_assertion()
    other = factory.signed_assertion(Spec(name_id="<saml:NameID>mallory</saml:NameID>"))
    ours, theirs = find(root, "//ds:Signature"), find(other, "//ds:Signature")
    theirs.getparent().replace(theirs, ours)
    assert refusal(other) is Reason.SAML_SIGNATURE_DIGEST


def test_verify_response__digest_exchanged__refused() -> None:
    root = factory.signed_assertion()
    other = factory.signed_assertion(Spec(name_id="<saml:NameID>mallory</saml:NameID>"))
    find(other, "//ds:SignatureValue").text = find(root, "//ds:SignatureValue").text
    assert refusal(other) is Reason.SAML_SIGNATURE_VALUE


@pytest.mark.parametrize("path", ["//ds:DigestValue", "//ds:SignatureValue"])
@pytest.mark.parametrize("text", ["", "*", "AAA", "A" * 5, "é"])
def test_verify_response__value_is_no_base64__refused(path: str, text: str) -> None:
    root = factory.signed_assertion()
    find(root, path).text = text
    assert refusal(root) in {Reason.SAML_SIGNATURE_SHAPE, Reason.SAML_SIGNATURE_DIGEST, Reason.SAML_SIGNATURE_VALUE}


def test_verify_response__inclusive_namespaces_of_another_shape__refused() -> None:
    def alter(signature: Any) -> None:
        etree.SubElement(find(signature, ".//ds:Transform[2]"), f"{{{DS}}}XPath").text = "true()"

    assert refusal(signed(alter)) is Reason.SAML_SIGNATURE_SHAPE


def test_verify_response__signature_stripped__refused() -> None:
    root = factory.signed_both()
    for signature in root.xpath("//ds:Signature", namespaces=factory.NS):
        signature.getparent().remove(signature)
    assert refusal(root) is Reason.SAML_UNSIGNED


def test_verify_response__rsa_signature_of_odd_length__refused() -> None:
    for length in (0, 1, 255, 257, 1000):
        assert refusal(signed(signer=lambda data, length=length: b"\x01" * length)) is Reason.SAML_SIGNATURE_VALUE
