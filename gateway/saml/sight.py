"""What a received response says, read for an administrator to look at. Nothing in it is verified.

Only what passed checks 1 to 3 is looked at. Reading never fails: what is missing or doubled is left out, since it is a
failed login, more often than not, that somebody wants to look at.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import SamlError
from gateway.login_verdict import SaidAttribute, Value, value_of, values_of
from gateway.saml import tags
from gateway.saml.certificates import EncryptionKey, TrustedCertificate, parse_certificate
from gateway.saml.decryption import decrypt_assertion
from gateway.saml.signature import verify_enveloped
from gateway.saml.tree import check_tree
from gateway.saml.xml import Element, decode_base64, parse_document

NAME_ID = "NameID"
ATTRIBUTE = "attribute value"
_X509_CERTIFICATE = f"{{{tags.SIGNATURE_NS}}}X509Certificate"


@dataclass(frozen=True, slots=True)
class Sight:
    """A response, and its assertion where it is plain or could be decrypted."""

    response: Element
    assertion: Element | None
    encrypted: bool

    @property
    def issuer(self) -> str:
        """Who it claims to be from: the Issuer of the assertion, else of the response; empty if it says nothing."""
        inner = "" if self.assertion is None else text_under(self.assertion, tags.ISSUER)
        return inner or text_under(self.response, tags.ISSUER)

    @property
    def in_response_to(self) -> str | None:
        return self.response.get("InResponseTo")


def look_at(encoded: str | bytes, keys: Sequence[EncryptionKey] = ()) -> Sight | None:
    """None for what checks 1 to 3 refuse, and for another message than a Response."""
    try:
        document = parse_document(decode_base64(encoded))
        ids = check_tree(document).ids
    except SamlError:
        return None
    response = document.root
    if response.tag != tags.RESPONSE:
        return None
    encrypted = child(response, tags.ENCRYPTED_ASSERTION)
    plain = child(response, tags.ASSERTION)
    if plain is None and encrypted is not None and keys:
        try:
            # Our own eyes only: what a CBC ciphertext opens to is not told apart in any answer to strangers.
            signed = child(response, tags.SIGNATURE) is not None
            opened = decrypt_assertion(encrypted, keys, covered_by_signature=signed)
            check_tree(opened.document, ids)
            plain = opened.document.root
        except SamlError:
            plain = None
    return Sight(response, plain, encrypted is not None)


def signer_of(
    encoded: str, certificates: Sequence[TrustedCertificate], tag: str, keys: Sequence[EncryptionKey] = ()
) -> TrustedCertificate | None:
    """The certificate that verifies the Signature of the Response or of the assertion (`tag`), if one does."""
    sight = look_at(encoded, keys)  # anew: verifying takes the Signature out of the tree
    parent = None if sight is None else (sight.response if tag == tags.RESPONSE else sight.assertion)
    signature = None if parent is None else child(parent, tags.SIGNATURE)
    if parent is None or signature is None:
        return None
    try:
        return verify_enveloped(parent, signature, certificates).certificate
    except SamlError:
        return None


def signature_values(parent: Element | None) -> tuple[Value, ...]:
    """How the Response or the assertion is signed, and the certificate that the message carries, by fingerprint."""
    signature = None if parent is None else child(parent, tags.SIGNATURE)
    if signature is None:
        return ()
    algorithms = [
        each.get("Algorithm") or ""
        for each in signature.iter()
        if each.tag in {tags.SIGNATURE_METHOD, tags.DIGEST_METHOD}
    ]
    carried = [_fingerprint(each.text or "") for each in signature.iter() if each.tag == _X509_CERTIFICATE]
    return (
        *values_of(algorithms[:4]),
        *(value_of(f"carries the certificate {found}") for found in carried[:4] if found),
    )


def said_attributes(assertion: Element | None) -> tuple[SaidAttribute, ...]:
    if assertion is None:
        return ()
    found = [
        attribute
        for statement in children(assertion, tags.ATTRIBUTE_STATEMENT)
        for attribute in children(statement, tags.ATTRIBUTE)
    ]
    return tuple(
        SaidAttribute(
            value_of(attribute.get("Name") or "").text,
            values_of([each.text or "" for each in children(attribute, tags.ATTRIBUTE_VALUE)], ATTRIBUTE),
        )
        for attribute in found[:60]
    )


def child(parent: Element | None, tag: str) -> Element | None:
    found = [] if parent is None else children(parent, tag)
    return found[0] if found else None


def children(parent: Element, tag: str) -> list[Element]:
    return [each for each in parent if each.tag == tag]


def text_under(parent: Element | None, tag: str) -> str:
    found = child(parent, tag)
    return "" if found is None else found.text or ""


def attribute_values(element: Element | None, *names: str) -> tuple[Value, ...]:
    """`Name=value` for each of these attributes that is there."""
    if element is None:
        return ()
    return tuple(value_of(f"{name} {element.get(name)}") for name in names if element.get(name) is not None)


def _fingerprint(text: str) -> str:
    try:
        return parse_certificate(text.encode()).fingerprint
    except (SamlError, UnicodeEncodeError):
        return ""
