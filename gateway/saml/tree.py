"""The tree of a message: check 3, and the strict ways of reading an element that every later check uses."""

import re
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from lxml import etree

from gateway.errors import Reason, SamlError
from gateway.saml import name_budget
from gateway.saml.xml import Document, Element

MAX_DEPTH = 32
# Both lxml and canonicalization write a namespace out again for each name that uses it, so a long one used often
# would make gigabytes of a small message, before its signature can be checked.
_MAX_NAMESPACE = 256
_MAX_NAMES = 256 * 1024
_MAX_ATTRIBUTES = 64  # on one element: canonicalization sorts them in quadratic time
_ID_NAMES = frozenset({"ID", "Id", "id", "{http://www.w3.org/XML/1998/namespace}id"})
_COUNTED = ("Response", "Assertion", "EncryptedAssertion", "Signature")
_find_blank_texts = etree.XPath("//text()[not(normalize-space())]", smart_strings=False)
_find_too_deep = etree.XPath("boolean(" + "/*" * (MAX_DEPTH + 1) + ")")
_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]{0,255}")
_INSTANT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,18})?(?:Z|[+-][0-9]{2}:[0-9]{2})"
)
_YEARS = range(1970, 9999)  # so that a time zone or skew can be added without running out of years


class Census(NamedTuple):
    """What the whole tree holds, by local name, wherever it stands and whatever its namespace."""

    assertions: int
    signatures: int
    ids: AbstractSet[str]
    elements: Sequence[Element]  # all of them; while they are held lxml does not make each anew when it is read again


def check_tree(document: Document, ids_outside: AbstractSet[str] = frozenset(), *, enveloped: bool = False) -> Census:
    """Check 3: look at the whole tree once.

    Refused: more than 32 levels, more than 64 attributes on an element, namespaces of more than 256 characters,
    names of more than 256 KB with their namespaces written out, one value in two attributes ID, Id, id or xml:id
    (`ids_outside`: those of the document that an encrypted part came in), nodes that are not elements, a second
    Response, or one below the root unless it came `enveloped`, a second assertion.
    Raises: SamlError(SAML_TOO_DEEP | SAML_TOO_LARGE | SAML_DUPLICATE_ID | SAML_COMMENT_OR_PI | SAML_SHAPE |
    SAML_ASSERTION_COUNT).
    """
    root = document.root
    if _find_too_deep(root):
        raise SamlError(Reason.SAML_TOO_DEEP, f"the SAML message nests deeper than {MAX_DEPTH} elements")
    declared = [declaration for _, declaration in etree.iterwalk(root, events=("start-ns",))]
    if any(len(uri) > _MAX_NAMESPACE for _, uri in declared):
        raise SamlError(Reason.SAML_TOO_LARGE, "the SAML message holds a namespace that is too long")
    elements = list(root.iter())
    tags_seen, attributes_seen, ids = _read_names(elements)
    ids += ids_outside
    try:
        length = len("".join(tags_seen)) + len("".join(attributes_seen))
    except TypeError as exc:  # the tag of a comment is a function; bytes were searched for these before
        raise SamlError(Reason.SAML_COMMENT_OR_PI, "the SAML message holds a node that is no element") from exc
    if length > _MAX_NAMES:
        raise SamlError(Reason.SAML_TOO_LARGE, "the SAML message holds too many or too long names")
    if document.charged:
        namespaces = [f"{prefix}={uri}" for prefix, uri in declared]
        blanks = _find_blank_texts(root) if document.may_hold_blanks else ()
        name_budget.settle(document.charged, tags_seen, attributes_seen, namespaces, blanks)
    distinct = frozenset(ids)
    if len(ids) != len(distinct):
        raise SamlError(Reason.SAML_DUPLICATE_ID, "two elements share an ID")
    return _census(tags_seen, distinct, elements, enveloped=enveloped)


def _read_names(elements: Sequence[Element]) -> tuple[list[str], list[str], list[str]]:
    """Every tag, every attribute name and every ID, in the order of the document."""
    tags_seen: list[str] = []
    attributes_seen: list[str] = []
    ids: list[str] = []
    for element in elements:
        tags_seen.append(element.tag)
        names = element.keys()
        if names:
            if len(names) > _MAX_ATTRIBUTES:
                raise SamlError(Reason.SAML_TOO_LARGE, "an element of the SAML message has too many attributes")
            attributes_seen += names
            if not _ID_NAMES.isdisjoint(names):
                ids += [element.get(name) or "" for name in names if name in _ID_NAMES]
    return tags_seen, attributes_seen, ids


