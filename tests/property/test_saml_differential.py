"""Whatever the gateway accepts, xmlsec accepts too - and reads the same subject - over the whole corpus.

xmlsec gets every help: the ID registered, the right key set. It shares libxml2's parser and canonicalization with
the gateway, but nothing above them.
"""

import base64
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import pytest
import xmlsec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import SamlError
from gateway.saml.response import Expectation, verify_response
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.attacks.saml.test_hostile_documents import EXHAUSTING
from tests.attacks.saml.test_signature_wrapping import ATTACKS
from tests.fake_clock import NOON
from tests.saml_encryption import Encryption
from tests.saml_factory import DS, NS, Profile, Spec
from tests.saml_rows import FAILING, PASSING
from tests.unit.saml.test_signature import ACCEPTED, DIGESTS

GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
SPEC = Spec(response_attributes='xmlns:xs="http://www.w3.org/2001/XMLSchema"')


@dataclass(frozen=True)
class Case:
    """A message, what the gateway expects, and the key that may have signed."""

    make: Callable[[], Any]
    expected: Expectation = field(default_factory=factory.expectation)
    key: factory.SigningKey = field(default_factory=factory.signing_key)


def corpus() -> dict[str, Case]:
    made: dict[str, Case] = {}
    for row in (*PASSING, *FAILING):
        made["row " + row.name] = Case(partial(row.make, Spec(**row.spec)), factory.expectation(**row.expect))
    for name, attack in {**ATTACKS, **EXHAUSTING}.items():
        made["attack " + name] = Case(attack)
    for kind, algorithm in ACCEPTED:
        key = factory.signing_key("idp", kind)
        profile = Profile(algorithm=algorithm)
        make = partial(factory.signed_assertion, key=key, profile=profile)
        made[f"{kind} {algorithm}"] = Case(make, factory.expectation(certificates=(key.trusted,)), key)
    for digest in DIGESTS:
        made["digest " + digest] = Case(partial(factory.signed_response, profile=Profile(digest=digest)))
    for prefixes in ("", "xs", "saml samlp xs ds"):
        for maker in (factory.signed_assertion, factory.signed_response):
            case = Case(partial(maker, SPEC, profile=Profile(prefix_list=prefixes)))
            made[f"prefixes {prefixes} {maker.__name__}"] = case
    for how in (
        Encryption(GCM),
        Encryption(GCM, key_beside=True),
        Encryption(GCM, context=True),
        Encryption(factory.XENC + "aes128-cbc"),
    ):
        for outside in (False, True):
            made[f"{how} {outside}"] = Case(partial(encryption.encrypted_response, how=how, sign_response=outside))
    return made


CORPUS = corpus()


def document_of(message: Any) -> bytes:
    return message if isinstance(message, bytes) else factory.serialize(message)


@cache
def message(name: str) -> tuple[bytes, Expectation, factory.SigningKey]:
    case = CORPUS[name]
    return document_of(case.make()), case.expected, case.key


def subject_by_xmlsec(document: bytes, key: factory.SigningKey) -> str | None:
    """The NameID below a signature that xmlsec verified; None if there is none or any signature is bad."""
    root = etree.fromstring(document)
    verified = [element for element in (root,) if _verifies(element, key)]
    for encrypted in root.xpath("saml:EncryptedAssertion", namespaces=NS):
        _decrypt(encrypted)
        inner = encrypted.find("saml:Assertion", NS)
        encrypted.getparent().replace(encrypted, inner)
    for assertion in root.xpath("saml:Assertion", namespaces=NS):
        if _verifies(assertion, key):
            verified.append(assertion)
        elif assertion.find("ds:Signature", NS) is not None:
            return None
    if not verified:
        return None
    subject: str | None = verified[-1].findtext(".//saml:Subject/saml:NameID", None, NS)
    return subject


def _verifies(element: Any, key: factory.SigningKey) -> bool:
    signature = element.find("ds:Signature", NS)
    if signature is None:
        return False
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(key.certificate_pem, xmlsec.constants.KeyDataFormatCertPem)
    context.register_id(element, "ID")
    try:
        context.verify(signature)
    except xmlsec.Error:
        return False
    return True


def _decrypt(encrypted: Any) -> None:
    for retrieval in list(encrypted.iter(f"{{{DS}}}RetrievalMethod")):
        retrieval.getparent().append(encrypted.find("xenc:EncryptedKey", NS))
        retrieval.getparent().remove(retrieval)
    data = encrypted.find("xenc:EncryptedData", NS)
    data.set("Type", factory.XENC + "Element")  # SAML Core 2.0 §6.1: may be left out; xmlsec then puts nothing in place
    manager = xmlsec.KeysManager()
    pem = factory.gateway_keys().encryption[0].key_pem.reveal()
    manager.add_key(xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatPem))
    xmlsec.EncryptionContext(manager).decrypt(data)


def agree(document: bytes, expected: Expectation, key: factory.SigningKey) -> bool:
    """Whether the gateway accepts; raises if it does and xmlsec does not."""
    try:
        identity = verify_response(base64.b64encode(document), expected, NOON)
    except SamlError:
        return False
    assert subject_by_xmlsec(document, key) == identity.subject
    return True


@pytest.mark.parametrize("name", CORPUS)
def test_verify_response__accepted__xmlsec_accepts_too(name: str) -> None:
    accepted = agree(*message(name))
    if name.removeprefix("row ") in {row.name for row in PASSING} or name.startswith(
        ("rsa", "p256", "digest", "prefixes")
    ):
        assert accepted


GOOD = sorted(name for name in CORPUS if name.startswith(("row 05", "row 11-encrypted-signed", "prefixes", "digest")))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(GOOD), st.data())
def test_verify_response__accepted_after_a_change__xmlsec_accepts_too(name: str, data: st.DataObject) -> None:
    document, expected, key = message(name)
    start = data.draw(st.integers(0, len(document) - 1))
    length = data.draw(st.integers(0, 3))
    put = data.draw(st.sampled_from([b"", b" ", b"\n", b"A", b"x", b"\t", b"&#10;"]))
    agree(document[:start] + put + document[start + length :], expected, key)
