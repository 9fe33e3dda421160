"""Check 11: which encryptions are opened, and that failures look the same."""

from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from lxml import etree

from gateway.errors import Reason, SamlError
from gateway.identity import VerifiedIdentity
from gateway.saml.response import verify_response
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.fake_clock import NOON
from tests.saml_encryption import Encryption
from tests.saml_factory import DS, MORE, SAML, XENC, Spec

GCM = [f"http://www.w3.org/2009/xmlenc11#aes{bits}-gcm" for bits in (128, 192, 256)]
CBC = [f"{XENC}aes{bits}-cbc" for bits in (128, 192, 256)]


def verify(root: Any, **changes: Any) -> VerifiedIdentity:
    return verify_response(factory.encode(root), factory.expectation(**changes), NOON)


def refusal(root: Any, **changes: Any) -> SamlError:
    with pytest.raises(SamlError) as caught:
        verify(root, **changes)
    return caught.value


@pytest.mark.parametrize("algorithm", GCM)
@pytest.mark.parametrize("key_beside", [False, True])
@pytest.mark.parametrize("context", [False, True])
@pytest.mark.parametrize("signed", ["inside", "outside", "both"])
def test_decrypt_assertion__gcm__opened(algorithm: str, key_beside: bool, context: bool, signed: str) -> None:
    how = Encryption(algorithm, key_beside=key_beside, context=context)
    root = encryption.encrypted_response(how=how, sign_assertion=signed != "outside", sign_response=signed != "inside")
    assert verify(root).subject == "alice@example.onaliyun.com"


@pytest.mark.parametrize("algorithm", CBC)
@pytest.mark.parametrize("sign_assertion", [False, True])
def test_decrypt_assertion__cbc_below_signed_response__opened(algorithm: str, sign_assertion: bool) -> None:
    root = encryption.encrypted_response(how=Encryption(algorithm), sign_assertion=sign_assertion, sign_response=True)
    assert verify(root).subject == "alice@example.onaliyun.com"


@pytest.mark.parametrize("algorithm", CBC)
def test_decrypt_assertion__cbc_signed_inside_only__refused_before_any_key_is_used(algorithm: str) -> None:
    root = encryption.encrypted_response(how=Encryption(algorithm))
    assert refusal(root, decryption_keys=()).reason is Reason.SAML_ENCRYPTION_ALGORITHM


@pytest.mark.parametrize(
    ("algorithm", "transport"),
    [
        (XENC + "tripledes-cbc", XENC + "rsa-oaep-mgf1p"),
        (GCM[2], XENC + "rsa-1_5"),
    ],
)
def test_decrypt_assertion__weak_algorithm__refused(algorithm: str, transport: str) -> None:
    how = Encryption(algorithm, key_transport=transport)
    root = encryption.encrypted_response(how=how, sign_response=True)
    assert refusal(root, decryption_keys=()).reason is Reason.SAML_ENCRYPTION_ALGORITHM


OAEP11 = "http://www.w3.org/2009/xmlenc11#rsa-oaep"


@pytest.mark.parametrize("transport", [XENC + "rsa-oaep-mgf1p", OAEP11])
@pytest.mark.parametrize("digest", [None, DS + "sha1", XENC + "sha256", MORE + "sha384", XENC + "sha512"])
def test_decrypt_assertion__oaep_digests_as_xmlsec_makes_them__opened(transport: str, digest: str | None) -> None:
    root = encryption.encrypted_response(how=Encryption(key_transport=transport, oaep_digest=digest))
    assert verify(root).subject == "alice@example.onaliyun.com"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("sha256", "md5"),
        ("mgf1sha384", "mgf1md5"),
    ],
)
def test_decrypt_assertion__oaep_with_another_digest__refused(old: str, new: str) -> None:
    root = encryption.encrypted_response(how=Encryption(key_transport=OAEP11, oaep_digest=XENC + "sha256"))
    method = factory.find(root, "//xenc:EncryptedKey/xenc:EncryptionMethod")
    etree.SubElement(
        method, "{http://www.w3.org/2009/xmlenc11#}MGF", Algorithm="http://www.w3.org/2009/xmlenc11#mgf1sha384"
    )
    for element in method:
        element.set("Algorithm", element.get("Algorithm").replace(old, new))
    assert refusal(root).reason is Reason.SAML_ENCRYPTION_ALGORITHM


def test_decrypt_assertion__oaep_with_label__is_part_of_the_opening() -> None:
    root = encryption.encrypted_response()
    method = factory.find(root, "//xenc:EncryptedKey/xenc:EncryptionMethod")
    etree.SubElement(method, f"{{{XENC}}}OAEPparams").text = "bGFiZWw="
    assert refusal(root).reason is Reason.SAML_DECRYPTION


