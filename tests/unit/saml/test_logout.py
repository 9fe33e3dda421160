"""Logout messages of providers: the checks of `logout_checks`, each with a neighbour that differs only in being right."""

import base64
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from lxml import etree

from gateway.errors import Reason, SamlError
from gateway.saml.logout import LogoutStatus, peek_logout, verify_logout_request, verify_logout_response
from gateway.saml.logout_bindings import Received, read_form, read_redirect
from gateway.saml.logout_checks import LogoutCheck
from tests.fake_clock import NOON
from tests.saml_factory import MORE, SAML, Profile, at, sign, signing_key
from tests.saml_logout_factory import (
    PARTIAL,
    RESPONDER,
    SUCCESS,
    Logout,
    answer,
    by_post,
    by_redirect,
    deflated,
    encrypted_id,
    expecting,
    form_of,
    query_of,
    signed_query,
)

Send = Callable[..., Received]
BOTH = pytest.mark.parametrize("send", [by_redirect, by_post])


def refusal(received: Callable[[], Received], **expected: Any) -> Reason:
    with pytest.raises(SamlError) as caught:
        verify_logout_request(received(), expecting(**expected), NOON)
    return caught.value.reason


@BOTH
def test_verify__sound_request__says_who_and_which_session(send: Send) -> None:
    logout = verify_logout_request(send(Logout()), expecting(), NOON)
    assert (logout.request_id, logout.issuer) == ("_logout1", Logout().issuer)
    assert (logout.subject, logout.session_indexes) == ("alice@example.onaliyun.com", ("_session1",))
    assert logout.certificate_fingerprint == signing_key().trusted.fingerprint
    assert logout.issued_at == NOON - timedelta(seconds=5)
    assert logout.not_on_or_after == NOON + timedelta(seconds=295 + 120)  # five minutes of age come before 300 seconds
    assert logout.evidence == tuple(LogoutCheck)[:11]


@BOTH
@pytest.mark.parametrize("kind", ["p256", "p384", "p521"])
def test_verify__elliptic_key__is_verified_by_its_algorithm(send: Send, kind: str) -> None:
    key, algorithm = signing_key("ec", kind), MORE + "ecdsa-sha256"
    options = {"algorithm": algorithm} if send is by_redirect else {"profile": Profile(algorithm=algorithm)}
    certificates = (key.trusted,)
    assert (
        verify_logout_request(send(Logout(), key, **options), expecting(certificates=certificates), NOON).request_id
        == "_logout1"
    )
    assert refusal(lambda: send(Logout(), key, **options)) is Reason.SAML_SIGNATURE_ALGORITHM


@BOTH
def test_verify__other_key__is_refused(send: Send) -> None:
    assert refusal(lambda: send(Logout(), signing_key("mallory"))) is Reason.SAML_SIGNATURE_VALUE
    assert refusal(lambda: send(Logout()), certificates=()) is Reason.SAML_SIGNATURE_VALUE


@BOTH
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"version": "1.1"}, Reason.SAML_VERSION),
        ({"message_id": "1st"}, Reason.SAML_SHAPE),
        ({"issue_instant": at(121)}, Reason.SAML_ISSUE_INSTANT),
        ({"issue_instant": at(-421)}, Reason.SAML_EXPIRED),
        ({"issue_instant": "yesterday"}, Reason.SAML_TIME),
        ({"not_on_or_after": at(-120)}, Reason.SAML_EXPIRED),
        ({"not_on_or_after": "soon"}, Reason.SAML_TIME),
        ({"issuer": "https://other.example.com"}, Reason.SAML_ISSUER_MISMATCH),
        ({"issuer": None}, Reason.SAML_ISSUER_MISMATCH),
        ({"destination": "https://sso.example.com/saml/logout"}, Reason.SAML_DESTINATION),
        ({"destination": "https://sso.example.com/saml-role/logout/"}, Reason.SAML_DESTINATION),
        ({"destination": None}, Reason.SAML_DESTINATION),
        ({"name_id": ""}, Reason.SAML_SUBJECT),
        ({"name_id": "<saml:NameID> alice</saml:NameID>"}, Reason.SAML_SUBJECT),
        ({"name_id": "<saml:NameID></saml:NameID>"}, Reason.SAML_SUBJECT),
        ({"name_id": "<saml:NameID>a</saml:NameID><saml:NameID>b</saml:NameID>"}, Reason.SAML_SHAPE),
        ({"name_id": "<saml:BaseID>alice</saml:BaseID>"}, Reason.SAML_SHAPE),
        ({"session_indexes": ("",)}, Reason.SAML_SHAPE),
        ({"session_indexes": tuple(f"s{number}" for number in range(33))}, Reason.SAML_SHAPE),
        ({"session_indexes": ("x" * 1025,)}, Reason.SAML_SHAPE),
        ({"extra": "<samlp:Surprise/>"}, Reason.SAML_SHAPE),
    ],
)
def test_verify__one_thing_wrong__is_refused_for_it(send: Send, changes: dict[str, Any], reason: Reason) -> None:
    assert refusal(lambda: send(Logout(**changes))) is reason


