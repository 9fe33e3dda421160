"""What an attacker has: one genuine response, and everything that can be made of it without the provider's key."""

import base64
import copy
from dataclasses import dataclass
from functools import cached_property

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from lxml import etree

from gateway.saml import tags
from gateway.saml.attacks.tree_changes import Node, find_all, serialize
from gateway.saml.certificates import EncryptionKey
from gateway.saml.sight import look_at
from gateway.saml.xml import decode_base64, parse_document

MALLORY = "mallory"
_DS = f"{{{tags.SIGNATURE_NS}}}"
_SIGNATURE = f"{_DS}Signature"


@dataclass(frozen=True)
class Attempt:
    """One attack. `gain`: what it would be worth, if it were accepted; `message` is the form field."""

    family: str
    name: str
    gain: str
    message: str


@dataclass(frozen=True)
class Loot:
    """A captured response that was verified. Every tree that it gives is a new one.

    An encrypted assertion is opened with our own key where nothing signed stands around it: then the attacker of this
    suite knows more than a real one. Below a signed Response it stays as it is.
    """

    message: str
    keys: tuple[EncryptionKey, ...] = ()

    @cached_property
    def document(self) -> bytes:
        received = decode_base64(self.message)
        root: Node = parse_document(received).root
        sight = look_at(self.message, self.keys)
        if not self._has_signature(root) and sight is not None and sight.encrypted and sight.assertion is not None:
            holder = root.find(tags.ENCRYPTED_ASSERTION)
            root.replace(holder, copy.deepcopy(sight.assertion))
            return serialize(root)
        return received

    def tree(self) -> Node:
        return parse_document(self.document).root

    @cached_property
    def response_signed(self) -> bool:
        return self._has_signature(self.tree())

    @cached_property
    def assertion_signed(self) -> bool:
        assertion = assertion_in(self.tree())
        return assertion is not None and self._has_signature(assertion)

    @cached_property
    def opened(self) -> "Loot | None":
        """The same login without the signed Response and without the encryption, where the assertion within is signed
        itself: also genuine, and more to attack.
        """
        sight = look_at(self.message, self.keys)
        if self.plain or sight is None or sight.assertion is None or not self._has_signature(sight.assertion):
            return None
        root = self.tree()
        strip(root)
        root.replace(root.find(tags.ENCRYPTED_ASSERTION), copy.deepcopy(sight.assertion))
        return Loot(field_of(root), self.keys)

    @cached_property
    def plain(self) -> bool:
        """Whether the assertion can be read."""
        return assertion_in(self.tree()) is not None

    def forged_assertion(self) -> Node:
        """An assertion like the genuine one that says mallory, and that nobody signed."""
        made = copy.deepcopy(assertion_in(self.tree()))
        made.tail = None
        strip(made)
        made.set("ID", "_forged-assertion")
        say_mallory(made)
        return made

    def forged_response(self) -> Node:
        """A Response like the genuine one that says mallory, and that nobody signed."""
        root = self.tree()
        strip(root)
        root.set("ID", "_forged-response")
        assertion = assertion_in(root)
        if assertion is not None:
            assertion.set("ID", "_forged-assertion")
            say_mallory(assertion)
        for element in find_all(root, "//xenc:EncryptedData | //xenc:EncryptedKey"):
            if element.get("Id"):
                element.set("Id", "_forged" + element.get("Id"))
        return root

    @cached_property
    def stranger(self) -> rsa.RSAPrivateKey:
        """A key of somebody whom no account has registered."""
        return rsa.generate_private_key(public_exponent=65537, key_size=2048)

    def _has_signature(self, element: Node) -> bool:
        return element.find(_SIGNATURE) is not None


def assertion_in(root: Node) -> Node:
    """The plain assertion of a Response, or None."""
    return root.find(tags.ASSERTION)


def strip(root: Node) -> None:
    for signature in find_all(root, "descendant::ds:Signature"):
        tail, before, parent = signature.tail, signature.getprevious(), signature.getparent()
        parent.remove(signature)
        if tail and before is not None:
            before.tail = (before.tail or "") + tail
        elif tail:
            parent.text = (parent.text or "") + tail


def say_mallory(assertion: Node) -> None:
    """Another person: the NameID, and the last value of every attribute."""
    for name_id in find_all(assertion, "saml:Subject/saml:NameID"):
        name_id.text = MALLORY
    for attribute in find_all(assertion, "saml:AttributeStatement/saml:Attribute"):
        for value in find_all(attribute, "saml:AttributeValue[last()]"):
            if len(value) == 0:
                value.text = MALLORY


def sign_with(key: rsa.RSAPrivateKey, element: Node) -> None:
    """Make the Signature that stands in an element over again with this key; its KeyInfo stays the provider's."""
    signature = element.find(_SIGNATURE)
    info = signature.find(f"{_DS}SignedInfo")
    index = element.index(signature)
    element.remove(signature)
    digest = hashes.Hash(hashes.SHA256())
    digest.update(_canonical(element))
    element.insert(index, signature)
    info.find(f"{_DS}SignatureMethod").set("Algorithm", "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256")
    info.find(f"{_DS}Reference/{_DS}DigestMethod").set("Algorithm", "http://www.w3.org/2001/04/xmlenc#sha256")
    info.find(f"{_DS}Reference/{_DS}DigestValue").text = base64.b64encode(digest.finalize()).decode()
    value = key.sign(_canonical(info), padding.PKCS1v15(), hashes.SHA256())
    signature.find(f"{_DS}SignatureValue").text = base64.b64encode(value).decode()


def _canonical(element: Node) -> bytes:
    canonical: bytes = etree.tostring(element, method="c14n", exclusive=True, with_comments=False, with_tail=False)
    return canonical


def field_of(root: Node) -> str:
    return base64.b64encode(serialize(root)).decode()


def field_of_document(document: bytes) -> str:
    return base64.b64encode(document).decode()
