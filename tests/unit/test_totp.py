"""One-time codes against the published vectors, and which of them count at an instant."""

import base64
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.errors import InputError, Reason
from gateway.secret import Secret
from gateway.totp import (
    check_code_format,
    code_at,
    matching_pair,
    matching_step,
    new_seed,
    provisioning_uri,
    qr_png,
    step_at,
)
from tests.fake_clock import NOON

SEED = Secret(base64.b32encode(b"12345678901234567890").decode())
NOW = step_at(NOON)
RFC_6238 = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
    (20000000000, "353130"),
]


@pytest.mark.parametrize(("second", "code"), RFC_6238)
def test_code_at__published_vectors__same_codes(second: int, code: str) -> None:
    assert code_at(SEED, step_at(datetime.fromtimestamp(second, UTC))) == code


def test_new_seed__twice__160_random_bits_in_base32() -> None:
    first, second = new_seed(), new_seed()
    assert first != second
    assert len(base64.b32decode(first.reveal())) == 20
    assert first.reveal() not in repr(first)


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_matching_step__one_step_off__counts(offset: int) -> None:
    assert matching_step(SEED, code_at(SEED, NOW + offset), NOON, after=0) == NOW + offset


@pytest.mark.parametrize("offset", [-2, 2])
def test_matching_step__two_steps_off__does_not(offset: int) -> None:
    assert matching_step(SEED, code_at(SEED, NOW + offset), NOON, after=0) is None


def test_matching_step__used_step_or_one_before_it__does_not() -> None:
    for offset in (-1, 0):
        assert matching_step(SEED, code_at(SEED, NOW + offset), NOON, after=NOW) is None
    assert matching_step(SEED, code_at(SEED, NOW + 1), NOON, after=NOW) == NOW + 1


@pytest.mark.parametrize("offset", [-1, 0, 1])
def test_matching_pair__consecutive__gives_the_second_step(offset: int) -> None:
    first, second = code_at(SEED, NOW + offset - 1), code_at(SEED, NOW + offset)
    assert matching_pair(SEED, first, second, NOON, after=0) == NOW + offset


@pytest.mark.parametrize(("first", "second"), [(0, 0), (0, -1), (-1, 1), (1, 0), (1, 2), (-3, -2)])
def test_matching_pair__same_swapped_apart_or_outside__none(first: int, second: int) -> None:
    codes = code_at(SEED, NOW + first), code_at(SEED, NOW + second)
    assert matching_pair(SEED, *codes, NOON, after=0) is None


def test_matching_pair__first_code_used_before__none() -> None:
    codes = code_at(SEED, NOW - 1), code_at(SEED, NOW)
    assert matching_pair(SEED, *codes, NOON, after=NOW - 1) is None
    assert matching_pair(SEED, *codes, NOON, after=NOW - 2) == NOW


def test_step_at__next_half_minute__next_step() -> None:
    assert step_at(NOON + timedelta(seconds=29)) == NOW
    assert step_at(NOON + timedelta(seconds=30)) == NOW + 1


@pytest.mark.parametrize(
    "code", ["", "12345", "1234567", "12345a", "123 456", "\u0661\u0662\u0663\u0664\u0665\u0666", "12345\n"]
)
def test_check_code_format__not_six_digits__refused(code: str) -> None:
    with pytest.raises(InputError) as refused:
        check_code_format(code)
    assert (refused.value.reason, refused.value.subject) == (Reason.PARAMETER_INVALID, "AuthenticationCode")


def test_provisioning_uri__seed_and_label__what_apps_read() -> None:
    parts = urlsplit(provisioning_uri(SEED, "al ice/x@acme.onaliyun.com"))
    assert (parts.scheme, parts.netloc, parts.path) == ("otpauth", "totp", "/ramgate:al%20ice%2Fx@acme.onaliyun.com")
    assert parse_qs(parts.query) == {
        "secret": [SEED.reveal()],
        "issuer": ["ramgate"],
        "algorithm": ["SHA1"],
        "digits": ["6"],
        "period": ["30"],
    }


def test_qr_png__any_text__is_a_square_png() -> None:
    picture = qr_png(provisioning_uri(SEED, "alice@acme.onaliyun.com"))
    assert picture.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = picture[16:20], picture[20:24]
    assert width == height
    assert int.from_bytes(width) >= 200
