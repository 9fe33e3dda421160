"""Dry logins at an OpenID Provider, and the traces of those that failed there."""

from sqlalchemy import func, select

from gateway.directory.attachments import attach_policy
from gateway.directory.groups import create_group
from gateway.directory.login_traces import LoginTrace, all_traces_of
from gateway.directory.provider_logins import LoginSettings, Use, set_login_settings
from gateway.directory.trace_body import load_body
from gateway.store.base import Base
from tests.fake_clock import NOON
from tests.unit.web.oidc_site import BY_EMAIL, LocalBrowser, OidcSite
from tests.unit.web.site import reason_of

OUT_OF_COUNT = {"jobs", "login_traces", "connection_tests", "pending_oidc_logins"}


def counts(oidc: OidcSite) -> dict[str, int]:
    with oidc.site.services.store.reading() as session:
        return {
            table.name: session.scalar(select(func.count()).select_from(table)) or 0
            for table in Base.metadata.sorted_tables
            if table.name not in OUT_OF_COUNT and not table.name.startswith("fleeting")
        }


def tried(oidc: OidcSite, admin: LocalBrowser) -> str:
    """A whole dry login; gives the page that it ends on."""
    armed = admin.post("/admin/oidc/corp/test", data={"csrf_token": admin.csrf("/admin/oidc/corp")})
    test = armed.headers["Location"]
    before, session = counts(oidc), admin.session()
    away = admin.get(f"{test}/go")
    assert away.status_code == 303, away.text
    answer = oidc.come_back(admin, oidc.op.authorize(away.headers["Location"]))
    assert (answer.status_code, answer.headers.get("Location")) == (303, test), answer.text
    assert admin.session() == session
    assert counts(oidc) == before
    page: str = admin.get(test).text
    return page


def test_test__user_by_email__shows_user_groups_and_rights(oidc: OidcSite) -> None:
    settings = LoginSettings(use=Use.USER, logon_name_key="oidc:claim/email", groups_key="oidc:claim/groups")
    oidc.register(settings)
    with oidc.site.services.store.transaction() as session:
        group = create_group(session, oidc.account_id, "ops", now=NOON)
        attach_policy(session, oidc.account_id, "System", "ReadOnlyAccess", group, NOON)
    oidc.op.claims = {"groups": ["ops", "nobody-knows"]}
    page = tried(oidc, oidc.signed_in(oidc.site.owner))
    assert "This login works" in page
    assert "<strong>alice</strong>" in page
    assert "ops, nobody-knows" in page
    assert "System policy ReadOnlyAccess, through group ops" in page
    assert page.count('<span class="tag good">passed</span>') >= 19


def test_test__user_to_be_made__makes_nobody(oidc: OidcSite) -> None:
    oidc.register(LoginSettings(use=Use.USER, logon_name_key="oidc:claim/email", creates_users=True))
    oidc.op.claims = {"email": "bob@acme.onaliyun.com", "email_verified": True}
    page = tried(oidc, oidc.signed_in(oidc.site.owner))
    assert "<strong>bob</strong>" in page
    assert "would be made" in page


def test_test__sign_in_turned_off__works_and_says_so(oidc: OidcSite) -> None:
    oidc.register(LoginSettings(use=Use.EXCHANGE_ONLY, logon_name_key="oidc:claim/email"))
    admin = oidc.signed_in(oidc.site.owner)
    page = tried(oidc, admin)
    assert "turned off for this provider" in page
    assert "This login works" not in page
    assert reason_of(oidc.browser().get("/oidc/start/acme/corp")) == "SsoDisabled"


def test_test__role_and_rule__shows_both(oidc: OidcSite) -> None:
    oidc.register(LoginSettings(use=Use.ROLE, roles_key="oidc:claim/roles"))
    oidc.roles("reader")
    oidc.op.claims = {"roles": ["reader", "ghost"]}
    page = tried(oidc, oidc.signed_in(oidc.site.owner))
    assert f"acs:ram::{oidc.account_id}:role/reader" in page
    assert "The role does not exist." in page


def test_test__wrong_audience__shows_the_failed_check(oidc: OidcSite) -> None:
    oidc.register()
    oidc.op.claims = {"aud": "another-client"}
    page = tried(oidc, oidc.signed_in(oidc.site.owner))
    row = page.partition('id="failed"')[2].partition("</tr>")[0]
    assert "12 audience" in row
    assert "another-client" in row
    assert "OidcAudienceMismatch" in page


def test_callback__begun_for_a_test__signs_nobody_in_without_the_tests_cookie(oidc: OidcSite) -> None:
    oidc.register()
    admin = oidc.signed_in(oidc.site.owner)
    armed = admin.post("/admin/oidc/corp/test", data={"csrf_token": admin.csrf("/admin/oidc/corp")})
    away = admin.get(f"{armed.headers['Location']}/go").headers["Location"]
    session = admin.session()
    admin.delete_cookie("ramgate_test", domain="127.0.0.1")
    answer = oidc.come_back(admin, oidc.op.authorize(away))
    assert reason_of(answer) == "LoginNotPending"
    assert admin.session() == session


def test_callback__real_login_while_a_test_waits__is_a_real_login(oidc: OidcSite) -> None:
    oidc.register()
    admin = oidc.signed_in(oidc.site.owner)
    admin.post("/admin/oidc/corp/test", data={"csrf_token": admin.csrf("/admin/oidc/corp")})
    assert oidc.sign_in(admin).headers["Location"] == "/session"


def test_callback__refused_token__leaves_a_trace_with_its_checks(oidc: OidcSite) -> None:
    oidc.register(BY_EMAIL)
    oidc.op.claims = {"iss": "https://evil.example"}
    answer = oidc.sign_in(oidc.browser())
    assert reason_of(answer) == "OidcIssuerMismatch"
    with oidc.site.services.store.reading() as session:
        (trace,) = all_traces_of(session, answer.headers["X-Request-Id"], oidc.site.clock.now())
    body = load_body(trace.body)
    assert (trace.account_id, trace.consumer, trace.evidence) == (oidc.account_id, "oidc", "proven")
    assert next(each.check for each in body.checks if each.outcome == "failed") == "10 issuer"
    assert "alice" not in trace.body


def test_callback__unknown_state__is_not_begun_here(oidc: OidcSite) -> None:
    oidc.register()
    answer = oidc.browser().get(f"/oidc/callback/{oidc.account_id}/corp", query_string={"state": "x", "code": "y"})
    assert reason_of(answer) == "LoginNotPending"
    with oidc.site.services.store.reading() as session:
        (trace,) = session.scalars(select(LoginTrace)).all()
    assert (trace.evidence, trace.reason) == ("none", "LoginNotPending")


def test_test__settings_changed_to_off_meanwhile__still_comes_back(oidc: OidcSite) -> None:
    key = oidc.register()
    admin = oidc.signed_in(oidc.site.owner)
    armed = admin.post("/admin/oidc/corp/test", data={"csrf_token": admin.csrf("/admin/oidc/corp")})
    away = admin.get(f"{armed.headers['Location']}/go").headers["Location"]
    with oidc.site.services.store.transaction() as session:
        off = LoginSettings(use=Use.EXCHANGE_ONLY, logon_name_key="oidc:claim/email")
        set_login_settings(session, oidc.account_id, key, off, now=NOON)
    answer = oidc.come_back(admin, oidc.op.authorize(away))
    assert answer.headers["Location"] == armed.headers["Location"]
