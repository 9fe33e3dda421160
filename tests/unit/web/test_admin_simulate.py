"""The page that foresees calls, and the one that tells who can take a role."""

from gateway.directory.roles import create_role
from gateway.errors import Reason
from tests.fake_clock import NOON
from tests.unit.simulation.world import trust
from tests.unit.web.site import Browser, Site, reason_of

PATH = "/admin/simulate"


def foresee(browser: Browser, **fields: str) -> tuple[int, str]:
    answer = browser.post(PATH, data={"csrf_token": browser.csrf(PATH), **fields})
    return answer.status_code, answer.text


def test_simulate__alice_without_and_with_a_policy__is_told_step_by_step(site: Site) -> None:
    owner = site.signed_in(site.owner)
    asked = {"principal": site.alice.arn, "action": "oss:GetObject", "resource": "acs:oss:*:*:b/k"}
    status, text = foresee(owner, **asked)
    assert (status, "stops it" in text, "What would help:" in text) == (200, True, True)
    site.grant("AliyunOSSFullAccess")
    status, text = foresee(owner, **asked)
    assert (status, "stops it" in text, "AliyunOSSFullAccess" in text) == (200, False, True)


def test_simulate__bad_fields__come_back_with_the_reason_and_what_was_written(site: Site) -> None:
    owner = site.signed_in(site.owner)
    status, text = foresee(owner, principal=site.alice.arn, action="a:B", context="<script>")
    assert (status, "&lt;script&gt;" in text, "<script>" in text.split("<main")[1]) == (400, True, False)
    status, text = foresee(owner, principal="acs:ram::9999999999999999:user/x", action="a:B")
    assert (status, "does not exist" in text) == (400, True)


def test_simulate__link_with_fields__fills_them_in_and_asks_nothing(site: Site) -> None:
    text = site.signed_in(site.owner).get(PATH, query_string={"principal": '"><b>', "action": "a:B"}).text
    assert "&#34;&gt;&lt;b&gt;" in text
    assert 'id="chain"' not in text


def test_reach__role__lists_who_can_take_it(site: Site) -> None:
    text = trust(site.alice.arn, "acs:ram::9999999999999999:root")
    with site.services.store.transaction() as session:
        create_role(session, site.account_id, "reader", trust_document=text, now=NOON)
    owner = site.signed_in(site.owner)
    assert "Nobody of the" in owner.get(f"{PATH}/role/reader").text
    site.grant("AliyunSTSAssumeRoleAccess")
    shown = owner.get(f"{PATH}/role/reader").text
    assert site.alice.arn in shown.split('id="others"')[0]
    assert "acs:ram::9999999999999999:root" in shown.split('id="others"')[1]
    assert reason_of(owner.get(f"{PATH}/role/nobody")) == Reason.NOT_FOUND


def test_pages__user_without_rights__are_denied(site: Site) -> None:
    alice = site.signed_in(site.alice)
    for path in (PATH, f"{PATH}/role/reader"):
        assert reason_of(alice.get(path)) == Reason.ACCESS_DENIED
