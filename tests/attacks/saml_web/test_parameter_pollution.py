"""One parameter given twice, in two places, or where it does not belong: the gateway reads one value or none."""

from base64 import b64decode
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import load_pem_x509_certificate
from werkzeug.datastructures import MultiDict

from tests.unit.web.site import Browser, Site, reason_of, role_spec, signed

ACS = "/saml-role/sso"


@pytest.fixture
def messages(site: Site) -> tuple[str, str]:
    """A good one, and one that a stranger signed."""
    spec = role_spec(*site.roles("reader"))
    return signed(spec), signed(spec, "stranger")


@pytest.mark.parametrize("order", [(0, 1), (1, 0), (0, 0)])
def test_role_acs__message_twice_in_the_form__refused_whatever_the_order(
    browser: Browser, messages: tuple[str, str], order: tuple[int, int]
) -> None:
    form = MultiDict([("SAMLResponse", messages[index]) for index in order])
    assert reason_of(browser.post(ACS, data=form)) == "ParameterInvalid"
    assert browser.post(ACS, data={"SAMLResponse": messages[0]}).status_code == 303


def test_role_acs__message_in_the_query__is_not_read(browser: Browser, messages: tuple[str, str]) -> None:
    good, evil = messages
    query = {"SAMLResponse": good}
    assert reason_of(browser.post(ACS, query_string=query)) == "ParameterMissing"
    refused = browser.post(ACS, query_string=query, data={"SAMLResponse": evil})
    assert reason_of(refused) == "SamlSignatureValue"
    assert browser.post(ACS, query_string={"SAMLResponse": evil}, data={"SAMLResponse": good}).status_code == 303


@pytest.mark.parametrize("path", [ACS, "/saml/SSO"])
def test_acs__redirect_binding__is_not_offered(browser: Browser, messages: tuple[str, str], path: str) -> None:
    """Responses come by POST: what a redirect can carry is in logs and histories."""
    answer = browser.get(path, query_string={"SAMLResponse": messages[0], "SigAlg": "x", "Signature": "y"})
    assert answer.status_code == 405


@pytest.mark.parametrize("name", ["samlresponse", "SAMLResponse ", "SAMLResponse[]", "samlart", "SAMLRequest"])
def test_role_acs__message_under_another_name__is_missing(
    browser: Browser, messages: tuple[str, str], name: str
) -> None:
    assert reason_of(browser.post(ACS, data={name: messages[0]})) == "ParameterMissing"


@pytest.mark.parametrize("order", [("https://evil.example/", "/admin"), ("/admin", "https://evil.example/")])
def test_role_acs__relay_state_twice__never_leads_elsewhere(
    browser: Browser, messages: tuple[str, str], order: tuple[str, str]
) -> None:
    form = MultiDict([("SAMLResponse", messages[0]), *(("RelayState", place) for place in order)])
    assert browser.post(ACS, data=form).headers["Location"] in {"/session", "/admin"}


@pytest.mark.parametrize(
    "callback",
    ["/admin", "/admin&SAMLRequest=x", "/admin&SigAlg=http://www.w3.org/2000/09/xmldsig%23rsa-sha1&Signature=x", "#&RelayState=x"],
)  # fmt: skip
def test_start__callback_with_parameters_of_the_binding__changes_nothing_that_is_signed(
    site: Site, browser: Browser, callback: str
) -> None:
    site.user_sso()
    location = browser.get(f"/saml/start/{site.account_id}", query_string={"callback": callback}).headers["Location"]
    query = urlsplit(location).query
    fields = parse_qsl(query, keep_blank_values=True)
    assert [name for name, _ in fields] == ["SAMLRequest", "SigAlg", "Signature"]
    signed_part, _, _ = query.partition("&Signature=")
    assert signed_part == urlencode(fields[:2])
    key = load_pem_x509_certificate(site.services.sp_keys.signing_certificate_pem.encode()).public_key()
    assert isinstance(key, RSAPublicKey)
    key.verify(b64decode(fields[2][1]), signed_part.encode(), PKCS1v15(), SHA256())