SHAPES: dict[str, tuple[str, str]] = {
    "cipher reference": (
        "//xenc:EncryptedData/xenc:CipherData",
        f'<xenc:CipherReference xmlns:xenc="{XENC}" URI="http://127.0.0.1:1/"/>',
    ),
    "second cipher value": (
        "//xenc:EncryptedData/xenc:CipherData",
        f'<xenc:CipherValue xmlns:xenc="{XENC}">AAAA</xenc:CipherValue>',
    ),
    "second key beside": ("//saml:EncryptedAssertion", f'<xenc:EncryptedKey xmlns:xenc="{XENC}"/>'),
    "second key inside": ("//ds:KeyInfo", f'<xenc:EncryptedKey xmlns:xenc="{XENC}"/>'),
    "second data": ("//saml:EncryptedAssertion", f'<xenc:EncryptedData xmlns:xenc="{XENC}"/>'),
    "retrieval elsewhere": ("//ds:KeyInfo", f'<ds:RetrievalMethod xmlns:ds="{DS}" URI="http://127.0.0.1:1/"/>'),
    "retrieval of another element": ("//ds:KeyInfo", f'<ds:RetrievalMethod xmlns:ds="{DS}" URI="#_data"/>'),
    "retrieval with transforms": (
        "//ds:KeyInfo",
        f'<ds:RetrievalMethod xmlns:ds="{DS}" URI="#_key"><ds:Transforms/></ds:RetrievalMethod>',
    ),
    "agreement method": ("//ds:KeyInfo", f'<xenc:AgreementMethod xmlns:xenc="{XENC}"/>'),
    "properties": ("//xenc:EncryptedData", f'<xenc:EncryptionProperties xmlns:xenc="{XENC}"/>'),
    "something beside": ("//saml:EncryptedAssertion", '<x xmlns="urn:x"/>'),
}


@pytest.mark.parametrize("name", SHAPES)
def test_decrypt_assertion__another_shape__refused(name: str) -> None:
    path, addition = SHAPES[name]
    root = encryption.encrypted_response()
    factory.find(root, path).append(etree.fromstring(addition))
    assert refusal(root).reason is Reason.SAML_ENCRYPTION_SHAPE


@pytest.mark.parametrize(
    "path", ["//ds:KeyInfo", "//xenc:EncryptedKey/xenc:CipherData", "//xenc:EncryptedData/xenc:EncryptionMethod"]
)
def test_decrypt_assertion__part_missing__refused(path: str) -> None:
    root = encryption.encrypted_response()
    element = factory.find(root, path)
    element.getparent().remove(element)
    assert refusal(root).reason is Reason.SAML_ENCRYPTION_SHAPE


@pytest.mark.parametrize(
    "kind", [XENC + "Content", "http://www.isi.edu/in-notes/iana/assignments/media-types/text/xml"]
)
def test_decrypt_assertion__type_is_not_element__refused(kind: str) -> None:
    root = encryption.encrypted_response()
    factory.find(root, "//xenc:EncryptedData").set("Type", kind)
    assert refusal(root).reason is Reason.SAML_ENCRYPTION_SHAPE


def plaintext_response(plain: bytes, algorithm: str, *, sign_response: bool) -> Any:
    """A response whose encrypted part holds any bytes at all."""
    return encryption.encrypted_bytes(plain, Encryption(algorithm), sign_response=sign_response)


GOOD = factory.serialize(factory.assertion_of(factory.signed_assertion()))
PLAIN_TEXTS = {
    "not xml": b"x" * 64,
    "empty": b"",
    "two elements": GOOD + GOOD,
    "text before it": b"x" + GOOD,
    "leaves its wrapper": b"</w>" + GOOD + b"<w>",
    "comment": b"<!-- -->" + GOOD,
    "declaration": b'<?xml version="1.0"?>' + GOOD,
    "dtd": b"<!DOCTYPE a>" + GOOD,
    "not utf-8": b"\xff" + GOOD,
    "a response": factory.serialize(factory.signed_assertion()),
    "encrypted again": factory.serialize(factory.find(encryption.encrypted_response(), "//saml:EncryptedAssertion")),
    "only content": b"<saml:Issuer xmlns:saml='" + SAML.encode() + b"'/>",
}


@pytest.mark.parametrize("algorithm", [GCM[2], CBC[2]])
@pytest.mark.parametrize("name", PLAIN_TEXTS)
def test_decrypt_assertion__plain_text_is_no_assertion__one_refusal(algorithm: str, name: str) -> None:
    root = plaintext_response(PLAIN_TEXTS[name], algorithm, sign_response=True)
    error = refusal(root)
    assert (error.reason, error.public) == (
        Reason.SAML_DECRYPTION,
        "the encrypted part of the SAML message can't be decrypted and read",
    )


