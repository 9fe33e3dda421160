"""Formats of e-mail addresses and mobile phone numbers."""

import pytest

from gateway.directory.contacts import check_email, check_mobile_phone
from gateway.errors import InputError, Reason
from tests.unit.directory.world import refused


@pytest.mark.parametrize(
    "text", ["a@b.cn", "first.last+tag@mail.example.com", "o'neil@x-y.example", f"a@{'b' * 60}.cn"]
)
def test_check_email__address__accepted(text: str) -> None:
    check_email("Email", text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a",
        "a@b",
        "@b.cn",
        "a@",
        "a@@b.cn",
        "a b@c.cn",
        "a@b..cn",
        "a@b.cn\n",
        "a\0@b.cn",
        "é@b.cn",
        "a@bé.cn",
        "<a@b.cn>",
        f"{'a' * 65}@b.cn",
        f"a@{'b.' * 70}cn",
    ],
    ids=ascii,
)
def test_check_email__anything_else__refused(text: str) -> None:
    with refused(InputError, Reason.PARAMETER_INVALID, "NewEmail"):
        check_email("NewEmail", text)


@pytest.mark.parametrize("text", ["86-18600001234", "1-5550", "1234-12345678901234567890"])
def test_check_mobile_phone__country_and_number__accepted(text: str) -> None:
    check_mobile_phone("MobilePhone", text)


@pytest.mark.parametrize(
    "text",
    ["", "18600001234", "+86-18600001234", "86-", "-18600001234", "86-186", "86-18600001234\n", "86-١٨٦٠٠", "86--1234"],
    ids=ascii,
)
def test_check_mobile_phone__anything_else__refused(text: str) -> None:
    with refused(InputError, Reason.PARAMETER_INVALID, "NewMobilePhone"):
        check_mobile_phone("NewMobilePhone", text)
