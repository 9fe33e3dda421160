import pytest

from gateway.errors import InputError, Reason, SamlError
from gateway.federation.attributes import (
    MAX_ROLE_VALUES,
    ROLE,
    ROLE_SESSION_NAME,
    SESSION_DURATION,
    parse_role_value,
    read_role_attributes,
    read_session_duration,
)
from gateway.identity import VerifiedIdentity
from tests.identities import make_identity, role_attributes

ROLE_ARN = "acs:ram::1234567890123456:role/reader"
PROVIDER_ARN = "acs:ram::1234567890123456:saml-provider/company"
VALUE = f"{ROLE_ARN},{PROVIDER_ARN}"


def identity(*values: str, session_name: str | None = "alice", duration: str | None = None) -> VerifiedIdentity:
    return make_identity(attributes=role_attributes(*values, session_name=session_name, duration=duration))


def refused(presented: VerifiedIdentity) -> Reason:
    with pytest.raises(SamlError) as caught:
        read_role_attributes(presented)
    return caught.value.reason


def test_parse_role_value__well_formed__gives_both_arns() -> None:
    pair = parse_role_value(VALUE)
    assert (str(pair.role), str(pair.provider)) == (ROLE_ARN, PROVIDER_ARN)
    assert (pair.role_text, pair.provider_text) == (ROLE_ARN, PROVIDER_ARN)


@pytest.mark.parametrize(
    "raw",
    [
        "",
        ",",
        ROLE_ARN,
        f"{PROVIDER_ARN},{ROLE_ARN}",
        f"{ROLE_ARN}, {PROVIDER_ARN}",
        f" {VALUE}",
        f"{VALUE}\n",
        f"{ROLE_ARN}\u00a0,{PROVIDER_ARN}",
        f"{ROLE_ARN};{PROVIDER_ARN}",
        f"{VALUE},{PROVIDER_ARN}",
        f"{VALUE};{VALUE}",
        f"{ROLE_ARN},{ROLE_ARN}",
        f"{PROVIDER_ARN},{PROVIDER_ARN}",
        f"{ROLE_ARN},acs:ram::1234567890123456:oidc-provider/company",
        f"acs:ram::123:role/reader,{PROVIDER_ARN}",
        f"acs:ram::1234567890123456:user/reader,{PROVIDER_ARN}",
        f"acs:ram::1234567890123456:role/,{PROVIDER_ARN}",
        f"arn:aws:iam::123456789012:role/reader,{PROVIDER_ARN}",
    ],
)
def test_parse_role_value__ill_formed__refused(raw: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_role_value(raw)
    assert caught.value.reason is Reason.ARN_MALFORMED


def test_read_role_attributes__duplicates_in_any_case__are_one() -> None:
    found = read_role_attributes(identity(VALUE, VALUE, VALUE.replace("reader", "Reader"), "oops", "oops"))
    assert [pair.raw for pair in found.pairs] == [VALUE]
    assert [bad.raw for bad in found.malformed] == ["oops"]


def test_read_role_attributes__order_of_the_assertion__is_kept() -> None:
    values = [VALUE.replace("reader", name) for name in ("zoe", "abe", "mia")]
    assert [pair.role.name for pair in read_role_attributes(identity(*values)).pairs] == ["zoe", "abe", "mia"]


def test_read_role_attributes__as_many_as_allowed__are_read() -> None:
    values = [VALUE.replace("reader", f"r{number}") for number in range(MAX_ROLE_VALUES)]
    assert len(read_role_attributes(identity(*values)).pairs) == MAX_ROLE_VALUES


@pytest.mark.parametrize(
    "values", [(), ("oops",), ("oops", ""), (VALUE,) * (MAX_ROLE_VALUES + 1)], ids=["none", "bad", "two bad", "many"]
)
def test_read_role_attributes__unusable_role_values__refused(values: tuple[str, ...]) -> None:
    assert refused(identity(*values)) is Reason.ROLE_ATTRIBUTE


def test_read_role_attributes__attribute_under_another_name__refused() -> None:
    attributes = {ROLE.lower(): (VALUE,), ROLE_SESSION_NAME: ("alice",)}
    assert refused(make_identity(attributes=attributes)) is Reason.ROLE_ATTRIBUTE


@pytest.mark.parametrize("name", ["al", "a" * 64, "alice@example.com", "a-b_c.d@e=f"])
def test_read_role_attributes__allowed_session_name__is_kept(name: str) -> None:
    assert read_role_attributes(identity(VALUE, session_name=name)).session_name == name


@pytest.mark.parametrize(
    "name", [None, "", "a", "a" * 65, "al ice", "al/ice", "al+ice", "a,b", "ali\u00e7e", "\u5f20\u4e09", "alice\n"]
)
def test_read_role_attributes__bad_session_name__refused(name: str | None) -> None:
    assert refused(identity(VALUE, session_name=name)) is Reason.ROLE_SESSION_NAME


def test_read_role_attributes__two_session_names__refused() -> None:
    attributes = {ROLE: (VALUE,), ROLE_SESSION_NAME: ("alice", "bob")}
    assert refused(make_identity(attributes=attributes)) is Reason.ROLE_SESSION_NAME


@pytest.mark.parametrize(("duration", "seconds"), [(None, None), ("900", 900), ("0900", 900), ("43200", 43200)])
def test_read_session_duration__whole_seconds__are_read(duration: str | None, seconds: int | None) -> None:
    assert read_session_duration(identity(VALUE, duration=duration)) == seconds


@pytest.mark.parametrize(
    "values",
    [("",), ("899",), ("-900",), ("900.5",), ("1e4",), (" 900",), ("9_00",), ("\u0669\u0660\u0660",), ("9" * 12,),
     ("900", "900")],
)  # fmt: skip
def test_read_session_duration__anything_else__refused(values: tuple[str, ...]) -> None:
    with pytest.raises(SamlError) as caught:
        read_session_duration(make_identity(attributes={SESSION_DURATION: values}))
    assert caught.value.reason is Reason.SESSION_DURATION
