"""A reference that a browser brought becomes the response that it stands for. No Flask in here.

Only for a login that was begun in this browser, at a provider that is set up to answer so, and once: the reference, and
the login's one chance to bring one, are used up before the provider is asked, and no connection to the database is held
while it is. The address is the one in the provider's metadata, and goes through the guarded fetch.
"""

from base64 import b64encode
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gateway.asking import ResponseBinding
from gateway.directory.provider_endpoints import provider_endpoints
from gateway.errors import Reason, SamlError
from gateway.federation.pending import PendingLogin, find_pending
from gateway.fetch import Limits
from gateway.ids import new_saml_id
from gateway.oidc.call_lanes import CallLanes
from gateway.saml.artifact import (
    CONTENT_TYPE,
    MEDIA_TYPES,
    Artifact,
    ArtifactExpectation,
    build_artifact_resolve,
    check_source,
    parse_artifact,
    read_artifact_response,
)
from gateway.saml.certificates import TrustedCertificate
from gateway.saml.endpoints import SOAP, EndpointKind
from gateway.saml.message_signing import Signer
from gateway.saml.response import peek_answered
from gateway.saml.xml import MAX_BYTES
from gateway.services import Services
from gateway.store.claims import claim_once
from gateway.web.acs import Posted, door_certificates
from gateway.web.sso_start import Door, door_of_key

_LIMITS = Limits(total_s=5.0, connect_s=2.0, body_bytes=MAX_BYTES)
_OK = 200
_REFERENCE, _LOGIN = "saml-artifact", "saml-artifact-login"
_REMEMBERED = timedelta(hours=1)  # six times as long as a pending login lives


@dataclass(frozen=True, slots=True)
class Reference:
    """What a browser came with: SAMLart, the RelayState that we sent (the ID of our request), its binding cookie."""

    artifact: str
    relay_state: str
    browser: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Question:
    door: Door
    url: str
    certificates: tuple[TrustedCertificate, ...]


def resolve(services: Services, lanes: CallLanes, reference: Reference) -> Posted:
    """Ask the provider for the response. It is not verified, and goes the way of every other one.

    Raises: SamlError(SAML_ARTIFACT | SAML_ARTIFACT_SOURCE | SAML_ARTIFACT_ANSWER), what `read_artifact_response` and
    `find_pending` raise, UpstreamError.
    """
    artifact, now = parse_artifact(reference.artifact), services.clock.now()
    with services.store.reading() as session:
        pending = find_pending(session, reference.relay_state, reference.browser, now)
        question = _question(session, pending, artifact)
    with services.store.transaction() as session:
        _use_up(session, pending, artifact, now)
    response = _ask(services, lanes, question, artifact)
    posted = Posted(b64encode(response).decode(), services.clock.now(), None)
    if peek_answered(posted.saml_response) != pending.request_id:
        raise SamlError(Reason.SAML_IN_RESPONSE_TO, "the sign-in that was kept answers another request")
    return posted


def _question(session: Session, pending: PendingLogin, artifact: Artifact) -> _Question:
    """Raises: SamlError(SAML_ARTIFACT) where nobody asked for a reference, SamlError(SAML_ARTIFACT_SOURCE)."""
    door = door_of_key(session, pending.provider_key)
    if not pending.asked.artifact or door.options.binding is not ResponseBinding.ARTIFACT:
        raise SamlError(Reason.SAML_ARTIFACT, "this identity provider is not set up to answer by reference", door.arn)
    check_source(artifact, door.entity_id)
    places = provider_endpoints(session, door.key, EndpointKind.ARTIFACT)
    url = next(
        (each.location for each in places if (each.binding, each.index) == (SOAP, artifact.endpoint_index)), None
    )
    if url is None:
        raise SamlError(
            Reason.SAML_ARTIFACT_SOURCE,
            "the identity provider keeps the sign-in where nobody knows",
            f"{door.arn}: endpoint {artifact.endpoint_index}",
        )
    return _Question(door, url, door_certificates(session, door))


def _use_up(session: Session, pending: PendingLogin, artifact: Artifact, now: datetime) -> None:
    """Raises: SamlError(SAML_ARTIFACT) for the second time. Rule: SAML Bindings 2.0 §3.6.5.2."""
    for kind, key in ((_REFERENCE, artifact.text), (_LOGIN, pending.request_id)):
        if not claim_once(session, kind, key, now + _REMEMBERED, now=now):
            raise SamlError(Reason.SAML_ARTIFACT, "this sign-in was fetched already. Start again.", kind)


def _ask(services: Services, lanes: CallLanes, question: _Question, artifact: Artifact) -> bytes:
    door, request_id = question.door, new_saml_id()
    message = build_artifact_resolve(
        artifact,
        entity_id=door.ours(services)[0],
        destination=question.url,
        request_id=request_id,
        now=services.clock.now(),
        signer=Signer(services.sp_keys, door.sign_algo),
    )
    with lanes.enter(door.entity_id):
        answer = services.fetcher.post(
            question.url, message, content_type=CONTENT_TYPE, accept="text/xml", limits=_LIMITS
        )
    if answer.status != _OK or answer.media_type not in MEDIA_TYPES:
        raise SamlError(
            Reason.SAML_ARTIFACT_ANSWER,
            "your company's sign-in does not give out what it keeps",
            f"{question.url}: status {answer.status}, {answer.media_type[:100]!r}",
        )
    expectation = ArtifactExpectation(door.entity_id, question.certificates, request_id, services.skew)
    return read_artifact_response(answer.body, expectation, services.clock.now())
