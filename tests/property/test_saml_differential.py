"""Whatever the gateway accepts, xmlsec accepts too - and reads the same subject - over the whole corpus.

xmlsec gets every help: the ID registered, the right key set. It shares libxml2's parser and canonicalization with
the gateway, but nothing above them.
"""

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from typing import Any

import pytest
import xmlsec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import SamlError
from gateway.saml.certificates import TrustedCertificate
from gateway.saml.response import Expectation, verify_response
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.attacks.saml.test_hostile_documents import EXHAUSTING
from tests.fake_clock import NOON
from tests.saml_attacks import form_field
from tests.saml_corpus import corpus
from tests.saml_encryption import Encryption
from tests.saml_factory import DS, NS, Profile, Spec
from tests.saml_rows import PASSING
from tests.unit.saml.test_signature import ACCEPTED, DIGESTS

GCM = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
SPEC = Spec(response_attributes='xmlns:xs="http://www.w3.org/2001/XMLSchema"')


@dataclass(frozen=True)
class Case:
    """A message, and what the gateway expects; the certificates that are expected are xmlsec's, too."""

    make: Callable[[], Any]
    expected: Expectation = field(default_factory=factory.expectation)
    right: bool = False


def cases() -> dict[str, Case]:
    made: dict[str, Case] = {}
    for row in PASSING:
        made["row " + row.name] = Case(partial(row.make, Spec(**row.spec)), factory.expectation(**row.expect), True)
    for name, attack in corpus().items():
        made["attack " + name] = Case(partial(getattr, attack, "message"), attack.expectation)
        made["neighbour of " + name] = Case(partial(getattr, attack, "neighbour"), attack.neighbours_expectation, True)
    for name, exhausting in EXHAUSTING.items():
        made["attack " + name] = Case(exhausting)
    for kind, algorithm in ACCEPTED:
        key = factory.signing_key("idp", kind)
        make = partial(factory.signed_assertion, key=key, profile=Profile(algorithm=algorithm))
        made[f"{kind} {algorithm}"] = Case(make, factory.expectation(certificates=(key.trusted,)), True)
    for digest in DIGESTS:
        made["digest " + digest] = Case(partial(factory.signed_response, profile=Profile(digest=digest)), right=True)
    for prefixes in ("", "xs", "saml samlp xs ds"):
        for maker in (factory.signed_assertion, factory.signed_response):
            case = Case(partial(maker, SPEC, profile=Profile(prefix_list=prefixes)), right=True)
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


CASES = cases()


@cache
def message(name: str) -> bytes:
    """The form field."""
    return form_field(CASES[name].make()).encode("utf-8")


def subject_by_xmlsec(document: bytes, certificates: Sequence[TrustedCertificate]) -> str | None:
    """The NameID below a signature that xmlsec verified; None if there is none or any signature is bad."""
    root = etree.fromstring(document)
    verified = [element for element in (root,) if _verifies(element, certificates)]
    for encrypted in root.xpath("saml:EncryptedAssertion", namespaces=NS):
        _decrypt(encrypted)
        inner = encrypted.find("saml:Assertion", NS)
        encrypted.getparent().replace(encrypted, inner)
    for assertion in root.xpath("saml:Assertion", namespaces=NS):
        if _verifies(assertion, certificates):
            verified.append(assertion)
        elif assertion.find("ds:Signature", NS) is not None:
            return None
    if not verified:
        return None
    subject: str | None = verified[-1].findtext(".//saml:Subject/saml:NameID", None, NS)
    return subject


def _verifies(element: Any, certificates: Sequence[TrustedCertificate]) -> bool:
    signature = element.find("ds:Signature", NS)
    return signature is not None and any(_verifies_by(element, signature, each.der) for each in certificates)


def _verifies_by(element: Any, signature: Any, certificate: bytes) -> bool:
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(certificate, xmlsec.constants.KeyDataFormatCertDer)
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


def agree(encoded: bytes, expected: Expectation) -> bool:
    """Whether the gateway accepts; raises if it does and xmlsec does not."""
    try:
        identity = verify_response(encoded, expected, NOON)
    except SamlError:
        return False
    assert subject_by_xmlsec(base64.b64decode(encoded), expected.certificates) == identity.subject
    return True


@pytest.mark.parametrize("name", CASES)
def test_verify_response__accepted__xmlsec_accepts_too(name: str) -> None:
    case = CASES[name]
    assert agree(message(name), case.expected) or not case.right


GOOD = sorted(name for name in CASES if name.startswith(("row 05", "row 11-encrypted-signed", "prefixes", "digest")))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(GOOD), st.data())
def test_verify_response__accepted_after_a_change__xmlsec_accepts_too(name: str, data: st.DataObject) -> None:
    document = base64.b64decode(message(name))
    start = data.draw(st.integers(0, len(document) - 1))
    length = data.draw(st.integers(0, 3))
    put = data.draw(st.sampled_from([b"", b" ", b"\n", b"A", b"x", b"\t", b"&#10;"]))
    agree(base64.b64encode(document[:start] + put + document[start + length :]), CASES[name].expected)
