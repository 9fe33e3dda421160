import json
from itertools import accumulate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import OidcError, Reason
from gateway.oidc.json_text import MAX_DEPTH, read_object


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (b"{}", {}),
        (b' \r\n\t{"a": [1, 1.5, "x", true, null]}\n', {"a": [1, 1.5, "x", True, None]}),
        ('{"ä": "\\u00e4\\ud83d\\ude00"}'.encode(), {"ä": "ä😀"}),
        (b'{"a": "[[[[[[[[[[[[[[[[[[[[[[[[{{{{"}', {"a": "[" * 24 + "{" * 4}),
        (b'{"a":' * MAX_DEPTH + b"1" + b"}" * MAX_DEPTH, None),
    ],
)
def test_read_object__json__is_its_value(data: bytes, value: object) -> None:
    assert value is None or read_object(data) == value
    read_object(data)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", Reason.OIDC_JSON),
        (b"1", Reason.OIDC_JSON),
        (b"null", Reason.OIDC_JSON),
        (b"{} x", Reason.OIDC_JSON),
        (b"{}{}", Reason.OIDC_JSON),
        (b"{}\x00", Reason.OIDC_JSON),
        (b"{}\xa0", Reason.OIDC_JSON),
        ("{}\u00a0".encode(), Reason.OIDC_JSON),
        (b"\xef\xbb\xbf{}", Reason.OIDC_JSON),
        ('{"a": 1}'.encode("utf-16"), Reason.OIDC_JSON),
        (b'{"a": "\xff"}', Reason.OIDC_JSON),
        (b'{"a": "\xed\xa0\x80"}', Reason.OIDC_JSON),
        (b'{"a": "\x00"}', Reason.OIDC_JSON),
        (b'{"a": "\n"}', Reason.OIDC_JSON),
        (b'{"a": "\\u0000"}', Reason.OIDC_JSON),
        (b'{"\\u0000": 1}', Reason.OIDC_JSON),
        (b'{"a": [{"b": "\\ud800"}]}', Reason.OIDC_JSON),
        (b'{"a": NaN}', Reason.OIDC_JSON),
        (b'{"a": -Infinity}', Reason.OIDC_JSON),
        (b'{"a": 1e999}', Reason.OIDC_JSON),
        (b'{"a": ' + b"9" * 5000 + b"}", Reason.OIDC_JSON),
        (b'{"a": 01}', Reason.OIDC_JSON),
        (b'{"a": +1}', Reason.OIDC_JSON),
        (b"{'a': 1}", Reason.OIDC_JSON),
        (b'{"a": 1,}', Reason.OIDC_JSON),
        (b'{"a": 1 /* x */}', Reason.OIDC_JSON),
        (b'{"a": 1, "a": 1}', Reason.OIDC_DUPLICATE_MEMBER),
        (b'{"a": 1, "\\u0061": 2}', Reason.OIDC_DUPLICATE_MEMBER),
        (b'{"x": [{"a": 1, "b": 2, "a": 3}]}', Reason.OIDC_DUPLICATE_MEMBER),
        (b'{"a":' * (MAX_DEPTH + 1) + b"1" + b"}" * (MAX_DEPTH + 1), Reason.OIDC_TOO_DEEP),
        (b'{"a":' + b"[" * 100_000, Reason.OIDC_TOO_DEEP),
        (b'{"a": "' + b'\\"' * 50_000, Reason.OIDC_JSON),
    ],
)  # fmt: skip
def test_read_object__anything_else__refused(data: bytes, reason: Reason) -> None:
    with pytest.raises(OidcError) as caught:
        read_object(data)
    assert caught.value.reason is reason


@given(st.text(alphabet='{["]}', max_size=40), st.integers(0, MAX_DEPTH + 2), st.booleans())
def test_read_object__any_depth__counts_brackets_outside_of_strings(within: str, depth: int, lists: bool) -> None:
    """However the brackets are found: those in strings don't count, all others do."""
    before, after = ("[", "]") if lists else ('{"n":', "}")
    text = '{"a":' + before * depth + json.dumps(within) + after * depth + "}"
    if depth + 1 > MAX_DEPTH:
        with pytest.raises(OidcError) as caught:
            read_object(text.encode())
        assert caught.value.reason is Reason.OIDC_TOO_DEEP
    else:
        assert read_object(text.encode()) == json.loads(text)


@given(st.text(alphabet="{[]}", max_size=60))
def test_read_object__any_brackets__too_deep_before_anything_else(brackets: str) -> None:
    deepest = max(accumulate(1 if each in "{[" else -1 for each in brackets), default=0)
    with pytest.raises(OidcError) as caught:
        read_object(f"{brackets} 1".encode())
    assert (caught.value.reason is Reason.OIDC_TOO_DEEP) == (deepest > MAX_DEPTH)


@given(
    st.lists(
        st.tuples(st.sampled_from(["a", "b", "\\u0061", "c"]), st.sampled_from(["1", '"x:"', "{}", '{"a":1,"a":2}']))
    ),
    st.sampled_from([":", " : ", ": "]),
)
def test_read_object__any_members__twice_or_the_same_value(members: list[tuple[str, str]], colon: str) -> None:
    text = "{" + ",".join(f'"{name}"{colon}{value}' for name, value in members) + "}"
    names = [json.loads(f'"{name}"') for name, _ in members]
    if len(set(names)) < len(names) or any("2" in value for _, value in members):
        with pytest.raises(OidcError) as caught:
            read_object(text.encode())
        assert caught.value.reason is Reason.OIDC_DUPLICATE_MEMBER
    else:
        assert read_object(text.encode()) == json.loads(text)
