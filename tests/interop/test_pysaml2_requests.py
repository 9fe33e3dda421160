"""pysaml2's IdP side reads our metadata and our AuthnRequests, and refuses their tampered neighbours."""

import base64
from dataclasses import replace
from urllib.parse import parse_qsl, urlsplit

import pytest
from lxml import etree
from saml2 import md

from gateway.asking import RequestOptions
from gateway.clock import SystemClock
from gateway.demo.idp_messages import IdpMessages, RequestToAnswer
from gateway.errors import ConfigError, InputError, Reason
from gateway.saml.authn_request import build_authn_request, post_form, redirect_url
from gateway.saml.names import ROLE_ATTRIBUTE, ROLE_SESSION_NAME_ATTRIBUTE, SESSION_DURATION_ATTRIBUTE
from gateway.saml.sp_metadata import role_sso_metadata, user_sso_metadata
from tests.interop.material import (
    ACCOUNT_ID,
    BASE_URL,
    IDP_URL,
    URN,
    gateway_keys,
    idp_config,
    idp_messages,
    other_keys,
)

SP = f"{BASE_URL}/{ACCOUNT_ID}/saml/SSO"
ACS = f"{BASE_URL}/saml/SSO"
SSO_URL = f"{IDP_URL}/sso"
ALGORITHMS = ("rsa-sha256", "rsa-sha1")


def _request(**changes: str) -> bytes:
    texts = {"entity_id": SP, "acs_url": ACS, "destination": SSO_URL, "request_id": "_request", **changes}
    return build_authn_request(
        entity_id=texts["entity_id"],
        acs_url=texts["acs_url"],
        destination=texts["destination"],
        request_id=texts["request_id"],
        now=SystemClock().now(),
        options=RequestOptions(force_authn=True),
    )


def _redirect_fields(xml: bytes, algorithm: str = "rsa-sha256") -> dict[str, str]:
    url = redirect_url(xml, SSO_URL, "state & more", gateway_keys(), algorithm)
    return dict(parse_qsl(urlsplit(url).query))


def _read(fields: dict[str, str], *, redirect: bool) -> RequestToAnswer:
    return idp_messages().read_request(fields, redirect=redirect)


def _refused(fields: dict[str, str], *, redirect: bool) -> bool:
    with pytest.raises(InputError) as caught:
        _read(fields, redirect=redirect)
    return caught.value.reason is Reason.PARAMETER_INVALID


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_redirect_url__read_by_pysaml2__is_accepted(algorithm: str) -> None:
    wanted = _read(_redirect_fields(_request(), algorithm), redirect=True)

    assert wanted == RequestToAnswer(
        sp_entity_id=SP, acs_url=ACS, relay_state="state & more", request_id="_request", force_authn=True
    )


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_post_form__read_by_pysaml2__is_accepted(algorithm: str) -> None:
    form = post_form(_request(), SSO_URL, "state & more", gateway_keys(), algorithm)
    fields = {"SAMLRequest": form.saml_request, "RelayState": form.relay_state}

    assert _read(fields, redirect=False).request_id == "_request"


@pytest.mark.parametrize("field", ["RelayState", "SAMLRequest", "SigAlg", "Signature"])
def test_redirect_url__one_field_changed_or_gone__is_refused_by_pysaml2(field: str) -> None:
    fields = _redirect_fields(_request())
    other = {
        "RelayState": "other",
        "SAMLRequest": _redirect_fields(_request(request_id="_other"))["SAMLRequest"],
        "SigAlg": "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "Signature": base64.b64encode(bytes(384)).decode(),
    }

    assert _refused({**fields, field: other[field]}, redirect=True)
    if field != "SAMLRequest":
        assert _refused({name: value for name, value in fields.items() if name != field}, redirect=True)


def test_post_form__changed_inside__is_refused_by_pysaml2() -> None:
    form = post_form(_request(), SSO_URL, "", gateway_keys(), "rsa-sha256")
    xml = base64.b64decode(form.saml_request).replace(b'ForceAuthn="true"', b'ForceAuthn="false"')

    assert _refused({"SAMLRequest": base64.b64encode(xml).decode()}, redirect=False)


def test_post_form__unsigned__is_refused_by_pysaml2() -> None:
    assert _refused({"SAMLRequest": base64.b64encode(_request()).decode()}, redirect=False)


@pytest.mark.parametrize(
    "changes",
    [
        {"acs_url": "https://evil.example.com/acs"},
        {"destination": "https://other-idp.example.com/sso"},
        {"entity_id": "https://unknown.example.com"},
    ],
)
def test_redirect_url__for_others_or_from_others__is_refused_by_pysaml2(changes: dict[str, str]) -> None:
    assert _refused(_redirect_fields(_request(**changes)), redirect=True)


