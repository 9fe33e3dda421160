"""An identity provider that we did not write, before, at and after our own keys are switched."""

import base64
import shutil
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
import xmlsec
from lxml import etree

from gateway.clock import SystemClock
from gateway.demo.idp import SignStyle
from gateway.demo.idp_messages import IdpMessages
from gateway.errors import InputError, Reason, SamlError
from gateway.key_files import load_or_make_keys
from gateway.key_rollover import make_next_keys, retire_key, switch_keys
from gateway.own_keys import OwnKeys
from gateway.saml.authn_request import build_authn_request, post_form, redirect_url
from gateway.saml.certificates import ServiceProviderKeys, parse_certificate
from gateway.saml.names import role_sso_recipient
from gateway.saml.response import Expectation, verify_response
from gateway.saml.sp_metadata import role_sso_metadata, user_sso_metadata
from tests.interop.material import ACCOUNT_ID, ALICE, BASE_URL, IDP_URL, URN, idp_config, other_keys

DAY = timedelta(days=1)
NOW = SystemClock().now()
SWITCH = NOW + 7 * DAY
SECOND = timedelta(seconds=1)
ALL_TIMES = (NOW, SWITCH - SECOND, SWITCH, SWITCH + 6 * DAY, SWITCH + 100 * DAY)


@dataclass(frozen=True)
class Rollover:
    """Our keys with a switch in a week, and those from before there was a next one."""

    own: OwnKeys
    first: ServiceProviderKeys
    certs: Path


@pytest.fixture(scope="module")
def rollover(tmp_path_factory: pytest.TempPathFactory) -> Rollover:
    certs = tmp_path_factory.mktemp("rollover") / "certs"
    _, own = load_or_make_keys(certs, NOW)
    first = own.at(NOW)
    make_next_keys(certs, NOW)
    assert switch_keys(certs, NOW) == SWITCH.replace(microsecond=0)
    return Rollover(OwnKeys(certs), first, certs)


def idp(keys: ServiceProviderKeys, style: SignStyle = SignStyle.ENCRYPTED) -> IdpMessages:
    """An identity provider that read our metadata when these were our keys."""
    config = replace(
        idp_config(style),
        user_sso=user_sso_metadata(BASE_URL, ACCOUNT_ID, keys, encryption=True),
        role_sso=role_sso_metadata(BASE_URL, URN, keys, encryption=True),
    )
    return IdpMessages(config)


def request() -> bytes:
    return build_authn_request(
        entity_id=f"{BASE_URL}/{ACCOUNT_ID}/saml/SSO",
        acs_url=f"{BASE_URL}/saml/SSO",
        destination=f"{IDP_URL}/sso",
        request_id="_request",
        now=SystemClock().now(),
    )


def takes(messages: IdpMessages, keys: ServiceProviderKeys) -> tuple[bool, bool]:
    """Whether it takes our request by redirect, and by POST."""
    url = redirect_url(request(), f"{IDP_URL}/sso", "", keys, "rsa-sha256")
    form = post_form(request(), f"{IDP_URL}/sso", "", keys, "rsa-sha256")
    redirected = dict(parse_qsl(urlsplit(url).query))
    return _reads(messages, redirected, redirect=True), _reads(
        messages, {"SAMLRequest": form.saml_request}, redirect=False
    )


def _reads(messages: IdpMessages, fields: dict[str, str], *, redirect: bool) -> bool:
    try:
        return messages.read_request(fields, redirect=redirect).request_id == "_request"
    except InputError:
        return False


def test_requests__identity_provider_read_metadata_in_the_week_before__are_taken_all_along(rollover: Rollover) -> None:
    messages = idp(rollover.own.at(NOW))
    assert {takes(messages, rollover.own.at(when)) for when in ALL_TIMES} == {(True, True)}


def test_requests__identity_provider_read_metadata_after_the_switch__takes_what_was_under_way(
    rollover: Rollover,
) -> None:
    messages = idp(rollover.own.at(SWITCH))
    assert {takes(messages, rollover.own.at(when)) for when in ALL_TIMES} == {(True, True)}