@BOTH
@pytest.mark.parametrize(
    "changes",
    [
        {"issue_instant": at(120)},
        {"issue_instant": at(-419)},
        {"not_on_or_after": at(-119)},
        {"not_on_or_after": None},
        {"session_indexes": ()},
        {"session_indexes": tuple(f"s{number}" for number in range(32))},
        {"name_id": "<saml:NameID>alice</saml:NameID>"},
    ],
)
def test_verify__just_right__is_accepted(send: Send, changes: dict[str, Any]) -> None:
    assert verify_logout_request(send(Logout(**changes)), expecting(), NOON).request_id == "_logout1"


@BOTH
def test_verify__response_where_a_request_is_due__is_refused(send: Send) -> None:
    assert refusal(lambda: send(answer("_ours"))) is Reason.SAML_SHAPE
    with pytest.raises(SamlError) as caught:
        verify_logout_response(send(Logout()), expecting(), "_ours", NOON)
    assert caught.value.reason is Reason.SAML_SHAPE


@pytest.mark.parametrize("send", [by_redirect, by_post])
def test_verify__encrypted_name_id__is_decrypted(send: Send) -> None:
    logout = Logout(name_id=encrypted_id("<saml:NameID>alice</saml:NameID>"))
    assert verify_logout_request(send(logout), expecting(), NOON).subject == "alice"
    assert refusal(lambda: send(logout), decryption_keys=()) is Reason.SAML_DECRYPTION


def test_verify__encrypted_by_cbc_or_to_something_else__is_refused() -> None:
    cbc = encrypted_id("<saml:NameID>alice</saml:NameID>", "http://www.w3.org/2001/04/xmlenc#aes256-cbc")
    assert refusal(lambda: by_post(Logout(name_id=cbc))) is Reason.SAML_ENCRYPTION_ALGORITHM
    other = encrypted_id("<saml:Issuer>alice</saml:Issuer>")
    assert refusal(lambda: by_post(Logout(name_id=other))) is Reason.SAML_DECRYPTION


@BOTH
@pytest.mark.parametrize(
    ("codes", "status"),
    [
        ((SUCCESS,), LogoutStatus.SUCCESS),
        ((SUCCESS, PARTIAL), LogoutStatus.PARTIAL),
        ((RESPONDER, PARTIAL), LogoutStatus.PARTIAL),
        ((RESPONDER,), LogoutStatus.FAILED),
        (("urn:unknown",), LogoutStatus.FAILED),
    ],
)
def test_verify_response__status__is_read(send: Send, codes: tuple[str, ...], status: LogoutStatus) -> None:
    found = verify_logout_response(send(answer("_ours", *codes)), expecting(), "_ours", NOON)
    assert (found.status, found.said) == (status, codes)
    assert LogoutCheck.STATUS in found.evidence


@BOTH
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"in_response_to": "_theirs"}, Reason.SAML_IN_RESPONSE_TO),
        ({"in_response_to": None}, Reason.SAML_UNSOLICITED),
        ({"status": "<samlp:Status/>"}, Reason.SAML_STATUS),
        ({"issuer": "https://other.example.com"}, Reason.SAML_ISSUER_MISMATCH),
        ({"issue_instant": at(-421)}, Reason.SAML_EXPIRED),
    ],
)
def test_verify_response__one_thing_wrong__is_refused(send: Send, changes: dict[str, Any], reason: Reason) -> None:
    with pytest.raises(SamlError) as caught:
        verify_logout_response(send(answer("_ours", **changes)), expecting(), "_ours", NOON)
    assert caught.value.reason is reason


# check 1 and 2: how a message comes


