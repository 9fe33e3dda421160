"""Reading a call off the wire: one HTTP request in, one `ApiCall` or a reasoned refusal out. Pure.

Rule: sts-contract §1, §2.6; sdk-wire §2.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from gateway.client import Client
from gateway.errors import InputError, Reason
from gateway.percent import form_decoded

MAX_BODY_BYTES = 1024 * 1024
MAX_PARAMETERS = 1000

_FORM = "application/x-www-form-urlencoded"
_NAME = re.compile(r"[A-Za-z0-9]{1,64}")
_VERSION = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FORMATS = {"json": False, "xml": True}


@dataclass(frozen=True, slots=True)
class WireRequest:
    """One HTTP request to `/`, as far as the wire cares. Header names in lower case, values as sent."""

    request_id: str
    method: str
    query_string: str  # still encoded
    headers: Mapping[str, str]
    body: bytes
    client: Client


@dataclass(frozen=True, slots=True)
class ApiCall:
    """What the caller asked for. Nothing in it is authenticated yet."""

    wire: WireRequest
    action: str
    version: str
    query: Mapping[str, str]  # V3 signs these ...
    parameters: Mapping[str, str]  # ... and V1 all: query and form, system parameters included


def read_call(wire: WireRequest) -> ApiCall:
    """Merge query and form, and find the operation.

    Operation and version come from `x-acs-action` and `x-acs-version` or from the parameters `Action` and
    `Version`; where both are given they must agree.
    Refused: text that is not UTF-8 or has a NUL, a parameter given twice (in query and form together, too), more
    than 1000 parameters, a body that is not a form.
    Raises: InputError(PARAMETER_INVALID), InputError(PARAMETER_DUPLICATE), InputError(CONTENT_TYPE),
    InputError(PAYLOAD_TOO_LARGE).
    """
    if len(wire.body) > MAX_BODY_BYTES:
        raise InputError(Reason.PAYLOAD_TOO_LARGE, "the body is too large", f"{len(wire.body)} bytes")
    query = _parse_pairs(wire.query_string, {})
    parameters = _parse_pairs(_form_of(wire), query) if wire.body else query
    if "Format" in parameters:
        asks_for_xml(parameters["Format"])
    return ApiCall(
        wire=wire,
        action=_operation(wire, parameters, "Action", _NAME),
        version=_operation(wire, parameters, "Version", _VERSION),
        query=MappingProxyType(query),
        parameters=MappingProxyType(parameters),
    )


def asks_for_xml(format_: str) -> bool:
    """Raises: InputError(PARAMETER_INVALID) for anything but JSON and XML in any case."""
    try:
        return _FORMATS[format_.lower()]
    except KeyError:
        raise InputError(Reason.PARAMETER_INVALID, "Format is JSON or XML", subject="Format") from None


def wants_xml(query_string: str) -> bool:
    """Whether a failure is to be told in XML, asked of a request that may be too broken to be read as a call."""
    match = re.search(r"(?:^|&)Format=([A-Za-z]+)(?:&|$)", query_string[:MAX_BODY_BYTES])
    return match is not None and _FORMATS.get(match[1].lower(), False)


def _form_of(wire: WireRequest) -> str:
    media_type = wire.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != _FORM:
        raise InputError(Reason.CONTENT_TYPE, f"the content type must be {_FORM}", media_type[:100])
    try:
        return wire.body.decode("ascii")
    except UnicodeDecodeError:
        raise InputError(Reason.PARAMETER_INVALID, "the form is not urlencoded", subject="Body") from None


def _parse_pairs(encoded: str, earlier: Mapping[str, str]) -> dict[str, str]:
    """Decode `a=b&c=d`, keeping blank values, and add it to what came earlier. `+` is a space."""
    if encoded.count("&") >= MAX_PARAMETERS:
        raise InputError(Reason.PARAMETER_INVALID, f"more than {MAX_PARAMETERS} parameters", subject="Count")
    pairs = dict(earlier)
    for piece in encoded.split("&"):
        if not piece:
            continue
        name, _, value = piece.partition("=")
        name = _decoded(name)
        if name in pairs:
            raise InputError(Reason.PARAMETER_DUPLICATE, "a parameter is given twice", name[:100])
        pairs[name] = _decoded(value)
    return pairs


def _decoded(text: str) -> str:
    """Raises: InputError(PARAMETER_INVALID): two readings of one text are one too many, and PostgreSQL has no NUL."""
    try:
        decoded = form_decoded(text)
    except ValueError:
        decoded = "\0"
    if "\0" in decoded:
        raise InputError(Reason.PARAMETER_INVALID, "a parameter is not urlencoded UTF-8 text", subject="Encoding")
    return decoded


def _operation(wire: WireRequest, parameters: Mapping[str, str], name: str, form: re.Pattern[str]) -> str:
    in_header, in_parameters = wire.headers.get(f"x-acs-{name.lower()}"), parameters.get(name)
    given = in_parameters if in_header is None else in_header
    if given is None or in_parameters not in {None, given} or not form.fullmatch(given):
        raise InputError(
            Reason.PARAMETER_INVALID, "Action or Version is missing or ambiguous", subject="Action or Version"
        )
    return given
