"""What a row of `saml_rows` is, and the pieces that rows are made of."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from gateway.errors import Reason
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.saml_factory import RECIPIENT, REQUEST_ID, Spec, at

Maker = Callable[[Spec], Any]


def unsigned(spec: Spec) -> Any:
    return spec.tree()


def encrypted(spec: Spec) -> Any:
    return encryption.encrypted_response(spec)


def encrypted_unsigned(spec: Spec) -> Any:
    return encryption.encrypted_response(spec, sign_assertion=False)


@dataclass(frozen=True)
class Row:
    name: str
    reason: Reason | None = None
    spec: dict[str, Any] = field(default_factory=dict)
    expect: dict[str, Any] = field(default_factory=dict)
    make: Maker = factory.signed_assertion
    at_s: float = 0


STATUS = "urn:oasis:names:tc:SAML:2.0:status:"
SUCCESS = f"{STATUS}Success"
CONFIRMATION = "<saml:SubjectConfirmationData {}/>"
ATTRIBUTE = '<saml:Attribute Name="{}">{}</saml:Attribute>'
VALUE = "<saml:AttributeValue>{}</saml:AttributeValue>"


def status(code: str, inner: str = "") -> str:
    return f'<samlp:Status><samlp:StatusCode Value="{code}">{inner}</samlp:StatusCode></samlp:Status>'


def context(kind: str, value: str) -> str:
    return f"<saml:AuthnContext><saml:{kind}>{value}</saml:{kind}></saml:AuthnContext>"


def restriction(*audiences: str) -> str:
    listed = "".join(f"<saml:Audience>{audience}</saml:Audience>" for audience in audiences)
    return f"<saml:AudienceRestriction>{listed}</saml:AudienceRestriction>"


def data(**attributes: str | None) -> str:
    base: dict[str, str | None] = {"NotOnOrAfter": at(300), "Recipient": RECIPIENT}
    base.update(attributes)
    return " ".join(f'{name}="{value}"' for name, value in base.items() if value is not None)


def conditions(not_before: float | None, not_on_or_after: float | None) -> str:
    first = "" if not_before is None else f'NotBefore="{at(not_before)}" '
    return first + ("" if not_on_or_after is None else f'NotOnOrAfter="{at(not_on_or_after)}"')


ANSWERING: dict[str, Any] = {"response_in_response_to": REQUEST_ID, "in_response_to": REQUEST_ID}
ANSWERED: dict[str, Any] = {"in_response_to": REQUEST_ID}