def test_redirect_url__signed_by_another_key__is_refused_by_pysaml2() -> None:
    url = redirect_url(_request(), SSO_URL, "", other_keys("other"), "rsa-sha256")

    assert _refused(dict(parse_qsl(urlsplit(url).query)), redirect=True)


def test_read_request__inflates_without_end__is_refused() -> None:
    bomb = _redirect_fields(_request() + b" " * 10_000_000)["SAMLRequest"]

    with pytest.raises(InputError) as caught:
        _read({"SAMLRequest": bomb}, redirect=True)

    assert caught.value.reason is Reason.PARAMETER_TOO_LONG


def test_read_request__metadata_url_does_not_answer__tells_so() -> None:
    config = replace(idp_config(), user_sso="http://127.0.0.1:9/saml/SpMetadata.xml")

    with pytest.raises(ConfigError) as caught:
        IdpMessages(config).read_request(_redirect_fields(_request()), redirect=True)

    assert caught.value.reason is Reason.CONFIG_INVALID


def test_user_sso_metadata__read_by_pysaml2_and_lxml__says_what_the_contract_says() -> None:
    xml = user_sso_metadata(BASE_URL, ACCOUNT_ID, gateway_keys(), encryption=True)
    descriptor = md.entity_descriptor_from_string(xml).spsso_descriptor[0]

    assert etree.fromstring(xml).get("entityID") == SP
    assert [key.use for key in descriptor.key_descriptor] == ["signing", "encryption"]
    methods = [method.algorithm for method in descriptor.key_descriptor[1].encryption_method]
    assert [method.rpartition("#")[2] for method in methods] == ["aes256-gcm", "aes128-gcm", "rsa-oaep-mgf1p"]
    assert (descriptor.want_assertions_signed, descriptor.authn_requests_signed) == ("true", "true")
    assert [name.text.rpartition(":")[2] for name in descriptor.name_id_format] == [
        "emailAddress",
        "transient",
        "persistent",
        "unspecified",
    ]
    consumers = [(item.location, item.index, item.is_default) for item in descriptor.assertion_consumer_service]
    assert consumers == [(ACS, "0", "true"), (ACS, "1", None)]
    logouts = [(item.binding.rpartition("-")[2], item.location) for item in descriptor.single_logout_service]
    assert logouts == [(binding, f"{BASE_URL}/{ACCOUNT_ID}/saml/logout") for binding in ("Redirect", "POST")]


def test_role_sso_metadata__read_by_pysaml2_and_lxml__says_what_the_contract_says() -> None:
    xml = role_sso_metadata(BASE_URL, URN, gateway_keys())
    entity = md.entity_descriptor_from_string(xml)
    descriptor = entity.spsso_descriptor[0]

    assert etree.fromstring(xml).get("entityID") == URN
    assert descriptor.want_assertions_signed == "true"
    assert descriptor.authn_requests_signed is None
    assert len(descriptor.name_id_format) == 8
    logouts = [(item.binding.rpartition("-")[2], item.location) for item in descriptor.single_logout_service]
    assert logouts == [(binding, f"{BASE_URL}/saml-role/logout") for binding in ("Redirect", "POST")]
    consumers = [(item.location, item.index) for item in descriptor.assertion_consumer_service]
    assert consumers == [(f"{BASE_URL}/saml-role/sso", "1"), (f"{BASE_URL}/saml-role/sso", "2")]
    assert [
        (item.name, item.friendly_name, item.is_required)
        for item in descriptor.attribute_consuming_service[0].requested_attribute
    ] == [
        (ROLE_ATTRIBUTE, "RoleEntitlement", "true"),
        (ROLE_SESSION_NAME_ATTRIBUTE, "RoleSessionName", "true"),
        (SESSION_DURATION_ATTRIBUTE, "SessionDuration", "false"),
    ]
    assert entity.organization is not None


def test_sp_metadata__unasked__offers_no_encryption_key() -> None:
    keys = gateway_keys()

    for xml in (user_sso_metadata(BASE_URL, ACCOUNT_ID, keys), role_sso_metadata(BASE_URL, URN, keys)):
        descriptor = md.entity_descriptor_from_string(xml).spsso_descriptor[0]
        assert [key.use for key in descriptor.key_descriptor] == ["signing"]


def test_sp_metadata__made_twice__is_the_same() -> None:
    keys = gateway_keys()

    assert user_sso_metadata(BASE_URL, ACCOUNT_ID, keys) == user_sso_metadata(BASE_URL, ACCOUNT_ID, keys)
    assert role_sso_metadata(BASE_URL, URN, keys) == role_sso_metadata(BASE_URL, URN, keys)
