"""Signature wrapping: the signed part stays somewhere, a forged part is put where a careless reader looks.

XSW 1 to 8 as Somorovsky et al. number them ("On Breaking SAML: Be Whoever You Want to Be", 2012), on signed
responses, signed assertions and inside encryption. Each runs twice: against the gateway as it is, which refuses
all of them, and with the count of assertions and signatures switched off, to see that the second lock holds too:
whatever is accepted then is what was signed.
"""

import copy
from collections.abc import Callable
from typing import Any

import pytest
from lxml import etree

from gateway.errors import Reason, SamlError
from gateway.saml import response as response_module
from gateway.saml import tree
from gateway.saml.response import verify_response
from gateway.saml.xml import Document
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.fake_clock import NOON
from tests.saml_encryption import Encryption
from tests.saml_factory import DS, SAMLP, assertion_of, find

ALICE = "alice@example.onaliyun.com"
MALLORY = "mallory@example.onaliyun.com"
REFUSALS = {
    Reason.SAML_ASSERTION_COUNT,
    Reason.SAML_SHAPE,
    Reason.SAML_DUPLICATE_ID,
    Reason.SAML_SIGNATURE_SHAPE,
    Reason.SAML_SIGNATURE_REFERENCE,
    Reason.SAML_SIGNATURE_PLACE,
    Reason.SAML_DECRYPTION,
}


def forged(original: Any, new_id: str | None = "_evil") -> Any:
    """A copy that says mallory, without the Signature."""
    copied = copy.deepcopy(original)
    copied.tail = None
    for name_id in copied.iter(f"{{{factory.SAML}}}NameID"):
        name_id.text = MALLORY
    for signature in list(copied.iter(f"{{{DS}}}Signature")):
        if signature.getparent() is copied:
            copied.remove(signature)
    if new_id is not None:
        copied.set("ID", new_id)
    return copied


def bare(original: Any) -> Any:
    """A copy without the Signature, ID and content kept: what the digest is over."""
    copied = copy.deepcopy(original)
    copied.tail = None
    for signature in list(copied.iter(f"{{{DS}}}Signature")):
        if signature.getparent() is copied:
            copied.remove(signature)
    return copied


def signature_of(element: Any) -> Any:
    return find(element, "ds:Signature")


def xsw1() -> Any:
    """Forged Response around; the signed one inside of its own Signature."""
    signed = factory.signed_response()
    evil = forged(signed)
    signature = copy.deepcopy(signature_of(signed))
    signature.append(bare(signed))
    evil.insert(1, signature)
    return evil


def xsw2() -> Any:
    """Forged Response around; the signed one before its detached Signature."""
    signed = factory.signed_response()
    evil = forged(signed)
    evil.insert(1, copy.deepcopy(signature_of(signed)))
    evil.insert(1, bare(signed))
    return evil


def xsw3() -> Any:
    """Forged assertion before the signed one."""
    root = factory.signed_assertion()
    root.insert(root.index(assertion_of(root)), forged(assertion_of(root)))
    return root


def xsw4() -> Any:
    """Forged assertion around the signed one."""
    root = factory.signed_assertion()
    signed = assertion_of(root)
    evil = forged(signed)
    root.replace(signed, evil)
    evil.append(signed)
    return root


def xsw5() -> Any:
    """The Signature moved into the forged assertion, the signed one behind."""
    root = factory.signed_assertion()
    signed = assertion_of(root)
    evil = forged(signed)
    evil.insert(1, copy.deepcopy(signature_of(signed)))
    root.replace(signed, evil)
    root.append(bare(signed))
    return root


def xsw6() -> Any:
    """The Signature moved into the forged assertion, the signed one inside of it."""
    root = factory.signed_assertion()
    signed = assertion_of(root)
    evil = forged(signed)
    signature = copy.deepcopy(signature_of(signed))
    signature.append(bare(signed))
    evil.insert(1, signature)
    root.replace(signed, evil)
    return root


def xsw7() -> Any:
    """The forged assertion in Extensions, before the signed one."""
    root = factory.signed_assertion()
    extensions = etree.Element(f"{{{SAMLP}}}Extensions")
    extensions.append(forged(assertion_of(root), new_id=None))
    root.insert(1, extensions)
    return root


