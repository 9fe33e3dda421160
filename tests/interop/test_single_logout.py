"""Single logout between the gateway and pysaml2's IdP side, both directions, by the pages that a browser goes through."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from gateway.clock import SystemClock
from gateway.demo.idp import create_idp, idp_metadata
from gateway.demo.idp_messages import DemoPerson
from gateway.directory.saml_providers import update_saml_provider
from gateway.directory.user_sso import set_user_sso
from gateway.saml.logout_message import build_logout_request
from gateway.saml.message_signing import Signer, signed_message
from gateway.saml.sp_metadata import role_sso_metadata, user_sso_metadata
from gateway.saml.subject import NameId
from gateway.secret import Secret
from tests.databases import SqliteFiles
from tests.interop.material import IDP_URL, idp_config, other_keys
from tests.unit.web.saml_logout_site import is_in, sign_out
from tests.unit.web.site import BASE, Browser, Site, make_site


@pytest.fixture(scope="module")
def certs_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("certs")


@dataclass
class Meeting:
    """One browser, which has the gateway open as `here` and the company's identity provider as `there`."""

    site: Site
    here: Browser
    there: FlaskClient

    def follow(self, answer: TestResponse) -> TestResponse:
        """Redirects and forms that post themselves, across both, until a page is reached."""
        for _ in range(12):
            if answer.status_code == 303:
                answer = self._get(answer.headers["Location"])
            elif 'name="SAMLResponse"' in answer.text or 'name="SAMLRequest"' in answer.text:
                action = re.search(r'<form[^>]* action="([^"]+)"', answer.text)
                assert action
                fields = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', answer.text)
                answer = self._post(html.unescape(action[1]), {name: html.unescape(value) for name, value in fields})
            else:
                return answer
        raise AssertionError("going in circles")

    def _get(self, url: str) -> TestResponse:
        return (
            self.there.get(url.removeprefix(IDP_URL)) if self._is_there(url) else self.here.get(url.removeprefix(BASE))
        )

    def _post(self, url: str, fields: dict[str, str]) -> TestResponse:
        if self._is_there(url):
            return self.there.post(url.removeprefix(IDP_URL), data=fields)
        return self.here.post(url.removeprefix(BASE), data=fields)

    def _is_there(self, url: str) -> bool:
        parts = urlsplit(url)
        if parts.netloc:
            return url.startswith(IDP_URL)
        return parts.path in {"/sign-in", "/continue", "/slo", "/sso"} or parts.path.startswith("/launch/")

    def sign_in_there(self) -> None:
        page = self.there.get("/sign-in")
        token = field(page, "form_token")
        fields = {"login": "alice", "password": "alice-password", "form_token": token}
        assert self.there.post("/sign-in", data=fields).status_code == 303

    def launch(self, service: str) -> None:
        assert self.follow(self.there.get(f"/launch/{service}")).status_code == 200
        assert is_in(self.here)

    def is_in_there(self) -> bool:
        return self.there.get("/").status_code == 200

    def sign_out_there(self) -> TestResponse:
        token = field(self.there.get("/"), "form_token")
        return self.follow(self.there.post("/sign-out", data={"form_token": token}))


def field(page: TestResponse, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page.text)
    assert found, page.text
    return html.unescape(found[1])


@pytest.fixture
def meeting(sqlite_files: SqliteFiles, certs_dir: Path) -> Iterator[Meeting]:
    site = make_site(sqlite_files.migrated(), certs_dir)
    site.clock.advance((SystemClock().now() - site.clock.now()).total_seconds())
    services = site.services
    values = site.roles("reader")
    alice = DemoPerson("alice", Secret("alice-password"), "alice@acme.onaliyun.com", values, "alice", "Alice")
    config = replace(
        idp_config(),
        people=(alice,),
        user_sso=user_sso_metadata(BASE, site.account_id, services.sp_keys),
        role_sso=role_sso_metadata(BASE, services.role_sso_urn, services.sp_keys),
    )
    metadata = idp_metadata(config)
    with services.store.transaction() as session:
        update_saml_provider(session, site.account_id, "corp", metadata_xml=metadata, now=site.clock.now())
        set_user_sso(
            session, site.account_id, enabled=True, metadata_xml=metadata, idp_initiated=True, now=site.clock.now()
        )
    yield Meeting(site, site.browser(), create_idp(config).test_client())
    services.store.dispose()


