"""Nine flaws of another gateway, published in May 2026 as CVE-2026-9090 to 9098 (CERT/CC VU#780781), tried on this one.

Casdoor up to 2.362.0 had each of them: four in its SAML endpoint, three in how logins become users, two in how tokens
become other tokens. Each test is named by the number and ends with the neighbour that is right.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy.orm import Session

from gateway.directory.provider_keys import oidc_provider_key, user_sso_key
from gateway.directory.provider_logins import LoginSettings, Use, set_login_settings
from gateway.directory.revocations import revoke
from gateway.directory.saml_providers import delete_saml_provider
from gateway.directory.user_sso import set_user_sso
from gateway.directory.users import create_user
from gateway.errors import GatewayError, Reason
from gateway.federation.exchange import exchange_saml_for_role
from gateway.federation.facts import facts_of
from gateway.federation.persons import Person, find_person
from gateway.federation.vouching import SAML_DEFAULT, Voucher
from gateway.identity import VerifiedIdentity
from gateway.principal import RamUser
from gateway.store.engine import Store
from gateway.sts.assume import assume_as_caller
from gateway.sts.revocation import assertion_value
from gateway.sts.sessions import find_session
from tests import saml_factory as factory
from tests.company import RING, Company, make_company, occasion
from tests.fake_clock import NOON
from tests.identities import make_identity, role_attributes
from tests.saml_factory import Spec, at
from tests.unit.web.site import Browser, Site, audience, idp_metadata, reason_of, role_spec, signed

ROLE_ACS, USER_ACS = "/saml-role/sso", "/saml/SSO"
SECOND_FACTOR = "https://refeds.org/profile/mfa"


def shown(browser: Browser, spec: Spec, key: str = "idp", path: str = ROLE_ACS) -> str:
    """The reason of the refusal, or nothing when somebody was signed in."""
    answer = browser.post(path, data={"SAMLResponse": signed(spec, key)})
    return "" if answer.status_code == 303 else reason_of(answer)


def test_cve_2026_9090__certificate_of_the_message__is_not_what_it_is_verified_with(
    site: Site, browser: Browser
) -> None:
    """Casdoor took the certificate to verify a response with from that response."""
    spec = role_spec(*site.roles("reader"))
    forged = factory.signed_assertion(spec, factory.signing_key("attacker"))
    certificate = factory.find(forged, "//ds:X509Certificate").text
    assert "".join(certificate.split()) in factory.signing_key("attacker").certificate_pem.replace("\n", "")
    answer = browser.post(ROLE_ACS, data={"SAMLResponse": factory.encode(forged)})
    assert reason_of(answer) == "SamlSignatureValue"
    assert shown(browser, spec) == ""


def test_cve_2026_9091__second_factor__counts_only_when_the_provider_said_so(site: Site, browser: Browser) -> None:
    """Casdoor let a login that was matched by name in without the second factor that was demanded.

    Here what demands one is the policy condition acs:MFAPresent, and no way of being matched makes it true.
    """
    site.user_sso(idp_initiated=True)

    def second_factor_after(number: int, context: str) -> bool:
        said = (
            f"<saml:AuthnContext><saml:AuthnContextClassRef>{context}</saml:AuthnContextClassRef></saml:AuthnContext>"
        )
        spec = site.user_spec(assertion_id=f"_a{number}", authn_context=said)
        visitor = site.browser()
        assert shown(visitor, spec, path=USER_ACS) == ""
        cookie = visitor.get_cookie("__Host-ramgate_session", domain="sso.example.com")
        assert cookie is not None
        with site.services.store.reading() as session:
            found = find_session(session, site.services.ring, cookie.value, NOON)
        assert found is not None
        return found.mfa_present

    assert not second_factor_after(1, factory.PASSWORD)
    assert not second_factor_after(2, SECOND_FACTOR)
    with site.services.store.transaction() as session:
        settings = replace(SAML_DEFAULT, second_factors=(SECOND_FACTOR,))
        set_login_settings(session, site.account_id, user_sso_key(site.account_id), settings, now=NOON)
    assert not second_factor_after(3, factory.PASSWORD)
    assert second_factor_after(4, SECOND_FACTOR)


@pytest.mark.parametrize("verified", [None, "false", "True", "1"])
def test_cve_2026_9092__address_that_the_provider_did_not_confirm__names_nobody(
    store: Store, verified: str | None
) -> None:
    """Casdoor matched users by an e-mail address without looking at email_verified."""
    with store.transaction() as session:
        acme = make_company(session)
        create_user(session, acme.account.id, "alice", now=NOON)
    address = "alice@acme.onaliyun.com"
    said: dict[str, tuple[str, ...]] = {"oidc:claim/email": (address,)}
    unconfirmed = said if verified is None else said | {"oidc:claim/email_verified": (verified,)}
    with store.transaction() as session:
        with pytest.raises(GatewayError) as caught:
            person(session, acme, unconfirmed)
        assert caught.value.reason is Reason.USER_NAME_CLAIM
        assert person(session, acme, said | {"oidc:claim/email_verified": ("true",)}).user.name == "alice"


def person(session: Session, acme: Company, context: Mapping[str, tuple[str, ...]]) -> Person:
    arn = f"acs:ram::{acme.account.id}:oidc-provider/idp"
    settings = LoginSettings(use=Use.USER, logon_name_key="oidc:claim/email", login_with_domain=True)
    voucher = Voucher(oidc_provider_key(1), arn, acme.account.id, "ab" * 32, settings)
    facts = facts_of(make_identity())
    return find_person(session, acme.account, voucher, facts, context, suffix="onaliyun.com", now=NOON)


@pytest.mark.parametrize(
    ("audiences", "reason"),
    [
        ("", "SamlAudienceMissing"),
        ("<saml:AudienceRestriction/>", "SamlAudienceMismatch"),
        (audience("https://another-service.example"), "SamlAudienceMismatch"),
        (audience(factory.AUDIENCE) + audience("https://another-service.example"), "SamlAudienceMismatch"),
    ],
)
def test_cve_2026_9093__assertion_for_another_service__is_refused(
    site: Site, browser: Browser, audiences: str, reason: str
) -> None:
    """Casdoor never looked at the AudienceRestriction."""
    (value,) = site.roles("reader")
    assert shown(browser, role_spec(value, audiences=audiences)) == reason
    assert shown(browser, role_spec(value)) == ""


def exchanged(store: Store, company: Company, identity: VerifiedIdentity, role: str) -> str:
    """What the API gives for an assertion: a reason, or nothing for credentials."""
    try:
        with store.transaction() as session:
            exchange_saml_for_role(
                session,
                RING,
                identity=identity,
                provider=company.provider,
                role_arn=role,
                duration_s=None,
                session_policy=None,
                occasion=occasion(),
            )
    except GatewayError as refused:
        return refused.reason
    return ""


def test_cve_2026_9094__assertion_of_one_company__opens_no_role_of_another(store: Store) -> None:
    """Casdoor exchanged a token of one organization for one of another."""
    with store.transaction() as session:
        acme = make_company(session, "acme")
        globex = make_company(session, "globex", entity_id="https://globex.example/idp", certificates=("globex",))
        acme.role("reader")
        globex.role("reader")
    theirs, ours = globex.value("reader"), acme.value("reader")
    role = theirs.partition(",")[0]
    through_us = globex.value("reader", provider_arn=acme.provider_arn)
    for value, reason in ((theirs, Reason.ROLE_ATTRIBUTE), (through_us, Reason.TRUST_POLICY_DENIED)):
        identity = make_identity(attributes=role_attributes(value, ours))
        assert exchanged(store, acme, identity, role) == reason
        assert exchanged(store, globex, identity, role) != ""
    identity = make_identity(attributes=role_attributes(ours))
    assert exchanged(store, acme, identity, ours.partition(",")[0]) == ""


def test_cve_2026_9095__assertion_that_was_used__is_refused_everywhere(site: Site, browser: Browser) -> None:
    """Casdoor took one assertion as often as it was shown. Two workers: see test_replay_across_workers.py."""
    spec = role_spec(*site.roles("reader"))
    assert shown(browser, spec) == ""
    assert shown(browser, spec) == "SamlReplayed"
    assert shown(site.browser(), spec) == "SamlReplayed"
    wrapped_anew = replace(spec, response_id="_another_response")
    assert shown(site.browser(), wrapped_anew) == "SamlReplayed"
    assert shown(site.browser(), replace(spec, assertion_id="_another")) == ""


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"conditions_attributes": f'NotBefore="{at(-600)}" NotOnOrAfter="{at(-300)}"'}, "SamlExpired"),
        ({"conditions_attributes": f'NotBefore="{at(300)}" NotOnOrAfter="{at(600)}"'}, "SamlNotYetValid"),
        (
            {"confirmation_data_attributes": f'NotOnOrAfter="{at(-300)}" Recipient="{factory.RECIPIENT}"'},
            "SamlExpired",
        ),
        ({"confirmation_data_attributes": f'Recipient="{factory.RECIPIENT}"'}, "SamlSubjectConfirmation"),
        ({"assertion_issue_instant": at(300)}, "SamlIssueInstant"),
    ],
)
def test_cve_2026_9096__assertion_of_another_time__is_refused(
    site: Site, browser: Browser, changes: dict[str, Any], reason: str
) -> None:
    """Casdoor's library found out that an assertion was over, and nobody read what it found."""
    (value,) = site.roles("reader")
    assert shown(browser, replace(role_spec(value), **changes)) == reason
    assert shown(browser, role_spec(value)) == ""


