from collections.abc import Mapping
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.api.call import MAX_BODY_BYTES, MAX_PARAMETERS, WireRequest, read_call, wants_xml
from gateway.client import Client
from gateway.errors import InputError, Reason

FORM = {"content-type": "application/x-www-form-urlencoded; charset=utf-8"}
OPERATION = "Action=GetCallerIdentity&Version=2015-04-01"


def wire(query: str = "", *, headers: Mapping[str, str] | None = None, body: bytes = b"") -> WireRequest:
    return WireRequest(
        request_id="R",
        method="POST",
        query_string=query,
        headers=headers or {},
        body=body,
        client=Client("127.0.0.1", secure=False),
    )


def refusal(request: WireRequest) -> tuple[Reason, str]:
    with pytest.raises(InputError) as caught:
        read_call(request)
    return caught.value.reason, caught.value.subject


def test_read_call__operation_in_headers__found() -> None:
    call = read_call(wire("A=1", headers={"x-acs-action": "AssumeRole", "x-acs-version": "2015-04-01"}))
    assert (call.action, call.version, dict(call.parameters)) == ("AssumeRole", "2015-04-01", {"A": "1"})


def test_read_call__query_and_form__merged_with_blank_values_kept() -> None:
    call = read_call(wire(f"{OPERATION}&SignatureType=", headers=FORM, body=b"Policy=%7B%22a%22:+1%7D&Comments="))
    assert call.parameters["SignatureType"] == ""
    assert (call.parameters["Policy"], call.parameters["Comments"]) == ('{"a": 1}', "")
    assert "Policy" not in call.query


def test_read_call__operation_in_header_and_parameter__must_agree() -> None:
    headers = {"x-acs-action": "GetCallerIdentity", "x-acs-version": "2015-04-01"}
    assert read_call(wire(OPERATION, headers=headers)).action == "GetCallerIdentity"
    other = {**headers, "x-acs-action": "AssumeRole"}
    assert refusal(wire(OPERATION, headers=other)) == (Reason.PARAMETER_INVALID, "Action or Version")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        pytest.param("", (Reason.PARAMETER_INVALID, "Action or Version"), id="no-operation"),
        pytest.param("Action=A", (Reason.PARAMETER_INVALID, "Action or Version"), id="no-version"),
        pytest.param("Action=&Version=2015-04-01", (Reason.PARAMETER_INVALID, "Action or Version"), id="blank"),
        pytest.param("Action=A/B&Version=2015-04-01", (Reason.PARAMETER_INVALID, "Action or Version"), id="odd-name"),
        pytest.param("Action=A&Version=1", (Reason.PARAMETER_INVALID, "Action or Version"), id="odd-version"),
        pytest.param(OPERATION + "&X=1&X=1", (Reason.PARAMETER_DUPLICATE, ""), id="twice"),
        pytest.param(OPERATION + "&%58=1&X=1", (Reason.PARAMETER_DUPLICATE, ""), id="twice-escaped"),
        pytest.param(OPERATION + "&Action=Other", (Reason.PARAMETER_DUPLICATE, ""), id="operation-twice"),
        pytest.param(OPERATION + "&X=%FF", (Reason.PARAMETER_INVALID, "Encoding"), id="not-utf8"),
        pytest.param(OPERATION + "&X=%C0%80", (Reason.PARAMETER_INVALID, "Encoding"), id="overlong"),
        pytest.param(OPERATION + "&X=%ED%A0%80", (Reason.PARAMETER_INVALID, "Encoding"), id="surrogate"),
        pytest.param(OPERATION + "&X=%00", (Reason.PARAMETER_INVALID, "Encoding"), id="nul"),
        pytest.param(OPERATION + "&X=%zz", (Reason.PARAMETER_INVALID, "Encoding"), id="broken-escape"),
        pytest.param(OPERATION + "&X=\xe9", (Reason.PARAMETER_INVALID, "Encoding"), id="raw-byte"),
        pytest.param(OPERATION + "&Format=yaml", (Reason.PARAMETER_INVALID, "Format"), id="format"),
        pytest.param(
            "&".join(f"p{i}=" for i in range(MAX_PARAMETERS + 1)), (Reason.PARAMETER_INVALID, "Count"), id="many"
        ),
        pytest.param("&" * 300_000, (Reason.PARAMETER_INVALID, "Count"), id="ampersands"),
    ],
)
def test_read_call__unusable_query__refused(query: str, expected: tuple[Reason, str]) -> None:
    assert refusal(wire(query)) == expected


def test_read_call__parameter_in_query_and_form__refused() -> None:
    assert refusal(wire(OPERATION, headers=FORM, body=b"Version=2015-04-01")) == (Reason.PARAMETER_DUPLICATE, "")


@pytest.mark.parametrize("content_type", ["", "application/json", "multipart/form-data; boundary=x", "text/plain"])
def test_read_call__body_is_no_form__refused(content_type: str) -> None:
    request = wire(OPERATION, headers={"content-type": content_type}, body=b"{}")
    assert refusal(request) == (Reason.CONTENT_TYPE, "")


def test_read_call__no_body_with_any_content_type__accepted() -> None:
    assert read_call(wire(OPERATION, headers={"content-type": "application/json"})).action == "GetCallerIdentity"


def test_read_call__form_not_ascii__refused() -> None:
    assert refusal(wire(OPERATION, headers=FORM, body="X=é".encode())) == (Reason.PARAMETER_INVALID, "Body")


def test_read_call__body_beyond_the_limit__refused() -> None:
    assert refusal(wire(OPERATION, headers=FORM, body=b"x" * (MAX_BODY_BYTES + 1))) == (Reason.PAYLOAD_TOO_LARGE, "")


@pytest.mark.parametrize(
    ("query", "expected"),
    [("Format=XML", True), ("a=1&Format=xml&b=%FF", True), ("Format=json", False), ("", False), ("Format=XMLX", False)],
)
def test_wants_xml__broken_or_whole_query__told(query: str, expected: bool) -> None:
    assert wants_xml(query) is expected


@given(st.text(alphabet=st.characters(max_codepoint=255), max_size=60), st.binary(max_size=60))
def test_read_call__any_bytes__value_or_refusal(query: str, body: bytes) -> None:
    with suppress(InputError):
        assert read_call(wire(query, headers=FORM, body=body)).action
