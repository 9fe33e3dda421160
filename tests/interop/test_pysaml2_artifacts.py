"""pysaml2's IdP keeps a response, reads our question for it, and gives it out in an answer that it signs."""

import base64
from datetime import UTC, datetime

import pytest
from lxml import etree
from saml2 import BINDING_HTTP_ARTIFACT, BINDING_HTTP_POST, class_name, saml, samlp, xmldsig
from saml2.sigver import pre_signature_part

from gateway.asking import Comparison, RequestOptions, ResponseBinding
from gateway.errors import Reason, SamlError
from gateway.saml.artifact import (
    ArtifactExpectation,
    build_artifact_resolve,
    check_source,
    parse_artifact,
    read_artifact_response,
)
from gateway.saml.authn_request import build_authn_request, post_form
from gateway.saml.certificates import parse_certificate
from gateway.saml.message_signing import Signer
from gateway.saml.names import role_sso_recipient
from gateway.saml.response import Expectation, verify_response
from tests.interop.material import ALICE, BASE_URL, URN, gateway_keys, idp_config, idp_messages, other_keys
from tests.saml_artifacts import SOAP
from tests.saml_factory import SKEW

PLACE = "https://idp.example.com/artifact"
CERTIFICATES = (parse_certificate(other_keys("idp.example.com").signing_certificate_pem.encode()),)


def _now() -> datetime:
    """pysaml2 writes the time of the system's clock."""
    return datetime.now(UTC)


def _answered() -> tuple[bytes, str]:
    """The body of pysaml2's answer to our question, and the ID of the question."""
    messages = idp_messages()
    server = messages.server()
    kept = base64.b64decode(messages.answer(messages.start("role", ""), ALICE, _now()).saml_response)
    reference = server.use_artifact(samlp.response_from_string(kept.decode()), 0)
    artifact = parse_artifact(reference)
    check_source(artifact, idp_config().entity_id)
    question = build_artifact_resolve(
        artifact,
        entity_id=URN,
        destination=PLACE,
        request_id="_resolve1",
        now=_now(),
        signer=Signer(gateway_keys(), "rsa-sha256"),
    )
    read = server.parse_artifact_resolve(question.decode())
    assert (read.id, read.issuer.text, read.artifact.text) == ("_resolve1", URN, reference)
    issuer = saml.Issuer(text=idp_config().entity_id)
    answer = server.create_artifact_response(read, reference, sign=False, issuer=issuer)
    # What pysaml2 writes anew has lost the prefixes that the kept response was signed with, so that goes in as it was.
    answer.extension_elements = []
    answer.signature = pre_signature_part(
        answer.id, server.sec.my_cert, 1, sign_alg=xmldsig.SIG_RSA_SHA256, digest_alg=xmldsig.DIGEST_SHA256
    )
    root = etree.fromstring(str(answer).encode())
    root.append(etree.fromstring(kept))
    signed = server.sec.sign_statement(etree.tostring(root).decode(), class_name(answer), node_id=answer.id)
    return f'<s:Envelope xmlns:s="{SOAP}"><s:Body>{signed}</s:Body></s:Envelope>'.encode(), read.id


def _expectation(question: str) -> ArtifactExpectation:
    return ArtifactExpectation(idp_config().entity_id, CERTIFICATES, question, SKEW)


def test_artifact__kept_by_pysaml2__is_asked_for_and_verifies() -> None:
    body, question = _answered()
    inner = read_artifact_response(body, _expectation(question), _now())
    expectation = Expectation(
        issuer=idp_config().entity_id,
        certificates=CERTIFICATES,
        audience=URN,
        recipients=(role_sso_recipient(BASE_URL),),
        in_response_to=None,
    )
    assert verify_response(base64.b64encode(inner), expectation, _now()).subject == ALICE.name_id


def test_artifact_answer_of_pysaml2__tampered_or_for_another_question__refused() -> None:
    body, question = _answered()
    for wrong, asked, reason in (
        (body.replace(b"status:Success", b"status:Sucess"), question, Reason.SAML_SIGNATURE_DIGEST),
        (body, "_resolve2", Reason.SAML_IN_RESPONSE_TO),
    ):
        with pytest.raises(SamlError) as caught:
            read_artifact_response(wrong, _expectation(asked), _now())
        assert caught.value.reason is reason


def test_request_options__read_by_pysaml2__say_what_was_asked() -> None:
    options = RequestOptions(
        ("urn:a", "urn:b"),
        Comparison.MINIMUM,
        is_passive=True,
        name_id_format=saml.NAMEID_FORMAT_PERSISTENT,
        binding=ResponseBinding.ARTIFACT,
    )
    xml = build_authn_request(
        entity_id=URN,
        acs_url=role_sso_recipient(BASE_URL),
        destination=idp_config().sso_url,
        request_id="_request",
        now=_now(),
        options=options,
    )
    server = idp_messages().server()
    form = post_form(xml, idp_config().sso_url, "", gateway_keys(), "rsa-sha256")
    request = server.parse_authn_request(form.saml_request, BINDING_HTTP_POST).message
    asked = request.requested_authn_context
    assert [each.text for each in asked.authn_context_class_ref] == ["urn:a", "urn:b"]
    assert (asked.comparison, request.is_passive) == ("minimum", "true")
    assert (request.name_id_policy.format, request.name_id_policy.allow_create) == (options.name_id_format, "true")
    args = server.response_args(request, bindings=[BINDING_HTTP_ARTIFACT])
    assert (args["binding"], args["destination"]) == (BINDING_HTTP_ARTIFACT, role_sso_recipient(BASE_URL))
