"""Aggregates from somebody who controls the download and not the key: forged, wrapped, costly."""

import io
import tracemalloc
from copy import deepcopy
from typing import Any

import pytest
from lxml import etree

from gateway.errors import Reason, SamlError
from gateway.saml.aggregate import verify_aggregate
from tests.aggregates import NAMESPACES, VALID, aggregate, federation_entity, unsigned_aggregate
from tests.fake_clock import NOON
from tests.saml_factory import DS, ENVELOPED, EXCLUSIVE, Profile, find, serialize, sign_by_hand, signing_key
from tests.saml_metadata_document import Document
from tests.signed_metadata import ANCHOR, PLAIN, changed, signed

GENUINE = aggregate([federation_entity(1), federation_entity(2)])
EVIL = federation_entity(666)
END = b"</md:EntitiesDescriptor>"


class Counted(io.BytesIO):
    """Remembers how much of it was read."""

    taken = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        self.taken += len(data)
        return data


def _refusal(xml: bytes | io.BytesIO) -> SamlError:
    source = xml if isinstance(xml, io.BytesIO) else io.BytesIO(xml)
    with pytest.raises(SamlError) as caught:
        verify_aggregate(source, (ANCHOR.trusted,), io.BytesIO(), NOON)
    return caught.value


def _ids(xml: bytes) -> list[str]:
    found = verify_aggregate(io.BytesIO(xml), (ANCHOR.trusted,), io.BytesIO(), NOON)
    return [entity.entity_id for entity in found.entities()]


def _by_hand(alter: Any = None, profile: Profile = PLAIN, *, entity: str = EVIL) -> bytes:
    root = etree.fromstring(unsigned_aggregate([entity]))
    root.set("ID", "_aggregate1")
    sign_by_hand(root, ANCHOR, profile, alter=alter)
    return serialize(root)


def test_verify_aggregate__genuine__is_what_the_attacks_start_from() -> None:
    assert _ids(GENUINE) == ["https://idp1.example.org/idp", "https://idp2.example.org/idp"]
    assert _ids(_by_hand()) == ["https://idp666.example.org/idp"]


@pytest.mark.parametrize(
    "xml",
    [
        unsigned_aggregate([EVIL]),
        unsigned_aggregate([]),
        aggregate([EVIL], key=signing_key("stranger")),
        aggregate([EVIL], key=signing_key("federation", "rsa3072")),
        signed(Document().xml()),
        GENUINE.replace(b"idp2.example.org", b"idp3.example.org"),
        GENUINE.replace(VALID[12:32].encode(), b"2999-01-01T00:00:00Z"),
        GENUINE.replace(END, EVIL.encode() + END),
        GENUINE.replace(END, b" " + END),
        GENUINE.replace(b"<ds:Signature>", EVIL.encode() + b"<ds:Signature>"),
        b"<md:EntitiesDescriptor " + NAMESPACES.encode() + b' ID="_aggregate1">' + GENUINE + END,
    ],
)
def test_verify_aggregate__unsigned_forged_or_changed__is_refused(xml: bytes) -> None:
    assert xml != GENUINE
    assert _refusal(xml).reason is Reason.METADATA_SIGNATURE


def test_verify_aggregate__genuine_one_hidden_in_the_signature_of_another__is_refused() -> None:
    def wrap(root: Any) -> None:
        genuine = deepcopy(root)
        signature = find(root, "ds:Signature")
        for child in list(root)[1:]:
            root.remove(child)
        root.append(etree.fromstring(unsigned_aggregate([EVIL]))[0])
        etree.SubElement(signature, f"{{{DS}}}Object").append(genuine)

    assert _refusal(changed(GENUINE, wrap)).reason is Reason.METADATA_SIGNATURE


def test_verify_aggregate__second_signature__is_refused_even_under_the_first() -> None:
    second = serialize(find(etree.fromstring(GENUINE), "ds:Signature")).decode()

    assert _refusal(aggregate([federation_entity(1), second])).reason is Reason.METADATA_SIGNATURE


@pytest.mark.parametrize("name", ["ID", "Id", "id", "xml:id"])
def test_verify_aggregate__entity_with_the_id_of_the_whole__is_refused(name: str) -> None:
    twin = EVIL.replace("entityID", f'{name}="_aggregate1" entityID')

    assert _refusal(_by_hand(entity=twin)).reason is Reason.METADATA_SIGNATURE


def test_verify_aggregate__descriptors_that_are_no_members__are_not_entities() -> None:
    hidden = f"<md:Extensions>{EVIL}</md:Extensions>"
    within = federation_entity(1, extra=EVIL)
    deeper = f"<md:Extensions><md:EntitiesDescriptor>{EVIL}</md:EntitiesDescriptor></md:Extensions>"

    assert _ids(aggregate([hidden, within, deeper])) == ["https://idp1.example.org/idp"]