@pytest.mark.parametrize("service", ["user", "role"])
def test_sign_out_here__and_there__ends_both_and_says_so(meeting: Meeting, service: str) -> None:
    meeting.sign_in_there()
    meeting.launch(service)
    page = sign_out(meeting.here)
    assert not is_in(meeting.here)
    assert meeting.is_in_there()
    back = meeting.follow(meeting.here.get(page.replace("signed-out", "sign-out-there")))
    assert "Here, and at <strong>idp.example.com</strong>." in back.text
    assert not meeting.is_in_there()


@pytest.mark.parametrize("service", ["user", "role"])
def test_sign_out_there__ends_the_session_here(meeting: Meeting, service: str) -> None:
    meeting.sign_in_there()
    meeting.launch(service)
    end = meeting.sign_out_there()
    assert "Sign in" in end.text
    assert not is_in(meeting.here)


def test_sign_out_here__other_service_of_the_same_sign_in__ends_too(meeting: Meeting) -> None:
    meeting.sign_in_there()
    meeting.launch("user")
    as_user = meeting.here
    meeting.here = meeting.site.browser()
    meeting.launch("role")
    page = sign_out(meeting.here)
    back = meeting.follow(meeting.here.get(page.replace("signed-out", "sign-out-there")))
    assert "Here, and at" in back.text
    assert not is_in(as_user)


def test_slo__request_that_we_did_not_sign__is_refused_there(meeting: Meeting) -> None:
    meeting.sign_in_there()
    meeting.launch("role")
    page = sign_out(meeting.here).replace("signed-out", "sign-out-there")
    query = dict(parse_qsl(urlsplit(meeting.here.get(page).headers["Location"]).query))
    unsigned = {"SAMLRequest": query["SAMLRequest"]}
    altered = {**query, "RelayState": "added"}
    for fields in (unsigned, altered):
        assert meeting.there.get("/slo", query_string=fields).status_code == 400
        assert meeting.is_in_there()


def test_slo__answer_that_we_did_not_sign__is_refused_there(meeting: Meeting) -> None:
    meeting.sign_in_there()
    meeting.launch("role")
    token = field(meeting.there.get("/"), "form_token")
    asked = meeting.there.post("/sign-out", data={"form_token": token})
    answer = meeting.here.get(asked.headers["Location"].removeprefix(BASE))
    query = dict(parse_qsl(urlsplit(answer.headers["Location"]).query))
    del query["Signature"], query["SigAlg"]
    assert meeting.there.get("/slo", query_string=query).status_code == 400


def test_slo__form__is_taken_as_well(meeting: Meeting) -> None:
    meeting.sign_in_there()
    meeting.launch("role")
    services = meeting.site.services
    name_id = NameId("alice@acme.onaliyun.com", "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent")
    xml = build_logout_request(
        entity_id=services.role_sso_urn,
        destination=f"{IDP_URL}/slo",
        request_id="_ours",
        name_id=name_id,
        session_index="",
        now=SystemClock().now(),
    )
    forged = signed_message(xml, Signer(other_keys("mallory"), "rsa-sha256"))
    assert meeting.there.post("/slo", data={"SAMLRequest": forged}).status_code == 400
    assert meeting.is_in_there()
    sound = signed_message(xml, Signer(services.sp_keys, "rsa-sha256"))
    assert meeting.there.post("/slo", data={"SAMLRequest": sound}).status_code == 303
    assert not meeting.is_in_there()