def xsw8() -> Any:
    """The signed assertion in an Object of the Signature that the forged one carries."""
    root = factory.signed_assertion()
    signed = assertion_of(root)
    evil = forged(signed)
    signature = copy.deepcopy(signature_of(signed))
    etree.SubElement(signature, f"{{{DS}}}Object").append(bare(signed))
    evil.insert(1, signature)
    root.replace(signed, evil)
    return root


def moved_to(place: str) -> Callable[[], Any]:
    """The signed assertion moved somewhere else, an unsigned forged one in its place."""

    def make() -> Any:
        root = factory.signed_assertion()
        signed = assertion_of(root)
        root.replace(signed, forged(signed))
        holders = {
            "advice": lambda: etree.SubElement(assertion_of(root), f"{{{factory.SAML}}}Advice"),
            "attribute value": lambda: find(root, "(//saml:AttributeValue)[1]"),
            "confirmation data": lambda: find(root, "//saml:SubjectConfirmationData"),
            "status detail": lambda: etree.SubElement(find(root, "samlp:Status"), f"{{{SAMLP}}}StatusDetail"),
            "extensions": lambda: etree.SubElement(root, f"{{{SAMLP}}}Extensions"),
            "name id": lambda: find(root, "//saml:NameID"),
        }
        holders[place]().append(signed)
        return root

    return make


def same_id() -> Any:
    """Two assertions of one ID, so that a lookup by ID finds the other one."""
    root = factory.signed_assertion()
    root.append(forged(assertion_of(root), new_id=None))
    return root


def encrypted_beside_signed() -> Any:
    """A forged assertion encrypted to us beside the signed plain one."""
    root = factory.signed_assertion()
    evil = forged(assertion_of(root))
    root.append(evil)
    encryption.encrypt(root, evil)
    return root


def inside_encryption(make: Callable[[], Any]) -> Callable[[], Any]:
    def encrypted() -> Any:
        root = make()
        encryption.encrypt(root, root.xpath("/samlp:Response/saml:Assertion", namespaces=factory.NS)[0])
        return root

    return encrypted


def encrypted_forged_with_outer_signature() -> Any:
    """A forged assertion encrypted to us, whose Signature was made over another one."""
    root = factory.signed_assertion()
    signed = assertion_of(root)
    evil = forged(signed, new_id=None)
    evil.insert(1, copy.deepcopy(signature_of(signed)))
    root.replace(signed, evil)
    encryption.encrypt(root)
    return root


ASSERTION_ATTACKS = {
    "xsw3": xsw3,
    "xsw4": xsw4,
    "xsw5": xsw5,
    "xsw6": xsw6,
    "xsw7": xsw7,
    "xsw8": xsw8,
    "same id": same_id,
}
PLACES = ("advice", "attribute value", "confirmation data", "status detail", "extensions", "name id")
ATTACKS: dict[str, Callable[[], Any]] = {
    "xsw1": xsw1,
    "xsw2": xsw2,
    **ASSERTION_ATTACKS,
    **{f"signed one in {place}": moved_to(place) for place in PLACES},
    **{f"{name} encrypted": inside_encryption(make) for name, make in ASSERTION_ATTACKS.items()},
    "forged encrypted beside signed": encrypted_beside_signed,
}


@pytest.mark.parametrize("name", ATTACKS)
def test_verify_response__wrapped__refused(name: str) -> None:
    with pytest.raises(SamlError) as caught:
        verify_response(factory.encode(ATTACKS[name]()), factory.expectation(), NOON)
    assert caught.value.reason in REFUSALS


def no_counting(document: Document, ids_outside: frozenset[str] = frozenset()) -> tree.Census:
    """Check 3 without its refusals; the signatures that later checks count are those in the usual places."""
    root: Any = document.root
    usual = root.xpath(
        "count(/*/ds:Signature | /*/saml:Assertion/ds:Signature | self::saml:Assertion/ds:Signature)",
        namespaces=factory.NS,
    )
    return tree.Census(1, int(usual), frozenset(), ())