@pytest.mark.parametrize(
    "alter",
    [
        lambda signature: find(signature, ".//ds:Reference").set("URI", ""),
        lambda signature: find(signature, ".//ds:Reference").set("URI", "#_other"),
        lambda signature: find(signature, ".//ds:SignatureMethod").set("Algorithm", DS + "rsa-sha1"),
        lambda signature: find(signature, ".//ds:DigestMethod").set("Algorithm", DS + "sha1"),
        lambda signature: find(signature, ".//ds:Reference").addnext(deepcopy(find(signature, ".//ds:Reference"))),
    ],
)
def test_verify_aggregate__signed_by_the_anchor_in_another_form__is_refused(alter: Any) -> None:
    assert _refusal(_by_hand(alter)).reason is Reason.METADATA_SIGNATURE


@pytest.mark.parametrize("transforms", [(ENVELOPED,), (EXCLUSIVE,), (EXCLUSIVE, ENVELOPED)])
def test_verify_aggregate__other_transforms__are_refused(transforms: tuple[str, ...]) -> None:
    assert _refusal(_by_hand(profile=Profile(transforms=transforms))).reason is Reason.METADATA_SIGNATURE


@pytest.mark.parametrize(
    "xml",
    [
        b"<!DOCTYPE x>" + GENUINE,
        b'<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>' + GENUINE,
        b'<!DOCTYPE x SYSTEM "http://192.0.2.1/x.dtd">' + GENUINE,
        b"<?php x?>" + GENUINE,
        GENUINE.replace(b"<md:IDPSSO", b"<?x?><md:IDPSSO", 1),
        GENUINE.replace(b"</md:NameIDFormat>", b"&evil;</md:NameIDFormat>", 1),
        b"\xff\xfe" + GENUINE.decode().encode("utf-16-le"),
        b'<?xml version="1.0" encoding="iso-8859-1"?>' + GENUINE,
        GENUINE + GENUINE,
        GENUINE[:-20],
        GENUINE[: len(GENUINE) // 2],
    ],
)
def test_verify_aggregate__not_well_formed_or_with_a_dtd__is_refused(xml: bytes) -> None:
    assert _refusal(xml).reason is Reason.METADATA_MALFORMED


@pytest.mark.parametrize("xml", [b"", b"not XML", b"\0" * 100])
def test_verify_aggregate__no_document__is_refused(xml: bytes) -> None:
    assert _refusal(xml).reason is Reason.METADATA_MALFORMED


def test_verify_aggregate__stranger__is_refused_by_the_first_kilobytes() -> None:
    source = Counted(aggregate([EVIL] * 3000, key=signing_key("stranger")))
    size = len(source.getvalue())

    assert _refusal(source).reason is Reason.METADATA_SIGNATURE
    assert size > 4 * 1024 * 1024
    assert source.taken <= 128 * 1024


def test_verify_aggregate__huge_signature__is_refused_before_it_is_read_to_the_end() -> None:
    source = Counted(GENUINE.replace(b"<ds:X509Data>", b"<ds:X509Data>" + b"<ds:X509SKI>x</ds:X509SKI>" * 200_000))

    assert _refusal(source).reason is Reason.METADATA_SIGNATURE
    assert source.taken <= 512 * 1024


@pytest.mark.parametrize(
    "padding",
    [
        b"<md:x>" + b"A" * 3_000_000 + b"</md:x>",
        b'<md:x y="' + b"A" * 3_000_000 + b'"/>',
        b"<md:" + b"A" * 3_000_000 + b"/>",
        b"<!--" + b"A" * 3_000_000 + b"-->",
        b"<md:x>" * 100,
        b"".join(b"<md:x%d/>" % number for number in range(20_000)),
        b"<md:x " + b" ".join(b'y%d=""' % number for number in range(100_000)) + b"/>",
    ],
)
def test_verify_aggregate__genuine_head_and_costly_rest__is_refused_within_memory(padding: bytes) -> None:
    xml = io.BytesIO(GENUINE.replace(END, padding + END))
    tracemalloc.start()
    try:
        assert _refusal(xml).reason in {Reason.METADATA_MALFORMED, Reason.METADATA_SIGNATURE}
        assert tracemalloc.get_traced_memory()[1] < 24 * 1024 * 1024
    finally:
        tracemalloc.stop()


def test_verify_aggregate__genuine_head_and_endless_rest__ends_at_the_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.saml.aggregate_reading.MAX_BYTES", 2 * 1024 * 1024)
    source = Counted(GENUINE.replace(END, b"<md:x/>" * 500_000))

    assert _refusal(source).reason is Reason.METADATA_MALFORMED
    assert source.taken <= 2 * 1024 * 1024 + 64 * 1024


def test_verify_aggregate__too_many_entities__is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.saml.aggregate_reading.MAX_ENTITIES", 1)

    assert _refusal(GENUINE).reason is Reason.METADATA_MALFORMED


def test_verify_aggregate__quotes_and_brackets_in_values__do_not_break_out_of_an_entity() -> None:
    name = "x &quot;/&gt;&lt;md:EntityDescriptor entityID=&quot;https://evil.example.org&quot;&gt; xmlns:md=&quot;urn:x&quot;"
    own = federation_entity(1).replace("entityID", f'errorURL="{name}" entityID')

    assert _ids(aggregate([own])) == ["https://idp1.example.org/idp"]
