"""What an attack is: a message that means harm, the one reason it is refused for, and a neighbour that is right."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from gateway.errors import Reason
from gateway.saml.expectation import Expectation
from tests import saml_factory as factory

Make = Callable[[], Any]


@dataclass(frozen=True)
class Attack:
    """`make` and `right` give a tree or the bytes of a document, or as a text the form field itself."""

    name: str
    reason: Reason
    make: Make
    right: Make
    expect: Mapping[str, Any] = field(default_factory=dict)
    expect_right: Mapping[str, Any] | None = None

    @property
    def message(self) -> str:
        return _form_field_of(self.make)

    @property
    def neighbour(self) -> str:
        return _form_field_of(self.right)

    @property
    def expectation(self) -> Expectation:
        return factory.expectation(**self.expect)

    @property
    def neighbours_expectation(self) -> Expectation:
        return factory.expectation(**(self.expect if self.expect_right is None else self.expect_right))


@cache
def _form_field_of(make: Make) -> str:
    """Signing takes time, and many attacks share a neighbour."""
    return form_field(make())


def form_field(message: Any) -> str:
    return message if isinstance(message, str) else factory.encode(message)


def text_of(message: Any) -> bytes:
    return message if isinstance(message, bytes) else factory.serialize(message)


def replaced(make: Make, old: str, new: str) -> bytes:
    document = text_of(make())
    assert old.encode() in document
    return document.replace(old.encode(), new.encode(), 1)


SIGNED: Mapping[str, Make] = {
    "signed assertion": factory.signed_assertion,
    "signed response": factory.signed_response,
    "both signed": factory.signed_both,
}
