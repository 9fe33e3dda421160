"""Encrypted assertions, check 11; and encrypted NameIDs of logout requests.

Decrypted with `cryptography` and not by an XML encryption engine: an engine parses the plain text on its own,
before anybody can look at it; here the plain text is bytes that go through the same hardened parser as the rest.

AES-CBC has no integrity, and whoever can have altered ciphertexts decrypted learns the plain text from how they
fail; the same ciphertext taken for CBC breaks GCM too. So:
- AES-CBC is accepted only if the Response's signature, verified before, covers the ciphertext;
- every failure of decryption has one reason and one text, and after AES-CBC so has every later refusal (`response`),
  since another provider's key may have signed around a stolen ciphertext.
RSA PKCS#1 v1.5 key transport is never accepted. SHA-1 is accepted inside OAEP, where nothing rests on collisions,
and since it is what `rsa-oaep-mgf1p` means when nothing else is said.
Rule: XML Encryption 1.1 §5.2, §5.5, §6.1; SAML Core 2.0 §2.3.4, §6; Jager, Paterson, Somorovsky: One Bad Apple (2013).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from xml.sax.saxutils import quoteattr

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC

from gateway.errors import Reason, SamlError
from gateway.saml import tags
from gateway.saml.certificates import EncryptionKey, rsa_private_key
from gateway.saml.tree import check_tree, children_of, text_of
from gateway.saml.xml import Document, Element, decode_base64, parse_document

_GCM_KEY_BYTES = {
    tags.ENCRYPTION11_NS + "aes128-gcm": 16,
    tags.ENCRYPTION11_NS + "aes192-gcm": 24,
    tags.ENCRYPTION11_NS + "aes256-gcm": 32,
}
_CBC_KEY_BYTES = {
    tags.ENCRYPTION_NS + "aes128-cbc": 16,
    tags.ENCRYPTION_NS + "aes192-cbc": 24,
    tags.ENCRYPTION_NS + "aes256-cbc": 32,
}
_OAEP_MGF1P = tags.ENCRYPTION_NS + "rsa-oaep-mgf1p"
_OAEP = tags.ENCRYPTION11_NS + "rsa-oaep"
_SHA1 = tags.SIGNATURE_NS + "sha1"
_OAEP_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    _SHA1: hashes.SHA1(),  # noqa: S303 - see above
    tags.ENCRYPTION_NS + "sha256": hashes.SHA256(),
    "http://www.w3.org/2001/04/xmldsig-more#sha384": hashes.SHA384(),
    tags.ENCRYPTION_NS + "sha512": hashes.SHA512(),
}
_MGF1_SHA1 = tags.ENCRYPTION11_NS + "mgf1sha1"
_MGF1_DIGESTS: dict[str, hashes.HashAlgorithm] = {
    _MGF1_SHA1: hashes.SHA1(),  # noqa: S303
    tags.ENCRYPTION11_NS + "mgf1sha256": hashes.SHA256(),
    tags.ENCRYPTION11_NS + "mgf1sha384": hashes.SHA384(),
    tags.ENCRYPTION11_NS + "mgf1sha512": hashes.SHA512(),
}
_GCM_NONCE_BYTES = 12
_GCM_TAG_BYTES = 16
_BLOCK_BYTES = 16


@dataclass(frozen=True, slots=True)
class Decrypted:
    """An element that was encrypted."""

    document: Document  # its root is the element
    authenticated: bool  # AES-GCM: the plain text is what the holder of the content key encrypted


def undecryptable(detail: str) -> SamlError:
    """The one refusal for everything that goes wrong with a ciphertext."""
    return SamlError(
        Reason.SAML_DECRYPTION, "the encrypted part of the SAML message can't be decrypted and read", detail
    )


def decrypt_assertion(encrypted: Element, keys: Sequence[EncryptionKey], *, covered_by_signature: bool) -> Decrypted:
    """Decrypt an EncryptedAssertion with whichever of our keys fits, and read the plain text.

    Raises: SamlError(SAML_ENCRYPTION_SHAPE | SAML_ENCRYPTION_ALGORITHM) for what is refused before any key is
    used, SamlError(SAML_DECRYPTION) for everything that fails afterwards.
    """
    return _decrypt(encrypted, keys, tags.ASSERTION, takes_cbc=covered_by_signature)


def decrypt_name_id(encrypted: Element, keys: Sequence[EncryptionKey]) -> Element:
    """Decrypt an EncryptedID to a NameID; AES-GCM only. Raises: as `decrypt_assertion`."""
    document = _decrypt(encrypted, keys, tags.NAME_ID, takes_cbc=False).document
    check_tree(document)
    return document.root


def _decrypt(encrypted: Element, keys: Sequence[EncryptionKey], wanted: str, *, takes_cbc: bool) -> Decrypted:
    data, encrypted_key = _parts(encrypted)
    method, cipher = _method_and_cipher(data)
    algorithm = method.get("Algorithm") or ""
    key_bytes = _GCM_KEY_BYTES.get(algorithm) or (_CBC_KEY_BYTES.get(algorithm) if takes_cbc else None)
    if key_bytes is None or len(method):
        hint = "; with AES-CBC the Response must be signed" if algorithm in _CBC_KEY_BYTES else ""
        raise SamlError(
            Reason.SAML_ENCRYPTION_ALGORITHM,
            "the encryption algorithm is not accepted" + hint,
            repr(algorithm[:200]),
        )
    key_method, wrapped = _method_and_cipher(encrypted_key)
    oaep = _oaep(key_method)
    content_key = _unwrap(wrapped, oaep, keys, key_bytes)
    authenticated = algorithm in _GCM_KEY_BYTES
    plain = _open_gcm(content_key, cipher) if authenticated else _open_cbc(content_key, cipher)
    try:
        return Decrypted(_read_in_context(plain, encrypted, wanted), authenticated)
    except SamlError as exc:
        raise undecryptable(f"{exc.reason}: {exc.public} ({exc.detail})") from exc


def _parts(encrypted: Element) -> tuple[Element, Element]:
    """The EncryptedData and the one EncryptedKey: in its KeyInfo, or beside it."""
    outer = _shape(encrypted, {tags.ENCRYPTED_DATA, tags.ENCRYPTED_KEY}, {tags.ENCRYPTED_DATA})
    data = outer[tags.ENCRYPTED_DATA]
    if data.get("Type") not in {None, tags.TYPE_ELEMENT}:
        raise _bad_shape("the encrypted data must be an element")
    inner = _shape(data, {tags.ENCRYPTION_METHOD, tags.KEY_INFO, tags.CIPHER_DATA}, {tags.CIPHER_DATA})
    key_info: dict[str, Element] = {}
    if tags.KEY_INFO in inner:
        allowed = {tags.ENCRYPTED_KEY, tags.RETRIEVAL_METHOD, tags.KEY_NAME, tags.X509_DATA}
        key_info = _shape(inner[tags.KEY_INFO], allowed, set())
    found = [found[tags.ENCRYPTED_KEY] for found in (outer, key_info) if tags.ENCRYPTED_KEY in found]
    if len(found) != 1:
        raise _bad_shape("the encrypted assertion must come with exactly one encrypted key")
    if tags.RETRIEVAL_METHOD in key_info:
        _check_retrieval(key_info[tags.RETRIEVAL_METHOD], found[0])
    return data, found[0]


def _check_retrieval(retrieval: Element, encrypted_key: Element) -> None:
    key_id = encrypted_key.get("Id")
    if (
        not key_id
        or retrieval.get("URI") != "#" + key_id
        or retrieval.get("Type") not in {None, tags.TYPE_ENCRYPTED_KEY}
        or len(retrieval)
    ):
        raise _bad_shape("the encrypted assertion refers to a key elsewhere")


def _method_and_cipher(element: Element) -> tuple[Element, bytes]:
    """The EncryptionMethod and the CipherValue of an EncryptedData or EncryptedKey."""
    allowed = {
        tags.ENCRYPTION_METHOD,
        tags.KEY_INFO,
        tags.CIPHER_DATA,
        tags.CARRIED_KEY_NAME,
        tags.REFERENCE_LIST,
    }
    found = _shape(element, allowed, {tags.ENCRYPTION_METHOD, tags.CIPHER_DATA})
    holder = _shape(found[tags.CIPHER_DATA], {tags.CIPHER_VALUE}, {tags.CIPHER_VALUE})
    text = text_of(holder[tags.CIPHER_VALUE], Reason.SAML_ENCRYPTION_SHAPE)
    return found[tags.ENCRYPTION_METHOD], decode_base64(text, Reason.SAML_ENCRYPTION_SHAPE)


def _oaep(method: Element) -> padding.OAEP:
    algorithm = method.get("Algorithm") or ""
    allowed = {tags.DIGEST_METHOD, tags.OAEP_PARAMS} | ({tags.MGF} if algorithm == _OAEP else set())
    found = _shape(method, allowed, set()) if algorithm in {_OAEP, _OAEP_MGF1P} else {}
    digest = _OAEP_DIGESTS.get(_algorithm_of(found.get(tags.DIGEST_METHOD), _SHA1))
    mgf = _MGF1_DIGESTS.get(_algorithm_of(found.get(tags.MGF), _MGF1_SHA1))
    if algorithm not in {_OAEP, _OAEP_MGF1P} or digest is None or mgf is None:
        raise SamlError(
            Reason.SAML_ENCRYPTION_ALGORITHM,
            "the key transport algorithm of the encrypted assertion is not accepted",
            repr(algorithm[:200]),
        )
    label = None
    if tags.OAEP_PARAMS in found:
        text = text_of(found[tags.OAEP_PARAMS], Reason.SAML_ENCRYPTION_SHAPE)
        label = decode_base64(text, Reason.SAML_ENCRYPTION_SHAPE)
    return padding.OAEP(mgf=padding.MGF1(mgf), algorithm=digest, label=label)


def _algorithm_of(method: Element | None, default: str) -> str:
    return default if method is None else method.get("Algorithm") or ""


def _unwrap(wrapped: bytes, oaep: padding.OAEP, keys: Sequence[EncryptionKey], key_bytes: int) -> bytes:
    for key in keys:
        try:
            content_key = rsa_private_key(key.key_pem).decrypt(wrapped, oaep)
        except ValueError:
            continue
        if len(content_key) == key_bytes:
            return content_key
    raise undecryptable("none of our keys opens the encrypted key")


def _open_gcm(content_key: bytes, cipher: bytes) -> bytes:
    if len(cipher) < _GCM_NONCE_BYTES + _GCM_TAG_BYTES:
        raise undecryptable("the ciphertext is too short")
    try:
        return AESGCM(content_key).decrypt(cipher[:_GCM_NONCE_BYTES], cipher[_GCM_NONCE_BYTES:], None)
    except InvalidTag as exc:
        raise undecryptable("the ciphertext was changed") from exc


def _open_cbc(content_key: bytes, cipher: bytes) -> bytes:
    """The last byte says how many bytes of padding there are; the others may be anything. XML Encryption 1.1 §5.2."""
    if len(cipher) < 2 * _BLOCK_BYTES or len(cipher) % _BLOCK_BYTES:
        raise undecryptable("the ciphertext is no whole number of blocks")
    decryptor = Cipher(AES(content_key), CBC(cipher[:_BLOCK_BYTES])).decryptor()
    padded = decryptor.update(cipher[_BLOCK_BYTES:]) + decryptor.finalize()
    if not 1 <= padded[-1] <= _BLOCK_BYTES:
        raise undecryptable("the padding is wrong")
    return padded[: -padded[-1]]


def _read_in_context(plain: bytes, encrypted: Element, wanted: str) -> Document:
    """Parse the plain text as if it stood where the EncryptedAssertion stands: namespaces declared further out count.

    INVARIANT: the plain text can't leave its wrapper; closing it would leave a second root behind, which is not
    well-formed.
    """
    declared = "".join(
        f" xmlns{':' + prefix if prefix else ''}={quoteattr(uri)}" for prefix, uri in encrypted.nsmap.items()
    )
    document = parse_document(b"<w" + declared.encode() + b">" + plain + b"</w>")
    wrapper = document.root
    if len(wrapper) != 1 or (wrapper.text or "").strip() or (wrapper[0].tail or "").strip():
        raise _bad_shape("the plain text is not one element")
    if wrapper[0].tag != wanted:
        raise _bad_shape("the plain text is not what should be there")
    return replace(document, root=wrapper[0])


def _shape(parent: Element, allowed: set[str], required: set[str]) -> dict[str, Element]:
    found = children_of(parent, allowed, reason=Reason.SAML_ENCRYPTION_SHAPE)
    if not required <= found.keys():
        raise _bad_shape("a part of the encrypted assertion is missing")
    return found


def _bad_shape(public: str) -> SamlError:
    return SamlError(Reason.SAML_ENCRYPTION_SHAPE, public)
