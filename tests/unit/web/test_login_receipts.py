"""What a company login leaves behind, let in or refused: the bytes, the certificate, the checks, the rules, the role."""

from dataclasses import replace

from gateway.audit.notary import notary_of
from gateway.audit.receipts import Receipt, list_receipts
from gateway.audit.stored import verify_database
from gateway.audit.why import find_out
from gateway.directory.mapping_rules import RuleContent, create_rule
from gateway.federation.attributes import RULES_OF
from gateway.federation.registered import get_registered
from gateway.identity import Protocol
from tests.fake_clock import NOON
from tests.saml_factory import signing_key
from tests.unit.web.site import Browser, Site, role_spec, signed

ACS = "/saml-role/sso"


def post(browser: Browser, response: str) -> str:
    return browser.post(ACS, data={"SAMLResponse": response}).headers["X-Request-Id"]


def receipt_of(site: Site, request_id: str) -> Receipt:
    with site.services.store.reading() as session:
        (receipt,) = list_receipts(session, request_id=request_id)
    return receipt


def add_rule(site: Site) -> None:
    with site.services.store.transaction() as session:
        provider = get_registered(session, site.account_id, Protocol.SAML, "corp")
        content = RuleContent(
            condition='{"StringEquals": {"saml:attribute/department": ["robots"]}}',
            role_arns=(f"acs:ram::{site.account_id}:role/reader",),
            session_name="alice",
            max_duration_s=None,
        )
        create_rule(session, site.account_id, provider.key, "robot-builders", content, now=NOON)


def test_role_login__receipt__tells_what_was_verified_and_by_what(site: Site) -> None:
    (value,) = site.roles("reader")
    receipt = receipt_of(site, post(site.browser(), signed(role_spec(value))))
    details = receipt.details
    assert (receipt.kind, receipt.outcome, receipt.account_id) == ("RoleLogin", "Allow", site.account_id)
    assert details["certificate"] == signing_key("idp").trusted.fingerprint
    assert len(str(details["signed_sha256"])) == 64
    checks = details["checks"]
    assert isinstance(checks, list)
    assert [int(check.split()[0]) for check in checks][-1] == 22
    assert details["client"] == "127.0.0.1"


def test_role_login__mapping_rule__receipt_tells_hit_or_miss_with_what_it_compared(site: Site) -> None:
    (value,) = site.roles("reader")
    add_rule(site)
    spec = role_spec(value)
    asking = (*spec.attributes, (RULES_OF, (f"acs:ram::{site.account_id}:saml-provider/corp",)))
    request_id = post(site.browser(), signed(replace(spec, attributes=asking)))
    rules = receipt_of(site, request_id).details["rules"]
    assert isinstance(rules, list)
    assert rules[0].startswith("robot-builders: not met")
    with site.services.store.reading() as session:
        story = "\n".join(find_out(session, request_id).story.lines)
    assert "robot-builders: saml:attribute/department was not there; StringEquals wants `robots`" in story
    assert "saml:recipient was" in story  # what the trust policy compared
    assert "alice@example.onaliyun.com" not in story


def test_role_login__refused__leaves_a_receipt_with_the_failed_check(site: Site) -> None:
    (value,) = site.roles("reader")
    spec = role_spec(
        value, audiences="<saml:AudienceRestriction><saml:Audience>x</saml:Audience></saml:AudienceRestriction>"
    )
    request_id = post(site.browser(), signed(spec))
    receipt = receipt_of(site, request_id)
    assert (receipt.kind, receipt.outcome, receipt.reason) == ("LoginRefused", "Refused", "SamlAudienceMismatch")
    assert str(receipt.details["failed_check"]).startswith("20")
    assert receipt.account_id == site.account_id


def test_login__any__leaves_chains_that_are_sound(site: Site) -> None:
    (value,) = site.roles("reader")
    browser = site.browser()
    post(browser, signed(role_spec(value)))
    post(browser, signed(role_spec(value)))  # a replay
    site.signed_in(site.alice).get("/admin/providers")
    with site.services.store.reading() as session:
        report = verify_database(session, notary_of(session))
    assert report.sound, report.breaks
    assert report.receipts >= 2
