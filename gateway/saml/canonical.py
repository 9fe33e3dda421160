"""Canonical bytes: what a signature really covers, and the only thing that claims are read from.

Rule: Exclusive XML Canonicalization 1.0; XML Signature 1.1 §6.6.4 (enveloped signature).
"""

from collections.abc import Sequence

from lxml import etree

from gateway.errors import Reason, SamlError
from gateway.saml.xml import Element


def canonicalize(element: Element, prefixes: Sequence[str]) -> bytes:
    """Exclusive canonical form of an element and what is in it, without comments.

    `prefixes`: the InclusiveNamespaces PrefixList; declarations of ancestors count for it. `#default` in it has no
    effect. That matters only where a default namespace is declared and not used: then the digest will not match.
    Raises: SamlError(SAML_XML_MALFORMED) if there is no canonical form.
    """
    try:
        canonical: bytes = etree.tostring(
            element, method="c14n", exclusive=True, with_comments=False, with_tail=False, inclusive_ns_prefixes=prefixes
        )
    except (etree.LxmlError, ValueError) as exc:  # a relative namespace name, for one
        raise SamlError(Reason.SAML_XML_MALFORMED, "the SAML message has no canonical form", str(exc)[:200]) from exc
    if not canonical:
        raise SamlError(Reason.SAML_SIGNATURE_DIGEST, "the signature covers nothing")
    return canonical


def take_out(parent: Element, child: Element) -> None:
    """Remove a child and nothing else: the text behind it, which belongs to the parent, stays."""
    tail = child.tail
    before = child.getprevious()
    parent.remove(child)
    if tail:
        if before is None:
            parent.text = (parent.text or "") + tail
        else:
            before.tail = (before.tail or "") + tail
