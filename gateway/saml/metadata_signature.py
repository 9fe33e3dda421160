"""The signature of a metadata document, under certificates that an administrator pinned.

The same fixed profile as for messages (`signature`). What comes back is the canonical form of what was signed; the
received document must not be read any more. `aggregate` does the same for documents too large for a tree.
Rule: SAML Metadata 2.0 §3; SAML Metadata Interoperability Profile 1.0 §2.6.
"""

from typing import Any

from lxml import etree

from gateway.errors import Reason, SamlError
from gateway.saml import tags
from gateway.saml.certificates import TrustedCertificate
from gateway.saml.metadata_xml import MAX_BYTES, read_metadata_tree
from gateway.saml.signature import verify_enveloped

METADATA_NS = "urn:oasis:names:tc:SAML:2.0:metadata"
ENTITY = f"{{{METADATA_NS}}}EntityDescriptor"
ENTITIES = f"{{{METADATA_NS}}}EntitiesDescriptor"
MAX_DEPTH = 32
# Canonicalization sorts the attributes of an element in quadratic time, and writes out a namespace wherever it is used.
MAX_ATTRIBUTES = 64
_MAX_NAMES = 4 * MAX_BYTES
_find_too_deep = etree.XPath("boolean(" + "/*" * (MAX_DEPTH + 1) + ")")
_find_same_id = etree.XPath("count(//@*[local-name() = 'ID' or local-name() = 'Id' or local-name() = 'id'][. = $id])")


def verify_metadata(xml: bytes, anchors: tuple[TrustedCertificate, ...]) -> bytes:
    """The canonical bytes of a document of up to 1 MB that one of `anchors` signed; read these and nothing else.

    Refused: no anchor; another root than EntityDescriptor or EntitiesDescriptor; a root that does not have exactly
    one Signature as its own child, whose one Reference covers the root by its ID, an ID that nothing else has;
    algorithms off the allow-list of messages, which has no SHA-1; certificates in KeyInfo count for nothing. Signatures
    further inside are content under the one of the root. Whether a certificate expired does not matter: pinning the
    key is what makes it trusted.
    Raises: SamlError(METADATA_SIGNATURE), SamlError(METADATA_MALFORMED) for what is no document of at most 1 MB.
    """
    root = read_metadata_tree(xml)
    _check_bounds(root)
    return verify_root(root, anchors)


def verify_root(root: Any, anchors: tuple[TrustedCertificate, ...]) -> bytes:
    """The same for a tree. Raises: SamlError(METADATA_SIGNATURE)."""
    signature = root_signature(root)
    if not anchors:
        raise refused("There is no trust anchor to check the signature of the metadata with: register one.")
    try:
        return verify_enveloped(root, signature, anchors).canonical
    except SamlError as exc:
        raise explained(exc) from exc


def root_signature(root: Any) -> Any:
    """The one Signature of the root, shape unchecked. Raises: SamlError(METADATA_SIGNATURE)."""
    if root.tag not in {ENTITY, ENTITIES}:
        raise refused("The file is not SAML 2.0 metadata: its outermost element must be EntityDescriptor.", root.tag)
    signatures = [child for child in root if child.tag == tags.SIGNATURE]
    if not signatures:
        raise refused(
            "The metadata is not signed, and its source has a trust anchor: ask for the signed document, or remove "
            "the trust anchor if the source never signs."
        )
    if len(signatures) > 1:
        raise refused("The metadata holds more than one signature of the whole: download it again.")
    if _find_same_id(root, id=root.get("ID") or "") != 1:
        raise refused("The signed part of the metadata has no ID of its own: download it again.")
    return signatures[0]


def explained(exc: SamlError) -> SamlError:
    """A refusal of `signature`, said of metadata, with what to do."""
    return refused(_CURES.get(exc.reason, _SHAPE), f"{exc.reason}: {exc.public} ({exc.detail})")


def refused(public: str, detail: str | None = None) -> SamlError:
    return SamlError(Reason.METADATA_SIGNATURE, public, detail)


_SHAPE = (
    "The signature of the metadata is not of the form that is accepted here: one enveloped signature of the whole "
    "document, by its ID, exclusive canonicalization. Ask whoever publishes the metadata."
)
_CURES = {
    Reason.SAML_SIGNATURE_ALGORITHM: (
        "The metadata is signed with an algorithm that is not accepted, or that does not fit the trust anchor: ask "
        "whoever publishes it for SHA-256 or better, and compare the trust anchor with the published one."
    ),
    Reason.SAML_SIGNATURE_DIGEST: (
        "The metadata was changed after it was signed: download it again, from the publisher itself."
    ),
    Reason.SAML_SIGNATURE_VALUE: (
        "The metadata is not signed by the trust anchor: compare the anchor's fingerprint with the one that the "
        "publisher announces; if its key changed, register the new certificate as a trust anchor."
    ),
}


def _check_bounds(root: Any) -> None:
    names = 0
    if _find_too_deep(root):
        raise _costly(f"The metadata nests deeper than {MAX_DEPTH} elements: download it again.")
    for element in root.iter():
        keys = element.keys()
        names += len(element.tag) + sum(map(len, keys))
        if len(keys) > MAX_ATTRIBUTES or len(element.nsmap) > MAX_ATTRIBUTES:
            raise _costly(f"An element of the metadata has more than {MAX_ATTRIBUTES} attributes: download it again.")
    if names > _MAX_NAMES:
        raise _costly("The metadata holds too many long names: download it again.")


def _costly(public: str) -> SamlError:
    return SamlError(Reason.METADATA_MALFORMED, public)
