"""Any text at all gives a document or an InputError of the family, never anything else."""

import json
from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import InputError, Reason
from gateway.policy import parse_policy, parse_session_policy, parse_trust_policy
from gateway.policy.values import parse_address, parse_bool, parse_instant, parse_network, parse_number
from tests.property.policy_reference import policies, render

Parse = Callable[[str], object]
PARSERS: list[Parse] = [parse_policy, parse_session_policy, parse_trust_policy]

_words = st.sampled_from(
    [
        "Version",
        "Statement",
        "Effect",
        "Action",
        "Resource",
        "Condition",
        "Principal",
        "1",
        "Allow",
        "*",
        "acs:x",
        "RAM",
        "StringEquals",
        "IpAddress",
        "DateLessThan",
        "oss:*",
        "acs:oss:*",
        "Federated",
        "true",
        "�",
        "10.0.0.0/8",
    ]
)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | _words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_words | st.text(max_size=3), inner, max_size=5),
    max_leaves=25,
)


def _check(parse: Parse, text: str) -> None:
    try:
        parse(text)
    except InputError as exc:
        refusal = exc
    else:
        return
    assert refusal.reason in {Reason.POLICY_MALFORMED, Reason.POLICY_TOO_LONG}
    assert refusal.public.isprintable()
    assert len(refusal.public) < 1000


@pytest.mark.parametrize("parse", PARSERS)
@given(text=st.text(alphabet=st.characters(), max_size=200) | st.text(alphabet='{}[]",:\\1a \n', max_size=200))
def test_parse__any_text__is_read_or_refused(parse: Parse, text: str) -> None:
    _check(parse, text)


@pytest.mark.parametrize("parse", PARSERS)
@settings(max_examples=100, deadline=None)
@given(value=_json)
def test_parse__any_json__is_read_or_refused(parse: Parse, value: object) -> None:
    _check(parse, json.dumps(value))
    _check(parse, json.dumps({"Version": "1", "Statement": value}))
    _check(parse, json.dumps({"Version": "1", "Statement": [value]}, ensure_ascii=False))


@pytest.mark.parametrize("parse", PARSERS)
@settings(max_examples=100, deadline=None)
@given(nodes=policies(3), data=st.data())
def test_parse__damaged_policy__is_read_or_refused(
    parse: Parse, nodes: list[dict[str, object]], data: st.DataObject
) -> None:
    text = render(nodes)
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 20)))
    _check(parse, text[:start] + data.draw(st.text(max_size=4)) + text[end:])


@settings(max_examples=500)
@given(text=st.text(max_size=40) | st.from_regex(r"[0-9:./TZ+-]{1,45}", fullmatch=True))
def test_values__any_text__is_a_value_or_none(text: str) -> None:
    for parse in (parse_address, parse_bool, parse_instant, parse_network, parse_number):
        parse(text)


@given(moment=st.datetimes(timezones=st.timezones()))
def test_parse_instant__same_moment_elsewhere__is_equal(moment: datetime) -> None:
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:
        return
    if moment.utcoffset() is not None and moment.utcoffset().total_seconds() % 60:  # type: ignore[union-attr]
        return
    assert parse_instant(moment.isoformat()) == parse_instant(utc.isoformat()) is not None
