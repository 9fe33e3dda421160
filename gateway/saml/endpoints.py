"""Services of a SAML identity provider besides its sign-in. Rule: SAML Metadata 2.0 §2.2.2, §2.4.3."""

from dataclasses import dataclass
from enum import StrEnum

SOAP = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"


class EndpointKind(StrEnum):
    LOGOUT = "SingleLogoutService"
    ARTIFACT = "ArtifactResolutionService"


@dataclass(frozen=True, slots=True)
class ServiceEndpoint:
    """Where a provider takes messages of one kind by one binding."""

    kind: EndpointKind
    binding: str  # the URI of the binding
    location: str
    response_location: str  # where answers go; the same as `location` unless the metadata says otherwise
    index: int = 0  # which source of artifacts it is; 0 elsewhere
