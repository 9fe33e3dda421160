"""Answers as bytes: JSON unless XML was asked for. Rule: sts-contract §6; sdk-wire §2.10, §3; operations.md, traps."""

import json
import re
from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape

Value = str | int | bool | None | Sequence["Value"] | Mapping[str, "Value"]

JSON_TYPE = "application/json;charset=utf-8"
XML_TYPE = "text/xml;charset=utf-8"  # exactly so: clients compare the text

_encode = json.JSONEncoder(separators=(",", ":")).encode
_REPLACEMENT = "\ufffd"
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def render_json(body: Mapping[str, Value]) -> bytes:
    return _encode(body).encode("ascii")


def render_xml(root: str, body: Mapping[str, Value]) -> bytes:
    """Element names are the field names; a list repeats its element; a missing value is left out."""
    return f'<?xml version="1.0" encoding="UTF-8"?>{_element(root, body)}'.encode()


def _element(name: str, value: Value) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping):
        return f"<{name}>{''.join(_element(key, inner) for key, inner in value.items())}</{name}>"
    if isinstance(value, bool):
        return f"<{name}>{str(value).lower()}</{name}>"
    if isinstance(value, str | int):
        return f"<{name}>{escape(_NOT_XML.sub(_REPLACEMENT, str(value)))}</{name}>"
    return "".join(_element(name, item) for item in value)