@pytest.mark.parametrize("name", ATTACKS)
def test_verify_response__wrapped_and_not_counted__never_believes_the_forged_part(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(response_module, "check_tree", no_counting)
    try:
        identity = verify_response(factory.encode(ATTACKS[name]()), factory.expectation(), NOON)
    except SamlError:
        return
    assert identity.subject == ALICE


def test_verify_response__forged_encrypted_assertion_with_a_borrowed_signature__refused() -> None:
    with pytest.raises(SamlError) as caught:
        verify_response(factory.encode(encrypted_forged_with_outer_signature()), factory.expectation(), NOON)
    assert caught.value.reason is Reason.SAML_SIGNATURE_DIGEST


def test_verify_response__forged_assertion_below_a_signed_response__refused() -> None:
    root = factory.signed_response()
    find(root, "//saml:NameID").text = MALLORY
    with pytest.raises(SamlError) as caught:
        verify_response(factory.encode(root), factory.expectation(), NOON)
    assert caught.value.reason is Reason.SAML_SIGNATURE_DIGEST


def test_verify_response__encrypted_assertion_exchanged_below_a_signed_response__refused() -> None:
    root = encryption.encrypted_response(sign_response=True)
    other = encryption.encrypted_response(
        factory.Spec(name_id=f"<saml:NameID>{MALLORY}</saml:NameID>"), sign_assertion=False
    )
    root.replace(find(root, "saml:EncryptedAssertion"), find(other, "saml:EncryptedAssertion"))
    with pytest.raises(SamlError) as caught:
        verify_response(factory.encode(root), factory.expectation(), NOON)
    assert caught.value.reason is Reason.SAML_SIGNATURE_DIGEST


@pytest.mark.parametrize("algorithm", ["http://www.w3.org/2009/xmlenc11#aes256-gcm", factory.XENC + "aes256-cbc"])
def test_verify_response__encrypted_and_signed_by_nobody__refused(algorithm: str) -> None:
    """Anybody can encrypt to us; encryption proves nothing."""
    root = encryption.encrypted_response(how=Encryption(algorithm), sign_assertion=False)
    with pytest.raises(SamlError) as caught:
        verify_response(factory.encode(root), factory.expectation(), NOON)
    assert caught.value.reason in {Reason.SAML_UNSIGNED, Reason.SAML_ENCRYPTION_ALGORITHM}


def test_verify_response__two_assertions_of_the_provider_below_its_signature__refused() -> None:
    root = factory.Spec().tree()
    root.append(forged(assertion_of(root)))
    factory.sign(root, root)
    with pytest.raises(SamlError) as caught:
        verify_response(factory.encode(root), factory.expectation(), NOON)
    assert caught.value.reason is Reason.SAML_ASSERTION_COUNT


def test_verify_response__assertion_not_directly_in_the_response__refused() -> None:
    root = factory.Spec().tree()
    etree.SubElement(root, f"{{{SAMLP}}}Extensions").append(assertion_of(root))
    factory.sign(root, root)
    with pytest.raises(SamlError) as caught:
        verify_response(factory.encode(root), factory.expectation(), NOON)
    assert caught.value.reason is Reason.SAML_ASSERTION_COUNT


@pytest.mark.parametrize(
    "make",
    [lambda: assertion_of(factory.signed_assertion()), lambda: etree.fromstring("<Response/>")],
    ids=["an assertion", "a Response of no namespace"],
)
def test_verify_response__another_root__refused(make: Callable[[], Any]) -> None:
    with pytest.raises(SamlError) as caught:
        verify_response(factory.encode(factory.serialize(make())), factory.expectation(), NOON)
    assert caught.value.reason is Reason.SAML_SHAPE


def test_verify_response__signed_values_and_unsigned_response__response_is_checked_all_the_same() -> None:
    """What the assertion's signature does not cover can only make a response refused, never accepted."""
    for attribute, value, reason in (
        ("Destination", "https://sso.example.net/", Reason.SAML_DESTINATION),
        ("InResponseTo", "_stolen", Reason.SAML_IN_RESPONSE_TO),
        ("Version", "2.1", Reason.SAML_VERSION),
    ):
        root = factory.signed_assertion()
        root.set(attribute, value)
        with pytest.raises(SamlError) as caught:
            verify_response(factory.encode(root), factory.expectation(), NOON)
        assert caught.value.reason is reason
