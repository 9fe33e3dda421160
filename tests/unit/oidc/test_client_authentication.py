from base64 import b64decode
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from gateway.errors import InputError, Reason
from gateway.oidc.client_authentication import (
    ClientMethod,
    client_with_key,
    client_with_secret,
    load_client_key,
    prove_client,
)
from gateway.oidc.jws import verify_jws
from gateway.secret import Secret
from tests.fake_clock import NOON
from tests.oidc_factory import ALGORITHMS, CLIENT, ISSUER, NOW_S, key_set, private_key


def pem(kind: str) -> Secret:
    return Secret(private_key(kind).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


def exotic() -> Secret:
    key = ec.generate_private_key(ec.BrainpoolP256R1())
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())


@pytest.mark.parametrize(
    ("client_id", "secret", "header"),
    [
        (CLIENT, "s3cret", f"{CLIENT}:s3cret"),
        # Rule: RFC 6749 §2.3.1: both are form-encoded first, so a colon in them splits nothing.
        ("a:b", "p:w +%/ü", "a%3Ab:p%3Aw+%2B%25%2F%C3%BC"),
    ],
)
def test_prove_client__basic__encodes_both_parts(client_id: str, secret: str, header: str) -> None:
    proof = prove_client(client_with_secret(client_id, ClientMethod.BASIC, Secret(secret)), ISSUER, NOON, "t")
    assert proof.form == ()
    assert proof.authorization is not None
    kind, _, encoded = proof.authorization.reveal().partition(" ")
    assert (kind, b64decode(encoded).decode()) == ("Basic", header)
    assert secret not in repr(proof)


def test_prove_client__post__stands_in_the_form() -> None:
    proof = prove_client(client_with_secret(CLIENT, ClientMethod.POST, Secret("s3cret")), ISSUER, NOON, "t")
    assert dict(proof.form) == {"client_id": CLIENT, "client_secret": "s3cret"}
    assert proof.authorization is None
    assert "s3cret" not in repr(proof)


@pytest.mark.parametrize(("algorithm", "kind"), ALGORITHMS.items())
def test_prove_client__private_key__signs_an_assertion(algorithm: str, kind: str) -> None:
    client = client_with_key(CLIENT, load_client_key(pem(kind), "k1", algorithm))
    proof = prove_client(client, ISSUER, NOON, "t-1")
    form: dict[str, Any] = dict(proof.form)
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    verified = verify_jws(form["client_assertion"], key_set(kind))
    assert verified.algorithm == algorithm
    assert verified.claims == {
        "iss": CLIENT, "sub": CLIENT, "aud": ISSUER, "jti": "t-1", "iat": NOW_S, "exp": NOW_S + 60,
    }  # fmt: skip


PUBLIC = private_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


@pytest.mark.parametrize(
    ("text", "algorithm"),
    [
        (Secret(""), "RS256"),
        (Secret("secret"), "RS256"),
        (Secret("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"), "RS256"),
        (Secret(PUBLIC), "RS256"),
        (Secret(PUBLIC + "PRIVATE KEY"), "RS256"),
        (pem("RSA-1024"), "RS256"),
        (exotic(), "ES256"),
        (pem("RSA"), "ES256"),
        (pem("RSA"), "HS256"),
        (pem("RSA"), "none"),
        (pem("P-256"), "ES384"),
        (pem("P-256"), "RS256"),
        (pem("P-256"), "EdDSA"),
        (pem("Ed25519"), "ES256"),
    ],
)
def test_load_client_key__key_that_does_not_fit__refused(text: Secret, algorithm: str) -> None:
    with pytest.raises(InputError) as caught:
        load_client_key(text, "k1", algorithm)
    assert (caught.value.reason, caught.value.subject) == (Reason.PARAMETER_INVALID, "ClientKey")


def test_client_with_secret__method_of_keys__refused() -> None:
    with pytest.raises(InputError) as caught:
        client_with_secret(CLIENT, ClientMethod.PRIVATE_KEY, Secret("x"))
    assert caught.value.reason is Reason.PARAMETER_INVALID
