"""References to answers: of others, used twice, unasked, and pointing where nobody should be made to call."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from lxml import etree
from werkzeug.datastructures import MultiDict

from gateway.asking import RequestOptions
from tests import saml_factory as factory
from tests.artifact_keeper import ArtifactKeeper, right
from tests.databases import SqliteFiles
from tests.saml_artifacts import NO_ARTIFACTS, Kept, artifact
from tests.saml_factory import signing_key
from tests.unit.web.artifact_site import ROLE_ACS, ArtifactSite
from tests.unit.web.oidc_site import DEVELOPMENT
from tests.unit.web.site import make_site, reason_of


@pytest.fixture
def kept(sqlite_files: SqliteFiles, certs_dir: Path) -> Iterator[ArtifactSite]:
    made = make_site(sqlite_files.migrated(), certs_dir, base_url=DEVELOPMENT)
    with ArtifactKeeper() as keeper:
        yield ArtifactSite(made, keeper)
    made.services.store.dispose()


def test_reference__used_twice__the_provider_is_not_asked_again(kept: ArtifactSite) -> None:
    kept.set_up()
    browser = kept.browser()
    request_id, relay_state = kept.begun(browser)
    reference = kept.keeper.keep(kept.spec(request_id))
    assert kept.bring(browser, reference, relay_state).status_code == 303
    assert reason_of(kept.bring(browser, reference, relay_state)) == "LoginNotPending"
    other_id, other_state = kept.begun(browser)
    assert other_id != request_id
    assert reason_of(kept.bring(browser, reference, other_state)) == "SamlArtifact"
    assert len(kept.keeper.questions) == 1


def test_reference__several_for_one_login__one_question_is_all(kept: ArtifactSite) -> None:
    """Nobody makes us call a provider more often than there are logins that were begun."""
    kept.set_up()
    browser = kept.browser()
    _, relay_state = kept.begun(browser)
    reasons = [reason_of(kept.bring(browser, artifact(handle=bytes([n]) * 20), relay_state)) for n in range(4)]
    assert reasons == ["SamlArtifactAnswer"] + ["SamlArtifact"] * 3
    assert len(kept.keeper.questions) == 1


@pytest.mark.parametrize(
    "how", [{"entity_id": "https://evil.example.com"}, {"index": 7}, {"entity_id": "https://idp.example.com"}]
)
def test_reference__of_another_source__nobody_is_asked(kept: ArtifactSite, how: dict[str, object]) -> None:
    kept.set_up()
    browser = kept.browser()
    _, relay_state = kept.begun(browser)
    assert reason_of(kept.bring(browser, artifact(**how), relay_state)) == "SamlArtifactSource"  # type: ignore[arg-type]
    assert kept.keeper.questions == []


@pytest.mark.parametrize("text", NO_ARTIFACTS)
def test_reference__unreadable__nobody_is_asked(kept: ArtifactSite, text: str) -> None:
    kept.set_up()
    browser = kept.browser()
    _, relay_state = kept.begun(browser)
    assert reason_of(kept.bring(browser, text, relay_state)) == "SamlArtifact"
    assert kept.keeper.questions == []


def test_reference__unasked__nobody_is_asked(kept: ArtifactSite) -> None:
    kept.set_up()
    for relay_state in ("", "/session", "_0123456789abcdef"):
        assert reason_of(kept.bring(kept.browser(), artifact(), relay_state)) == "LoginNotPending"
    assert kept.keeper.questions == []


def test_reference__login_of_another_browser__nobody_is_asked(kept: ArtifactSite) -> None:
    kept.set_up()
    browser, stranger = kept.browser(), kept.browser()
    request_id, relay_state = kept.begun(browser)
    kept.begun(stranger)
    reference = kept.keeper.keep(kept.spec(request_id))
    assert reason_of(kept.bring(stranger, reference, relay_state)) == "LoginOtherBrowser"
    assert kept.keeper.questions == []
    assert kept.bring(browser, reference, relay_state).status_code == 303


def test_reference__provider_that_answers_by_post__is_not_set_up_for_it(kept: ArtifactSite) -> None:
    kept.set_up(options=RequestOptions())
    browser = kept.browser()
    request_id, relay_state = kept.begun(browser)
    assert relay_state == ""
    assert reason_of(kept.bring(browser, kept.keeper.keep(kept.spec(request_id)), request_id)) == "SamlArtifact"
    assert kept.keeper.questions == []


@pytest.mark.parametrize(
    "url",
    [
        "https://169.254.169.254/latest/meta-data/",
        "https://100.100.100.200/latest/",
        "https://10.0.0.1/artifact",
        "https://[::ffff:10.0.0.1]/artifact",
    ],
)
def test_resolution_address__within_the_network__is_not_called(kept: ArtifactSite, url: str) -> None:
    kept.set_up(url=url)
    browser = kept.browser()
    request_id, relay_state = kept.begun(browser)
    answer = kept.bring(browser, kept.keeper.keep(kept.spec(request_id)), relay_state)
    assert (answer.status_code, reason_of(answer)) == (502, "FetchAddress")
    assert url not in answer.text


def test_resolution__redirect__is_not_followed(kept: ArtifactSite) -> None:
    kept.set_up()
    kept.keeper.head, kept.keeper.location = (302, "text/xml"), "https://169.254.169.254/"
    browser = kept.browser()
    request_id, relay_state = kept.begun(browser)
    answer = kept.bring(browser, kept.keeper.keep(kept.spec(request_id)), relay_state)
    assert reason_of(answer) == "FetchRedirect"


def test_resolution__more_than_a_message__is_cut_off(kept: ArtifactSite) -> None:
    kept.set_up()
    kept.keeper.answers = lambda _question, _response: b"<a>" + b" " * 300_000 + b"</a>"
    browser = kept.browser()
    request_id, relay_state = kept.begun(browser)
    answer = kept.bring(browser, kept.keeper.keep(kept.spec(request_id)), relay_state)
    assert reason_of(answer) == "FetchTooLarge"


def test_resolution__answer_forged_on_the_way__refused(kept: ArtifactSite) -> None:
    """Whoever sits between us and the provider, or is it, signs with another key: TLS alone vouches for nothing."""
    kept.set_up()
    other = signing_key("other")
    browser = kept.browser()
    request_id, relay_state = kept.begun(browser)
    kept.keeper.answers = lambda question, response: Kept(response, question, key=other).xml()
    answer = kept.bring(browser, kept.keeper.keep(kept.spec(request_id)), relay_state)
    assert reason_of(answer) == "SamlSignatureValue"


def test_resolution__response_of_another_signer_in_a_right_answer__refused(kept: ArtifactSite) -> None:
    kept.set_up()
    browser = kept.browser()
    request_id, relay_state = kept.begun(browser)
    forged = etree.tostring(factory.signed_assertion(kept.spec(request_id), signing_key("other"))).decode()
    kept.keeper.answers = lambda question, _response: right(question, forged)
    assert reason_of(kept.bring(browser, artifact(), relay_state)) == "SamlSignatureValue"


def test_resolution__response_to_another_login__refused(kept: ArtifactSite) -> None:
    kept.set_up()
    browser = kept.browser()
    first, _ = kept.begun(browser)
    _, relay_state = kept.begun(browser)
    assert reason_of(kept.bring(browser, kept.keeper.keep(kept.spec(first)), relay_state)) == "SamlInResponseTo"


@pytest.mark.parametrize(
    "fields",
    [
        [("SAMLart", "{art}"), ("SAMLart", "{art}"), ("RelayState", "{state}")],
        [("SAMLart", "{art}"), ("RelayState", "{state}"), ("RelayState", "{state}")],
        [("SAMLart", "{art}"), ("RelayState", "{state}"), ("SAMLResponse", "x")],
        [("SAMLart", "{art}")],
    ],
)
def test_reference__doubled_or_mixed_with_an_answer__refused(kept: ArtifactSite, fields: list[tuple[str, str]]) -> None:
    kept.set_up()
    browser = kept.browser()
    request_id, relay_state = kept.begun(browser)
    reference = kept.keeper.keep(kept.spec(request_id))
    filled = [(name, value.format(art=reference, state=relay_state)) for name, value in fields]
    assert reason_of(browser.get(ROLE_ACS, query_string=MultiDict(filled))) == "ParameterInvalid"
    assert reason_of(browser.post(ROLE_ACS, data=MultiDict(filled))) == "ParameterInvalid"
    assert kept.keeper.questions == []
