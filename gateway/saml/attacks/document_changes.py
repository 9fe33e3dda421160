"""Changes of a document's bytes and of the form field: what a reader meets before anybody can tell who signed.

Each comes with the reason that it is to be refused for, whatever message it is made of.
"""

import base64
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from gateway.errors import Reason

_MALFORMED, _ENCODING, _LARGE = Reason.SAML_XML_MALFORMED, Reason.SAML_ENCODING, Reason.SAML_TOO_LARGE
_DTDS = {
    "empty": "<!DOCTYPE r>",
    "entity": '<!DOCTYPE r [<!ENTITY x "mallory">]>',
    "external entity": '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
    "external subset": '<!DOCTYPE r SYSTEM "http://127.0.0.1:1/">',
    "parameter entity": '<!DOCTYPE r [<!ENTITY % p SYSTEM "http://127.0.0.1:1/">%p;]>',
    "attribute that becomes an ID": '<!DOCTYPE r [<!ATTLIST r ID ID "_assertion1">]>',
}
_LAUGHS = (
    b"<!DOCTYPE r ["
    + b"".join(b'<!ENTITY l%d "%s">' % (number + 1, b"&l%d;" % number * 10) for number in range(10))
    + b"]>"
)
HIDDEN = {
    "comment": ("<!-- -->", Reason.SAML_COMMENT_OR_PI),
    "instruction": ("<?x y?>", Reason.SAML_COMMENT_OR_PI),
    "CDATA": ("<![CDATA[]]>", Reason.SAML_CDATA),
}


@dataclass(frozen=True, slots=True)
class DocumentChange:
    name: str
    reason: Reason
    change: Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class FieldChange:
    """Of the form field: base64 of a document."""

    name: str
    reason: Reason
    change: Callable[[str], str]


def document_changes() -> Iterator[DocumentChange]:
    for name, dtd in _DTDS.items():
        for opening in ("", '<?xml version="1.0"?>', "\ufeff"):
            front = partial(_before, (opening + dtd).encode())
            yield DocumentChange(f"DTD {name} after {opening!r}", Reason.SAML_DTD, front)
    for kind in ("comment", "instruction"):
        hidden, reason = HIDDEN[kind]
        yield DocumentChange(f"{kind} before the root", reason, partial(_before, hidden.encode()))
        yield DocumentChange(f"{kind} behind the root", reason, partial(_behind, hidden.encode()))
    yield DocumentChange("billion laughs", Reason.SAML_DTD, partial(_before, _LAUGHS))
    yield DocumentChange("two roots", _MALFORMED, lambda document: document * 2)
    yield DocumentChange("text behind the root", _MALFORMED, partial(_behind, b"x"))
    yield DocumentChange("truncated", _MALFORMED, lambda document: document[:-1])
    yield DocumentChange("nothing", _MALFORMED, lambda _: b"")
    yield DocumentChange("XML 1.1", _MALFORMED, partial(_before, b'<?xml version="1.1"?>'))
    for encoding in ("utf-16", "utf-16-le", "utf-32"):
        reason = _MALFORMED if encoding == "utf-16-le" else _ENCODING
        yield DocumentChange(f"in {encoding}", reason, partial(_written_in, encoding))
    for encoding in ("utf-16", "utf-7", "ebcdic-cp-be", "iso-8859-1"):
        front = partial(_before, f'<?xml version="1.0" encoding="{encoding}"?>'.encode())
        yield DocumentChange(f"declares {encoding}", _ENCODING, front)


def field_changes() -> Iterator[FieldChange]:
    """What is wrong before there is a document: huge, truncated and differently packed."""
    yield FieldChange("cut within four characters", _ENCODING, lambda text: text[: len(text) // 8 * 4 + 1])
    yield FieldChange("cut between four characters", _MALFORMED, lambda text: text[: len(text) // 8 * 4])
    for text in ("*", "==", "%0A", "\u0410", "-", "_", "\x00"):
        yield FieldChange(f"{text!a} in the base64", _ENCODING, partial(_inserted, text))
    yield FieldChange("deflated, as in a redirect", _ENCODING, _deflated)
    yield FieldChange("encoded twice", _MALFORMED, lambda text: base64.b64encode(text.encode()).decode())


def oversized_changes() -> Iterator[FieldChange]:
    yield FieldChange("longer than 256 KB", _LARGE, lambda text: _encoded(_decoded(text) + b" " * 262_144))
    yield FieldChange("mostly line ends", _LARGE, lambda text: text + "\n" * 400_000)
    yield FieldChange("a form field of a megabyte", _LARGE, lambda _: "A" * 1_000_000)


def _before(front: bytes, document: bytes) -> bytes:
    return front + document


def _behind(end: bytes, document: bytes) -> bytes:
    return document + end


def _written_in(encoding: str, document: bytes) -> bytes:
    return document.decode().encode(encoding)


def _inserted(text: str, encoded: str) -> str:
    return encoded[:40] + text + encoded[40:]


def _deflated(encoded: str) -> str:
    return _encoded(zlib.compress(_decoded(encoded))[2:-4])


def _decoded(encoded: str) -> bytes:
    return base64.b64decode(encoded)


def _encoded(document: bytes) -> str:
    return base64.b64encode(document).decode()
