import pytest

from gateway.errors import (
    AuthenticationError,
    Conflict,
    CredentialError,
    Denied,
    GatewayError,
    InputError,
    NotFound,
    OidcError,
    Reason,
    SamlError,
    UpstreamError,
)
from gateway.web.advice import advice_of, status_of

FAMILIES = [GatewayError, InputError, AuthenticationError, CredentialError, SamlError, OidcError, NotFound, Conflict]


@pytest.mark.parametrize("family", FAMILIES)
def test_advice_of__every_reason__has_a_sentence_and_a_client_status(family: type[GatewayError]) -> None:
    for error in [family(reason, "no") for reason in Reason]:
        assert advice_of(error).endswith(".")
        assert 400 <= status_of(error) < 500


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (SamlError(Reason.SAML_XML_MALFORMED, ""), 400),
        (SamlError(Reason.SAML_SIGNATURE_VALUE, ""), 403),
        (SamlError(Reason.SAML_TOO_LARGE, ""), 413),
        (SamlError(Reason.SAML_REPLAYED, ""), 403),
        (OidcError(Reason.OIDC_SHAPE, ""), 400),
        (OidcError(Reason.OIDC_SIGNATURE, ""), 403),
        (OidcError(Reason.OIDC_TOO_LARGE, ""), 413),
        (UpstreamError(Reason.FETCH_TIMEOUT, ""), 502),
        (CredentialError(Reason.LOGIN_FAILED, ""), 401),
        (Denied(Reason.ACCESS_DENIED, "", None), 403),
        (NotFound(Reason.NOT_FOUND, ""), 404),
        (Conflict(Reason.DELETE_CONFLICT, ""), 409),
        (InputError(Reason.PARAMETER_MISSING, ""), 400),
        (SamlError(Reason.METADATA_CERTIFICATE, ""), 400),
    ],
)
def test_status_of__family_and_reason__decide(error: GatewayError, status: int) -> None:
    assert status_of(error) == status


def test_advice_of__provider_that_does_not_answer__says_to_try_later() -> None:
    sentences = {advice_of(UpstreamError(reason, "")) for reason in (Reason.FETCH_TLS, Reason.OIDC_UNAVAILABLE)}
    assert len(sentences) == 1
    assert "Try again" in sentences.pop()
