"""Encrypts assertions for tests, by the `xmlsec` bindings or, where they can't or won't, by hand."""

import base64
import os
from dataclasses import dataclass

import xmlsec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC
from lxml import etree

from gateway.saml.certificates import EncryptionKey
from tests.saml_factory import DS, SAML, XENC, Node, SigningKey, Spec, assertion_of, find, gateway_keys, sign


@dataclass(frozen=True)
class Encryption:
    """How an assertion is encrypted. `context` keeps the namespaces of the document out of the plain text."""

    algorithm: str = "http://www.w3.org/2009/xmlenc11#aes256-gcm"
    key_transport: str = XENC + "rsa-oaep-mgf1p"
    oaep_digest: str | None = None
    key_beside: bool = False
    context: bool = False
    certificate_pem: str | None = None


def encrypt(root: Node, element: Node | None = None, how: Encryption = Encryption()) -> Node:
    """Replace an assertion by an EncryptedAssertion made by xmlsec. Returns the EncryptedAssertion."""
    element = assertion_of(root) if element is None else element
    parent, index = element.getparent(), element.getparent().index(element)
    if not how.context:
        plain = etree.fromstring(etree.tostring(element, with_tail=False))
        parent.replace(element, plain)
        element = plain
    holder = etree.Element(f"{{{SAML}}}EncryptedAssertion", nsmap={"saml": SAML})
    parent.insert(index, holder)
    holder.append(element)
    data = _encrypted_data(how)
    manager = xmlsec.KeysManager()
    encryption_key: EncryptionKey = gateway_keys().encryption[0]
    pem = how.certificate_pem or encryption_key.certificate_pem
    manager.add_key(xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatCertPem))
    context = xmlsec.EncryptionContext(manager)
    kind = xmlsec.constants.KeyDataDes if "tripledes" in how.algorithm else xmlsec.constants.KeyDataAes
    bits = next(
        bits for bits in (128, 192, 256) if str(bits) in how.algorithm or (bits == 192 and "triple" in how.algorithm)
    )
    context.key = xmlsec.Key.generate(kind, bits, xmlsec.constants.KeyDataTypeSession)
    encrypted = context.encrypt_xml(data, element)
    if how.key_beside:
        move_key_beside(encrypted)
    return holder


def encrypted_bytes(
    plain: bytes,
    how: Encryption,
    *,
    sign_response: bool,
    oaep: padding.OAEP | None = None,
    key_method: str = "",
    blocks_too_many: int = 0,
) -> Node:
    """A response with an encrypted part made by hand, so that it can hold any bytes.

    `key_method`: what stands in the EncryptionMethod of the key, to go with `oaep`; `blocks_too_many`: of padding.
    """
    root = Spec().tree()
    holder = etree.Element(f"{{{SAML}}}EncryptedAssertion", nsmap={"saml": SAML})
    root.replace(assertion_of(root), holder)
    data = _encrypted_data(how)
    holder.append(data)
    content_key = os.urandom(next(bits for bits in (128, 192, 256) if str(bits) in how.algorithm) // 8)
    if how.algorithm.endswith("-gcm"):
        nonce = os.urandom(12)
        cipher = nonce + AESGCM(content_key).encrypt(nonce, plain, None)
    else:
        missing = 16 - len(plain) % 16 + 16 * blocks_too_many
        vector = os.urandom(16)
        encryptor = Cipher(AES(content_key), CBC(vector)).encryptor()
        padded = plain + b"\x00" * (missing - 1) + bytes([missing])
        cipher = vector + encryptor.update(padded) + encryptor.finalize()
    certificate = x509.load_pem_x509_certificate(gateway_keys().encryption[0].certificate_pem.encode())
    public = certificate.public_key()
    assert isinstance(public, rsa.RSAPublicKey)
    oaep = oaep or padding.OAEP(padding.MGF1(hashes.SHA1()), hashes.SHA1(), None)
    wrapped = public.encrypt(content_key, oaep)
    for child in etree.fromstring(f'<x xmlns:ds="{DS}" xmlns:xenc="{XENC}">{key_method}</x>'):
        find(data, ".//xenc:EncryptedKey/xenc:EncryptionMethod").append(child)
    find(data, "xenc:CipherData/xenc:CipherValue").text = base64.b64encode(cipher).decode()
    find(data, ".//xenc:EncryptedKey//xenc:CipherValue").text = base64.b64encode(wrapped).decode()
    if sign_response:
        sign(root, root)
    return root


def _encrypted_data(how: Encryption) -> Node:
    digest = f'<ds:DigestMethod Algorithm="{how.oaep_digest}"/>' if how.oaep_digest else ""
    return etree.fromstring(
        f'<xenc:EncryptedData xmlns:xenc="{XENC}" xmlns:ds="{DS}" Type="{XENC}Element" Id="_data">'
        f'<xenc:EncryptionMethod Algorithm="{how.algorithm}"/>'
        f'<ds:KeyInfo><xenc:EncryptedKey Id="_key"><xenc:EncryptionMethod Algorithm="{how.key_transport}">'
        f"{digest}</xenc:EncryptionMethod><xenc:CipherData><xenc:CipherValue/></xenc:CipherData>"
        f"</xenc:EncryptedKey></ds:KeyInfo>"
        f"<xenc:CipherData><xenc:CipherValue/></xenc:CipherData></xenc:EncryptedData>"
    )


def move_key_beside(encrypted: Node) -> None:
    """EncryptedKey next to the EncryptedData, and a RetrievalMethod that points to it."""
    key = find(encrypted, "ds:KeyInfo/xenc:EncryptedKey")
    info = key.getparent()
    encrypted.addnext(key)
    etree.SubElement(info, f"{{{DS}}}RetrievalMethod", URI="#_key", Type=XENC + "EncryptedKey")


PLAIN = Spec()


def encrypted_response(
    spec: Spec = PLAIN,
    how: Encryption = Encryption(),
    *,
    sign_assertion: bool = True,
    sign_response: bool = False,
    key: SigningKey | None = None,
) -> Node:
    """A response with an encrypted assertion, signed inside, outside, or both."""
    root = spec.tree()
    if sign_assertion:
        sign(root, assertion_of(root), key)
    encrypt(root, how=how)
    if sign_response:
        sign(root, root, key)
    return root