def test_requests__identity_provider_read_metadata_when_the_old_key_had_left__takes_the_new_one_only(
    rollover: Rollover,
) -> None:
    messages = idp(rollover.own.at(SWITCH + 100 * DAY))
    assert takes(messages, rollover.own.at(SWITCH)) == (True, True)
    assert takes(messages, rollover.own.at(NOW)) == (False, False)


def test_requests__identity_provider_never_read_metadata_again__are_refused_from_the_switch_on(
    rollover: Rollover,
) -> None:
    """What the week is for."""
    messages = idp(rollover.first)
    assert takes(messages, rollover.own.at(SWITCH - SECOND)) == (True, True)
    assert takes(messages, rollover.own.at(SWITCH)) == (False, False)


@pytest.mark.parametrize("when", [NOW, SWITCH - SECOND, SWITCH, SWITCH + 100 * DAY])
def test_post_form__verified_by_xmlsec__with_the_certificate_that_metadata_shows_first(
    rollover: Rollover, when: datetime
) -> None:
    keys = rollover.own.at(when)
    form = post_form(request(), f"{IDP_URL}/sso", "", keys, "rsa-sha256")
    root = etree.fromstring(base64.b64decode(form.saml_request))
    metadata = etree.fromstring(user_sso_metadata(BASE_URL, ACCOUNT_ID, keys))
    shown = metadata.findtext(".//{http://www.w3.org/2000/09/xmldsig#}X509Certificate")
    pem = f"-----BEGIN CERTIFICATE-----\n{shown.strip()}\n-----END CERTIFICATE-----\n"
    xmlsec.tree.add_ids(root, ["ID"])
    context = xmlsec.SignatureContext()
    context.key = xmlsec.Key.from_memory(pem, xmlsec.constants.KeyDataFormatCertPem)
    context.verify(xmlsec.tree.find_node(root, xmlsec.constants.NodeSignature))


@pytest.mark.parametrize("read_at", [None, NOW, SWITCH])
def test_assertions__encrypted_to_whichever_key_was_offered__open_at_all_times(
    rollover: Rollover, read_at: datetime | None
) -> None:
    messages = idp(rollover.first if read_at is None else rollover.own.at(read_at))
    response = messages.answer(messages.start("role", ""), ALICE, SystemClock().now()).saml_response
    assert b"EncryptedAssertion" in base64.b64decode(response)
    for when in ALL_TIMES:
        identity = verify_response(response, _expectation(rollover.own.at(when)), SystemClock().now())
        assert identity.issuer == idp_config().entity_id


def test_assertions__encrypted_to_a_key_that_was_retired__do_not_open(rollover: Rollover, tmp_path: Path) -> None:
    certs = shutil.copytree(rollover.certs, tmp_path / "certs")
    retire_key(certs, "sp-encryption", SWITCH)
    messages = idp(rollover.first)
    response = messages.answer(messages.start("role", ""), ALICE, SystemClock().now()).saml_response
    with pytest.raises(SamlError) as caught:
        verify_response(response, _expectation(OwnKeys(certs).at(SWITCH)), SystemClock().now())
    assert caught.value.reason is Reason.SAML_DECRYPTION


def test_metadata__between_changes__is_byte_for_byte_the_same(rollover: Rollover) -> None:
    def documents(when: datetime) -> bytes:
        return role_sso_metadata(BASE_URL, URN, rollover.own.at(when), encryption=True)

    leaves = SWITCH.replace(microsecond=0) + 7 * DAY
    spans = [(NOW, SWITCH - SECOND), (SWITCH, leaves - SECOND), (leaves, leaves + 1000 * DAY)]
    assert all(documents(first) == documents(last) for first, last in spans)
    assert len({documents(first) for first, _ in spans}) == 3


def _expectation(keys: ServiceProviderKeys) -> Expectation:
    return Expectation(
        issuer=idp_config().entity_id,
        certificates=(parse_certificate(other_keys("idp.example.com").signing_certificate_pem.encode()),),
        audience=URN,
        recipients=(role_sso_recipient(BASE_URL),),
        in_response_to=None,
        decryption_keys=keys.encryption,
    )
