"""Signature wrapping around what a test's provider signed, plain and with the assertion encrypted to us."""

from collections.abc import Callable
from functools import partial
from typing import Any

from lxml import etree

from gateway.saml.attacks.wrapping import PLACES, displace, put_second, wrap_assertion, wrap_response
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.saml_factory import XENC, Spec, assertion_of

MALLORY = "mallory@example.onaliyun.com"
EVIL = Spec(response_id="_evil", assertion_id="_evil2", name_id=f"<saml:NameID>{MALLORY}</saml:NameID>")


def forged_assertion(name: str = "_evil2") -> Any:
    """An assertion that says mallory and that nobody signed."""
    made = assertion_of(EVIL.tree())
    made.set("ID", name)
    return made


def wrapped(how: str, of: str, *, encrypt: bool = False) -> Any:
    """A message in which mallory stands where `of` (`response`, `assertion`) stood that alice's provider signed."""
    if of == "response":
        signed = encryption.encrypted_response(sign_assertion=False, sign_response=True) if encrypt else None
        evil = EVIL.tree()
        if encrypt:
            holder = encryption.encrypt(evil)
            for element in holder.iter(f"{{{XENC}}}EncryptedData", f"{{{XENC}}}EncryptedKey"):
                element.set("Id", "_evil" + element.get("Id"))
        wrap_response(how, evil, factory.signed_response() if signed is None else signed)
        return evil
    root = factory.signed_assertion()
    wrap_assertion(how, root, forged_assertion(), assertion_of(root))
    if encrypt:
        encryption.encrypt(root, root.xpath("/samlp:Response/saml:Assertion", namespaces=factory.NS)[0])
    return root


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
    put_second(number, first, kind, root, forged_assertion())
    return root


def displaced() -> dict[str, Callable[[], Any]]:
    """The signed assertion moved somewhere else and an unsigned forged one in its place, and the like."""
    made: dict[str, Callable[[], Any]] = {f"signed one moved to {place}": partial(_moved_to, place) for place in PLACES}
    made["forged one encrypted beside the signed one"] = _encrypted_beside
    return made


def _moved_to(place: str) -> Any:
    root = factory.signed_assertion()
    displace(place, root, forged_assertion(), assertion_of(root))
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
