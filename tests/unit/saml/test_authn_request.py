import base64
import zlib
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
import xmlsec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256, HashAlgorithm
from lxml import etree
from saml2 import samlp

from gateway.asking import NOTHING_WANTED, Comparison, RequestOptions, ResponseBinding
from gateway.errors import InputError, Reason
from gateway.saml.authn_request import build_authn_request, post_form, redirect_url
from gateway.saml.certificates import ServiceProviderKeys, make_keys

SSO_URL = "https://idp.example.com/sso"
DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
ALGORITHMS: list[tuple[str, HashAlgorithm, str]] = [
    ("rsa-sha256", SHA256(), "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256"),
    ("rsa-sha1", SHA1(), "http://www.w3.org/2000/09/xmldsig#rsa-sha1"),
]


@lru_cache(maxsize=1)
def _keys() -> ServiceProviderKeys:
    return make_keys("sso.example.com", datetime(2026, 3, 4, tzinfo=UTC))


def _public_key() -> RSAPublicKey:
    key = x509.load_pem_x509_certificate(_keys().signing_certificate_pem.encode()).public_key()
    assert isinstance(key, RSAPublicKey)
    return key


def _request(options: RequestOptions = NOTHING_WANTED) -> bytes:
    return build_authn_request(
        entity_id="https://sso.example.com/1234567890123456/saml/SSO",
        acs_url="https://sso.example.com/saml/SSO",
        destination=SSO_URL,
        request_id="_request",
        now=datetime(2026, 3, 4, 12, 0, 0, 999999, tzinfo=UTC),
        options=options,
    )


def test_build_authn_request__plain__says_who_asks_and_where_to_answer() -> None:
    request = samlp.authn_request_from_string(_request())

    assert (request.id, request.version, request.issue_instant) == ("_request", "2.0", "2026-03-04T12:00:00Z")
    assert request.destination == SSO_URL
    assert request.assertion_consumer_service_url == "https://sso.example.com/saml/SSO"
    assert request.protocol_binding == "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
    assert request.issuer.text == "https://sso.example.com/1234567890123456/saml/SSO"
    assert request.force_authn is None
    assert request.name_id_policy is None


def test_build_authn_request__options__are_written() -> None:
    options = RequestOptions(("urn:a", "urn:b"), Comparison.MINIMUM, force_authn=True, name_id_format="urn:x")
    request = samlp.authn_request_from_string(_request(options))

    assert (request.force_authn, request.is_passive) == ("true", None)
    assert (request.name_id_policy.format, request.name_id_policy.allow_create) == ("urn:x", "true")
    asked = request.requested_authn_context
    assert [each.text for each in asked.authn_context_class_ref] == ["urn:a", "urn:b"]
    assert asked.comparison == "minimum"


def test_build_authn_request__passive_and_by_artifact__are_written() -> None:
    options = RequestOptions(
        is_passive=True, name_id_format="urn:x", allow_create=False, binding=ResponseBinding.ARTIFACT
    )
    request = samlp.authn_request_from_string(_request(options))

    assert (request.force_authn, request.is_passive) == (None, "true")
    assert request.name_id_policy.allow_create == "false"
    assert request.requested_authn_context is None
    assert request.protocol_binding == "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"


@pytest.mark.parametrize(("name", "digest", "uri"), ALGORITHMS)
def test_redirect_url__signature__covers_the_query_as_it_is_sent(name: str, digest: HashAlgorithm, uri: str) -> None:
    query = urlsplit(redirect_url(_request(), SSO_URL, "a b&c=d/ü", _keys(), name)).query
    signed, _, signature = query.partition("&Signature=")

    _public_key().verify(base64.b64decode(unquote(signature)), signed.encode(), PKCS1v15(), digest)
    assert [item[0] for item in parse_qsl(query)] == ["SAMLRequest", "RelayState", "SigAlg", "Signature"]
    fields = dict(parse_qsl(query))
    assert fields["RelayState"] == "a b&c=d/ü"
    assert fields["SigAlg"] == uri
    assert zlib.decompress(base64.b64decode(fields["SAMLRequest"]), wbits=-15) == _request()


def test_redirect_url__one_character_changed__signature_fails() -> None:
    query = urlsplit(redirect_url(_request(), SSO_URL, "state", _keys(), "rsa-sha256")).query
    signed, _, signature = query.partition("&Signature=")

    with pytest.raises(InvalidSignature):
        _public_key().verify(
            base64.b64decode(unquote(signature)), signed.replace("state", "stale").encode(), PKCS1v15(), SHA256()
        )


def test_redirect_url__no_relay_state__is_left_out() -> None:
    query = urlsplit(redirect_url(_request(), SSO_URL, "", _keys(), "rsa-sha256")).query

    assert [item[0] for item in parse_qsl(query, keep_blank_values=True)] == ["SAMLRequest", "SigAlg", "Signature"]


def test_redirect_url__sso_url_with_a_query__keeps_it() -> None:
    url = redirect_url(_request(), SSO_URL + "?idpid=C01", "", _keys(), "rsa-sha256")

    assert url.startswith(SSO_URL + "?idpid=C01&SAMLRequest=")


@pytest.mark.parametrize(("name", "digest", "uri"), ALGORITHMS)
def test_post_form__enveloped_signature__verifies_and_stands_after_the_issuer(
    name: str, digest: HashAlgorithm, uri: str
) -> None:
    form = post_form(_request(), SSO_URL, "state", _keys(), name)
    root = etree.fromstring(base64.b64decode(form.saml_request))
    signature = root.find(f"{DSIG}Signature")
    xmlsec.tree.add_ids(root, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(_keys().signing_certificate_pem, xmlsec.constants.KeyDataFormatCertPem)

    context.verify(signature)

    assert (form.action, form.relay_state) == (SSO_URL, "state")
    assert root.index(signature) == 1
    assert signature.find(f".//{DSIG}SignatureMethod").get("Algorithm") == uri
    assert signature.find(f".//{DSIG}DigestMethod").get("Algorithm") == "http://www.w3.org/2001/04/xmlenc#sha256"
    assert signature.find(f".//{DSIG}CanonicalizationMethod").get("Algorithm") == (
        "http://www.w3.org/2001/10/xml-exc-c14n#"
    )
    assert signature.find(f".//{DSIG}Reference").get("URI") == "#_request"
    assert b"PRIVATE" not in etree.tostring(root)


@pytest.mark.parametrize("algorithm", ["", "rsa-sha512", "none", "RSA-SHA256"])
def test_sign_algo__unknown__is_refused(algorithm: str) -> None:
    for refused in (redirect_url, post_form):
        with pytest.raises(InputError) as caught:
            refused(_request(), SSO_URL, "", _keys(), algorithm)
        assert caught.value.reason is Reason.PARAMETER_INVALID
