"""Administration pages: the policy engine decides, metadata is shown before it is trusted, changes leave receipts."""

import io

import pytest
from werkzeug.test import TestResponse

from gateway.audit.receipts import list_receipts
from gateway.directory.saml_providers import find_saml_provider
from gateway.directory.user_sso import find_user_sso
from tests.unit.web.site import Browser, Site, csrf_of, field_of, idp_metadata, reason_of

HIDDEN = ("csrf_token", "name", "description", "sign_algo", "metadata")


def preview(browser: Browser, *, name: str = "corp", xml: bytes | None = None, pasted: bool = False) -> TestResponse:
    document = idp_metadata() if xml is None else xml
    form: dict[str, object] = {
        "csrf_token": browser.csrf("/admin/providers/new"),
        "name": name,
        "description": "Acme's <sign-in>",
        "sign_algo": "rsa-sha256",
    }
    form |= {"text": document.decode()} if pasted else {"file": (io.BytesIO(document), "metadata.xml")}
    return browser.post("/admin/providers/new/preview", data=form, content_type="multipart/form-data")


def register(browser: Browser, name: str = "corp") -> TestResponse:
    page = preview(browser, name=name)
    return browser.post("/admin/providers/new", data={key: field_of(page.text, key) for key in HIDDEN})


@pytest.mark.parametrize("pasted", [False, True])
def test_preview__metadata__shows_what_was_found_and_saves_nothing(site: Site, pasted: bool) -> None:
    page = preview(site.signed_in(site.owner), pasted=pasted)
    assert page.status_code == 200
    for text in (
        "https://idp.example.com/saml/metadata",
        "CN=idp.example.com",
        "https://idp.example.com/sso",
        "until 2027-03-04",
    ):
        assert text in page.text
    with site.services.store.reading() as session:
        assert find_saml_provider(session, site.account_id, "corp") is None