def test_read_redirect__sound_query__keeps_the_octets_that_were_signed() -> None:
    query = query_of(Logout(), relay_state="a b/ü")
    received = read_redirect(query.encode())
    assert received.is_request
    assert received.relay_state == "a b/ü"
    assert received.signature is not None
    assert received.signature.octets == query.partition("&Signature=")[0].encode()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda query: query + "&SAMLRequest=abc", Reason.SAML_BINDING),
        (lambda query: query + "&SAMLResponse=abc", Reason.SAML_BINDING),
        (lambda query: query + "&RelayState=b", Reason.SAML_BINDING),
        (lambda query: query + "&SigAlg=b", Reason.SAML_BINDING),
        (lambda query: query + "&Signature=b", Reason.SAML_BINDING),
        (lambda query: query + "&Relay%53tate=b", Reason.SAML_BINDING),
        (lambda query: query.replace("SAMLRequest", "SAML%52equest"), Reason.SAML_BINDING),
        (lambda query: "&".join(reversed(query.split("&"))), Reason.SAML_BINDING),
        (lambda query: query + "&SAMLEncoding=urn:other", Reason.SAML_BINDING),
        (lambda query: query.partition("&SigAlg=")[0], Reason.SAML_UNSIGNED),
        (lambda query: query.partition("&Signature=")[0], Reason.SAML_UNSIGNED),
        (lambda query: query.partition("&")[2], Reason.SAML_BINDING),
        (lambda query: query.replace("SAMLRequest=", "SAMLRequest=%25"), Reason.SAML_ENCODING),
        (lambda query: query.replace("Signature=", "Signature=%25"), Reason.SAML_ENCODING),
        (lambda query: query + "&x=" + "a" * 140_000, Reason.SAML_TOO_LARGE),
    ],
)
def test_read_redirect__polluted_query__is_refused(change: Callable[[str], str], reason: Reason) -> None:
    query = query_of(Logout(), relay_state="a")
    with pytest.raises(SamlError) as caught:
        read_redirect(change(query).encode())
    assert caught.value.reason is reason


def test_read_redirect__parameters_of_nobodys__are_left_alone() -> None:
    query = query_of(Logout(), relay_state="a") + "&utm=1&SAMLEncoding=urn%3Aoasis%3Anames%3Atc%3ASAML%3A2.0%3Abindings"
    query += "%3AURL-Encoding%3ADEFLATE"
    assert verify_logout_request(read_redirect(query.encode()), expecting(), NOON).request_id == "_logout1"


@pytest.mark.parametrize("relay_state", ["x" * 2049, "line\nbreak", "\x00"])
def test_read__relay_state_that_no_page_should_carry__is_refused(relay_state: str) -> None:
    for send in (by_redirect, by_post):
        with pytest.raises(SamlError) as caught:
            send(Logout(), relay_state=relay_state)
        assert caught.value.reason is Reason.SAML_BINDING


def test_read_redirect__bomb__is_refused_before_it_fills_the_memory() -> None:
    bomb = deflated(b"<x>" + b" " * 60_000_000 + b"</x>")
    with pytest.raises(SamlError) as caught:
        read_redirect(signed_query([("SAMLRequest", bomb), ("SigAlg", "x")], signing_key(), "rsa-sha256").encode())
    assert caught.value.reason is Reason.SAML_TOO_LARGE


@pytest.mark.parametrize("alter", [lambda data: data[:-4], lambda data: data + b"more", lambda data: b"\xff" + data])
def test_read_redirect__stream_that_is_not_whole__is_refused(alter: Callable[[bytes], bytes]) -> None:
    stream = alter(base64.b64decode(deflated(Logout().xml().encode())))
    fields = [("SAMLRequest", base64.b64encode(stream).decode()), ("SigAlg", "x")]
    with pytest.raises(SamlError) as caught:
        read_redirect(signed_query(fields, signing_key(), "rsa-sha256").encode())
    assert caught.value.reason is Reason.SAML_ENCODING


@pytest.mark.parametrize("extra", [("SAMLRequest", "abc"), ("SAMLResponse", "abc")])
def test_read_form__two_messages__are_refused(extra: tuple[str, str]) -> None:
    with pytest.raises(SamlError) as caught:
        read_form([*form_of(Logout()).items(), extra])
    assert caught.value.reason is Reason.SAML_BINDING


# check 5: the signature


def test_verify__parameters_changed_after_signing__are_refused() -> None:
    query = query_of(Logout(), relay_state="a")
    assert refusal(lambda: read_redirect(query.replace("RelayState=a", "RelayState=b").encode())) is (
        Reason.SAML_SIGNATURE_VALUE
    )
    dropped = query.replace("&RelayState=a", "")
    assert refusal(lambda: read_redirect(dropped.encode())) is Reason.SAML_SIGNATURE_VALUE
    other = query_of(Logout(message_id="_logout2")).partition("&")[0]
    swapped = other + "&" + query.partition("&")[2]
    assert refusal(lambda: read_redirect(swapped.encode())) is Reason.SAML_SIGNATURE_VALUE


