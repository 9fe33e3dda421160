"""Metadata from bytes to a tree: the hardened parser, in the words that help whoever registers a file."""

from typing import Any

from lxml import etree

from gateway.errors import Reason, SamlError
from gateway.saml.xml import parse_apart

MAX_BYTES = 1024 * 1024
# Each name is written out with its namespace when it is read: a long one used often would fill the memory.
_MAX_NAMESPACE = 256
_ADVICE = {
    Reason.SAML_ENCODING: "The metadata is not in UTF-8: save it as UTF-8.",
    Reason.SAML_DTD: "The metadata has a document type declaration: remove it.",
    Reason.SAML_CDATA: "The metadata has a CDATA section: download it again or write the text without it.",
    Reason.SAML_COMMENT_OR_PI: "The metadata has a processing instruction or an unfinished comment: remove it.",
}


def read_metadata_tree(xml: bytes) -> Any:
    """The root element of a document of one provider; comments are left out.

    Refused: over 1 MB; XML that is malformed or holds a DTD, CDATA, a processing instruction or a namespace of over
    256 characters.
    Raises: SamlError(METADATA_MALFORMED).
    """
    if len(xml) > MAX_BYTES:
        raise _malformed("The metadata is larger than 1 MB: export this one identity provider, not a federation.")
    try:
        root: Any = parse_apart(_without_comments(xml), max_bytes=MAX_BYTES)
    except SamlError as exc:
        advice = _ADVICE.get(exc.reason, "The file is not well-formed XML: download the metadata again.")
        raise _malformed(advice, exc.detail) from exc
    if any(len(uri) > _MAX_NAMESPACE for _, (_, uri) in etree.iterwalk(root, events=("start-ns",))):
        raise _malformed(f"The metadata has a namespace of more than {_MAX_NAMESPACE} characters: shorten it.")
    return root


def _without_comments(xml: bytes) -> bytes:
    """Exports often carry comments. They are cut out before parsing, so that none can split a value in two.

    Text that only looks like a comment would have to stand in CDATA or in a processing instruction: both remain
    and are refused by the parser.
    """
    kept = []
    position = 0
    while (start := xml.find(b"<!--", position)) >= 0 and (end := xml.find(b"-->", start + 4)) >= 0:
        kept.append(xml[position:start])
        position = end + 3
    return b"".join([*kept, xml[position:]])


def _malformed(public: str, detail: str | None = None) -> SamlError:
    return SamlError(Reason.METADATA_MALFORMED, public, detail)
