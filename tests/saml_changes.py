"""Single changes of signed and encrypted messages that attacks are made of."""

import base64
import copy
import hashlib
import hmac
from collections.abc import Callable
from typing import Any

from lxml import etree

from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.saml_encryption import Encryption
from tests.saml_factory import DS, SAMLP, XENC, Spec, assertion_of, find
from tests.saml_wrapping import MALLORY

Change = Callable[[Any], None]


def set_uri(value: str | None, signature: Any) -> None:
    reference = find(signature, ".//ds:Reference")
    if value is None:
        del reference.attrib["URI"]
    else:
        reference.set("URI", value)


def insert(path: str, index: int, text: str, root: Any) -> None:
    find(root, path).insert(index, etree.fromstring(text))


def set_attribute(path: str, name: str, value: str, root: Any) -> None:
    find(root, path).set(name, value)


def set_text(path: str, text: str, root: Any) -> None:
    find(root, path).text = text


def rename(path: str, name: str, root: Any) -> None:
    find(root, path).tag = f"{{{XENC}}}{name}"


def child_in(path: str, root: Any) -> None:
    etree.SubElement(find(root, path), f"{{{DS}}}x")


def drop(path: str, root: Any) -> None:
    part = find(root, path)
    part.getparent().remove(part)


def double(path: str, before: bool, root: Any) -> None:
    original = find(root, path)
    (original.addprevious if before else original.addnext)(copy.deepcopy(original))


def flip(path: str, root: Any) -> None:
    """Change one bit of a base64 value."""
    element = find(root, path)
    data = bytearray(base64.b64decode(element.text))
    data[len(data) // 2] ^= 1
    element.text = base64.b64encode(data).decode()


def within_signature(change: Change, root: Any) -> None:
    change(find(root, "//ds:Signature"))


def signature_also_in(path: str, root: Any) -> None:
    copied = copy.deepcopy(find(root, "//ds:Signature"))
    find(root, path).append(copied)


def signature_moved_to_status(root: Any) -> None:
    find(root, "samlp:Status").append(find(root, "//ds:Signature"))


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


def digest_of_nothing(signature: Any) -> None:
    find(signature, ".//ds:DigestValue").text = base64.b64encode(hashlib.sha256(b"").digest()).decode()


def relative_namespace(root: Any) -> None:
    """libxml2 has no canonical form for such a name and gives back nothing."""
    etree.SubElement(find(root, "//saml:Conditions"), "{relative}x")


def changed(make: Callable[[], Any], change: Change) -> Any:
    root = make()
    change(root)
    return root


def signature_twice(root: Any) -> None:
    signature = root.xpath("//ds:Signature", namespaces=factory.NS)[0]
    signature.addnext(copy.deepcopy(signature))


def says_mallory(root: Any) -> None:
    find(root, "//saml:NameID").text = MALLORY


def stripped(root: Any) -> None:
    for signature in root.xpath("//ds:Signature", namespaces=factory.NS):
        signature.getparent().remove(signature)


def exchanged(path: str) -> Any:
    """A message about mallory with a part of the signature over one about alice."""
    other = factory.signed_assertion(Spec(name_id=f"<saml:NameID>{MALLORY}</saml:NameID>"))
    theirs = find(other, path)
    theirs.getparent().replace(theirs, find(factory.signed_assertion(), path))
    return other


def smuggled_digest() -> Any:
    """CVE-2024-45409: a DigestValue outside of the signed Reference, found by a search from the root."""
    root = factory.signed_assertion()
    says_mallory(root)
    clean = copy.deepcopy(assertion_of(root))
    clean.remove(find(clean, "ds:Signature"))
    digest = hashlib.sha256(factory.c14n(clean)).digest()
    detail = etree.SubElement(find(root, "samlp:Status"), f"{{{SAMLP}}}StatusDetail")
    etree.SubElement(detail, f"{{{DS}}}DigestValue").text = base64.b64encode(digest).decode()
    return root


def foreign_signature() -> Any:
    root = factory.signed_assertion()
    signature = find(root, "//ds:Signature")
    renamed = etree.fromstring(etree.tostring(signature, with_tail=False).replace(DS.encode(), b"urn:not-xmldsig"))
    signature.getparent().replace(signature, renamed)
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
