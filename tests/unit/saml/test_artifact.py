"""References of type 4: reading one, asking for what it stands for, and what is believed of the answer."""

import base64
from dataclasses import replace
from typing import Any

import pytest
import xmlsec
from lxml import etree

from gateway.errors import Reason, SamlError
from gateway.saml.artifact import (
    build_artifact_resolve,
    check_source,
    parse_artifact,
    read_artifact_response,
)
from gateway.saml.message_signing import Signer
from gateway.saml.response import verify_response
from tests import saml_factory as factory
from tests.fake_clock import NOON
from tests.saml_artifacts import NO_ARTIFACTS, QUESTION, REFUSED, SOAP, Kept, artifact, expectation
from tests.saml_factory import IDP, SAML, SAMLP, Spec, gateway_keys


def refused(kept: Kept, **changes: Any) -> Reason:
    with pytest.raises(SamlError) as caught:
        read_artifact_response(kept.xml(), expectation(**changes), NOON)
    return caught.value.reason


def test_parse_artifact__type_4__says_whom_to_ask_where() -> None:
    read = parse_artifact(artifact(index=258))
    assert (read.endpoint_index, len(read.source_id)) == (258, 20)
    check_source(read, IDP)


@pytest.mark.parametrize("text", NO_ARTIFACTS)
def test_parse_artifact__anything_else__refused(text: str) -> None:
    with pytest.raises(SamlError) as caught:
        parse_artifact(text)
    assert caught.value.reason is Reason.SAML_ARTIFACT


def test_check_source__another_provider__refused() -> None:
    with pytest.raises(SamlError) as caught:
        check_source(parse_artifact(artifact("https://evil.example.com")), IDP)
    assert caught.value.reason is Reason.SAML_ARTIFACT_SOURCE


def test_build_artifact_resolve__in_soap__is_signed_and_names_the_reference() -> None:
    keys = gateway_keys()
    message = build_artifact_resolve(
        parse_artifact(artifact()),
        entity_id="urn:us",
        destination="https://idp.example.com/artifact",
        request_id=QUESTION,
        now=NOON,
        signer=Signer(keys, "rsa-sha256"),
    )
    root = etree.fromstring(message)
    assert root.tag == f"{{{SOAP}}}Envelope"
    (request,) = root.find(f"{{{SOAP}}}Body")
    assert (request.tag, request.get("ID"), request.get("Destination")) == (
        f"{{{SAMLP}}}ArtifactResolve",
        QUESTION,
        "https://idp.example.com/artifact",
    )
    assert request.find(f"{{{SAML}}}Issuer").text == "urn:us"
    assert request.find(f"{{{SAMLP}}}Artifact").text == artifact()
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(keys.signing_certificate_pem, xmlsec.constants.KeyDataFormatCertPem)
    context.register_id(request, "ID")
    context.verify(factory.find(request, "ds:Signature"))


@pytest.mark.parametrize("sign_response", [False, True])
def test_read_artifact_response__signed__gives_the_response_which_verifies_by_itself(*, sign_response: bool) -> None:
    make = factory.signed_both if sign_response else factory.signed_assertion
    kept = Kept(response=etree.tostring(make()).decode())
    inner = read_artifact_response(kept.xml(), expectation(), NOON)
    identity = verify_response(base64.b64encode(inner), factory.expectation(), NOON)
    assert identity.subject == "alice@example.onaliyun.com"


def test_read_artifact_response__namespace_that_only_the_inner_signature_lists__survives() -> None:
    """OpenSAML lists `xs` in the inner signature and not in the outer one, whose canonical form then lacks it."""
    spec = Spec(assertion_attributes='xmlns:xs="http://www.w3.org/2001/XMLSchema"')
    root = factory.signed_assertion(spec, profile=factory.Profile(prefix_list="xs"))
    inner = read_artifact_response(Kept(response=etree.tostring(root).decode()).xml(), expectation(), NOON)
    verify_response(base64.b64encode(inner), factory.expectation(), NOON)


@pytest.mark.parametrize(("reason", "kept"), REFUSED.values(), ids=REFUSED)
def test_read_artifact_response__one_thing_wrong__refused(reason: Reason, kept: Kept) -> None:
    assert refused(kept) is reason


def test_read_artifact_response__header_in_the_envelope__is_not_read() -> None:
    envelope = (
        '<s:Envelope xmlns:s="{soap}"><s:Header><x xmlns="urn:x"/></s:Header><s:Body>{answer}</s:Body></s:Envelope>'
    )
    assert read_artifact_response(Kept(envelope=envelope).xml(), expectation(), NOON)


def test_read_artifact_response__changed_after_it_was_signed__refused() -> None:
    changed = Kept().xml().replace(b"alice@example", b"mallory@example")
    with pytest.raises(SamlError) as caught:
        read_artifact_response(changed, expectation(), NOON)
    assert caught.value.reason is Reason.SAML_SIGNATURE_DIGEST


def test_read_artifact_response__unsigned_response_in_a_signed_answer__is_refused_by_the_one_path() -> None:
    """The signature around it only says that our question was answered; it never stands in for the response's own."""
    kept = replace(Kept(), response=etree.tostring(Spec().tree()).decode())
    inner = read_artifact_response(kept.xml(), expectation(), NOON)
    with pytest.raises(SamlError) as caught:
        verify_response(base64.b64encode(inner), factory.expectation(), NOON)
    assert caught.value.reason is Reason.SAML_UNSIGNED
