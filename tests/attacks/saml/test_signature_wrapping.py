"""Signature wrapping with the first lock open: the counting of check 3 is off, and still only what was signed is read.

`test_corpus.py` sees the gateway as it is refuse all of these.
"""

from typing import Any

import pytest

from gateway.errors import Reason, SamlError
from gateway.saml import response as response_module
from gateway.saml import tree
from gateway.saml.response import verify_response
from gateway.saml.xml import Document
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.fake_clock import NOON
from tests.saml_corpus import corpus, wrapping
from tests.saml_factory import find
from tests.saml_wrapping import MALLORY

ALICE = "alice@example.onaliyun.com"


def no_counting(document: Document, ids_outside: frozenset[str] = frozenset()) -> tree.Census:
    """Check 3 without its refusals; the signatures that later checks count are those in the usual places."""
    root: Any = document.root
    usual = root.xpath(
        "count(/*/ds:Signature | /*/saml:Assertion/ds:Signature | self::saml:Assertion/ds:Signature)",
        namespaces=factory.NS,
    )
    return tree.Census(1, int(usual), frozenset(), ())


@pytest.mark.parametrize("name", [attack.name for attack in wrapping()])
def test_verify_response__wrapped_and_not_counted__never_believes_the_forged_part(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    attack = corpus()[name]
    monkeypatch.setattr(response_module, "check_tree", no_counting)
    try:
        identity = verify_response(attack.message, attack.expectation, NOON)
    except SamlError:
        return
    assert identity.subject == ALICE


def test_verify_response__encrypted_assertion_exchanged_below_a_signed_response__refused() -> None:
    root = encryption.encrypted_response(sign_response=True)
    other = encryption.encrypted_response(
        factory.Spec(name_id=f"<saml:NameID>{MALLORY}</saml:NameID>"), sign_assertion=False
    )
    root.replace(find(root, "saml:EncryptedAssertion"), find(other, "saml:EncryptedAssertion"))
    with pytest.raises(SamlError) as caught:
        verify_response(factory.encode(root), factory.expectation(), NOON)
    assert caught.value.reason is Reason.SAML_SIGNATURE_DIGEST


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
