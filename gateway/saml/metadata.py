"""Identity provider metadata: the file an administrator registers, read into what the gateway will trust.

Trust comes from the act of registering; whether a document is signed is `metadata_signature`'s to say, and then only
what that gives back is read. The document is parsed once by the hardened parser; pysaml2's metadata classes are filled
from that tree and give the content its meaning.
Rule: SAML Metadata 2.0 §2.3, §2.4.3; Metadata Interoperability Profile 1.0 §2.5, §2.6; ram-limits §1.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import saml2
from saml2 import BINDING_HTTP_POST, BINDING_HTTP_REDIRECT, SamlBase, md, samlp, xmldsig

from gateway.errors import Reason, SamlError
from gateway.saml.certificates import TrustedCertificate, parse_certificate
from gateway.saml.endpoints import ServiceEndpoint
from gateway.saml.metadata_endpoints import Endpoint, first_location, service_endpoints, sign_on_endpoints
from gateway.saml.metadata_times import earliest_limit, shortest_duration
from gateway.saml.metadata_xml import read_metadata_tree

MAX_CERTIFICATES = 2
MAX_ENTITY_ID = 1024

_ENTITY = f"{{{md.NAMESPACE}}}EntityDescriptor"
_ENTITIES = f"{{{md.NAMESPACE}}}EntitiesDescriptor"
_IDP = f"{{{md.NAMESPACE}}}IDPSSODescriptor"
_CERTIFICATE = f"{{{xmldsig.NAMESPACE}}}X509Certificate"
_USED = frozenset(
    f"{{{md.NAMESPACE}}}{name}"
    for name in (
        "KeyDescriptor",
        "NameIDFormat",
        "SingleSignOnService",
        "SingleLogoutService",
        "ArtifactResolutionService",
    )
)
_SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class IdpMetadata:
    """What a metadata document says about its one identity provider."""

    entity_id: str
    certificates: tuple[TrustedCertificate, ...]  # 1 or 2, in the order of the document, none twice
    sso_redirect_url: str | None
    sso_post_url: str | None
    valid_until: datetime | None
    name_id_formats: tuple[str, ...]
    wants_signed_requests: bool
    endpoints: tuple[Endpoint, ...]  # every SingleSignOnService found
    services: tuple[ServiceEndpoint, ...]  # where it takes logout messages and resolves artifacts
    warnings: tuple[str, ...]  # accepted, but an administrator should know
    cache_duration: timedelta | None = None  # for how long the publisher wants a copy to be kept, at most


def parse_idp_metadata(xml: bytes, now: datetime) -> IdpMetadata:
    """Read the metadata of one identity provider.

    Refused: over 1 MB; XML that is malformed or holds a DTD or a namespace of over 256 characters; anything but one
    EntityDescriptor, or one EntitiesDescriptor with one identity provider in it; not exactly one IDPSSODescriptor,
    or one that doesn't speak SAML 2.0; an entityID that is not 1 to 1024 characters; `validUntil` at or before
    `now`; no or more than 2 distinct signing certificates, unreadable or weak ones; a sign-on URL that is not https
    (http on a loopback address is accepted) or that carries a SAML message already, or none with HTTP-Redirect or
    HTTP-POST. An expired certificate is accepted with a warning, a `cacheDuration` without sense counts for none.
    Raises: SamlError(METADATA_MALFORMED | METADATA_NO_IDP | METADATA_EXPIRED | METADATA_CERTIFICATE |
    METADATA_ENDPOINT); the text says what to do.
    Rule: SAML Metadata 2.0 §2.3.2, §2.4.1.1, §2.4.3; ram-limits §1 (one descriptor, 2 certificates).
    """
    root = read_metadata_tree(xml)
    entity_element = _idp_entity(root)
    entity = _entity(entity_element)
    descriptor = entity.idpsso_descriptor[0]
    if samlp.NAMESPACE not in (descriptor.protocol_support_enumeration or "").split():
        raise _no_idp("The identity provider does not offer SAML 2.0: enable SAML 2.0 there and export again.")
    valid_until = earliest_limit([root.get("validUntil"), entity.valid_until, descriptor.valid_until], now)
    certificates = _signing_certificates(descriptor)
    endpoints = sign_on_endpoints(descriptor)
    return IdpMetadata(
        entity_id=_entity_id(entity),
        certificates=certificates,
        sso_redirect_url=first_location(endpoints, BINDING_HTTP_REDIRECT),
        sso_post_url=first_location(endpoints, BINDING_HTTP_POST),
        valid_until=valid_until,
        name_id_formats=tuple(dict.fromkeys((name.text or "").strip() for name in descriptor.name_id_format)),
        wants_signed_requests=descriptor.want_authn_requests_signed in {"true", "1"},
        endpoints=endpoints,
        services=service_endpoints(descriptor),
        warnings=_warnings(certificates, valid_until, now),
        cache_duration=shortest_duration([root.get("cacheDuration"), entity.cache_duration, descriptor.cache_duration]),
    )


def _idp_entity(root: Any) -> Any:
    """The one EntityDescriptor that is an identity provider."""
    if root.tag == _ENTITY:
        entities = [root]
    elif root.tag == _ENTITIES:
        if root.find(_ENTITIES) is not None:
            raise _malformed("The metadata holds groups within a group: export this one identity provider alone.")
        entities = root.findall(_ENTITY)
    else:
        raise _malformed(
            "The file is not SAML 2.0 metadata: its outermost element must be EntityDescriptor.", str(root.tag)[:200]
        )
    providers = [entity for entity in entities if entity.find(_IDP) is not None]
    if not providers:
        raise _no_idp("The metadata describes no identity provider (IDPSSODescriptor): export it at the IdP's side.")
    if len(providers) > 1:
        raise _malformed("The metadata describes several identity providers: export the wanted one alone.")
    if len(providers[0].findall(_IDP)) > 1:
        raise _malformed("The identity provider has several IDPSSODescriptor elements: keep one.")
    return providers[0]


def _entity(element: Any) -> SamlBase:
    """Only what is used goes to pysaml2: the rest, such as WS-Federation's roles, has forms it can't take."""
    for child in list(element):
        if child.tag != _IDP:
            element.remove(child)
    descriptor = element[0]
    for child in list(descriptor):
        if child.tag not in _USED:
            descriptor.remove(child)
        elif child.get("use") != "encryption" and len(list(child.iter(_CERTIFICATE))) > 1:
            # pysaml2 keeps the last certificate of a KeyDescriptor only: of a chain, the authority's
            raise _bad_certificate("A KeyDescriptor holds several certificates: leave only the one that signs.")
    try:
        return saml2.create_class_from_element_tree(md.EntityDescriptor, element)
    except RecursionError as exc:
        raise _malformed("The metadata is nested too deeply: download it again.") from exc


def _entity_id(entity: SamlBase) -> str:
    entity_id = entity.entity_id or ""
    if not 1 <= len(entity_id) <= MAX_ENTITY_ID or entity_id != entity_id.strip() or not entity_id.isprintable():
        raise _malformed(
            f"The entityID must be 1 to {MAX_ENTITY_ID} printable characters without surrounding space: "
            "correct it at the identity provider and export again.",
            ascii(entity_id[:200]),
        )
    return entity_id


def _signing_certificates(descriptor: SamlBase) -> tuple[TrustedCertificate, ...]:
    """The certificates that may verify this provider: of each key for signing, or for no stated use, its one."""
    found: dict[str, TrustedCertificate] = {}
    for key in descriptor.key_descriptor:
        if key.use not in {None, "signing", "encryption"}:
            raise _bad_certificate("The use of a KeyDescriptor must be signing or encryption: correct it.")
        text = _certificate_text(key)
        if key.use == "encryption" or text is None:
            continue
        certificate = _certificate(text)
        found.setdefault(certificate.fingerprint, certificate)
    if not found:
        raise _bad_certificate("The identity provider has no signing certificate: add it to the metadata.")
    if len(found) > MAX_CERTIFICATES:
        raise _bad_certificate(
            f"The identity provider has {len(found)} signing certificates, {MAX_CERTIFICATES} are allowed: "
            "remove those that are no longer in use."
        )
    return tuple(found.values())


def _certificate(text: str) -> TrustedCertificate:
    try:
        return parse_certificate(text.encode())
    except SamlError as exc:
        raise SamlError(
            Reason.METADATA_CERTIFICATE,
            f"A signing certificate can't be used, {exc.public}: replace it at the identity provider and export again.",
            exc.detail,
        ) from exc


def _certificate_text(key: SamlBase) -> str | None:
    """`None` for a key that is given in another form, such as by name."""
    parts = key.key_info.x509_data if key.key_info is not None else []
    for certificate in (part.x509_certificate for part in parts if part.x509_certificate is not None):
        if certificate.extension_elements:
            raise _bad_certificate("A certificate in the metadata has elements inside: download the metadata again.")
        return certificate.text or ""
    return None


def _warnings(
    certificates: Iterable[TrustedCertificate], valid_until: datetime | None, now: datetime
) -> tuple[str, ...]:
    warnings = []
    for certificate in certificates:
        name = f"The certificate {certificate.subject or certificate.fingerprint[:16]}"
        if certificate.not_after <= now:
            warnings.append(f"{name} expired on {certificate.not_after:%Y-%m-%d}; its signatures are still accepted.")
        elif certificate.not_after <= now + _SOON:
            warnings.append(f"{name} expires on {certificate.not_after:%Y-%m-%d}.")
        if certificate.not_before > now:
            warnings.append(f"{name} is not valid before {certificate.not_before:%Y-%m-%d}.")
    if valid_until is not None and valid_until <= now + _SOON:
        warnings.append(f"The document is valid until {valid_until:%Y-%m-%d %H:%M} UTC only.")
    return tuple(warnings)


def _malformed(public: str, detail: str | None = None) -> SamlError:
    return SamlError(Reason.METADATA_MALFORMED, public, detail)


def _no_idp(public: str) -> SamlError:
    return SamlError(Reason.METADATA_NO_IDP, public)


def _bad_certificate(public: str) -> SamlError:
    return SamlError(Reason.METADATA_CERTIFICATE, public)
