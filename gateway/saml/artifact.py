"""HTTP-Artifact: a reference to a response comes through the browser, the response itself over a connection of ours.

Pure: what to send, and what to believe of what comes back. What an ArtifactResponse holds is a Response like any other:
it is taken out and goes through `response.verify_response`, signature included. The signature around it, which is never
left out, only proves that the provider answered our question with it.
Rule: SAML Core 2.0 §3.5; SAML Bindings 2.0 §3.2 (SOAP), §3.6; SAML Profiles 2.0 §5.
"""

import hashlib
import hmac
from base64 import b64decode
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import cast

from lxml import etree
from saml2 import VERSION, saml, samlp

from gateway.clock import wire_time
from gateway.errors import Reason, SamlError
from gateway.saml import tags
from gateway.saml.assertion import check_issuer
from gateway.saml.certificates import TrustedCertificate
from gateway.saml.message_signing import Signer, signed_message
from gateway.saml.response import check_status
from gateway.saml.signature import verify_enveloped
from gateway.saml.subject import check_in_response_to
from gateway.saml.tree import check_frame, check_tree, children_of
from gateway.saml.xml import Element, decode_base64, parse_canonical, parse_document

CONTENT_TYPE = "text/xml; charset=utf-8"
MEDIA_TYPES = frozenset({"text/xml", "application/soap+xml", "application/xml"})
_TYPE_CODE = 4
_LENGTH = 44  # type code, endpoint index, SourceID, MessageHandle
_PREFIXES = {"samlp": samlp.NAMESPACE, "saml": saml.NAMESPACE}
_ENVELOPE_CHILDREN = frozenset({tags.SOAP_HEADER, tags.SOAP_BODY})
_ANSWERS = frozenset({tags.ARTIFACT_RESPONSE})
_PARTS = frozenset({tags.ISSUER, tags.SIGNATURE, tags.EXTENSIONS, tags.STATUS, tags.RESPONSE})


@dataclass(frozen=True, slots=True)
class Artifact:
    """A reference of type 4. Nothing in it is proven: it only says whom to ask."""

    text: str
    endpoint_index: int
    source_id: bytes  # SHA-1 of the provider's entity ID


@dataclass(frozen=True, slots=True)
class ArtifactExpectation:
    """INVARIANT: everything in it comes from the gateway's own records."""

    issuer: str
    certificates: tuple[TrustedCertificate, ...]
    in_response_to: str  # ID of our ArtifactResolve
    skew: timedelta


def parse_artifact(text: str) -> Artifact:
    """Read a `SAMLart`.

    Refused: what is not base64 of 44 bytes, another type than 4. Raises: SamlError(SAML_ARTIFACT).
    """
    raw = decode_base64(text, Reason.SAML_ARTIFACT)
    if len(raw) != _LENGTH or int.from_bytes(raw[:2], "big") != _TYPE_CODE:
        raise SamlError(Reason.SAML_ARTIFACT, "the reference to your sign-in can't be read", f"{len(raw)} bytes")
    return Artifact(text, int.from_bytes(raw[2:4], "big"), raw[4:24])


def check_source(artifact: Artifact, entity_id: str) -> None:
    """Refuse a reference to something that another provider has.

    Raises: SamlError(SAML_ARTIFACT_SOURCE). Rule: SAML Bindings 2.0 §3.6.4.
    """
    if not hmac.compare_digest(artifact.source_id, hashlib.sha1(entity_id.encode(), usedforsecurity=False).digest()):
        raise SamlError(
            Reason.SAML_ARTIFACT_SOURCE, "the sign-in is kept by another identity provider", artifact.source_id.hex()
        )


def build_artifact_resolve(
    artifact: Artifact, *, entity_id: str, destination: str, request_id: str, now: datetime, signer: Signer
) -> bytes:
    """The signed question for what a reference stands for, in its SOAP envelope. `entity_id` is ours."""
    request = samlp.ArtifactResolve(
        id=request_id,
        version=VERSION,
        issue_instant=wire_time(now),
        destination=destination,
        issuer=saml.Issuer(text=entity_id),
        artifact=samlp.Artifact(text=artifact.text),
    )
    signed = b64decode(signed_message(request.to_string_force_namespace(_PREFIXES), signer))
    head = f'<soap:Envelope xmlns:soap="{tags.SOAP_NS}"><soap:Body>'.encode()
    return head + signed + b"</soap:Body></soap:Envelope>"


def read_artifact_response(body: bytes, expectation: ArtifactExpectation, now: datetime) -> bytes:
    """The Response that came for a reference, as XML. It is unverified, see above.

    Refused: everything that checks 2 and 3 refuse, any other shape than one ArtifactResponse in one SOAP body, one that
    is not signed by the provider or answers another question, and one with anything but exactly one Response.
    Raises: SamlError with the reason of that check, SAML_ARTIFACT_ANSWER, SAML_UNSIGNED, SAML_SIGNATURE_*,
    SAML_ISSUER_MISMATCH, SAML_IN_RESPONSE_TO, SAML_UNSOLICITED or SAML_STATUS.
    """
    document = parse_document(body)
    check_tree(document, enveloped=True)
    received = _answer_in(document.root)
    check_frame(received, now, expectation.skew)
    parts = children_of(received, _PARTS, reason=Reason.SAML_ARTIFACT_ANSWER)
    if tags.SIGNATURE not in parts:
        raise SamlError(Reason.SAML_UNSIGNED, "the answer of the identity provider is not signed")
    signed = verify_enveloped(received, parts[tags.SIGNATURE], expectation.certificates)
    answer = parse_canonical(signed.canonical)
    said = children_of(answer, _PARTS, reason=Reason.SAML_ARTIFACT_ANSWER)
    if tags.ISSUER not in said:
        raise SamlError(Reason.SAML_ISSUER_MISMATCH, "the answer of the identity provider names no issuer")
    check_issuer(said[tags.ISSUER], expectation.issuer)
    check_in_response_to(answer.get("InResponseTo"), expectation.in_response_to)
    check_status(said.get(tags.STATUS))
    if tags.RESPONSE not in said:
        raise SamlError(Reason.SAML_ARTIFACT_ANSWER, "the identity provider does not know this sign-in any more")
    # Out of the tree that came, not out of its canonical form: that lacks namespaces which only the inner signature
    # lists. The signature that was verified covers all of this element.
    return cast("bytes", etree.tostring(parts[tags.RESPONSE], encoding="utf-8", with_tail=False))


def _answer_in(envelope: Element) -> Element:
    """Raises: SamlError(SAML_ARTIFACT_ANSWER) for a fault, too."""
    if envelope.tag != tags.SOAP_ENVELOPE:
        raise SamlError(Reason.SAML_ARTIFACT_ANSWER, "the identity provider does not speak SOAP", envelope.tag[:200])
    body = children_of(envelope, _ENVELOPE_CHILDREN, reason=Reason.SAML_ARTIFACT_ANSWER).get(tags.SOAP_BODY)
    answer = None
    if body is not None:
        answer = children_of(body, _ANSWERS, reason=Reason.SAML_ARTIFACT_ANSWER).get(tags.ARTIFACT_RESPONSE)
    if answer is None:
        raise SamlError(Reason.SAML_ARTIFACT_ANSWER, "the identity provider answers with an empty envelope")
    return answer
