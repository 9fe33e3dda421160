"""What a caller of AssumeRoleWithOIDC is told. Rule: sts-contract §6.4."""

import pytest

from gateway.api.errors import Failure, render_error
from gateway.errors import OidcError, Reason, UpstreamError

FAILURE = Failure("R-1", "sts.example.com", "AssumeRoleWithOIDC")
PREFIX = "AuthenticationFail.OIDCToken."
ISSUER = "https://idp.example.com"


@pytest.mark.parametrize(
    ("reason", "code", "message"),
    [
        (Reason.OIDC_SIGNATURE, "Invalid", "The OIDC Token is invalid."),
        (Reason.OIDC_SHAPE, "Invalid", "The OIDC Token is invalid."),
        (Reason.OIDC_ALGORITHM, "Invalid", "The OIDC Token is invalid."),
        (Reason.OIDC_EXPIRED, "Expired", "This JsonWebToken is expired."),
        (Reason.OIDC_ISSUANCE_LIMIT, "Expired", "This JsonWebToken is expired."),
        (Reason.OIDC_AUDIENCE, "AudienceNotMatch", "Invalid audience."),
        (Reason.OIDC_AUDIENCE_UNTRUSTED, "AudienceNotMatch", "Invalid audience."),
        (
            Reason.OIDC_ISSUER,
            "IssuerNotMatch",
            "The issuer in the OIDC Token doesn't match the OIDC Provider registered.",
        ),
    ],
)
def test_render_error__token_refused__has_the_contracts_code(reason: Reason, code: str, message: str) -> None:
    status, body = render_error(OidcError(reason, "no"), FAILURE)
    assert (status, body["Code"], body["Message"]) == (401, PREFIX + code, message)


@pytest.mark.parametrize(
    "error",
    [
        UpstreamError(Reason.FETCH_CONNECT, "no", subject=ISSUER),
        UpstreamError(Reason.OIDC_UNAVAILABLE, "no", subject=ISSUER),
        OidcError(Reason.OIDC_DISCOVERY_ISSUER, "no", subject=ISSUER),
        OidcError(Reason.OIDC_KEY_SET, "no", subject=ISSUER),
    ],
)
def test_render_error__keys_not_to_be_had__names_the_issuer(error: OidcError | UpstreamError) -> None:
    status, body = render_error(error, FAILURE)
    assert (status, body["Code"]) == (401, PREFIX + "IssuerConfigurationBroken")
    assert body["Message"] == f"Get public keys from OIDC Provider failed, the issuer is {ISSUER}."


def test_render_error__another_authority__has_the_contracts_code() -> None:
    _, body = render_error(OidcError(Reason.OIDC_FINGERPRINT, "no"), FAILURE)
    assert body["Code"] == PREFIX + "PublicKeyFingerprintMismatch"
