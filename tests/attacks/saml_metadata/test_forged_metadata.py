"""Metadata from somebody who does not hold the key of the federation, and would like to be believed."""

import time
import tracemalloc
from copy import deepcopy
from typing import Any

import pytest
from lxml import etree

from gateway.errors import Reason, SamlError
from gateway.saml.metadata_signature import verify_metadata
from tests.saml_factory import DS, ENVELOPED, EXCLUSIVE, MORE, SHA256, Profile, find, signing_key
from tests.saml_metadata_document import SECOND_CERTIFICATE, Document, group
from tests.signed_metadata import ANCHOR, changed, signed, signed_by_hand

ANCHORS = (ANCHOR.trusted,)
GENUINE = signed(Document().xml())
EVIL = Document(entity_id="https://evil.example.com/idp", certificates=(SECOND_CERTIFICATE,))


def _reason(xml: bytes) -> Reason:
    with pytest.raises(SamlError) as caught:
        verify_metadata(xml, ANCHORS)
    return caught.value.reason


def _signature(root: Any) -> Any:
    return find(root, "ds:Signature")


def test_verify_metadata__genuine__is_what_the_attacks_start_from() -> None:
    assert b"https://idp.example.com/metadata" in verify_metadata(GENUINE, ANCHORS)


def test_verify_metadata__unsigned__is_refused() -> None:
    assert _reason(EVIL.xml()) is Reason.METADATA_SIGNATURE


def test_verify_metadata__signed_by_another_key_of_the_same_name__is_refused() -> None:
    assert _reason(signed(EVIL.xml(), signing_key("federation", "rsa3072"))) is Reason.METADATA_SIGNATURE


def test_verify_metadata__certificate_of_the_anchor_in_key_info_of_a_stranger__is_refused() -> None:
    def borrow(root: Any) -> None:
        find(_signature(root), ".//ds:X509Certificate").text = find(
            _signature(etree.fromstring(GENUINE)), ".//ds:X509Certificate"
        ).text

    assert _reason(changed(signed(EVIL.xml(), signing_key("stranger")), borrow)) is Reason.METADATA_SIGNATURE


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"https://idp.example.com/post", b"https://evil.example.com/p"),
        (b'entityID="https://idp', b'entityID="https://xdp'),
        (b'use="signing"', b'use="encryption"'),
        (b"urn:oasis:names:tc:SAML:2.0:nameid-format:persistent", b"urn:x"),
    ],
)
def test_verify_metadata__changed_after_signing__is_refused(old: bytes, new: bytes) -> None:
    assert old in GENUINE
    assert _reason(GENUINE.replace(old, new)) is Reason.METADATA_SIGNATURE


def test_verify_metadata__signed_document_inside_of_another__is_refused() -> None:
    inner = GENUINE.decode()
    for around in (group(inner), group(EVIL.entity() + inner), EVIL.xml().replace(b"</md:Ent", GENUINE + b"</md:Ent")):
        assert _reason(around) is Reason.METADATA_SIGNATURE


def test_verify_metadata__signature_moved_to_another_root__is_refused() -> None:
    def wrap(root: Any) -> None:
        genuine = deepcopy(root)
        signature = _signature(root)
        for child in list(root)[1:]:
            root.remove(child)
        root.set("entityID", EVIL.entity_id)
        for child in etree.fromstring(EVIL.xml()):
            root.append(child)
        genuine.remove(_signature(genuine))
        etree.SubElement(signature, f"{{{DS}}}Object").append(genuine)

    assert _reason(changed(GENUINE, wrap)) is Reason.METADATA_SIGNATURE


@pytest.mark.parametrize("name", ["ID", "Id", "id"])
def test_verify_metadata__two_elements_with_the_signed_id__are_refused(name: str) -> None:
    def double(root: Any) -> None:
        root[-1].set(name, root.get("ID"))

    assert _reason(signed_by_hand(changed(Document(entity_attributes='ID="_x"').xml(), double))) is (
        Reason.METADATA_SIGNATURE
    )


@pytest.mark.parametrize("where", ["first", "last"])
def test_verify_metadata__second_signature_of_the_root__is_refused(where: str) -> None:
    def add(root: Any) -> None:
        stranger = _signature(etree.fromstring(signed(EVIL.xml(), signing_key("stranger"))))
        root.insert(0, stranger) if where == "first" else root.append(stranger)

    assert _reason(changed(GENUINE, add)) is Reason.METADATA_SIGNATURE


def test_verify_metadata__only_a_member_is_signed__the_group_is_refused() -> None:
    assert _reason(group(GENUINE.decode(), 'ID="_group"')) is Reason.METADATA_SIGNATURE


@pytest.mark.parametrize("uri", ["", "#_other", "#xpointer(/)", "http://192.0.2.1/x", "#xpointer(id('_metadata1'))"])
def test_verify_metadata__reference_to_something_else__is_refused(uri: str) -> None:
    def point(signature: Any) -> None:
        find(signature, ".//ds:Reference").set("URI", uri)

    assert _reason(signed_by_hand(Document().xml(), point)) is Reason.METADATA_SIGNATURE