@pytest.mark.parametrize("kind", ["session", "role", "user"])
def test_cve_2026_9097__token_that_was_revoked__is_exchanged_for_nothing(store: Store, kind: str) -> None:
    """Casdoor exchanged tokens by their signature alone, revoked or not."""
    with store.transaction() as session:
        acme = make_company(session)
        user = create_user(session, acme.account.id, "alice", now=NOON)
        alice = RamUser(acme.account.id, user.id, "alice")
        arns = [f"acs:ram::{acme.account.id}:{name}" for name in ("user/alice", "role/first")]
        statement = {"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"RAM": arns}}
        trust = json.dumps({"Version": "1", "Statement": [statement]})
        role = acme.role("first", trust=trust)
        first = assume(session, alice, role)
        assert assume(session, first.token, role).token.principal.role_name == "first"
    value = {"session": first.token.session_id, "role": role.id, "user": user.id}[kind]
    with store.transaction() as session:
        revoke(session, kind, value, NOON + timedelta(seconds=1))
    with store.transaction() as session, pytest.raises(GatewayError) as caught:
        assume(session, first.token, role, 2)
    assert caught.value.reason is Reason.TOKEN_REVOKED


def assume(session: Session, caller: Any, role: Any, after_s: float = 0) -> Any:
    return assume_as_caller(
        session,
        ring=RING,
        caller=caller,
        role=role,
        session_name="alice",
        context={},
        duration_s=None,
        session_policy=None,
        now=NOON + timedelta(seconds=after_s),
    )


def test_cve_2026_9098__answer_to_nothing_that_was_asked__is_refused(site: Site, browser: Browser) -> None:
    """Casdoor took any response, asked for or not."""
    site.user_sso()
    assert shown(browser, site.user_spec(), path=USER_ACS) == "SamlUnsolicited"
    invented = {"response_in_response_to": "_invented", "in_response_to": "_invented"}
    request_id = site.asked(browser)
    assert shown(browser, site.user_spec(**invented), path=USER_ACS) == "LoginNotPending"
    answer = {"response_in_response_to": request_id, "in_response_to": request_id}
    thief = site.browser()
    site.asked(thief)
    assert shown(thief, site.user_spec(**answer), path=USER_ACS) == "LoginOtherBrowser"
    assert shown(browser, site.user_spec(**answer), path=USER_ACS) == ""


def test_cve_2026_9098__provider_gone_since_the_login_began__is_not_believed(site: Site, browser: Browser) -> None:
    """Casdoor went on with the provider as it was when the login began, disabled and deleted ones too."""
    (value,) = site.roles("reader")
    site.user_sso()
    request_id = site.asked(browser)
    spec = site.user_spec(response_in_response_to=request_id, in_response_to=request_id)

    def configure(*, enabled: bool, key: str = "idp") -> None:
        with site.services.store.transaction() as session:
            metadata = idp_metadata(key=key)
            set_user_sso(session, site.account_id, enabled=enabled, metadata_xml=metadata, now=site.clock.now())

    configure(enabled=False)
    assert shown(browser, spec, path=USER_ACS) == "SsoDisabled"
    configure(enabled=True, key="another")
    assert shown(browser, spec, path=USER_ACS) == "SamlSignatureValue"
    configure(enabled=True)
    assert shown(browser, spec, path=USER_ACS) == ""
    with site.services.store.transaction() as session:
        delete_saml_provider(session, site.account_id, "corp")
    assert shown(browser, role_spec(value)) == "SamlUnknownIssuer"


def test_cve_2026_9097__assertion_that_was_revoked__ends_what_came_of_it(site: Site, browser: Browser) -> None:
    """One assertion can be revoked, and the session that it opened is over at its next use."""
    assert shown(browser, role_spec(*site.roles("reader"))) == ""
    assert browser.get("/session").status_code == 200
    with site.services.store.transaction() as session:
        revoke(session, "assertion", assertion_value(factory.IDP, "_assertion1"), NOON)
    assert browser.get("/session").status_code == 303
