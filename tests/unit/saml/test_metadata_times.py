"""Durations as metadata writes them."""

from datetime import timedelta

import pytest

from gateway.saml.metadata import parse_idp_metadata
from gateway.saml.metadata_times import parse_duration, shortest_duration
from tests.fake_clock import NOON
from tests.saml_metadata_document import Document


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("PT6H", timedelta(hours=6)),
        ("P1D", timedelta(days=1)),
        ("P1DT12H", timedelta(days=1, hours=12)),
        (" PT90M ", timedelta(minutes=90)),
        ("PT0.5S", timedelta(0)),
        ("PT604800S", timedelta(days=7)),
        ("P1Y2M3DT4H5M6.789S", timedelta(days=365 + 60 + 3, hours=4, minutes=5, seconds=6)),
        ("P9999Y", timedelta(days=365) * 9999),
    ],
)
def test_parse_duration__of_xml_schema__is_read(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    ["", "P", "PT", "P1DT", "-PT6H", "6H", "PT6", "P1H", "PT1D", "P1.5D", "PT1H2H", "PT٣H", "P99999Y", "PT" + "9" * 30 + "S", "P 1D"],
)  # fmt: skip
def test_parse_duration__anything_else__is_none(text: str) -> None:
    assert parse_duration(text) is None


def test_shortest_duration__several__the_shortest_that_makes_sense() -> None:
    assert shortest_duration([None, "PT6H", "soon", "PT1H"]) == timedelta(hours=1)
    assert shortest_duration([None, "soon"]) is None


def test_parse_idp_metadata__cache_duration__the_shortest_of_all_places() -> None:
    document = Document(
        group_attributes='cacheDuration="PT8H"',
        entity_attributes='cacheDuration="PT4H"',
        idp_attributes='cacheDuration="PT6H"',
    )
    assert parse_idp_metadata(document.xml(), NOON).cache_duration == timedelta(hours=4)
    assert parse_idp_metadata(Document(entity_attributes='cacheDuration="never"').xml(), NOON).cache_duration is None
