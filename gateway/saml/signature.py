"""XML signatures of one fixed profile: enveloped, exclusive canonicalization, one Reference to the parent element.

A fixed profile instead of an XML signature engine: no transform runs that isn't named here, nothing is looked up
in the document, `KeyInfo` is never read. The result is the canonical bytes, so a caller can't read anything else.
Rule: SAML Core 2.0 §5.4; XML Signature 1.1; W3C XML Signature Best Practices.
"""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.errors import Reason, SamlError
from gateway.saml import tags
from gateway.saml.algorithms import DIGESTS, fits, is_known, verifies
from gateway.saml.canonical import canonicalize, take_out
from gateway.saml.certificates import TrustedCertificate, public_key_of
from gateway.saml.tree import text_of
from gateway.saml.xml import Element, decode_base64

_C14N_METHODS = frozenset({tags.EXCLUSIVE_C14N, tags.EXCLUSIVE_C14N + "WithComments"})  # equal: comments are refused
_SIGNATURE_CHILDREN = (
    [tags.SIGNED_INFO, tags.SIGNATURE_VALUE],
    [tags.SIGNED_INFO, tags.SIGNATURE_VALUE, tags.KEY_INFO],
)
_SIGNED_INFO_CHILDREN = ([tags.CANONICALIZATION_METHOD, tags.SIGNATURE_METHOD, tags.REFERENCE],)
_REFERENCE_CHILDREN = ([tags.TRANSFORMS, tags.DIGEST_METHOD, tags.DIGEST_VALUE],)
_TRANSFORMS_CHILDREN = ([tags.TRANSFORM, tags.TRANSFORM],)
_MAX_PREFIXES = 32


@dataclass(frozen=True, slots=True)
class SignedNode:
    """The canonical bytes of a node whose signature was verified, and the certificate that did it."""

    canonical: bytes
    certificate: TrustedCertificate


@dataclass(frozen=True, slots=True)
class SignedDigest:
    """What a verified SignedInfo says of an element that is yet to be digested."""

    digest_name: str
    digest_value: bytes
    prefixes: Sequence[str]  # of its exclusive canonicalization
    certificate: TrustedCertificate


@dataclass(frozen=True, slots=True)
class _Profile:
    """What one Signature says, everything checked that can be checked without a key."""

    signed_info: bytes  # canonical
    signature_algorithm: str
    signature_value: bytes
    digest_name: str
    digest_value: bytes
    prefixes: Sequence[str]


def verify_enveloped(parent: Element, signature: Element, certificates: Sequence[TrustedCertificate]) -> SignedNode:
    """Verify the Signature that is a child of `parent` and covers it; takes the Signature out of the tree.

    Refused: any other shape of Signature, a Reference to anything but `#` and the parent's own ID, transforms
    other than enveloped-signature and exclusive canonicalization in this order, algorithms off the allow-list or
    unfit for the key, a wrong digest, a signature that none of `certificates` verifies.
    Raises: SamlError(SAML_SIGNATURE_SHAPE | SAML_SIGNATURE_REFERENCE | SAML_SIGNATURE_ALGORITHM |
    SAML_SIGNATURE_DIGEST | SAML_SIGNATURE_VALUE).
    """
    profile = _read_profile(signature, parent.get("ID"))
    take_out(parent, signature)
    canonical = canonicalize(parent, profile.prefixes)
    digest = hashlib.new(profile.digest_name, canonical).digest()
    if not hmac.compare_digest(digest, profile.digest_value):
        raise SamlError(Reason.SAML_SIGNATURE_DIGEST, "the signed part of the SAML message was changed")
    signer = find_signer(profile.signature_algorithm, profile.signature_value, profile.signed_info, certificates)
    return SignedNode(canonical=canonical, certificate=signer)


def verify_signed_info(
    signature: Element, parent_id: str | None, certificates: Sequence[TrustedCertificate]
) -> SignedDigest:
    """The half of `verify_enveloped` that needs the Signature only, for a parent that is too large for a tree.

    INVARIANT: nothing is verified before the caller has compared the digest of the parent without the Signature.
    Raises: as `verify_enveloped`.
    """
    profile = _read_profile(signature, parent_id)
    signer = find_signer(profile.signature_algorithm, profile.signature_value, profile.signed_info, certificates)
    return SignedDigest(profile.digest_name, profile.digest_value, profile.prefixes, signer)


