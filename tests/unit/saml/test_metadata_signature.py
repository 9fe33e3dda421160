"""A signed metadata document: what is accepted, and that the signed bytes alone come back."""

import pytest
from lxml import etree

from gateway.errors import Reason, SamlError
from gateway.saml.metadata import parse_idp_metadata
from gateway.saml.metadata_signature import verify_metadata
from tests.fake_clock import NOON
from tests.saml_factory import DS, EXCLUSIVE, MORE, Profile, signing_key
from tests.saml_metadata_document import Document, group
from tests.signed_metadata import ANCHOR, signed, signed_by_hand

ANCHORS = (ANCHOR.trusted,)


@pytest.mark.parametrize(
    "profile",
    [
        Profile(),
        Profile(prefix_list="md xs xsi"),
        Profile(prefix="", key_info=False),
        Profile(c14n=EXCLUSIVE + "WithComments"),
        Profile(algorithm=MORE + "rsa-sha512", digest="http://www.w3.org/2001/04/xmlenc#sha512"),
    ],
)
def test_verify_metadata__signed_by_the_anchor__gives_the_signed_bytes(profile: Profile) -> None:
    canonical = verify_metadata(signed(Document().xml(), profile=profile), ANCHORS)

    assert b"Signature" not in canonical
    assert parse_idp_metadata(canonical, NOON).entity_id == Document().entity_id


@pytest.mark.parametrize("kind", ["p256", "p384", "rsa3072"])
def test_verify_metadata__other_kinds_of_keys__are_accepted(kind: str) -> None:
    key = signing_key("anchor", kind)
    algorithm = MORE + ("rsa-sha256" if kind.startswith("rsa") else "ecdsa-sha256")

    assert verify_metadata(signed(Document().xml(), key, Profile(algorithm=algorithm)), (key.trusted,))


def test_verify_metadata__several_anchors__any_of_them_counts() -> None:
    anchors = (signing_key("old-federation").trusted, ANCHOR.trusted)

    assert verify_metadata(signed(Document().xml()), anchors)


def test_verify_metadata__group_with_signed_members__is_read_under_the_signature_of_the_group() -> None:
    member = signed(Document(entity_attributes='ID="_member"').xml(), signing_key("member"))

    canonical = verify_metadata(signed(group(member.decode())), ANCHORS)

    assert canonical.count(b"<ds:SignatureValue>") == 1


def test_verify_metadata__comments__are_not_part_of_what_is_signed() -> None:
    xml = signed(Document().xml()).replace(b"<md:NameIDFormat>", b"<!-- a comment --><md:NameIDFormat>")

    assert b"comment" not in verify_metadata(xml, ANCHORS)


def test_verify_metadata__text_around_the_signature__stays() -> None:
    xml = Document().xml().replace(b"<md:IDPSSODescriptor", b"\n  <md:IDPSSODescriptor", 1)

    root = etree.fromstring(verify_metadata(signed_by_hand(xml), ANCHORS))

    assert root.text == "\n  "


def test_verify_metadata__no_anchor__is_refused() -> None:
    with pytest.raises(SamlError) as caught:
        verify_metadata(signed(Document().xml()), ())

    assert caught.value.reason is Reason.METADATA_SIGNATURE


def test_verify_metadata__refusal__says_what_to_do() -> None:
    with pytest.raises(SamlError) as caught:
        verify_metadata(signed(Document().xml(), signing_key("stranger")), ANCHORS)

    assert "trust anchor" in caught.value.public
    assert ANCHOR.trusted.fingerprint in (caught.value.detail or "")


def test_verify_metadata__element_other_than_metadata__is_refused() -> None:
    with pytest.raises(SamlError) as caught:
        verify_metadata(signed(f'<x xmlns:ds="{DS}"/>'.encode()), ANCHORS)

    assert caught.value.reason is Reason.METADATA_SIGNATURE