def test_decrypt_assertion__plain_text_by_hand__opened() -> None:
    for algorithm in (GCM[2], CBC[2]):
        assert verify(plaintext_response(GOOD, algorithm, sign_response=True)).subject == "alice@example.onaliyun.com"


MGF = '<m:MGF xmlns:m="http://www.w3.org/2009/xmlenc11#" Algorithm="http://www.w3.org/2009/xmlenc11#mgf1sha384"/>'


def test_decrypt_assertion__oaep_with_its_own_mask_function_and_label__opened() -> None:
    root = encryption.encrypted_bytes(
        GOOD,
        Encryption(GCM[0], key_transport=OAEP11, oaep_digest=XENC + "sha512"),
        sign_response=False,
        oaep=padding.OAEP(padding.MGF1(hashes.SHA384()), hashes.SHA512(), b"label"),
        key_method=MGF + "<xenc:OAEPparams>bGFiZWw=</xenc:OAEPparams>",
    )
    assert verify(root).subject == "alice@example.onaliyun.com"


@pytest.mark.parametrize(
    "spec",
    [
        Spec(audiences=""),
        Spec(issuer="<saml:Issuer>urn:x</saml:Issuer>"),
        Spec(name_id=""),
        Spec(assertion_id="_response1"),
    ],
    ids=["audience", "issuer", "name id", "duplicate id"],
)
def test_decrypt_assertion__refused_after_cbc__tells_the_log_only(spec: Spec) -> None:
    root = encryption.encrypted_response(spec, Encryption(CBC[2]), sign_assertion=False, sign_response=True)
    error = refusal(root)
    assert (error.reason, error.public) == (
        Reason.SAML_DECRYPTION,
        "the encrypted part of the SAML message can't be decrypted and read",
    )
    assert error.detail is not None
    assert error.detail.startswith("Saml")


@pytest.mark.parametrize(
    "path",
    ["//xenc:EncryptedKey/xenc:CipherData/xenc:CipherValue", "//xenc:EncryptedData/xenc:CipherData/xenc:CipherValue"],
)
@pytest.mark.parametrize("text", ["", "AAAA", "A" * 64, "A" * 344], ids=len)
def test_decrypt_assertion__ciphertext_changed__refused(path: str, text: str) -> None:
    root = encryption.encrypted_response()
    factory.find(root, path).text = text
    assert refusal(root).reason is Reason.SAML_DECRYPTION


@pytest.mark.parametrize("text", ["A", "A" * 43 + "=", "A" * 88], ids=len)
def test_decrypt_assertion__cbc_ciphertext_of_odd_length__refused(text: str) -> None:
    root = encryption.encrypted_response(how=Encryption(CBC[0]), sign_assertion=False)
    factory.find(root, "//xenc:EncryptedData/xenc:CipherData/xenc:CipherValue").text = text
    factory.sign(root, root)
    expected = Reason.SAML_ENCRYPTION_SHAPE if text == "A" else Reason.SAML_DECRYPTION
    assert refusal(root).reason is expected


def test_decrypt_assertion__gcm_taken_for_cbc__refused() -> None:
    """The downgrade that turns a GCM ciphertext into one without integrity."""
    root = encryption.encrypted_response()
    factory.find(root, "//xenc:EncryptedData/xenc:EncryptionMethod").set("Algorithm", CBC[2])
    assert refusal(root).reason is Reason.SAML_ENCRYPTION_ALGORITHM
    factory.sign(root, root)
    assert refusal(root).reason is Reason.SAML_DECRYPTION


def test_decrypt_assertion__content_key_of_another_length__refused() -> None:
    root = encryption.encrypted_bytes(GOOD, Encryption(GCM[0]), sign_response=False)
    factory.find(root, "//xenc:EncryptedData/xenc:EncryptionMethod").set("Algorithm", GCM[2])
    assert refusal(root).reason is Reason.SAML_DECRYPTION


@pytest.mark.parametrize("path", ["//ds:KeyInfo", "//xenc:EncryptedKey", "samlp:Status/samlp:StatusCode"])
def test_decrypt_assertion__signature_beside_the_ciphertext__refused(path: str) -> None:
    root = encryption.encrypted_response()
    signature = factory.find(factory.signed_assertion(), "//ds:Signature")
    if path == "//ds:KeyInfo":
        factory.find(root, "//xenc:EncryptedKey").append(etree.fromstring(f'<ds:KeyInfo xmlns:ds="{DS}"/>'))
        path = "//xenc:EncryptedKey/ds:KeyInfo"
    factory.find(root, path).append(signature)
    assert refusal(root).reason is Reason.SAML_SIGNATURE_PLACE
