"""The federation pages: registered, searched, an entity looked at and adopted; policies decide, forms keep what was sent."""

import io
from datetime import timedelta

import pytest
from werkzeug.test import TestResponse

from gateway.audit.receipts import list_receipts
from gateway.directory.federation_intake import Held, take_aggregate
from gateway.directory.federations import find_federation, get_federation, take_refresh
from gateway.directory.saml_providers import find_saml_provider, trusted_certificates
from tests.aggregates import aggregate, federation_entity
from tests.fake_clock import NOON
from tests.federation_world import entity_id
from tests.live_issuer import issuer_server, publish
from tests.saml_factory import instant, signing_key
from tests.saml_metadata_document import Document
from tests.signed_metadata import ANCHOR, signed
from tests.unit.web.oidc_site import LocalBrowser, OidcSite
from tests.unit.web.site import Browser, Site, csrf_of, field_of, reason_of

PATH = "/admin/federations"


def register(browser: Browser | LocalBrowser, **changes: str) -> TestResponse:
    sent = {"name": "edu", "kind": "aggregate", "url": "", "anchors": ANCHOR.certificate_pem, **changes}
    return browser.post(f"{PATH}/new", data={"csrf_token": browser.csrf(f"{PATH}/new"), **sent})


def take(site: Site, xml: bytes) -> None:
    with site.services.store.transaction() as session:
        found = get_federation(session, site.account_id, "edu")
        claim = take_refresh(session, found.id, NOON, only_due=False)
    take_aggregate(Held(site.services.store, site.clock, found.id, claim), io.BytesIO(xml))


def with_universities(site: Site, count: int = 30) -> Browser:
    browser = site.signed_in(site.owner)
    assert register(browser).status_code == 303
    odd = federation_entity(99, names=(("en", "&lt;script&gt;alert(1)&lt;/script&gt;"),))
    take(site, aggregate([*map(federation_entity, range(10, 10 + count)), odd]))
    return browser


def test_new__registered__is_listed_with_a_receipt(site: Site) -> None:
    browser = site.signed_in(site.owner)

    answer = register(browser)

    assert (answer.status_code, answer.headers["Location"]) == (303, f"{PATH}/edu")
    assert "edu" in browser.get(PATH).text
    assert ANCHOR.trusted.fingerprint in browser.get(f"{PATH}/edu").text
    assert 'href="/admin/federations"' in browser.get("/admin/providers").text
    with site.services.store.reading() as session:
        (receipt,) = list_receipts(session, account_id=site.account_id)
    assert receipt.kind == "CreateFederation"


