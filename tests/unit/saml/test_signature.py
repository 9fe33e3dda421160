"""Checks 5 and 12: which signatures are accepted, and what an accepted one yields."""

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from lxml import etree

from gateway.errors import Reason, SamlError
from gateway.saml import name_budget, response
from gateway.saml.response import verify_response
from gateway.saml.signature import SignedNode, verify_enveloped
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.fake_clock import NOON
from tests.saml_factory import DS, EXCLUSIVE, MORE, Profile, Spec

RSA = [MORE + "rsa-" + digest for digest in ("sha256", "sha384", "sha512")]
PSS = [f"http://www.w3.org/2007/05/xmldsig-more#{digest}-rsa-MGF1" for digest in ("sha256", "sha384", "sha512")]
ECDSA = [MORE + "ecdsa-" + digest for digest in ("sha256", "sha384", "sha512")]
ACCEPTED = [("rsa2048", algorithm) for algorithm in RSA + PSS] + [
    (kind, algorithm) for kind in ("p256", "p384", "p521") for algorithm in ECDSA
]
DIGESTS = [factory.XENC + "sha256", MORE + "sha384", factory.XENC + "sha512"]


def accepted(root: Any, key: factory.SigningKey | None = None) -> str:
    expected = factory.expectation(certificates=((key or factory.signing_key()).trusted,))
    return verify_response(factory.encode(root), expected, NOON).subject


def refusal(root: Any, key: factory.SigningKey | None = None) -> Reason:
    with pytest.raises(SamlError) as caught:
        accepted(root, key)
    return caught.value.reason


@pytest.mark.parametrize(("kind", "algorithm"), ACCEPTED)
def test_verify_enveloped__accepted_algorithm__verifies(kind: str, algorithm: str) -> None:
    key = factory.signing_key("idp", kind)
    assert accepted(factory.signed_assertion(key=key, profile=Profile(algorithm=algorithm)), key)


@pytest.mark.parametrize("digest", DIGESTS)
def test_verify_enveloped__accepted_digest__verifies(digest: str) -> None:
    assert accepted(factory.signed_assertion(profile=Profile(digest=digest)))


@pytest.mark.parametrize(
    "profile",
    [
        Profile(key_info=False),
        Profile(prefix=""),
        Profile(prefix="dsig"),
        Profile(c14n=EXCLUSIVE + "WithComments"),
        Profile(prefix_list=""),
        Profile(prefix_list="xs"),
        Profile(prefix_list="saml samlp xs unknown"),
    ],
    ids=lambda profile: f"{profile.prefix}-{profile.prefix_list}-{profile.key_info}",
)
@pytest.mark.parametrize("make", [factory.signed_assertion, factory.signed_response], ids=lambda make: make.__name__)
def test_verify_enveloped__spellings_of_one_profile__verify(profile: Profile, make: Any) -> None:
    """`xs` is declared on the Response only and used in a value: it counts for an assertion's PrefixList."""
    spec = Spec(
        response_attributes='xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns="urn:default"',
        attributes_extra='<saml:Attribute Name="typed"><saml:AttributeValue '
        'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">x</saml:AttributeValue>'
        "</saml:Attribute>",
    )
    assert accepted(make(spec, profile=profile))


def test_verify_enveloped__default_prefix_without_a_default_namespace__verifies() -> None:
    spec = Spec(response_attributes='xmlns:xs="http://www.w3.org/2001/XMLSchema"')
    assert accepted(factory.signed_assertion(spec, profile=Profile(prefix_list="#default xs", prefix="")))


def test_verify_enveloped__default_prefix_with_an_unused_default_namespace__refused() -> None:
    """ASSUMPTION: no identity provider writes this. lxml can't canonicalize it, so it fails closed."""
    spec = Spec(response_attributes='xmlns="urn:default"')
    root = factory.signed_assertion(spec, profile=Profile(prefix_list="#default"))
    assert refusal(root) is Reason.SAML_SIGNATURE_DIGEST


def test_verify_enveloped__text_around_the_signature__stays_signed() -> None:
    root = Spec().tree()
    assertion = factory.assertion_of(root)
    assertion[0].tail = "\n  "
    assertion.text = "\n "
    signature = factory.sign(root, assertion)
    assert accepted(root)
    signature.tail = "\n   "
    assert refusal(root) is Reason.SAML_SIGNATURE_DIGEST


def test_verify_enveloped__signature_first_and_tail__verifies() -> None:
    root = Spec(issuer="").tree()
    assertion = factory.assertion_of(root)
    assertion.text = "\n "
    signature = factory.sign(root, assertion)
    assert assertion[0] is signature
    expected = factory.expectation()
    signed = verify_enveloped(assertion, signature, expected.certificates)
    assert signed.canonical.startswith(b"<saml:Assertion ")
    assert b"Signature" not in signed.canonical


