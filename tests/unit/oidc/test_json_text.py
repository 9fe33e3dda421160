import pytest

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
