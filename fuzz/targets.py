"""What is fuzzed: each target takes any bytes and gives back nothing, or raises what is a finding.

A `GatewayError` is an answer and no finding. Whatever else comes out is one, and so is an identity that nobody signed:
the committed seeds were signed by a key that is gone, so that a message that is accepted must say what a seed says.
"""

import base64
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from pathlib import Path

from gateway.api.call import WireRequest, read_call
from gateway.client import Client
from gateway.errors import GatewayError
from gateway.oidc.discovery import parse_discovery
from gateway.oidc.flow import parse_pushed_answer, parse_token_answer
from gateway.oidc.id_token import verify_id_token
from gateway.oidc.json_text import read_object
from gateway.oidc.keys import parse_key_set
from gateway.oidc.logout import LogoutExpectation, verify_logout_token
from gateway.saml.assertion import Signed, read_assertion
from gateway.saml.certificates import TrustedCertificate, parse_certificate
from gateway.saml.expectation import Expectation
from gateway.saml.metadata import parse_idp_metadata
from gateway.saml.response import peek, verify_response
from gateway.saml.tree import check_tree
from gateway.saml.xml import parse_document
from gateway.web.relay import HOME, relay_target
from tests import oidc_factory, saml_factory
from tests.fake_clock import NOON
from tests.saml_encryption import Encryption, encrypted_bytes

SEEDS = Path(__file__).parent / "seeds"
ALICE = "alice@example.onaliyun.com"
_CLIENT = Client("192.0.2.7", secure=True)


class Finding(AssertionError):  # noqa: N818 - what a fuzzer calls it
    """Something was accepted that nobody may have accepted."""


@cache
def certificate() -> TrustedCertificate:
    """That of the key that signed the seeds."""
    return parse_certificate((SEEDS / "certificate.pem").read_bytes())


@cache
def expected() -> Expectation:
    return saml_factory.expectation(certificates=(certificate(),))


def response(data: bytes) -> None:
    """A whole message, as it is and as the base64 text that it may be already."""
    for encoded in (base64.b64encode(data), data):
        with suppress(GatewayError):
            identity = verify_response(encoded, expected(), NOON)
            if identity.subject != ALICE or identity.certificate_fingerprint != certificate().fingerprint:
                raise Finding(f"an identity that was not signed: {identity.subject!r}")


def assertion(data: bytes) -> None:
    """What is behind the signature: an assertion that a provider signed may hold anything."""
    with suppress(GatewayError):
        document = parse_document(data)
        check_tree(document)
        identity = read_assertion(document.root, Signed(certificate(), "0" * 64), expected(), NOON, [])
        if identity.audience != saml_factory.AUDIENCE or identity.not_on_or_after <= NOON:
            raise Finding("an assertion for somebody else or another time")


def decryption(data: bytes) -> None:
    """Anybody can encrypt anything to us; nothing of it is believed."""
    for how in (Encryption(), Encryption(saml_factory.XENC + "aes128-cbc")):
        root = encrypted_bytes(data, how, sign_response=False)
        with suppress(GatewayError):
            identity = verify_response(saml_factory.encode(root), expected(), NOON)
            if identity.subject != ALICE:
                raise Finding(f"an identity that was not signed: {identity.subject!r}")


def metadata(data: bytes) -> None:
    """Metadata of a provider, and a certificate alone."""
    with suppress(GatewayError):
        parsed = parse_idp_metadata(data, NOON)
        if not parsed.certificates or any("\x00" in url for url in (parsed.sso_redirect_url or "", parsed.entity_id)):
            raise Finding("metadata that trusts nobody, or holds a NUL")
    with suppress(GatewayError):
        parse_certificate(data)


def redirect(data: bytes) -> None:
    """What a browser carries here: a message to look at before it is verified, and where to go afterwards."""
    for encoded in (base64.b64encode(data), data):
        with suppress(GatewayError):
            peek(encoded)
    target = relay_target(data.decode("latin-1"), "https://sso.example.com", ("*.apps.example.com",))
    if target != HOME and not target.startswith(("/", "https://")):
        raise Finding(f"a place that nobody allowed: {target!r}")
    if target.startswith(("//", "/\\")):
        raise Finding(f"a place on another host: {target!r}")


def oidc(data: bytes) -> None:
    """Tokens and documents of an OpenID Provider."""
    text = data.decode("latin-1")
    with suppress(GatewayError):
        verify_id_token(text, oidc_factory.expectation(), oidc_factory.key_set(), NOON)
        raise Finding("a token that nobody signed")
    with suppress(GatewayError):
        expectation = LogoutExpectation(oidc_factory.ISSUER, oidc_factory.CLIENT)
        verify_logout_token(text, expectation, oidc_factory.key_set(), NOON)
        raise Finding("a logout token that nobody signed")
    for parse in (
        read_object,
        parse_key_set,
        lambda each: parse_discovery(each, oidc_factory.ISSUER),
        lambda each: parse_token_answer(200, each),
        lambda each: parse_token_answer(400, each),
        lambda each: parse_pushed_answer(201, each, oidc_factory.CLIENT),
    ):
        with suppress(GatewayError):
            parse(data)


def claims(data: bytes) -> None:
    """What is behind the signature of a token: a provider may sign anything."""
    token = oidc_factory.signed(b'{"alg":"RS256","kid":"k1"}', data)
    with suppress(GatewayError):
        identity = verify_id_token(token, oidc_factory.expectation(), oidc_factory.key_set(), NOON)
        if identity.issuer != oidc_factory.ISSUER:
            raise Finding("an identity of another issuer")


def call(data: bytes) -> None:
    """A call of the API: query, a line with the content type, the form."""
    query, _, rest = data.partition(b"\n")
    content_type, _, body = rest.partition(b"\n")
    headers = {"host": "sso.example.com", "content-type": content_type.decode("latin-1")}
    wire = WireRequest("R", "POST", query.decode("latin-1"), headers, body, _CLIENT)
    with suppress(GatewayError):
        read = read_call(wire)
        if any("\x00" in value for value in (*read.parameters, *read.parameters.values())):
            raise Finding("a parameter with a NUL")


TARGETS: Mapping[str, Callable[[bytes], None]] = {
    target.__name__: target for target in (response, assertion, decryption, metadata, redirect, oidc, claims, call)
}


def seeds_of(name: str) -> list[bytes]:
    """The committed inputs of a target, each tried once, so that keys are made and no later input waits for them."""
    seeds = [path.read_bytes() for path in sorted((SEEDS / name).iterdir())]
    for data in (b"", *seeds):
        TARGETS[name](data)
    return seeds