@pytest.mark.parametrize(
    "changes",
    [
        {"anchors": ""},
        {"anchors": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----"},
        {"url": "https://169.254.169.254:x/"},
        {"url": "javascript:alert(1)"},
        {"kind": "mdq"},
        {"kind": "other"},
        {"name": "-x"},
    ],
)
def test_new__unusable__keeps_the_form_and_saves_nothing(site: Site, changes: dict[str, str]) -> None:
    browser = site.signed_in(site.owner)

    answer = register(browser, **changes)

    assert answer.status_code in {400, 502}
    assert 'role="alert"' in answer.text
    assert field_of(answer.text, "name") == changes.get("name", "edu")
    with site.services.store.reading() as session:
        assert find_federation(session, site.account_id, "edu") is None
        assert list_receipts(session, account_id=site.account_id) == []


def test_detail__search_and_pages__find_what_is_there(site: Site) -> None:
    browser = with_universities(site)

    first = browser.get(f"{PATH}/edu").text
    found = browser.get(f"{PATH}/edu", query_string={"q": "université 17"}).text
    more = browser.get(f"{PATH}/edu?q=&after=university+33").text

    assert first.count(">Look<") == 25
    assert "&after=" in first
    assert "&lt;script&gt;alert(1)" in first
    assert "<script>alert" not in first
    assert found.count(">Look<") == 1
    assert entity_id(17) in found
    assert "Back to the first page" in more
    assert "Nothing is called like that" in browser.get(f"{PATH}/edu?q=%25+nobody").text


def test_adopt__looked_at__is_registered_and_trusted(site: Site) -> None:
    browser = with_universities(site, 3)
    page = browser.post(
        f"{PATH}/edu/preview", data={"csrf_token": browser.csrf(f"{PATH}/edu"), "entity_id": entity_id(11)}
    )
    assert page.status_code == 200
    assert field_of(page.text, "name") == "idp11.example.org"
    assert "valid until" in page.text.lower()

    sent = {key: field_of(page.text, key) for key in ("csrf_token", "entity_id", "name")}
    answer = browser.post(f"{PATH}/edu/adopt", data=sent)

    assert (answer.status_code, answer.headers["Location"]) == (303, "/admin/providers/idp11.example.org")
    with site.services.store.reading() as session:
        assert len(trusted_certificates(session, entity_id(11))) == 1
    assert "adopted" in browser.get(f"{PATH}/edu").text
    assert "An entity of a federation" in browser.get("/admin/providers/idp11.example.org").text


@pytest.mark.parametrize(("entity", "reason"), [("https://nobody.example.org", "NotFound"), ("\ud800", "NotFound")])
def test_adopt__unknown_entity__is_refused(site: Site, entity: str, reason: str) -> None:
    browser = with_universities(site, 1)
    sent = {"csrf_token": browser.csrf(f"{PATH}/edu"), "entity_id": entity.encode("utf-8", "replace"), "name": "uni"}

    assert reason_of(browser.post(f"{PATH}/edu/adopt", data=sent)) == reason
    with site.services.store.reading() as session:
        assert find_saml_provider(session, site.account_id, "uni") is None


def test_adopt__query_service__asks_it(oidc: OidcSite) -> None:
    browser = oidc.signed_in(oidc.site.owner)
    limit = f'validUntil="{instant(NOON + timedelta(days=7))}"'
    with issuer_server() as server:
        issuer = server.new_issuer()
        body = signed(Document(entity_id=entity_id(1), entity_attributes=limit).xml())
        issuer.pages["/entities/https%3A%2F%2Fidp1.example.org%2Fidp"] = publish(body)
        assert register(browser, kind="mdq", url=issuer.url).status_code == 303
        token = browser.csrf(f"{PATH}/edu")
        page = browser.post(f"{PATH}/edu/preview", data={"csrf_token": token, "entity_id": entity_id(1)})
        missing = browser.post(f"{PATH}/edu/preview", data={"csrf_token": token, "entity_id": entity_id(2)})
        sent = {key: field_of(page.text, key) for key in ("csrf_token", "entity_id", "name")}
        assert browser.post(f"{PATH}/edu/adopt", data=sent).status_code == 303
    assert missing.status_code == 404
    assert "no entity of this ID" in missing.text


def test_remove__adopted_from__is_refused_until_nothing_is(site: Site) -> None:
    browser = with_universities(site, 2)
    page = browser.post(
        f"{PATH}/edu/preview", data={"csrf_token": browser.csrf(f"{PATH}/edu"), "entity_id": entity_id(10)}
    )
    browser.post(
        f"{PATH}/edu/adopt", data={key: field_of(page.text, key) for key in ("csrf_token", "entity_id", "name")}
    )

    kept = browser.post(f"{PATH}/edu/remove", data={"csrf_token": csrf_of(page.text)})
    browser.post("/admin/providers/idp10.example.org/delete", data={"csrf_token": csrf_of(page.text)})
    removed = browser.post(f"{PATH}/edu/remove", data={"csrf_token": csrf_of(page.text)})

    assert (kept.status_code, reason_of(kept)) == (409, "DeleteConflict")
    assert removed.status_code == 303
    assert browser.get(f"{PATH}/edu").status_code == 404


@pytest.mark.parametrize("path", ["", "/new", "/edu"])
def test_pages__user_without_rights__are_refused(site: Site, path: str) -> None:
    register(site.signed_in(site.owner))

    assert reason_of(site.signed_in(site.alice).get(PATH + path)) == "AccessDenied"


def test_source__other_anchors__are_saved_and_none_is_refused(site: Site) -> None:
    browser = site.signed_in(site.owner)
    register(browser)
    both = ANCHOR.certificate_pem + signing_key("federation-next").certificate_pem
    token = browser.csrf(f"{PATH}/edu")

    assert browser.post(f"{PATH}/edu/source", data={"csrf_token": token, "anchors": both}).status_code == 303
    assert reason_of(browser.post(f"{PATH}/edu/source", data={"csrf_token": token, "anchors": ""})) == (
        "ParameterMissing"
    )
    with site.services.store.reading() as session:
        assert len(get_federation(session, site.account_id, "edu").anchors) == 2


@pytest.mark.parametrize("path", ["/new", "/edu/refresh", "/edu/source", "/edu/remove", "/edu/adopt"])
def test_changes__user_who_may_only_read__are_refused(site: Site, path: str) -> None:
    register(site.signed_in(site.owner))
    site.grant("AliyunRAMReadOnlyAccess")
    browser = site.signed_in(site.alice)
    form = {"csrf_token": browser.csrf(f"{PATH}/edu"), "name": "x", "kind": "aggregate", "entity_id": "x"}

    assert reason_of(browser.post(PATH + path, data=form)) == "AccessDenied"
