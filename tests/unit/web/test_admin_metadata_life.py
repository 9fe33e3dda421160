"""The administrator's pages about a provider's metadata."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.directory.metadata_offers import Origin, OriginKind
from gateway.directory.metadata_sources import find_source
from gateway.directory.provider_keys import saml_provider_key
from gateway.directory.saml_providers import find_saml_provider
from tests.databases import SqliteFiles
from tests.metadata_documents import ACTIVE, NEW, OLD, RETIRING, STAGED, document, print_of
from tests.metadata_publisher import ANCHOR, Publisher, publisher, signed_metadata
from tests.saml_factory import signing_key
from tests.unit.web.metadata_site import MetadataSite
from tests.unit.web.site import Browser, Site, csrf_of, field_of, make_site, reason_of

ROLE, USER = "/admin/providers/corp", "/admin/user-sso"
DECISIONS = ("promote", "approve", "rollback", "discard-staged", "discard-waiting", "forget-previous")
FETCHED = Origin(OriginKind.FETCHED, "https://idp.example.com/metadata")


@pytest.fixture(params=[ROLE, USER])
def path(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def world(site: Site, path: str) -> MetadataSite:
    return MetadataSite.of_role_sso(site) if path == ROLE else MetadataSite.of_user_sso(site)


def decide(browser: Browser, path: str, decision: str) -> str:
    """The page afterwards."""
    answer = browser.post(f"{path}/document/{decision}", data={"csrf_token": browser.csrf(f"{path}/document")})
    assert answer.headers["Location"] == f"{path}/document"
    return browser.get(answer.headers["Location"]).text


def test_upload__second_document__is_shown_as_a_difference_then_staged_and_promoted(
    world: MetadataSite, path: str
) -> None:
    browser = world.site.signed_in(world.site.owner)
    sent = {"csrf_token": browser.csrf(path), "text": document(NEW, redirect="https://new.example.com/sso").decode()}
    page = browser.post(f"{path}/preview", data=sent).text
    assert "high risk" in page
    assert print_of(NEW) in page
    assert "new.example.com" in page
    assert world.states() == {OLD: ACTIVE}, "nothing is saved yet"
    form = {name: field_of(page, name) for name in ("csrf_token", "metadata")}
    assert browser.post(path if path == ROLE else f"{USER}/metadata", data=form).status_code == 303
    assert world.states() == {OLD: ACTIVE, NEW: STAGED}
    page = browser.get(path).text
    assert "a document is staged" in page
    assert "Verified no sign-in yet" in page
    page = browser.get(f"{path}/document").text
    assert "The first sign-in that is verified by what this one brings" in page
    assert "in force" in decide(browser, path, "promote")
    assert world.states() == {OLD: RETIRING, NEW: ACTIVE}
    (receipt,) = world.receipts("MetadataPromoted")
    assert receipt.principal_arn == world.site.owner.arn
    decide(browser, path, "rollback")
    assert world.states() == {OLD: ACTIVE}
    decide(browser, path, "approve")
    assert world.states() == {OLD: ACTIVE, NEW: STAGED}
    page = decide(browser, path, "discard-staged")
    assert world.states() == {OLD: ACTIVE}
    assert "Staged beside it" not in page


def test_waiting__document_of_a_source__can_be_approved_or_discarded(site: Site) -> None:
    world, path = MetadataSite.of_role_sso(site), ROLE
    browser = world.site.signed_in(world.site.owner)
    world.offer(document(OLD, NEW), FETCHED)
    assert "a document waits for you" in browser.get(path).text
    page = browser.get(f"{path}/document").text
    assert "Nothing of it is trusted" in page
    assert "https://idp.example.com/metadata" in page
    decide(browser, path, "approve")
    assert world.states() == {OLD: ACTIVE, NEW: STAGED}
    world.sign_in(NEW)
    assert "Verified 1 sign-in" in browser.get(f"{path}/document").text
    decide(browser, path, "forget-previous")
    answer = browser.post(f"{path}/document/rollback", data={"csrf_token": browser.csrf(f"{path}/document")})
    assert reason_of(answer) == "NotFound"


@pytest.mark.parametrize("rights", ["none", "read"])
def test_decisions__user_who_may_not__are_denied_and_nothing_changes(
    world: MetadataSite, path: str, rights: str
) -> None:
    if rights == "read":
        world.site.grant("AliyunRAMReadOnlyAccess")
    world.offer(document(NEW))
    browser = world.site.signed_in(world.site.alice)
    assert browser.get(f"{path}/document").status_code == (200 if rights == "read" else 403)
    token = browser.csrf("/session")
    for act in (*DECISIONS, "source", "refresh"):
        answer = browser.post(f"{path}/document/{act}", data={"csrf_token": token, "url": "https://evil.example/"})
        assert (answer.status_code, reason_of(answer)) == (403, "AccessDenied")
        assert reason_of(browser.post(f"{path}/document/{act}")) == "CsrfTokenInvalid"
    assert world.states() == {OLD: ACTIVE, NEW: STAGED}
    with world.site.services.store.reading() as session:
        source = find_source(session, world.key)
    assert source is not None
    assert source.url == ""


def test_pages__of_somebody_elses_provider_or_none__not_found(site: Site) -> None:
    browser = site.signed_in(site.owner)
    for path in ("/admin/providers/nobody", USER):
        assert reason_of(browser.get(f"{path}/document")) == "NotFound"
        answer = browser.post(f"{path}/document/promote", data={"csrf_token": browser.csrf("/session")})
        assert reason_of(answer) == "NotFound"
    assert browser.get(f"{ROLE}/document/unheard-of").status_code == 404


def test_source__that_can_t_be_one__refused(site: Site) -> None:
    MetadataSite.of_role_sso(site)
    browser = site.signed_in(site.owner)
    token = browser.csrf(f"{ROLE}/document")
    for url, anchors, reason in (
        ("http://idp.example.com/metadata", "", "FetchUrl"),
        ("javascript:alert(1)", "", "FetchUrl"),
        ("https://idp.example.com/metadata", "no certificate", "ParameterInvalid"),
        ("https://idp.example.com/metadata", "x" * 65_000, "ParameterInvalid"),
    ):
        form = {"csrf_token": token, "url": url, "anchors": anchors}
        assert reason_of(browser.post(f"{ROLE}/document/source", data=form)) == reason


@pytest.fixture
def published(
    sqlite_files: SqliteFiles, certs_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Site, Publisher]]:
    """A site that reaches a server which publishes metadata."""
    with publisher(tmp_path_factory.mktemp("publisher")) as (source, _):
        made = make_site(
            sqlite_files.migrated(),
            certs_dir,
            outbound_networks=("127.0.0.1/32",),
            outbound_ca_file=str(source.ca_file),
        )
        yield made, source
        made.services.store.dispose()


def test_register__by_url_with_an_anchor__is_fetched_shown_and_fetched_again(published: tuple[Site, Publisher]) -> None:
    site, source = published
    browser = site.signed_in(site.owner)
    source.body = signed_metadata(document())
    form = {
        "csrf_token": browser.csrf("/admin/providers/new"),
        "name": "corp",
        "description": "",
        "sign_algo": "rsa-sha256",
        "url": source.url,
        "anchors": signing_key(ANCHOR).certificate_pem,
    }
    page = browser.post("/admin/providers/new/preview", data=form).text
    assert print_of(OLD) in page
    hidden = ("csrf_token", "name", "description", "sign_algo", "metadata", "url", "anchors")
    assert browser.post("/admin/providers/new", data={name: field_of(page, name) for name in hidden}).status_code == 303
    with site.services.store.reading() as session:
        provider = find_saml_provider(session, site.account_id, "corp")
        assert provider is not None
        row = find_source(session, saml_provider_key(provider.id))
    assert row is not None
    assert (row.kind, row.url, row.trust_tls, row.brought_by) == ("url", source.url, False, source.url)
    world = MetadataSite(site, saml_provider_key(provider.id))
    source.body = signed_metadata(document(NEW))
    assert "staged" in decide(browser, ROLE, "refresh")
    assert world.states() == {OLD: ACTIVE, NEW: STAGED}
    source.body = document(OLD)
    page = decide(browser, ROLE, "refresh")
    assert "MetadataSignature" in page
    assert "Failed in a row" in page
    assert world.states() == {OLD: ACTIVE, NEW: STAGED}


def test_register__url_and_file_or_one_that_fails__says_so_on_the_form(published: tuple[Site, Publisher]) -> None:
    site, source = published
    browser = site.signed_in(site.owner)
    source.status = 404
    form = {
        "csrf_token": browser.csrf("/admin/providers/new"),
        "name": "corp",
        "description": "",
        "sign_algo": "rsa-sha256",
        "url": source.url,
    }
    answer = browser.post("/admin/providers/new/preview", data=form)
    assert answer.status_code == 502
    assert "The server of the metadata does not give it." in answer.text
    assert csrf_of(answer.text)
    answer = browser.post("/admin/providers/new/preview", data=form | {"text": document().decode()})
    assert answer.status_code == 400
    assert len(source.asked) == 1