def test_verify_enveloped__pretty_printed_signature__verifies() -> None:
    root = Spec().tree()
    assertion = factory.assertion_of(root)

    def indent(signature: Any) -> None:
        etree.indent(signature)
        factory.find(signature, ".//ds:DigestValue").text += "\n"

    factory.sign_by_hand(assertion, alter=indent)
    assert accepted(root)


@pytest.mark.parametrize(
    ("kind", "algorithm"),
    [("rsa2048", algorithm) for algorithm in ECDSA] + [("p256", algorithm) for algorithm in RSA + PSS],
)
def test_verify_enveloped__algorithm_of_another_key_type__refused(kind: str, algorithm: str) -> None:
    key = factory.signing_key("idp", kind)
    root = Spec().tree()
    factory.sign_by_hand(factory.assertion_of(root), key, Profile(algorithm=algorithm), signer=lambda data: b"x" * 64)
    assert refusal(root, key) is Reason.SAML_SIGNATURE_ALGORITHM


def test_verify_enveloped__ecdsa_value_in_der__refused() -> None:
    key = factory.signing_key("idp", "p256")
    assert isinstance(key.private, ec.EllipticCurvePrivateKey)
    private = key.private
    root = Spec().tree()
    profile = Profile(algorithm=MORE + "ecdsa-sha256")
    factory.sign_by_hand(
        factory.assertion_of(root),
        key,
        profile,
        signer=lambda data: private.sign(data, ec.ECDSA(hashes.SHA256())),
    )
    assert refusal(root, key) is Reason.SAML_SIGNATURE_VALUE


def test_verify_enveloped__relative_namespace__refused() -> None:
    """libxml2 has no canonical form for it."""
    root = factory.signed_assertion()
    etree.SubElement(factory.find(root, "//saml:Conditions"), "{relative}x")
    assert refusal(root) in {Reason.SAML_XML_MALFORMED, Reason.SAML_SIGNATURE_DIGEST}


def test_verify_enveloped__too_many_prefixes__refused() -> None:
    prefixes = " ".join(f"p{number}" for number in range(33))
    root = factory.signed_assertion(profile=Profile(prefix_list=prefixes))
    assert refusal(root) is Reason.SAML_SIGNATURE_SHAPE


def test_verify_enveloped__both_signed_by_different_keys__refused() -> None:
    root = factory.signed_assertion(key=factory.signing_key("other"))
    factory.sign(root, root)
    both = (factory.signing_key("other").trusted, factory.signing_key().trusted)
    with pytest.raises(SamlError) as caught:
        verify_response(factory.encode(root), factory.expectation(certificates=both), NOON)
    assert caught.value.reason is Reason.SAML_SIGNATURE_VALUE


@pytest.mark.parametrize("broken", ["response", "assertion"])
def test_verify_enveloped__one_of_two_signatures_broken__refused(broken: str) -> None:
    root = factory.signed_both()
    where = "/samlp:Response/ds:Signature" if broken == "response" else "//saml:Assertion/ds:Signature"
    value = factory.find(root, where + "/ds:SignatureValue")
    value.text = value.text[:20] + ("A" if value.text[20] != "A" else "B") + value.text[21:]
    expected = Reason.SAML_SIGNATURE_VALUE if broken == "response" else Reason.SAML_SIGNATURE_DIGEST
    assert refusal(root) is expected


def test_verify_enveloped__signature_in_another_namespace__is_none() -> None:
    root = factory.signed_assertion()
    signature = factory.find(root, "//ds:Signature")
    renamed = etree.fromstring(etree.tostring(signature, with_tail=False).replace(DS.encode(), b"urn:not-xmldsig"))
    signature.getparent().replace(signature, renamed)
    assert refusal(root) is Reason.SAML_SIGNATURE_PLACE


def test_verify_response__read_in_a_thread_of_its_own__verifies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Names of such a document live in another dictionary of libxml2 than those of this thread."""
    monkeypatch.setattr(name_budget, "LIMIT", 0)
    spec = Spec(response_attributes='xmlns:xs="urn:xs" xmlns:only-here="urn:only-here"')
    profile = Profile(prefix_list="xs only-here")
    for root in (
        factory.signed_assertion(spec, profile=profile),
        factory.signed_response(spec, profile=profile),
        encryption.encrypted_response(spec),
    ):
        assert accepted(root)


@pytest.mark.parametrize("make", [factory.signed_assertion, factory.signed_response], ids=lambda make: make.__name__)
def test_verify_response__claims__are_read_from_the_canonical_bytes(make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """INVARIANT: what the received tree holds does not matter once a signature was verified."""

    def signed_by_alice_says_bob(*arguments: Any) -> SignedNode:
        signed = verify_enveloped(*arguments)
        return replace(signed, canonical=signed.canonical.replace(b"alice@", b"bob@"))

    monkeypatch.setattr(response, "verify_enveloped", signed_by_alice_says_bob)
    assert accepted(make()) == "bob@example.onaliyun.com"
