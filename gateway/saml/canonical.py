"""Canonical bytes: what a signature really covers, and the only thing that claims are read from.

Rule: Exclusive XML Canonicalization 1.0; XML Signature 1.1 §6.6.4 (enveloped signature).
"""

import threading
from collections.abc import Sequence

from lxml import etree

from gateway.errors import Reason, SamlError
from gateway.saml import name_budget
from gateway.saml.xml import Element


def canonicalize(element: Element, prefixes: Sequence[str]) -> bytes:
    """Exclusive canonical form of an element and what is in it, without comments.

    `prefixes`: the InclusiveNamespaces PrefixList; declarations of ancestors count for it. `#default` in it has no
    effect. That matters only where a default namespace is declared and not used: then the digest will not match.
    Raises: SamlError(SAML_XML_MALFORMED) if there is no canonical form.
    """
    # lxml drops, without a word, prefixes that the thread which writes has never read; the tree may be of another one.
    declared: list[str] = []
    if prefixes and name_budget.new_prefixes(prefixes):
        nsmap = element.nsmap
        declared = [prefix for prefix in dict.fromkeys(prefixes) if prefix in nsmap and prefix != "xml"]
    unknown = name_budget.new_prefixes(declared)
    try:
        if not unknown or name_budget.learn_prefixes(unknown, _read_declarations):
            canonical = _write(element, prefixes)
        else:
            canonical = _write_apart(element, prefixes, declared)
    except (etree.LxmlError, ValueError) as exc:  # a relative namespace name, for one
        raise SamlError(Reason.SAML_XML_MALFORMED, "the SAML message has no canonical form", str(exc)[:200]) from exc
    if not canonical:
        raise SamlError(Reason.SAML_SIGNATURE_DIGEST, "the signature covers nothing")
    return canonical


def _write(element: Element, prefixes: Sequence[str]) -> bytes:
    canonical: bytes = etree.tostring(
        element, method="c14n", exclusive=True, with_comments=False, with_tail=False, inclusive_ns_prefixes=prefixes
    )
    return canonical


def _write_apart(element: Element, prefixes: Sequence[str], declared: Sequence[str]) -> bytes:
    """In a thread that learns the prefixes, all that are `declared`, and takes them with it."""
    written: list[bytes | Exception] = []

    def work() -> None:
        try:
            _read_declarations(declared)
            written.append(_write(element, prefixes))
        except Exception as exc:  # noqa: BLE001 - raised again below
            written.append(exc)

    thread = threading.Thread(target=work, name="saml-write")
    thread.start()
    thread.join()
    if isinstance(written[0], Exception):
        raise written[0]
    return written[0]


def _read_declarations(prefixes: Sequence[str]) -> None:
    """Have this thread know prefixes. They are those of a document that was read, so they are names."""
    etree.fromstring("<x" + "".join(f' xmlns:{prefix}="urn:x"' for prefix in prefixes) + "/>")


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
