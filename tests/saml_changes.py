"""Changes of signed and encrypted messages that need a key; the others are in `gateway.saml.attacks.tree_changes`."""

import copy
import hmac
from collections.abc import Callable
from typing import Any

from lxml import etree

from gateway.saml.attacks.tree_changes import smuggle_digest
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.saml_encryption import Encryption
from tests.saml_factory import DS, XENC, Spec, find
from tests.saml_wrapping import MALLORY

Change = Callable[[Any], None]


def rename(path: str, name: str, root: Any) -> None:
    find(root, path).tag = f"{{{XENC}}}{name}"


def signature_beside_cipher(root: Any) -> None:
    find(root, "saml:EncryptedAssertion").append(find(factory.signed_assertion(), "//ds:Signature"))


def key_twice(root: Any) -> None:
    second = copy.deepcopy(find(root, "//xenc:EncryptedKey"))
    del second.attrib["Id"]
    find(root, "saml:EncryptedAssertion").append(second)


def key_without_name(root: Any) -> None:
    find(root, "//xenc:EncryptedKey").set("Id", "")
    find(root, "//ds:RetrievalMethod").set("URI", "#")


def oaep_digest(algorithm: str, root: Any) -> None:
    method = find(root, "//xenc:EncryptedKey/xenc:EncryptionMethod")
    etree.SubElement(method, f"{{{DS}}}DigestMethod", Algorithm=algorithm)


def relative_namespace(root: Any) -> None:
    """libxml2 has no canonical form for such a name and gives back nothing."""
    etree.SubElement(find(root, "//saml:Conditions"), "{relative}x")


def changed(make: Callable[[], Any], change: Change) -> Any:
    root = make()
    change(root)
    return root


def says_mallory(root: Any) -> None:
    find(root, "//saml:NameID").text = MALLORY


def exchanged(path: str) -> Any:
    """A message about mallory with a part of the signature over one about alice."""
    other = factory.signed_assertion(Spec(name_id=f"<saml:NameID>{MALLORY}</saml:NameID>"))
    theirs = find(other, path)
    theirs.getparent().replace(theirs, find(factory.signed_assertion(), path))
    return other


def smuggled_digest() -> Any:
    root = factory.signed_assertion()
    says_mallory(root)
    smuggle_digest(root)
    return root


def two_signers() -> Any:
    root = factory.signed_assertion(key=factory.signing_key("other"))
    factory.sign(root, root)
    return root


def mac(secret: bytes, function: str, data: bytes) -> bytes:
    return hmac.new(secret, data, function).digest()


def short_key() -> Any:
    """A content key of 16 bytes for an algorithm that takes 32."""
    root = encryption.encrypted_response(how=Encryption("http://www.w3.org/2009/xmlenc11#aes128-gcm"))
    find(root, "//xenc:EncryptedData/xenc:EncryptionMethod").set("Algorithm", Encryption().algorithm)
    return root
