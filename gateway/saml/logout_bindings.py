"""How a logout message came: out of the query of a redirect, or out of a form. Checks 1 and 2 of `logout_checks`.

A redirect is signed over its query string, as it was sent. So the raw octets are kept, and nothing is decoded and
encoded again: two spellings of one value have different signatures, and only the one that came is looked at.
Rule: SAML Bindings 2.0 §3.4.4, §3.5.4.
"""

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import unquote_to_bytes

from gateway.errors import Reason, SamlError
from gateway.saml.xml import MAX_BYTES, decode_base64

_DEFLATE = b"urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE"
_MAX_QUERY = 128 * 1024
_MAX_RELAY_STATE = 2048
_REQUEST, _RESPONSE, _RELAY_STATE = "SAMLRequest", "SAMLResponse", "RelayState"
_MESSAGES = (_REQUEST, _RESPONSE)
_SIGNED = (*_MESSAGES, _RELAY_STATE, "SigAlg")  # in this order, whichever are there
_QUERY_NAMES = (*_SIGNED, "Signature")


class Binding(StrEnum):
    """The two front-channel bindings, by their URIs."""

    REDIRECT = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
    POST = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"


@dataclass(frozen=True, slots=True)
class QuerySignature:
    """A signature over a query string, not verified yet."""

    octets: bytes  # what it must cover
    algorithm: str
    value: bytes


@dataclass(frozen=True, slots=True)
class Received:
    """A message as it came. Nothing in it is proven."""

    is_request: bool
    xml: bytes
    relay_state: str  # opaque: goes back to the sender with the answer, and is never followed
    binding: Binding
    signature: QuerySignature | None = None  # of a redirect; a form has it inside the message


def read_redirect(query: bytes) -> Received:
    """Read the query string of a redirect, as it was received.

    Refused: a parameter of ours that is there twice, out of order, or whose name is written with escapes; both or
    neither of SAMLRequest and SAMLResponse; another encoding than DEFLATE; what inflates to more than 256 KB, or is no
    whole stream; a message without SigAlg and Signature. Parameters of nobody's are left alone: they are not signed.
    Raises: SamlError(SAML_BINDING | SAML_ENCODING | SAML_TOO_LARGE | SAML_UNSIGNED).
    """
    if len(query) > _MAX_QUERY:
        raise SamlError(Reason.SAML_TOO_LARGE, "the SAML message is too large", f"{len(query)} octets")
    raw = _parameters(query)
    name = _message_name(raw)
    if "SAMLEncoding" in raw and _decoded(raw["SAMLEncoding"]) != _DEFLATE:
        raise _bad_binding("the SAML message is encoded in a way that is not known here")
    relay_state = _decoded(raw.get(_RELAY_STATE, b"")).decode(errors="surrogateescape")
    _check_relay_state(relay_state)
    if "SigAlg" not in raw or "Signature" not in raw:
        raise SamlError(Reason.SAML_UNSIGNED, "the logout message is not signed")
    if [known for known in raw if known in _QUERY_NAMES] != [known for known in _QUERY_NAMES if known in raw]:
        raise _bad_binding("the parameters of the SAML message are out of order")
    signature = QuerySignature(
        octets=b"&".join(known.encode() + b"=" + raw[known] for known in _SIGNED if known in raw),
        algorithm=_decoded(raw["SigAlg"]).decode(errors="replace"),
        value=decode_base64(_decoded(raw["Signature"])),
    )
    xml = _inflated(decode_base64(_decoded(raw[name])))
    return Received(name == _REQUEST, xml, relay_state, Binding.REDIRECT, signature)


def read_form(fields: Sequence[tuple[str, str]]) -> Received:
    """Read the fields of a form, all of them, in pairs of name and value.

    Refused: a parameter of ours that is there twice; both or neither of SAMLRequest and SAMLResponse.
    Raises: SamlError(SAML_BINDING | SAML_ENCODING | SAML_TOO_LARGE).
    """
    given: dict[str, str] = {}
    for name, value in fields:
        if name in {*_MESSAGES, _RELAY_STATE}:
            if name in given:
                raise _bad_binding("a parameter of the SAML message is there twice", name)
            given[name] = value
    name = _message_name(given)
    relay_state = given.get(_RELAY_STATE, "")
    _check_relay_state(relay_state)
    return Received(name == _REQUEST, decode_base64(given[name]), relay_state, Binding.POST)


def _parameters(query: bytes) -> dict[str, bytes]:
    """The parameters that mean something here, by name, in the order they came, their values as they came."""
    found: dict[str, bytes] = {}
    for part in query.split(b"&"):
        raw_name, _, value = part.partition(b"=")
        name = _decoded(raw_name).decode("ascii", errors="replace")
        if name not in {*_QUERY_NAMES, "SAMLEncoding"}:
            continue
        if raw_name != name.encode():
            raise _bad_binding("the name of a parameter of the SAML message is written with escapes", name)
        if name in found:
            raise _bad_binding("a parameter of the SAML message is there twice", name)
        found[name] = value
    return found


def _message_name(given: dict[str, bytes] | dict[str, str]) -> str:
    names = [name for name in _MESSAGES if name in given]
    if len(names) != 1:
        raise _bad_binding("exactly one of SAMLRequest and SAMLResponse is expected", ", ".join(names) or "neither")
    return names[0]


def _decoded(value: bytes) -> bytes:
    return unquote_to_bytes(value.replace(b"+", b" "))


def _inflated(data: bytes) -> bytes:
    inflater = zlib.decompressobj(wbits=-zlib.MAX_WBITS)
    try:
        xml = inflater.decompress(data, MAX_BYTES + 1)
    except zlib.error as exc:
        raise SamlError(Reason.SAML_ENCODING, "the SAML message can't be inflated", str(exc)[:200]) from exc
    if len(xml) > MAX_BYTES:
        raise SamlError(Reason.SAML_TOO_LARGE, "the SAML message is too large", f"more than {MAX_BYTES} bytes inflated")
    if not inflater.eof or inflater.unused_data:
        raise SamlError(Reason.SAML_ENCODING, "the SAML message is not one whole DEFLATE stream")
    return xml


def _check_relay_state(text: str) -> None:
    if len(text) > _MAX_RELAY_STATE or not text.isprintable():
        raise _bad_binding("the RelayState can't be used", repr(text[:60]))


def _bad_binding(public: str, detail: str | None = None) -> SamlError:
    return SamlError(Reason.SAML_BINDING, public, detail)
