import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import OidcError, Reason
from gateway.oidc.base64url import decode_base64url, encode_base64url


@given(st.binary(max_size=100))
def test_decode_base64url__what_was_encoded__comes_back(data: bytes) -> None:
    assert decode_base64url(encode_base64url(data).encode()) == data


@given(st.text(alphabet="ABab01-_+/= \n\0.é", max_size=12))
def test_decode_base64url__any_text__has_one_spelling(text: str) -> None:
    try:
        data = decode_base64url(text.encode())
    except OidcError:
        return
    assert encode_base64url(data) == text


@pytest.mark.parametrize(
    "text", [b"A", b"AB", b"AAB", b"AA==", b"AA=", b"A+AA", b"A/AA", b"AA A", b"AAAA\n", b"\0AAA", b"===="]
)
def test_decode_base64url__another_spelling__refused(text: bytes) -> None:
    with pytest.raises(OidcError) as caught:
        decode_base64url(text)
    assert caught.value.reason is Reason.OIDC_ENCODING