@pytest.mark.parametrize(
    "xml", [b"<a/>", b"not XML", b"\xff\xfe\x00", b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', b""]
)
def test_preview__unusable_metadata__keeps_the_form_and_says_why(site: Site, xml: bytes) -> None:
    page = preview(site.signed_in(site.owner), xml=xml)
    assert page.status_code == 400
    assert 'role="alert"' in page.text
    assert field_of(page.text, "csrf_token")
    assert 'value="Acme&#39;s &lt;sign-in&gt;"' in page.text


def test_create__confirmed__is_saved_with_a_receipt(site: Site) -> None:
    browser = site.signed_in(site.owner)
    answer = register(browser)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/providers/corp")
    page = browser.get("/admin/providers/corp").text
    assert f"acs:ram::{site.account_id}:saml-provider/corp" in page
    assert "corp is registered." in page
    assert "Acme&#39;s &lt;sign-in&gt;" in browser.get("/admin/providers").text
    with site.services.store.reading() as session:
        (receipt,) = list_receipts(session, account_id=site.account_id)
    assert receipt.kind == "CreateSAMLProvider"
    assert receipt.request_id == answer.headers["X-Request-Id"]
    assert receipt.principal_arn == site.owner.arn


def test_create__refused_name__leaves_neither_provider_nor_receipt(site: Site) -> None:
    browser = site.signed_in(site.owner)
    answer = register(browser, name="-corp")
    assert (answer.status_code, reason_of(answer)) == (400, "NameInvalidChars")
    with site.services.store.reading() as session:
        assert list_receipts(session, account_id=site.account_id) == []


def test_create__metadata_damaged_on_the_way__is_refused(site: Site) -> None:
    browser = site.signed_in(site.owner)
    page = preview(browser)
    form = {key: field_of(page.text, key) for key in HIDDEN}
    assert reason_of(browser.post("/admin/providers/new", data=form | {"metadata": "é"})) == "ParameterInvalid"
    answer = browser.post("/admin/providers/new", data=form | {"metadata": form["metadata"][:100]})
    assert reason_of(answer) == "MetadataMalformed"


def test_create__twice__is_a_conflict(site: Site) -> None:
    browser = site.signed_in(site.owner)
    register(browser)
    answer = register(browser)
    assert (answer.status_code, reason_of(answer)) == (409, "AlreadyExists")


def test_provider__called_new__has_a_page_of_its_own(site: Site) -> None:
    browser = site.signed_in(site.owner)
    location = register(browser, name="new").headers["Location"]
    assert "saml-provider/new" in browser.get(location).text


def test_replace__another_issuer__warns_first(site: Site) -> None:
    browser = site.signed_in(site.owner)
    register(browser)
    form = {
        "csrf_token": browser.csrf("/admin/providers/corp"),
        "text": idp_metadata("https://other.example.com/idp").decode(),
    }
    page = browser.post("/admin/providers/corp/preview", data=form)
    assert "The entity ID changes from" in page.text
    form = {key: field_of(page.text, key) for key in ("csrf_token", "metadata")}
    location = browser.post("/admin/providers/corp", data=form).headers["Location"]
    assert location == "/admin/providers/corp/document"
    assert "The entity ID changes from https://idp.example.com/saml/metadata to" in browser.get(location).text


def test_settings_and_delete__by_the_owner__take_effect(site: Site) -> None:
    browser = site.signed_in(site.owner)
    register(browser)
    token = browser.csrf("/admin/providers/corp")
    form = {"csrf_token": token, "description": "new words", "sign_algo": "rsa-sha1"}
    assert browser.post("/admin/providers/corp/settings", data=form).status_code == 303
    assert "new words" in browser.get("/admin/providers/corp").text
    assert browser.post("/admin/providers/corp/delete", data={"csrf_token": token}).status_code == 303
    assert reason_of(browser.get("/admin/providers/corp")) == "NotFound"


def test_user_sso__registered_then_switched_on__is_on(site: Site) -> None:
    browser = site.signed_in(site.owner)
    form = {"csrf_token": browser.csrf("/admin/user-sso"), "text": idp_metadata().decode()}
    page = browser.post("/admin/user-sso/preview", data=form)
    form = {key: field_of(page.text, key) for key in ("csrf_token", "metadata")}
    assert browser.post("/admin/user-sso/metadata", data=form).headers["Location"] == "/admin/user-sso"
    form = {"csrf_token": form["csrf_token"], "enabled": "yes", "login_with_domain": "yes", "sign_algo": "rsa-sha256"}
    assert browser.post("/admin/user-sso", data=form).status_code == 303
    page = browser.get("/admin/user-sso")
    assert f"/saml/SpMetadata.xml?tenantID={site.account_id}" in page.text
    with site.services.store.reading() as session:
        settings = find_user_sso(session, site.account_id)
    assert settings is not None
    assert (settings.enabled, settings.login_with_domain, settings.idp_initiated) == (True, True, False)


def test_user_sso__switched_on_without_a_provider__is_refused(site: Site) -> None:
    browser = site.signed_in(site.owner)
    form = {"csrf_token": browser.csrf("/session"), "enabled": "yes", "sign_algo": "rsa-sha256"}
    assert reason_of(browser.post("/admin/user-sso", data=form)) == "ParameterMissing"


READING = ["/admin/providers", "/admin/providers/new", "/admin/providers/corp", "/admin/user-sso"]
CHANGING = [
    "/admin/providers/new/preview",
    "/admin/providers/new",
    "/admin/providers/corp",
    "/admin/providers/corp/preview",
    "/admin/providers/corp/settings",
    "/admin/providers/corp/delete",
    "/admin/user-sso",
    "/admin/user-sso/preview",
    "/admin/user-sso/metadata",
]
FULL_FORM = {"name": "x1", "sign_algo": "rsa-sha256", "metadata": "eA==", "text": "x"}


@pytest.mark.parametrize("path", READING)
def test_reading__user_without_rights__is_denied_with_the_reason(site: Site, path: str) -> None:
    answer = site.signed_in(site.alice).get(path)
    assert (answer.status_code, reason_of(answer)) == (403, "AccessDenied")
    assert "is denied" in answer.text


@pytest.mark.parametrize("path", CHANGING)
@pytest.mark.parametrize("rights", ["none", "read"])
def test_changing__user_who_may_not__is_denied_and_nothing_changes(site: Site, path: str, rights: str) -> None:
    register(site.signed_in(site.owner))
    if rights == "read":
        site.grant("AliyunRAMReadOnlyAccess")
    browser = site.signed_in(site.alice)
    answer = browser.post(path, data={"csrf_token": browser.csrf("/session"), **FULL_FORM})
    assert (answer.status_code, reason_of(answer)) == (403, "AccessDenied")
    with site.services.store.reading() as session:
        assert len(list_receipts(session, account_id=site.account_id)) == 1
        assert find_saml_provider(session, site.account_id, "corp") is not None


@pytest.mark.parametrize("path", [*READING, *CHANGING])
def test_admin__nobody_signed_in__is_sent_away(site: Site, browser: Browser, path: str) -> None:
    if path in READING:
        assert browser.get(path).headers["Location"].startswith("/login.htm?callback=%2Fadmin")
    form = {"csrf_token": csrf_of(browser.get("/owner/login.htm").text), **FULL_FORM}
    answer = browser.post(path, data=form)
    assert answer.status_code in ({401} if path in CHANGING else {401, 405})


@pytest.mark.parametrize("path", CHANGING)
def test_changing__owner_without_form_token__is_refused(site: Site, path: str) -> None:
    assert reason_of(site.signed_in(site.owner).post(path, data=FULL_FORM)) == "CsrfTokenInvalid"


def test_reading__read_only_policy__takes_effect_at_the_next_click(site: Site) -> None:
    browser = site.signed_in(site.alice)
    assert browser.get("/admin/providers").status_code == 403
    site.grant("AliyunRAMReadOnlyAccess")
    assert browser.get("/admin/providers").status_code == 200
    assert browser.get("/admin/providers/new").status_code == 403
