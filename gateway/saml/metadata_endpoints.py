"""The addresses in a metadata document: where browsers are sent, and where messages between servers go.

Rule: SAML Metadata 2.0 §2.2.2, §2.4.3; SAML Bindings 2.0 §3.4.4.1.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit

from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, SamlBase

from gateway.errors import Reason, SamlError
from gateway.loopback import is_loopback
from gateway.saml.endpoints import EndpointKind, ServiceEndpoint

_HOST = re.compile(r"[a-z0-9._-]+|[0-9a-f:.]+")  # it goes into the content security policy of the sign-in page
_URL = re.compile(r"https?://[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]{1,2000}", re.IGNORECASE)
_INDEX = re.compile(r"[0-9]{1,5}")
_MAX_INDEX = 65_535
# What a message by HTTP-Redirect adds to the address. Were it there already, which of two counts is anybody's guess.
_OURS = frozenset({"samlrequest", "samlresponse", "relaystate", "sigalg", "signature", "samlencoding"})


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A sign-on address of the provider, usable by us or not."""

    binding: str  # the URI of the binding
    location: str


def sign_on_endpoints(descriptor: SamlBase) -> tuple[Endpoint, ...]:
    """Raises: SamlError(METADATA_ENDPOINT) for an unusable address, and if none has a binding that we speak."""
    endpoints = tuple(
        Endpoint(binding=service.binding or "", location=_message_url(service.location or ""))
        for service in descriptor.single_sign_on_service
    )
    if not any(endpoint.binding in {BINDING_HTTP_REDIRECT, BINDING_HTTP_POST} for endpoint in endpoints):
        raise _bad_endpoint(
            "The identity provider offers no SingleSignOnService with HTTP-Redirect or HTTP-POST: "
            "enable one of these bindings there and export again."
        )
    return endpoints


def first_location(endpoints: Iterable[Endpoint], binding: str) -> str | None:
    return next((endpoint.location for endpoint in endpoints if endpoint.binding == binding), None)


def service_endpoints(descriptor: SamlBase) -> tuple[ServiceEndpoint, ...]:
    """Where the provider takes logout messages, then where it resolves artifacts.

    Raises: SamlError(METADATA_ENDPOINT).
    """
    logout = (
        ServiceEndpoint(
            EndpointKind.LOGOUT,
            service.binding or "",
            location := _message_url(service.location or ""),
            _message_url(service.response_location) if service.response_location else location,
        )
        for service in descriptor.single_logout_service
    )
    artifact = (
        ServiceEndpoint(
            EndpointKind.ARTIFACT,
            service.binding or "",
            location := _checked_url(service.location or ""),
            location,
            _index(service.index or ""),
        )
        for service in descriptor.artifact_resolution_service
    )
    return (*logout, *artifact)


def _message_url(url: str) -> str:
    """An address that messages are added to."""
    checked = _checked_url(url)
    taken = [name for name, _ in parse_qsl(urlsplit(checked).query, keep_blank_values=True) if name.lower() in _OURS]
    if taken:
        raise _bad_endpoint(
            f"A service of the identity provider has a Location whose query already carries {taken[0]}, which each "
            "message brings along: remove it at the identity provider and export again.",
            ascii(url[:300]),
        )
    return checked


def _checked_url(url: str) -> str:
    """A browser is sent there, so anything that is not plainly a web address is refused."""
    refusal = _bad_endpoint(
        "A service of the identity provider has a Location that is not an https URL "
        "(http is accepted for this machine only): correct it at the identity provider and export again.",
        ascii(url[:300]),
    )
    if not _URL.fullmatch(url):
        raise refusal
    try:
        parts = urlsplit(url)
        host, _port = parts.hostname or "", parts.port
    except ValueError as exc:
        raise refusal from exc
    if not _HOST.fullmatch(host) or parts.username is not None or parts.fragment or url.endswith("#"):
        raise refusal
    if parts.scheme == "http" and not is_loopback(host):
        raise refusal
    return url


def _index(text: str) -> int:
    """Rule: SAML Bindings 2.0 §3.6.4: an artifact names its source by two bytes."""
    if not _INDEX.fullmatch(text) or int(text) > _MAX_INDEX:
        raise _bad_endpoint("An ArtifactResolutionService needs an index of 0 to 65535: correct it.", ascii(text[:40]))
    return int(text)


def _bad_endpoint(public: str, detail: str | None = None) -> SamlError:
    return SamlError(Reason.METADATA_ENDPOINT, public, detail)
