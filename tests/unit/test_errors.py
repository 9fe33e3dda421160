from gateway.errors import AuthenticationError, GatewayError, NotFound, Reason, SamlError


def test_gateway_error__detail__is_kept_out_of_the_text() -> None:
    error = SamlError(Reason.SAML_EXPIRED, "the assertion is expired", detail="for alice@example.com")

    assert "alice" not in str(error)
    assert error.detail == "for alice@example.com"


def test_gateway_error__branches__share_one_root() -> None:
    assert issubclass(SamlError, AuthenticationError)
    assert issubclass(NotFound, GatewayError)
    assert NotFound(Reason.NOT_FOUND, "the user does not exist", subject="User").subject == "User"
