"""peek: what a response claims, before anything is proven."""

import pytest

from gateway.errors import Reason, SamlError
from gateway.saml.response import UnverifiedResponse, peek
from tests import saml_encryption as encryption
from tests import saml_factory as factory
from tests.saml_factory import AUDIENCE, IDP, REQUEST_ID, Spec


def test_peek__plain_response__tells_what_it_claims() -> None:
    spec = Spec(response_in_response_to=REQUEST_ID)
    assert peek(factory.encode(spec.tree())) == UnverifiedResponse(IDP, REQUEST_ID, (AUDIENCE,), encrypted=False)


def test_peek__encrypted_response__tells_no_audience() -> None:
    root = encryption.encrypted_response()
    assert peek(factory.encode(root)) == UnverifiedResponse(IDP, None, (), encrypted=True)


def test_peek__response_without_issuer__takes_the_assertions() -> None:
    spec = Spec(response_issuer=None, issuer="<saml:Issuer>urn:inner</saml:Issuer>")
    assert peek(factory.encode(spec.tree())).unverified_issuer == "urn:inner"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("%%", Reason.SAML_ENCODING),
        (factory.encode("<a"), Reason.SAML_XML_MALFORMED),
        (factory.encode("<a/>"), Reason.SAML_SHAPE),
        (factory.encode(Spec(response_extra="<samlp:Response/>").tree()), Reason.SAML_SHAPE),
        (factory.encode(Spec(assertion_id="_response1").tree()), Reason.SAML_DUPLICATE_ID),
        (factory.encode(Spec(response_extra="<saml:Assertion/>").tree()), Reason.SAML_ASSERTION_COUNT),
        (factory.encode(Spec(status="").tree()), Reason.SAML_STATUS),
        (factory.encode(Spec(response_issuer=None, issuer="").tree()), Reason.SAML_ISSUER_MISMATCH),
        (factory.encode(Spec(response_issuer="").tree()), Reason.SAML_ISSUER_MISMATCH),
    ],
)
def test_peek__malformed__refused(message: str, reason: Reason) -> None:
    with pytest.raises(SamlError) as caught:
        peek(message)
    assert caught.value.reason is reason
