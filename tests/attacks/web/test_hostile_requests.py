"""Whatever is sent to the browser edge, a clean page comes back, and nothing is signed in."""

import base64
from urllib.parse import urlsplit

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import encode_multipart

from tests.saml_factory import encode, find, sign, signed_assertion
from tests.unit.web.site import BASE, Browser, Site, csrf_of, field_of, reason_of, role_spec, signed

CONSUMERS = ["/saml/SSO", "/1234567890123456/saml/SSO", "/x/saml/SSO", "/saml-role/sso"]
FORM = "application/x-www-form-urlencoded"
BOMB = '<!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]><l>&b;</l>'


def b64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def is_clean(answer: object) -> None:
    status = getattr(answer, "status_code", 0)
    text = getattr(answer, "text", "")
    headers = getattr(answer, "headers", {})
    assert status in {400, 401, 403, 404, 413}, (status, text[:500])
    assert headers["X-Request-Id"] in text
    assert "Traceback" not in text
    assert "ramgate_session" not in str(headers)


@pytest.mark.parametrize("path", CONSUMERS)
@pytest.mark.parametrize(
    "message",
    [
        "",
        "not base64 at all!",
        "====",
        "\x00",
        b64(b""),
        b64(b"\xff\xfe\x00\x00"),
        b64(b"<a/>"),
        b64(b"<a>" * 5000),
        b64(BOMB.encode()),
        b64(b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r>&x;</r>'),
        b64(b"<?xml version='1.0' encoding='utf-16'?><a/>"),
        b64(b'<samlp:Response xmlns:samlp="urn:oasis:names:tc:SAML:2.0:protocol"/>'),
        "A" * (300 * 1024),
        "\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"),
    ],
    ids=range(14),
)
def test_consumer__malformed_message__is_a_clean_page(browser: Browser, path: str, message: str) -> None:
    is_clean(browser.post(path, data={"SAMLResponse": message, "RelayState": "//evil.example"}))


@pytest.mark.parametrize("path", CONSUMERS)
@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"SAMLResponse=%ff%fe", FORM),
        (b"SAMLResponse", FORM),
        (b"&&&===&", FORM),
        (b"a=b&" * 2000, FORM),
        (b'{"SAMLResponse":"QQ=="}', "application/json"),
        (b"<a/>", "text/xml"),
        (b"\x00\x01\x02", "application/octet-stream"),
        (b"garbage", "multipart/form-data; boundary=x"),
        (b"garbage", "multipart/form-data"),
        (b'--x\r\nContent-Disposition: form-data; name="SAMLResponse"\r\n\r\nQQ==', "multipart/form-data; boundary=x"),
        (b"--x\r\n" * 3000, "multipart/form-data; boundary=x"),
        (b"SAMLResponse=QQ==", ""),
        (b"SAMLResponse=QQ==", FORM + "; charset=utf-7"),
        (b"SAMLResponse=QQ==&SAMLResponse=Qg==", FORM),
    ],
    ids=range(14),
)
def test_consumer__odd_body_or_type__is_a_clean_page(
    browser: Browser, path: str, body: bytes, content_type: str
) -> None:
    is_clean(browser.post(path, data=body, content_type=content_type))


@pytest.mark.parametrize("path", CONSUMERS)
@pytest.mark.parametrize("content_type", [FORM, "multipart/form-data; boundary=x", "text/plain"])
def test_consumer__huge_body__is_refused_unread(browser: Browser, path: str, content_type: str) -> None:
    answer = browser.post(path, data=b"SAMLResponse=" + b"A" * 2_000_000, content_type=content_type)
    is_clean(answer)
    assert answer.status_code in ({413} if content_type == FORM else {400, 413})


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(body=st.binary(max_size=400), message=st.binary(max_size=400))
def test_consumer__any_bytes__is_a_clean_page(browser: Browser, body: bytes, message: bytes) -> None:
    is_clean(browser.post("/saml-role/sso", data=body, content_type=FORM))
    is_clean(browser.post("/saml/SSO", data={"SAMLResponse": b64(message)}))
    is_clean(browser.post("/saml-role/sso", data={"SAMLResponse": message}))


@pytest.mark.parametrize(
    "relay_state",
    [
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "https://sso.example.com@evil.example/",
        "https://evil.example\\@sso.example.com/",
        "\thttps://evil.example",
        "/session\r\nLocation: https://evil.example",
        "javascript:alert(1)",
        "https://console.example.com.evil.example/",
        "x" * 5000,
    ],
)
def test_relay_state__of_a_valid_login__never_leaves_us(site: Site, browser: Browser, relay_state: str) -> None:
    form = {"SAMLResponse": signed(role_spec(*site.roles("reader"))), "RelayState": relay_state}
    answer = browser.post("/saml-role/sso", data=form)
    assert answer.status_code == 303
    assert answer.headers.getlist("Location") == ["/session"]


def test_relay_state__sent_twice__is_not_an_error_and_stays_home(site: Site, browser: Browser) -> None:
    form = {"SAMLResponse": signed(role_spec(*site.roles("reader"))), "RelayState": ["//evil.example", "/admin"]}
    assert urlsplit(browser.post("/saml-role/sso", data=form).headers["Location"]).netloc == ""


def test_two_assertions__second_one_unsigned__is_refused(site: Site, browser: Browser) -> None:
    root = signed_assertion(role_spec(*site.roles("reader")))
    forged = signed_assertion(role_spec(*site_values(site, "admin"), assertion_id="_forged"))
    root.append(find(forged, "/samlp:Response/saml:Assertion"))
    assert reason_of(browser.post("/saml-role/sso", data={"SAMLResponse": encode(root)})) == "SamlAssertionCount"


