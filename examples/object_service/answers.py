"""What clients are told, in OSS's XML."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

Element = tuple[str, "str | Sequence[Element]"]


@dataclass(frozen=True)
class Answer:
    status: int
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Refusal(Exception):  # noqa: N818 - reads as what happened
    """Why a request is not done. `explanation` is the gateway's, where it decided."""

    def __init__(self, status: int, code: str, message: str, explanation: str = "") -> None:
        super().__init__(code)
        self.status, self.code, self.message, self.explanation = status, code, message, explanation


def xml(root: str, elements: Sequence[Element], status: int = 200) -> Answer:
    body = f'<?xml version="1.0" encoding="UTF-8"?>\n{_written((root, elements))}'
    return Answer(status, body.encode(), {"Content-Type": "application/xml"})


def refused(refusal: Refusal, request_id: str) -> Answer:
    elements: list[Element] = [("Code", refusal.code), ("Message", refusal.message), ("RequestId", request_id)]
    if refusal.explanation:
        elements.append(("Explanation", refusal.explanation))
    return xml("Error", elements, refusal.status)


def malformed(message: str) -> Refusal:
    return Refusal(400, "InvalidArgument", message)


def _written(element: Element) -> str:
    name, inside = element
    text = escape(inside) if isinstance(inside, str) else "".join(_written(each) for each in inside)
    return f"<{name}>{text}</{name}>"