def test_verify__same_values_in_another_spelling__are_refused() -> None:
    query = query_of(Logout(), relay_state="a")
    assert refusal(lambda: read_redirect(query.replace("RelayState=a", "RelayState=%61").encode())) is (
        Reason.SAML_SIGNATURE_VALUE
    )
    lower = query.replace("%2B", "%2b").replace("%2F", "%2f").replace("%3D", "%3d")
    assert lower != query
    assert refusal(lambda: read_redirect(lower.encode())) is Reason.SAML_SIGNATURE_VALUE


def test_verify__spelling_that_the_sender_signed__is_accepted_whatever_it_is() -> None:
    def lower_case(text: str) -> str:
        return "".join(f"%{byte:02x}" for byte in text.encode())

    received = read_redirect(query_of(Logout(), escape=lower_case).encode())
    assert verify_logout_request(received, expecting(), NOON).request_id == "_logout1"


@pytest.mark.parametrize(
    "algorithm",
    [
        "http://www.w3.org/2000/09/xmldsig#rsa-sha1",
        "http://www.w3.org/2000/09/xmldsig#hmac-sha1",
        MORE + "ecdsa-sha256",
        "none",
        "",
    ],
)
def test_verify_redirect__algorithm_off_the_list_or_unfit__is_refused(algorithm: str) -> None:
    fields = [("SAMLRequest", deflated(Logout().xml().encode())), ("SigAlg", algorithm)]
    query = signed_query(fields, signing_key(), "rsa-sha1" if "sha1" in algorithm else "rsa-sha256")
    assert refusal(lambda: read_redirect(query.encode())) is Reason.SAML_SIGNATURE_ALGORITHM


def test_verify_redirect__signature_inside_as_well__is_refused() -> None:
    root = etree.fromstring(Logout().xml().encode())
    sign(root, root)
    inside = etree.tostring(root).decode()
    assert refusal(lambda: by_redirect(inside)) is Reason.SAML_SIGNATURE_PLACE


def test_verify_post__no_signature__is_refused() -> None:
    plain = base64.b64encode(Logout().xml().encode()).decode()
    assert refusal(lambda: read_form([("SAMLRequest", plain)])) is Reason.SAML_UNSIGNED


def test_verify_post__signature_of_a_part__is_refused() -> None:
    root = etree.fromstring(Logout(name_id='<saml:NameID ID="_part">alice</saml:NameID>').xml().encode())
    part = root.find(f"{{{SAML}}}NameID")
    sign(root, part)
    encoded = base64.b64encode(etree.tostring(root)).decode()
    assert refusal(lambda: read_form([("SAMLRequest", encoded)])) is Reason.SAML_SIGNATURE_PLACE


def test_verify_post__changed_after_signing__is_refused() -> None:
    fields = form_of(Logout())
    xml = base64.b64decode(fields["SAMLRequest"]).replace(b"alice@", b"bob@")
    assert refusal(lambda: read_form([("SAMLRequest", base64.b64encode(xml).decode())])) is Reason.SAML_SIGNATURE_DIGEST


@BOTH
@pytest.mark.parametrize(
    ("hidden", "reason"),
    [
        ("<!DOCTYPE x>", Reason.SAML_DTD),
        ("<!-- x -->", Reason.SAML_COMMENT_OR_PI),
        ("<?x?>", Reason.SAML_COMMENT_OR_PI),
    ],
)
def test_peek__hidden_parts__are_refused(send: Send, hidden: str, reason: Reason) -> None:
    received = replace(send(Logout()), xml=hidden.encode() + Logout().xml().encode())
    with pytest.raises(SamlError) as caught:
        peek_logout(received)
    assert caught.value.reason is reason


@BOTH
def test_peek__sound_messages__says_who_it_claims_to_be_from(send: Send) -> None:
    assert peek_logout(send(Logout())).unverified_issuer == Logout().issuer
    assert peek_logout(send(answer("_ours"))).unverified_in_response_to == "_ours"
    with pytest.raises(SamlError) as caught:
        peek_logout(send(Logout(issuer=None)))
    assert caught.value.reason is Reason.SAML_ISSUER_MISMATCH
