"""Logins whose answer comes as a reference: fetched at the provider, and then like any other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.saml.names import user_sso_entity_id
from tests.artifact_keeper import ArtifactKeeper
from tests.databases import SqliteFiles
from tests.saml_asking import answer_to, relay_state_in, request_in
from tests.saml_factory import AUDIENCE, SAML
from tests.saml_row import STATUS, status
from tests.unit.web.artifact_site import ROLE_ACS, ArtifactSite
from tests.unit.web.oidc_site import DEVELOPMENT
from tests.unit.web.site import field_of, make_site, reason_of


@pytest.fixture
def kept(sqlite_files: SqliteFiles, certs_dir: Path) -> Iterator[ArtifactSite]:
    made = make_site(sqlite_files.migrated(), certs_dir, base_url=DEVELOPMENT)
    with ArtifactKeeper() as keeper:
        yield ArtifactSite(made, keeper)
    made.services.store.dispose()


def test_role_login__reference_by_redirect__is_fetched_and_signs_in(kept: ArtifactSite) -> None:
    kept.set_up()
    browser = kept.browser()
    answer = browser.get("/saml-role/start/acme/corp?callback=/admin/providers")
    request, relay_state = request_in(answer), relay_state_in(answer)
    assert request.protocol_binding.endswith("HTTP-Artifact")
    came = kept.bring(browser, kept.keeper.keep(kept.spec(request.id)), relay_state)
    assert (came.status_code, came.headers["Location"]) == (303, "/admin/providers")
    (question,) = kept.keeper.questions
    assert question.find(f"{{{SAML}}}Issuer").text == AUDIENCE
    assert question.find("{http://www.w3.org/2000/09/xmldsig#}Signature") is not None


def test_role_login__reference_by_post__comes_once_more_with_the_cookie(kept: ArtifactSite) -> None:
    kept.set_up()
    browser = kept.browser()
    request_id, relay_state = kept.begun(browser)
    form = {"SAMLart": kept.keeper.keep(kept.spec(request_id)), "RelayState": relay_state}
    page = kept.browser().post(ROLE_ACS, data=form)
    assert kept.keeper.questions == []
    again = {name: field_of(page.text, name) for name in ("SAMLart", "RelayState", "again")}
    assert browser.post(ROLE_ACS, data=again).status_code == 303


def test_user_login__reference__is_asked_for_in_the_name_of_the_account(kept: ArtifactSite) -> None:
    kept.set_up_user_sso()
    browser = kept.browser()
    answer = browser.get(f"/saml/start/{kept.site.account_id}")
    reference = kept.keeper.keep(answer_to(request_in(answer).id, kept.user_spec()))
    came = browser.get("/saml/SSO", query_string={"SAMLart": reference, "RelayState": relay_state_in(answer)})
    assert came.headers["Location"] == "/session"
    (question,) = kept.keeper.questions
    assert question.find(f"{{{SAML}}}Issuer").text == user_sso_entity_id(DEVELOPMENT, kept.site.account_id)


def test_role_login__provider_kept_a_refusal__says_so(kept: ArtifactSite) -> None:
    kept.set_up()
    browser = kept.browser()
    request_id, relay_state = kept.begun(browser)
    refusal = status(f"{STATUS}Responder", f'<samlp:StatusCode Value="{STATUS}RequestDenied"/>')
    reference = kept.keeper.keep(kept.spec(request_id, status=refusal))
    assert reason_of(kept.bring(browser, reference, relay_state)) == "SamlRequestDenied"


@pytest.mark.parametrize(
    ("head", "reason"), [((500, "text/xml"), "SamlArtifactAnswer"), ((200, "text/html"), "SamlArtifactAnswer")]
)
def test_role_login__provider_does_not_give_it_out__refused(
    kept: ArtifactSite, head: tuple[int, str], reason: str
) -> None:
    kept.set_up()
    browser = kept.browser()
    request_id, relay_state = kept.begun(browser)
    kept.keeper.head = head
    answer = kept.bring(browser, kept.keeper.keep(kept.spec(request_id)), relay_state)
    assert reason_of(answer) == reason


def test_metadata__both_kinds__name_the_consumer_of_references(kept: ArtifactSite) -> None:
    browser = kept.browser()
    for path in (f"/saml/SpMetadata.xml?tenantID={kept.site.account_id}", "/saml-role/sp-metadata.xml"):
        text = browser.get(path).text
        assert text.count("AssertionConsumerService") >= 2
        assert "bindings:HTTP-Artifact" in text
