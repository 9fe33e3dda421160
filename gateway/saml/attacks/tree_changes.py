"""Single changes of a message's tree that attacks are made of."""

import base64
import copy
import hashlib
from collections.abc import Callable
from typing import Any, TypeAlias

from lxml import etree

from gateway.saml import tags

Node: TypeAlias = Any  # an lxml element; lxml has no types of its own
Change: TypeAlias = Callable[[Node], None]

NS = {
    "saml": tags.ASSERTION_NS,
    "samlp": tags.PROTOCOL_NS,
    "ds": tags.SIGNATURE_NS,
    "xenc": tags.ENCRYPTION_NS,
}
_DS = f"{{{tags.SIGNATURE_NS}}}"
_SAMLP = f"{{{tags.PROTOCOL_NS}}}"


def find(root: Node, path: str) -> Node:
    """The one element at an XPath with the prefixes saml, samlp, ds and xenc. Raises: ValueError."""
    (found,) = root.xpath(path, namespaces=NS)
    return found


def find_all(root: Node, path: str) -> list[Node]:
    found: list[Node] = root.xpath(path, namespaces=NS)
    return found


def serialize(root: Node) -> bytes:
    document: bytes = etree.tostring(root)
    return document


def set_uri(value: str | None, signature: Node) -> None:
    reference = find(signature, ".//ds:Reference")
    if value is None:
        del reference.attrib["URI"]
    else:
        reference.set("URI", value)


def insert(path: str, index: int, text: str, root: Node) -> None:
    find(root, path).insert(index, etree.fromstring(text))


def set_attribute(path: str, name: str, value: str, root: Node) -> None:
    find(root, path).set(name, value)


def set_text(path: str, text: str, root: Node) -> None:
    find(root, path).text = text


def child_in(path: str, root: Node) -> None:
    etree.SubElement(find(root, path), f"{_DS}x")


def drop(path: str, root: Node) -> None:
    part = find(root, path)
    part.getparent().remove(part)


def double(path: str, before: bool, root: Node) -> None:
    original = find(root, path)
    (original.addprevious if before else original.addnext)(copy.deepcopy(original))


def flip(path: str, root: Node) -> None:
    """Change one bit of a base64 value."""
    element = find(root, path)
    data = bytearray(base64.b64decode(element.text))
    data[len(data) // 2] ^= 1
    element.text = base64.b64encode(data).decode()


def within_signature(change: Change, root: Node) -> None:
    change(find(root, "//ds:Signature"))


def signature_also_in(path: str, root: Node) -> None:
    copied = copy.deepcopy(find(root, "//ds:Signature"))
    find(root, path).append(copied)


def signature_moved_to_status(root: Node) -> None:
    find(root, "samlp:Status").append(find(root, "//ds:Signature"))


def signature_twice(root: Node) -> None:
    signature = find_all(root, "//ds:Signature")[0]
    signature.addnext(copy.deepcopy(signature))


def digest_of_nothing(signature: Node) -> None:
    find(signature, ".//ds:DigestValue").text = base64.b64encode(hashlib.sha256(b"").digest()).decode()


def stripped(root: Node) -> None:
    for signature in find_all(root, "//ds:Signature"):
        signature.getparent().remove(signature)


def foreign_signature(root: Node) -> None:
    """A Signature of a namespace that only looks like the right one."""
    signature = find(root, "//ds:Signature")
    foreign = etree.tostring(signature, with_tail=False).replace(tags.SIGNATURE_NS.encode(), b"urn:not-xmldsig")
    signature.getparent().replace(signature, etree.fromstring(foreign))


def smuggle_digest(root: Node) -> None:
    """CVE-2024-45409: a DigestValue outside of the signed Reference, found by a search from the root. For a changed
    message whose assertion is signed.
    """
    clean = copy.deepcopy(find(root, "/samlp:Response/saml:Assertion"))
    clean.remove(find(clean, "ds:Signature"))
    digest = hashlib.sha256(etree.tostring(clean, method="c14n", exclusive=True, with_comments=False)).digest()
    detail = etree.SubElement(find(root, "samlp:Status"), f"{_SAMLP}StatusDetail")
    etree.SubElement(detail, f"{_DS}DigestValue").text = base64.b64encode(digest).decode()
