"""Exclusive canonical form written while a document passes by, for documents that are too large for a tree.

The same form as `canonical`, of a whole document. Memory is that of the open elements.
Rule: Exclusive XML Canonicalization 1.0 §3, without comments; Canonical XML 1.0 §2.3.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from gateway.errors import Reason, SamlError
from gateway.saml.metadata_signature import MAX_ATTRIBUTES, MAX_DEPTH

XMLNS = "http://www.w3.org/2000/xmlns/"
XML = "http://www.w3.org/XML/1998/namespace"
_MAX_NAMESPACE = 256
_MAX_NAME = 256
_MAX_NAMES = 4096  # different ones in a document
_FLUSH_AT = 512  # pieces
_TEXT = re.compile(r"[&<>\r]")
_VALUE = re.compile(r'[&<"\t\n\r]')
_NAME = re.compile(r"(?:([^:]+):)?([^:]+)")

Scope = Mapping[str, str]  # prefix -> namespace; "" is the default namespace


class _Open(NamedTuple):
    """What was true outside of an open element."""

    scope: Scope
    rendered: Scope


class CanonicalWriter:
    """Gets the events of a parser that does not know namespaces, and gives the canonical bytes to `sink`.

    `prefixes`: the InclusiveNamespaces PrefixList. Refused: more than 32 levels, more than 64 attributes on an element,
    names and namespaces of over 256 characters, more than 4096 different names, prefixes that are not declared.
    Raises: SamlError(METADATA_MALFORMED).
    """

    def __init__(self, sink: Callable[[bytes], None], prefixes: Sequence[str]) -> None:
        self.written = 0  # bytes given to the sink
        self.rendered: Scope = {"": ""}  # the declarations that are written around the current place
        self._sink = sink
        self._inclusive = tuple("" if prefix == "#default" else prefix for prefix in prefixes)
        self._scope: Scope = {"": "", "xml": XML}
        self._open: list[_Open] = []
        self._names: dict[str, tuple[str, str]] = {}
        self._pieces: list[str] = []

    def start(self, name: str, attributes: Sequence[str]) -> None:
        """`attributes`: names and values by turns."""
        if len(self._open) >= MAX_DEPTH or len(attributes) > 2 * MAX_ATTRIBUTES:
            raise malformed(f"has more than {MAX_DEPTH} levels or more than {MAX_ATTRIBUTES} attributes on one element")
        outside = _Open(self._scope, self.rendered)
        self._open.append(outside)
        prefix = (self._names.get(name) or self.split(name))[0]
        if not attributes and self.rendered.get(prefix) == self._scope.get(prefix) is not None:
            self._write(f"<{name}>")  # most elements
            return
        plain = self._declare(attributes)
        declarations = self._declarations(prefix, plain, changed=self._scope is not outside.scope)
        values = self._sorted(plain)
        self._write("".join([f"<{name}", *declarations, *(_attribute(key, value) for key, value in values), ">"]))

    def end(self, name: str) -> None:
        self._write(f"</{name}>")
        self._scope, self.rendered = self._open.pop()

    def text(self, data: str) -> None:
        self._write(escaped_text(data))

    def flush(self) -> None:
        if self._pieces:
            data = "".join(self._pieces).encode()
            self._pieces.clear()
            self.written += len(data)
            self._sink(data)

    def namespace_of(self, name: str) -> tuple[str, str]:
        """The namespace and the local name of the element that was started last."""
        prefix, local = self.split(name)
        return self._scope[prefix], local

    def split(self, name: str) -> tuple[str, str]:
        """Prefix and local name."""
        found = self._names.get(name)
        if found is None:
            match = _NAME.fullmatch(name)
            if match is None or len(name) > _MAX_NAME or len(self._names) >= _MAX_NAMES:
                raise malformed("has a name that is too long or not well-formed, or too many names")
            found = self._names[name] = (match[1] or "", match[2])
        return found

    def _write(self, piece: str) -> None:
        self._pieces.append(piece)
        if len(self._pieces) >= _FLUSH_AT:
            self.flush()

    def _declare(self, attributes: Sequence[str]) -> list[tuple[str, str]]:
        """Take the declarations of namespaces out of the attributes, into the scope."""
        plain = []
        declared: dict[str, str] = {}
        for name, value in zip(attributes[::2], attributes[1::2], strict=True):
            prefix, local = self.split(name)
            if name == "xmlns":
                declared[""] = value
            elif prefix == "xmlns":
                declared[local] = value
            else:
                plain.append((name, value))
        if declared:
            for prefix, uri in declared.items():
                _check_declaration(prefix, uri)
            declared.pop("xml", None)
            self._scope = {**self._scope, **declared}
        return plain

    def _declarations(self, prefix: str, plain: Sequence[tuple[str, str]], *, changed: bool) -> list[str]:
        """What must be declared here: what is used here or listed, and was not declared alike further out."""
        used = {prefix, *(self.split(name)[0] for name, _ in plain if ":" in name)} - {"xml"}
        if not all(each in self._scope for each in used):
            raise malformed("uses a namespace prefix that is not declared")
        if changed or len(self._open) == 1:
            used.update(each for each in self._inclusive if each in self._scope and each != "xml")
        new = {each: self._scope[each] for each in sorted(used) if self.rendered.get(each) != self._scope[each]}
        if new:
            self.rendered = {**self.rendered, **new}
        return [_attribute(f"xmlns:{each}" if each else "xmlns", uri) for each, uri in new.items()]

    def _sorted(self, plain: list[tuple[str, str]]) -> list[tuple[str, str]]:
        if len(plain) <= 1:
            return plain
        keyed = {}
        for name, value in plain:
            prefix, local = self.split(name)
            keyed[self._scope[prefix] if prefix else "", local] = (name, value)
        if len(keyed) != len(plain):
            raise malformed("has an element with the same attribute twice")
        return [keyed[key] for key in sorted(keyed)]


def escaped_text(data: str) -> str:
    if _TEXT.search(data) is None:
        return data
    return data.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace("\r", "&#xD;")


def _attribute(name: str, value: str) -> str:
    if _VALUE.search(value) is not None:
        value = value.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
        value = value.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")
    return f' {name}="{value}"'


def start_tag(name: str, attributes: Sequence[str]) -> str:
    """A start tag as it was read."""
    pairs = zip(attributes[::2], attributes[1::2], strict=True)
    return "".join([f"<{name}", *(_attribute(key, value) for key, value in pairs), ">"])


def malformed(what: str, detail: str | None = None) -> SamlError:
    return SamlError(Reason.METADATA_MALFORMED, f"The metadata {what}: download it again.", detail)


def _check_declaration(prefix: str, uri: str) -> None:
    """Rule: Namespaces in XML 1.0 §3: `xml` and `xmlns` mean one thing, and a prefix can't be taken back."""
    if len(uri) > _MAX_NAMESPACE or prefix == "xmlns" or uri == XMLNS or (prefix and not uri):
        raise malformed("declares a namespace that can't be declared")
    if (prefix == "xml") is not (uri == XML):
        raise malformed("declares a namespace that can't be declared")
