"""Each company login that is refused leaves a trace for those whom it concerns, and the refusal stays what it was."""

import re
import zlib
from base64 import b64decode
from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from gateway.directory.accounts import create_account
from gateway.directory.login_traces import LoginTrace, all_traces_of, page_traces
from gateway.directory.saml_providers import create_saml_provider
from gateway.directory.trace_body import TraceBody, load_body
from gateway.errors import NotFound
from gateway.secret import Secret
from gateway.store.paging import Page
from gateway.web import failed_logins
from tests.fake_clock import NOON
from tests.saml_factory import Spec
from tests.unit.web.site import PASSWORD, Browser, Site, audience, idp_metadata, reason_of, role_spec, signed
from tests.unit.web.test_sso_saml import answer_to


def traces(site: Site, request_id: str) -> Sequence[LoginTrace]:
    with site.services.store.reading() as session:
        return all_traces_of(session, request_id, site.clock.now())


def only_trace(site: Site, answer_request_id: str) -> tuple[LoginTrace, TraceBody]:
    (trace,) = traces(site, answer_request_id)
    return trace, load_body(trace.body)


def request_in(location: str) -> str:
    """The ID of the request in the address that a browser is sent to."""
    (message,) = parse_qs(urlsplit(location).query)["SAMLRequest"]
    found = re.search(r'ID="([^"]+)"', zlib.decompress(b64decode(message), -15).decode())
    assert found
    return found[1]


def failed(body: TraceBody) -> str:
    return next(each.check for each in body.checks if each.outcome == "failed")


def test_role_acs__wrong_audience__leaves_a_trace_for_the_account(site: Site, browser: Browser) -> None:
    (value,) = site.roles("dev")
    message = signed(role_spec(value, audiences=audience("urn:other")))
    answer = browser.post("/saml-role/sso", data={"SAMLResponse": message})
    assert reason_of(answer) == "SamlAudienceMismatch"
    trace, body = only_trace(site, answer.headers["X-Request-Id"])
    assert (trace.account_id, trace.consumer, trace.evidence) == (site.account_id, "role-sso", "proven")
    assert (trace.reason, failed(body)) == ("SamlAudienceMismatch", "20 audience")
    assert body.proven


def test_role_acs__personal_values__are_redacted(site: Site, browser: Browser) -> None:
    site.roles("dev")
    spec = replace(
        role_spec("garbage", audiences=audience("urn:alibaba:cloudcomputing")),
        name_id="<saml:NameID>secret.person@example.com</saml:NameID>",
    )
    answer = browser.post("/saml-role/sso", data={"SAMLResponse": signed(spec)})
    trace, body = only_trace(site, answer.headers["X-Request-Id"])
    assert "secret.person" not in trace.body
    assert "example.com" not in str(body.said)
    subject = next(each for each in body.checks if each.check == "15 subject")
    assert subject.seen[0] == "NameID (an e-mail address), 25 characters, begins with `s`"


def test_role_acs__garbage__belongs_to_nobody(site: Site, browser: Browser) -> None:
    site.roles("dev")
    answer = browser.post("/saml-role/sso", data={"SAMLResponse": "%%%"})
    trace, _ = only_trace(site, answer.headers["X-Request-Id"])
    assert (trace.account_id, trace.provider_key, trace.evidence) == ("", "", "none")


def test_role_acs__two_accounts_share_the_issuer__each_sees_its_own_certificates(site: Site, browser: Browser) -> None:
    site.roles("dev")
    with site.services.store.transaction() as session:
        lab = create_account(
            session,
            alias="lab",
            display_name="Lab",
            owner_login="owner@lab.example",
            owner_password=Secret(PASSWORD),
            now=NOON,
        )
        create_saml_provider(session, lab.id, "corp", idp_metadata(key="lab"), now=NOON)
        lab_id = lab.id
    answer = browser.post("/saml-role/sso", data={"SAMLResponse": signed(role_spec("x"))})
    found = {trace.account_id: (trace, load_body(trace.body)) for trace in traces(site, answer.headers["X-Request-Id"])}
    assert set(found) == {site.account_id, lab_id}
    assert found[site.account_id][0].evidence == "proven"
    assert (found[lab_id][0].evidence, found[lab_id][1].proven) == ("none", False)


def test_user_acs__answer_of_the_browser_that_asked__is_begun_here(site: Site, browser: Browser) -> None:
    site.user_sso()
    request_id = site.asked(browser)
    evil = answer_to(request_id, site.user_spec())
    answer = browser.post("/saml/SSO", data={"SAMLResponse": signed(evil, key="stranger")})
    assert reason_of(answer) == "SamlSignatureValue"
    trace, body = only_trace(site, answer.headers["X-Request-Id"])
    assert (trace.evidence, trace.account_id, failed(body)) == ("begun", site.account_id, "12 assertion-signature")


def test_role_acs__asked_provider_answers_by_another_name__concerns_the_one_that_was_asked(
    site: Site, browser: Browser
) -> None:
    (value,) = site.roles("dev")
    away = browser.get("/saml-role/start/acme/corp").headers["Location"]
    evil = replace(role_spec(value), issuer="<saml:Issuer>https://else/</saml:Issuer>", response_issuer="https://else/")
    answer = browser.post("/saml-role/sso", data={"SAMLResponse": signed(answer_to(request_in(away), evil))})
    assert reason_of(answer) == "SamlIssuerMismatch"
    trace, body = only_trace(site, answer.headers["X-Request-Id"])
    assert (trace.account_id, trace.evidence, failed(body)) == (site.account_id, "begun", "7 response-issuer")


def test_user_acs__other_browser__is_not_begun_here(site: Site, browser: Browser) -> None:
    site.user_sso()
    request_id = site.asked(browser)
    other = site.browser()
    message = signed(answer_to(request_id, site.user_spec()), key="stranger")
    answer = other.post("/saml/SSO", data={"SAMLResponse": message, "again": "1"})
    assert reason_of(answer) == "LoginOtherBrowser"
    trace, _ = only_trace(site, answer.headers["X-Request-Id"])
    assert trace.evidence == "none"


def test_user_acs__unknown_user__says_all_checks_passed(site: Site, browser: Browser) -> None:
    site.user_sso(idp_initiated=True)
    spec = site.user_spec(name_id="<saml:NameID>nobody@acme.onaliyun.com</saml:NameID>")
    answer = browser.post("/saml/SSO", data={"SAMLResponse": signed(spec)})
    assert reason_of(answer) == "UserNoMatch"
    trace, body = only_trace(site, answer.headers["X-Request-Id"])
    assert trace.evidence == "proven"
    assert {each.outcome for each in body.checks} <= {"passed", "not applicable"}
    assert "nobody@" not in trace.body


def test_role_acs__login_that_works__leaves_none(site: Site, browser: Browser) -> None:
    (value,) = site.roles("dev")
    answer = browser.post("/saml-role/sso", data={"SAMLResponse": signed(role_spec(value))})
    assert answer.status_code == 303
    with site.services.store.reading() as session:
        assert page_traces(session, Page(10), site.clock.now()).rows == []
        with pytest.raises(NotFound):
            all_traces_of(session, answer.headers["X-Request-Id"], site.clock.now())


def test_record_failed_login__recording_breaks__refusal_stays(
    site: Site, browser: Browser, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(failed_logins, "write_failed_login", broken)
    answer = browser.post("/saml-role/sso", data={"SAMLResponse": signed(Spec())})
    assert reason_of(answer) == "SamlUnknownIssuer"
    assert "can't be recorded" in caplog.text