def find_signer(
    algorithm: str, signature: bytes, data: bytes, certificates: Sequence[TrustedCertificate]
) -> TrustedCertificate:
    """The certificate whose key made this signature over `data`.

    Raises: SamlError(SAML_SIGNATURE_ALGORITHM) for one off the allow-list or unfit for every key,
    SamlError(SAML_SIGNATURE_VALUE).
    """
    fitting = False
    for certificate in certificates:
        key = public_key_of(certificate.der)
        if verifies(algorithm, key, signature, data):
            return certificate
        fitting = fitting or fits(algorithm, key)
    if certificates and not fitting:
        raise SamlError(
            Reason.SAML_SIGNATURE_ALGORITHM,
            "the signature algorithm does not fit the keys of the identity provider",
            repr(algorithm[:200]),
        )
    raise SamlError(
        Reason.SAML_SIGNATURE_VALUE,
        "the SAML message is not signed by a registered certificate of the identity provider",
        ", ".join(certificate.fingerprint for certificate in certificates) or "no certificate is registered",
    )


def _read_profile(signature: Element, parent_id: str | None) -> _Profile:
    signed_info, value = _children(signature, _SIGNATURE_CHILDREN)[:2]
    c14n_method, signature_method, reference = _children(signed_info, _SIGNED_INFO_CHILDREN)
    transforms, digest_method, digest_value = _children(reference, _REFERENCE_CHILDREN)
    if not parent_id or reference.get("URI") != "#" + parent_id:
        raise SamlError(
            Reason.SAML_SIGNATURE_REFERENCE,
            "the signature must cover the element that it stands in",
            repr((reference.get("URI") or "")[:200]),
        )
    if c14n_method.get("Algorithm") not in _C14N_METHODS:
        raise _bad_algorithm("canonicalization", c14n_method)
    algorithm = signature_method.get("Algorithm") or ""
    if not is_known(algorithm) or len(signature_method):
        raise _bad_algorithm("signature", signature_method)
    digest_name = DIGESTS.get(digest_method.get("Algorithm") or "")
    if digest_name is None or len(digest_method):
        raise _bad_algorithm("digest", digest_method)
    return _Profile(
        signed_info=canonicalize(signed_info, _prefixes(c14n_method)),
        signature_algorithm=algorithm,
        signature_value=_bytes_in(value),
        digest_name=digest_name,
        digest_value=_bytes_in(digest_value),
        prefixes=_transform_prefixes(transforms),
    )


def _transform_prefixes(transforms: Element) -> Sequence[str]:
    enveloped, exclusive = _children(transforms, _TRANSFORMS_CHILDREN, Reason.SAML_SIGNATURE_REFERENCE)
    if (
        enveloped.get("Algorithm") != tags.ENVELOPED_SIGNATURE
        or len(enveloped)
        or exclusive.get("Algorithm") not in _C14N_METHODS
    ):
        raise SamlError(
            Reason.SAML_SIGNATURE_REFERENCE,
            "the signature's transforms must be enveloped-signature and exclusive canonicalization",
            ", ".join((transform.get("Algorithm") or "")[:100] for transform in transforms),
        )
    return _prefixes(exclusive)


def _prefixes(method: Element) -> Sequence[str]:
    """The PrefixList of an exclusive canonicalization. Rule: Exclusive XML Canonicalization 1.0 §4."""
    if not len(method):
        return ()
    (inclusive,) = _children(method, ([tags.INCLUSIVE_NAMESPACES],))
    prefixes = (inclusive.get("PrefixList") or "").split()
    if len(prefixes) > _MAX_PREFIXES:
        raise SamlError(Reason.SAML_SIGNATURE_SHAPE, "the signature lists too many namespace prefixes")
    return prefixes


def _children(
    parent: Element, allowed: Sequence[list[str]], reason: Reason = Reason.SAML_SIGNATURE_SHAPE
) -> list[Element]:
    children = list(parent)
    if [child.tag for child in children] not in allowed:
        raise SamlError(
            reason,
            f"the signature's `{parent.tag.rpartition('}')[2]}` does not hold exactly what it must",
            ", ".join(child.tag for child in children)[:300],
        )
    return children


def _bytes_in(element: Element) -> bytes:
    return decode_base64(text_of(element, Reason.SAML_SIGNATURE_SHAPE), Reason.SAML_SIGNATURE_SHAPE)


def _bad_algorithm(kind: str, method: Element) -> SamlError:
    return SamlError(
        Reason.SAML_SIGNATURE_ALGORITHM,
        f"the {kind} algorithm of the SAML message is not accepted",
        repr((method.get("Algorithm") or "")[:200]),
    )
