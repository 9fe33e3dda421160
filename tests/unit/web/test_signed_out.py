"""Which sessions end when a password is changed or taken away."""

from gateway.sts.sessions import end_sessions_of_user
from tests.unit.web.signing_in import has_session
from tests.unit.web.site import Browser, Site
from tests.unit.web.test_take_role import make_role, take

HANDLE = "__Host-ramgate_session"


def handle_of(browser: Browser) -> str:
    cookie = browser.get_cookie(HANDLE, domain="sso.example.com")
    assert cookie is not None
    return cookie.value


def end(site: Site, keep: str | None = None) -> None:
    with site.services.store.transaction() as session:
        end_sessions_of_user(session, site.user_id, site.clock.now(), keep=keep)


def test_end_sessions_of_user__several_browsers__all_but_the_kept_one_and_no_one_elses(site: Site) -> None:
    mine, other, owner = site.signed_in(site.alice), site.signed_in(site.alice), site.signed_in(site.owner)
    end(site, keep=handle_of(mine))
    assert [has_session(each) for each in (mine, other, owner)] == [True, False, True]
    end(site)
    assert not has_session(mine)


def test_end_sessions_of_user__role_taken_in_a_browser__ends_with_it(site: Site) -> None:
    site.grant("AliyunSTSAssumeRoleAccess")
    make_role(site, "reader")
    browser, later = site.signed_in(site.alice), site.signed_in(site.alice)
    assert take(browser, "reader").status_code == 303
    assert has_session(browser)
    site.clock.advance(60)
    end(site, keep=handle_of(later))
    assert not has_session(browser)
    assert take(later, "reader").status_code == 303
    assert has_session(later)