def site_values(site: Site, name: str) -> tuple[str]:
    account = f"acs:ram::{site.account_id}"
    return (f"{account}:role/{name},{account}:saml-provider/corp",)


def test_changed_after_signing__role_value__is_refused(site: Site, browser: Browser) -> None:
    root = signed_assertion(role_spec(*site.roles("reader", "admin")[:1]))
    value = find(root, "//saml:AttributeValue[contains(., 'role/reader')]")
    value.text = value.text.replace("role/reader", "role/admin")
    assert reason_of(browser.post("/saml-role/sso", data={"SAMLResponse": encode(root)})) == "SamlSignatureDigest"


def test_own_key__registered_by_nobody__is_refused(site: Site, browser: Browser) -> None:
    root = role_spec(*site.roles("reader")).tree()
    from tests.saml_factory import assertion_of, signing_key

    sign(root, assertion_of(root), signing_key("attacker"))
    assert reason_of(browser.post("/saml-role/sso", data={"SAMLResponse": encode(root)})) == "SamlSignatureValue"


def test_planted_cookies__before_sign_in__are_not_promoted(site: Site, browser: Browser) -> None:
    browser.set_cookie("__Host-ramgate_session", "planted-by-somebody", domain="sso.example.com")
    answer = browser.post("/saml-role/sso", data={"SAMLResponse": signed(role_spec(*site.roles("reader")))})
    cookie = browser.get_cookie("__Host-ramgate_session", domain="sso.example.com")
    assert answer.status_code == 303
    assert cookie
    assert cookie.value != "planted-by-somebody"


@pytest.mark.parametrize("handle", ["", "x", "x" * 5000, "é", "'; DROP TABLE browser_sessions; --", "%00"])
def test_session_cookie__of_any_form__is_nobody(browser: Browser, handle: str) -> None:
    answer = browser.get("/session", headers={"Cookie": f"__Host-ramgate_session={handle}"})
    assert answer.headers["Location"] == "/login.htm?callback=%2Fsession"


def test_plain_cookie_name__on_https__counts_for_nothing(site: Site) -> None:
    browser = site.signed_in(site.owner)
    cookie = browser.get_cookie("__Host-ramgate_session", domain="sso.example.com")
    assert cookie
    other = site.browser()
    other.set_cookie("ramgate_session", cookie.value, domain="sso.example.com")
    assert other.get("/session").status_code == 303


def test_host_header__hostile__appears_nowhere(browser: Browser) -> None:
    answer = browser.get("/session", headers={"Host": "evil.example"})
    assert "evil.example" not in answer.headers["Location"]
    metadata = browser.get("/saml-role/sp-metadata.xml", headers={"Host": "evil.example"})
    assert "evil.example" not in metadata.text


def test_form_token__of_a_session_before_sign_in__dies_with_it(site: Site, browser: Browser) -> None:
    before = csrf_of(browser.get("/owner/login.htm").text)
    page = browser.post("/saml-role/sso", data={"SAMLResponse": signed(role_spec(*site.roles("reader")))})
    assert page.status_code == 303
    browser.get("/session")
    assert reason_of(browser.post("/logout", data={"csrf_token": before})) == "CsrfTokenInvalid"


def test_refused_roles__texts_of_the_idp__are_escaped(site: Site, browser: Browser) -> None:
    hostile = "<img src=x onerror=alert(1)>ROLE_SSO_PAGE:"
    values = (*site.roles("reader", "admin"), hostile)
    page = browser.post("/saml-role/sso", data={"SAMLResponse": signed(role_spec(*values)), "RelayState": "</script>"})
    assert page.status_code == 200
    assert "<img src=x" not in page.text.replace('<img src="', "")
    assert page.text.count("</script>") == 2
    assert page.text.index("ROLE_SSO_PAGE: {") < page.text.index("&lt;img")
    assert field_of(page.text, "offer")


def test_cross_origin_post__with_the_victims_cookies__needs_a_token(site: Site) -> None:
    victim = site.signed_in(site.owner)
    for path in ("/logout", "/saml-role/take", "/admin/user-sso", "/admin/providers/new"):
        answer = victim.post(path, data={"x": "y"}, headers={"Origin": "https://evil.example"})
        assert reason_of(answer) == "CsrfTokenInvalid"
    assert victim.get("/session", base_url=BASE).status_code == 200


@pytest.mark.parametrize(
    "path", ["/owner/login.htm", "/acme/login.htm", "/logout", "/saml-role/take", "/admin/user-sso"]
)
def test_form__huge__is_refused_unread(browser: Browser, path: str) -> None:
    answer = browser.post(path, data=b"a=" + b"A" * 100_000, content_type=FORM)
    assert (answer.status_code, reason_of(answer)) == (413, "PayloadTooLarge")


def test_upload__larger_than_metadata_may_be__is_refused(site: Site) -> None:
    browser = site.signed_in(site.owner)
    form = {"csrf_token": browser.csrf("/admin/user-sso"), "text": "x" * 1_300_000}
    boundary, body = encode_multipart(form)
    content_type = f"multipart/form-data; boundary={boundary}"
    answer = browser.post("/admin/user-sso/preview", data=body, content_type=content_type)
    assert (answer.status_code, reason_of(answer)) == (413, "PayloadTooLarge")