def _census(tags_seen: list[str], ids: AbstractSet[str], elements: Sequence[Element], *, enveloped: bool) -> Census:
    """Raises: SamlError(SAML_SHAPE) for a Response below the root, SamlError(SAML_ASSERTION_COUNT)."""
    counts = dict.fromkeys(_COUNTED, 0)
    for tag in set(tags_seen):
        name = tag.rpartition("}")[2]
        if name in counts:
            counts[name] += tags_seen.count(tag)
    below = counts["Response"] and tags_seen[0].rpartition("}")[2] != "Response"
    if counts["Response"] > 1 or (below and not enveloped):
        raise SamlError(Reason.SAML_SHAPE, "the SAML message holds a second Response")
    assertions = counts["Assertion"] + counts["EncryptedAssertion"]
    if assertions > 1:
        raise SamlError(
            Reason.SAML_ASSERTION_COUNT, "the SAML message holds more than one assertion", f"{assertions} of them"
        )
    return Census(assertions=assertions, signatures=counts["Signature"], ids=ids, elements=elements)


def children_of(
    parent: Element,
    once: AbstractSet[str],
    many: AbstractSet[str] = frozenset(),
    *,
    reason: Reason = Reason.SAML_SHAPE,
) -> dict[str, Element]:
    """The children of an element by tag; for a tag of `many` the first one.

    Refused: children in neither set, and a second child of a tag in `once`.
    Raises: SamlError(`reason`).
    """
    found: dict[str, Element] = {}
    for child in parent:
        tag = child.tag
        if tag in once:
            if tag in found:
                raise SamlError(reason, f"an element is there twice in `{local_name(parent)}`", local_name(child))
            found[tag] = child
        elif tag in many:
            found.setdefault(tag, child)
        else:
            raise SamlError(reason, f"an element is not expected in `{local_name(parent)}`", tag[:200])
    return found


def text_of(element: Element, reason: Reason) -> str:
    """The text of an element that holds nothing but text, unchanged.

    Raises: SamlError(`reason`) if it has child elements.
    """
    if len(element):
        raise SamlError(reason, f"`{local_name(element)}` must hold plain text")
    return element.text or ""


def local_name(element: Element) -> str:
    return element.tag.rpartition("}")[2][:100]


def check_frame(element: Element, now: datetime, skew: timedelta) -> datetime:
    """Checks 4 and 13: what a Response and an Assertion have in common. Returns the IssueInstant.

    Raises: SamlError(SAML_VERSION) unless Version is 2.0, SamlError(SAML_SHAPE) without a usable ID,
    SamlError(SAML_TIME | SAML_ISSUE_INSTANT) without an IssueInstant or with one from the future.
    Rule: SAML Core 2.0 §2.3.3, §3.2.2.
    """
    if element.get("Version") != "2.0":
        raise SamlError(Reason.SAML_VERSION, f"`{local_name(element)}` is not of SAML version 2.0")
    if not _ID.fullmatch(element.get("ID") or ""):
        raise SamlError(Reason.SAML_SHAPE, f"`{local_name(element)}` has no usable ID")
    issued_at = parse_instant(element.get("IssueInstant") or "")
    if issued_at - skew > now:
        raise SamlError(Reason.SAML_ISSUE_INSTANT, "the SAML message is from the future", issued_at.isoformat())
    return issued_at


def parse_instant(text: str) -> datetime:
    """An xs:dateTime with a time zone, cut to microseconds.

    ASSUMPTION: SAML wants UTC written as `Z`; an offset says the same and is accepted, no time zone at all is not.
    Raises: SamlError(SAML_TIME).
    Rule: SAML Core 2.0 §1.3.3.
    """
    try:
        instant = datetime.fromisoformat(text) if _INSTANT.fullmatch(text) else None
    except ValueError:
        instant = None
    if instant is None or instant.year not in _YEARS:
        raise SamlError(Reason.SAML_TIME, "a time in the SAML message can't be read", repr(text[:60]))
    return instant if instant.tzinfo is UTC else instant.astimezone(UTC)


def optional_instant(element: Element, attribute: str) -> datetime | None:
    """Raises: SamlError(SAML_TIME) if the attribute is there and can't be read."""
    text = element.get(attribute)
    return None if text is None else parse_instant(text)
