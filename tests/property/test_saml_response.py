"""What holds for every input: no byte can be changed to change an identity, and nothing but SamlError comes out."""

import base64
import copy
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import SamlError
from gateway.identity import VerifiedIdentity
from gateway.saml.certificates import parse_certificate
from gateway.saml.checks import Check
from gateway.saml.response import peek, verify_response
from gateway.saml.tree import parse_instant
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.fake_clock import NOON
from tests.saml_encryption import Encryption
from tests.saml_factory import Profile, Spec

MAKERS: dict[str, Callable[[], Any]] = {
    "assertion signed": factory.signed_assertion,
    "response signed": factory.signed_response,
    "both signed": factory.signed_both,
    "encrypted": encryption.encrypted_response,
    "encrypted below signed response": lambda: encryption.encrypted_response(
        how=Encryption(factory.XENC + "aes256-cbc"), sign_assertion=False, sign_response=True
    ),
}
SLOW = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@cache
def original(name: str) -> tuple[bytes, VerifiedIdentity]:
    document = factory.serialize(MAKERS[name]())
    return document, verify(document)


def verify(document: bytes) -> VerifiedIdentity:
    return verify_response(base64.b64encode(document), factory.expectation(), NOON)


def assert_refused_or_same(document: bytes, expected: VerifiedIdentity) -> None:
    try:
        identity = verify(document)
    except SamlError:
        return
    assert replace(identity, evidence=expected.evidence) == expected
    # Of two signatures the Response's can be taken away, and then it is not claimed to have been there.
    assert set(expected.evidence) - set(identity.evidence) <= {Check.RESPONSE_SIGNATURE}
    assert set(identity.evidence) <= set(expected.evidence)


@pytest.mark.parametrize("name", ["assertion signed", "response signed"])
@pytest.mark.parametrize("mask", [0x01, 0x20])
def test_verify_response__each_byte_changed_in_turn__refused_or_same(name: str, mask: int) -> None:
    document, expected = original(name)
    for position in range(len(document)):
        changed = bytearray(document)
        changed[position] ^= mask
        assert_refused_or_same(bytes(changed), expected)


@SLOW
@given(st.sampled_from(sorted(MAKERS)), st.data())
def test_verify_response__any_bytes_changed__refused_or_same(name: str, data: st.DataObject) -> None:
    document, expected = original(name)
    start = data.draw(st.integers(0, len(document) - 1))
    length = data.draw(st.integers(0, 12))
    put = data.draw(st.binary(max_size=12) | st.sampled_from([b"<", b">", b"&", b'"', b"<x/>", b"<!-- -->", b"\r\n"]))
    assert_refused_or_same(document[:start] + put + document[start + length :], expected)


@SLOW
@given(st.sampled_from(sorted(MAKERS)), st.data())
def test_verify_response__element_moved_copied_removed_or_renamed__refused_or_same(
    name: str, data: st.DataObject
) -> None:
    document, expected = original(name)
    root = etree.fromstring(document)
    elements = list(root.iter())
    for _ in range(data.draw(st.integers(1, 3))):
        subject = elements[data.draw(st.integers(1, len(elements) - 1))]
        target = elements[data.draw(st.integers(0, len(elements) - 1))]
        change = data.draw(st.sampled_from(["move", "copy", "remove", "rename", "text", "attribute"]))
        if change == "remove" and subject.getparent() is not None:
            subject.getparent().remove(subject)
        elif change == "rename":
            subject.tag = target.tag
        elif change == "text":
            subject.text = target.text
        elif change == "attribute" and target.attrib:
            subject.set(*data.draw(st.sampled_from(sorted(target.attrib.items()))))
        elif change in {"move", "copy"}:
            moved = copy.deepcopy(subject) if change == "copy" else subject
            if target not in moved.iter():
                target.insert(data.draw(st.integers(0, len(target))), moved)
    assert_refused_or_same(factory.serialize(root), expected)


@settings(deadline=None)
@given(st.binary(max_size=300) | st.text(max_size=300))
def test_parsers__any_input__a_value_or_a_saml_error(raw: bytes | str) -> None:
    as_bytes = raw if isinstance(raw, bytes) else raw.encode("utf-8", "surrogatepass")
    calls: list[Callable[[], object]] = [
        lambda: peek(raw),
        lambda: peek(base64.b64encode(as_bytes)),
        lambda: verify_response(raw, factory.expectation(), NOON),
        lambda: verify(as_bytes),
        lambda: parse_certificate(as_bytes),
        lambda: parse_certificate(base64.b64encode(as_bytes)),
        lambda: parse_instant(as_bytes.decode("latin-1")),
    ]
    for call in calls:
        try:
            call()
        except SamlError as exc:
            assert exc.public  # noqa: PT017


XML_TEXT = st.text(
    st.characters(codec="utf-8", exclude_characters="\x00", exclude_categories=["Cs", "Cc"])
    | st.sampled_from("\t\n\r"),
    max_size=40,
)
XML_TEXT = XML_TEXT.map(lambda text: text.replace("\ufffe", "").replace("\uffff", ""))
NAMES = st.text("abcdefghij:/._-", min_size=1, max_size=20)


@SLOW
@given(
    st.lists(st.tuples(NAMES, st.lists(XML_TEXT, max_size=3).map(tuple)), max_size=4).map(tuple),
    st.sampled_from([factory.signed_assertion, factory.signed_response]),
    st.sampled_from([None, "", "xs", "saml samlp ds unknown xs"]),
    st.sampled_from(["ds", ""]),
)
def test_verify_response__whatever_xmlsec_signed__gives_the_very_values(
    attributes: tuple[tuple[str, tuple[str, ...]], ...],
    make: Callable[..., Any],
    prefix_list: str | None,
    prefix: str,
) -> None:
    spec = Spec(attributes=(), response_attributes='xmlns:xs="http://www.w3.org/2001/XMLSchema"')
    root = spec.tree()
    assertion = factory.assertion_of(root)
    expected: dict[str, tuple[str, ...]] = {}
    if attributes:
        statement = etree.SubElement(assertion, f"{{{factory.SAML}}}AttributeStatement")
        for name, values in attributes:
            attribute = etree.SubElement(statement, f"{{{factory.SAML}}}Attribute", Name=name)
            for value in values:
                etree.SubElement(attribute, f"{{{factory.SAML}}}AttributeValue").text = value
            expected[name] = expected.get(name, ()) + values
    element = assertion if make is factory.signed_assertion else root
    # Signed after a round trip, as a message that was written and read before it is signed.
    root = etree.fromstring(factory.serialize(root))
    element = factory.assertion_of(root) if element is assertion else root
    factory.sign(root, element, profile=Profile(prefix_list=prefix_list, prefix=prefix))
    assert dict(verify(factory.serialize(root)).attributes) == expected
