"""Which key is used when, and what is no list of keys."""

import json
from datetime import datetime, timedelta
from typing import Any

import pytest

from gateway.key_manifest import FIRST, KeyEntry, Manifest, Standing, Use, parse_manifest, render_manifest
from tests.fake_clock import NOON

DAY = timedelta(days=1)
TURNED = Manifest(
    3,
    (
        KeyEntry("sp-signing", None, NOON + 7 * DAY),
        KeyEntry("sp-signing-2", NOON, None),
        KeyEntry("sp-signing-3", None, None),
    ),
    (KeyEntry("sp-encryption"), KeyEntry("sp-encryption-2", NOON)),
)


@pytest.mark.parametrize("manifest", [FIRST, TURNED])
def test_parse_manifest__what_was_rendered__is_the_same(manifest: Manifest) -> None:
    assert parse_manifest(render_manifest(manifest)) == manifest


@pytest.mark.parametrize(
    ("at", "standings", "published"),
    [
        (NOON - timedelta(seconds=1), ["current", "next", "next"], [True, True, True]),
        (NOON, ["old", "current", "next"], [True, True, True]),
        (NOON + 7 * DAY - timedelta(seconds=1), ["old", "current", "next"], [True, True, True]),
        (NOON + 7 * DAY, ["old", "current", "next"], [False, True, True]),
    ],
)
def test_standing__around_the_switch__changes_at_the_instant(
    at: datetime, standings: list[str], published: list[bool]
) -> None:
    assert [TURNED.standing(Use.SIGNING, index, at) for index in range(3)] == [Standing(each) for each in standings]
    assert [TURNED.is_published(Use.SIGNING, index, at) for index in range(3)] == published


def test_is_published__old_encryption_key__is_not_offered() -> None:
    assert [TURNED.is_published(Use.ENCRYPTION, index, NOON) for index in range(2)] == [False, True]


def _changed(**changes: Any) -> str:
    return json.dumps({**json.loads(render_manifest(TURNED)), **changes})


def _signing(*files: str, starts: tuple[str | None, ...] = ()) -> list[dict[str, str | None]]:
    return [
        {"file": file, "starts_at": start, "leaves_at": None}
        for file, start in zip(files, starts or (None,) * len(files), strict=True)
    ]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        _changed(version=2),
        _changed(made=0),
        _changed(made=True),
        _changed(made="3"),
        _changed(more=1),
        _changed(signing=[]),
        _changed(signing={}),
        _changed(signing=["sp-signing"]),
        _changed(signing=_signing("../sp-signing")),
        _changed(signing=_signing("/etc/passwd")),
        _changed(signing=_signing("sp-signing-0")),
        _changed(signing=_signing("sp-signing-2\n")),
        _changed(signing=_signing("sp-encryption")),
        _changed(signing=_signing("sp-signing", "sp-signing")),
        _changed(signing=[{"file": None, "starts_at": None, "leaves_at": None}]),
        _changed(signing=[{"file": "sp-signing", "starts_at": None}]),
        _changed(signing=_signing("sp-signing", starts=("2027-01-31",))),
        _changed(signing=_signing("sp-signing", starts=("2027-13-31T00:00:00Z",))),
        _changed(
            signing=_signing(
                "sp-signing",
                "sp-signing-2",
                "sp-signing-3",
                starts=(None, "2027-02-01T00:00:00Z", "2027-01-01T00:00:00Z"),
            )
        ),
        _changed(
            signing=_signing("sp-signing", "sp-signing-2", "sp-signing-3", starts=(None, None, "2027-01-01T00:00:00Z"))
        ),
    ],
)
def test_parse_manifest__anything_else__is_refused(text: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - its reason is given by who reads the file
        parse_manifest(text)