def test_verify_metadata__second_reference__is_refused() -> None:
    def double(signature: Any) -> None:
        reference = find(signature, ".//ds:Reference")
        reference.addnext(deepcopy(reference))

    assert _reason(signed_by_hand(Document().xml(), double)) is Reason.METADATA_SIGNATURE


@pytest.mark.parametrize(
    "transforms",
    [
        (ENVELOPED,),
        (EXCLUSIVE,),
        (EXCLUSIVE, ENVELOPED),
        (ENVELOPED, "http://www.w3.org/TR/1999/REC-xslt-19991116", EXCLUSIVE),
        (ENVELOPED, "http://www.w3.org/TR/1999/REC-xpath-19991116"),
        (ENVELOPED, "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"),
    ],
)
def test_verify_metadata__other_transforms__are_refused(transforms: tuple[str, ...]) -> None:
    assert _reason(signed_by_hand(Document().xml(), profile=Profile(transforms=transforms))) is (
        Reason.METADATA_SIGNATURE
    )


@pytest.mark.parametrize(
    ("profile", "digest_function"),
    [
        (Profile(algorithm=DS + "rsa-sha1"), "sha256"),
        (Profile(digest=DS + "sha1"), "sha1"),
        (Profile(algorithm=MORE + "rsa-sha224", digest=MORE + "sha224"), "sha224"),
        (Profile(c14n="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"), "sha256"),
    ],
)
def test_verify_metadata__weak_or_foreign_algorithms__are_refused(profile: Profile, digest_function: str) -> None:
    assert _reason(signed_by_hand(Document().xml(), profile=profile, digest_function=digest_function)) is (
        Reason.METADATA_SIGNATURE
    )


def test_verify_metadata__hmac_keyed_with_the_public_certificate__is_refused() -> None:
    import hmac

    xml = signed_by_hand(
        Document().xml(),
        lambda signature: find(signature, ".//ds:SignatureMethod").set("Algorithm", MORE + "hmac-sha256"),
        signer=lambda data: hmac.digest(ANCHOR.trusted.der, data, "sha256"),
    )

    assert _reason(xml) is Reason.METADATA_SIGNATURE


def test_verify_metadata__empty_signature_value__is_refused() -> None:
    def empty(root: Any) -> None:
        find(root, ".//ds:SignatureValue").text = ""

    assert _reason(changed(GENUINE, empty)) is Reason.METADATA_SIGNATURE


def test_verify_metadata__signature_of_a_message_about_it__is_refused() -> None:
    """A signature that the anchor made over another document, with the same ID."""

    def transplant(root: Any) -> None:
        root.insert(0, _signature(etree.fromstring(GENUINE)))

    xml = changed(changed(EVIL.xml(), lambda root: root.set("ID", "_metadata1")), transplant)

    assert _reason(xml) is Reason.METADATA_SIGNATURE


@pytest.mark.parametrize(
    "prolog",
    ["<!DOCTYPE x>", '<!DOCTYPE x [<!ENTITY e "x">]>', '<!DOCTYPE x [<!ATTLIST x ID ID "_metadata1">]>', "<?php x?>"],
)
def test_verify_metadata__dtd_or_processing_instruction__is_refused(prolog: str) -> None:
    assert _reason(prolog.encode() + GENUINE) is Reason.METADATA_MALFORMED


def test_verify_metadata__over_a_megabyte__is_refused_unread() -> None:
    assert _reason(GENUINE + b" " * 1024 * 1024) is Reason.METADATA_MALFORMED


@pytest.mark.parametrize(
    "content",
    [
        "<a>" * 40 + "</a>" * 40,
        "<a " + " ".join(f'a{n}=""' for n in range(70)) + "/>",
        "<a " + " ".join(f'xmlns:a{n}="urn:{n}"' for n in range(70)) + "/>",
        f'<a xmlns:b="urn:{"x" * 250}">' + "<b:c/>" * 150_000 + "</a>",
    ],
)
def test_verify_metadata__costly_to_canonicalize__is_refused_at_once(content: str) -> None:
    xml = signed_by_hand(Document().xml()).replace(
        b"</md:EntityDescriptor>", content.encode() + b"</md:EntityDescriptor>"
    )
    started = time.process_time()

    assert _reason(xml) is Reason.METADATA_MALFORMED
    assert time.process_time() - started < 2


def test_verify_metadata__a_megabyte_of_anything__stays_within_memory() -> None:
    xml = GENUINE.replace(b"</md:EntityDescriptor>", b"<a>x</a>" * 120_000 + b"</md:EntityDescriptor>")
    tracemalloc.start()
    try:
        assert _reason(xml) is Reason.METADATA_SIGNATURE
        assert tracemalloc.get_traced_memory()[1] < 32 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_verify_metadata__digest_algorithm_of_the_signature_is_the_one_computed() -> None:
    def claim(signature: Any) -> None:
        find(signature, ".//ds:DigestMethod").set("Algorithm", "http://www.w3.org/2001/04/xmlenc#sha512")

    assert _reason(signed_by_hand(Document().xml(), claim, Profile(digest=SHA256))) is Reason.METADATA_SIGNATURE
