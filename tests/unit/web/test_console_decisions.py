"""What policies were asked at the console, besides what came of it: may I, might I with a second factor, the switch."""

from gateway.audit.batches import read_decisions
from gateway.audit.decisions import DecisionRecord
from gateway.audit.packing import pack
from gateway.audit.receipts import list_receipts
from gateway.audit.why import find_out
from tests.unit.web.signing_in import bind
from tests.unit.web.site import Site
from tests.unit.web.test_signin import give_password
from tests.unit.web.test_take_role import MFA, make_role, take


def kept(site: Site) -> list[DecisionRecord]:
    pack(site.services.store, site.clock)
    with site.services.store.reading() as session:
        return list(read_decisions(session, site.account_id).records)


def story(site: Site, request_id: str) -> str:
    with site.services.store.reading() as session:
        return "\n".join(find_out(session, request_id).story.lines)


def test_session_page__may_i__is_recorded_and_told_as_a_question(site: Site) -> None:
    answer = site.signed_in(site.alice).get("/session?action=oss:GetObject&resource=*")
    (record,) = kept(site)
    assert (record.operation, record.outcome, record.reason) == ("GetObject", "ImplicitDeny", "Asked")
    told = story(site, answer.headers["X-Request-Id"])
    assert "they asked at the console whether they may, and did nothing; `oss:GetObject` on `*` was denied" in told


def test_session_page__no_question__records_nothing(site: Site) -> None:
    site.signed_in(site.alice).get("/session")
    assert kept(site) == []


def test_take_role__allowed__both_decisions_are_recorded(site: Site) -> None:
    site.grant("AliyunSTSAssumeRoleAccess")
    make_role(site, "reader")
    answer = take(site.signed_in(site.alice), "reader")
    found = [each for each in kept(site) if each.request_id == answer.headers["X-Request-Id"]]
    assert [(each.layer, each.outcome) for each in found] == [
        ("AccountLevelIdentityBasedPolicy", "Allow"),
        ("AssumeRolePolicy", "Allow"),
    ]
    with site.services.store.reading() as session:
        (receipt,) = list_receipts(session, request_id=answer.headers["X-Request-Id"])
    caps = receipt.details["caps"]
    assert isinstance(caps, list)
    assert any(cap.startswith("the session that it was taken in") for cap in caps)
    assert any(cap.startswith("the role's maximum session duration: ") for cap in caps)


def test_take_role__lacks_a_second_factor__what_was_supposed_is_recorded_apart(site: Site) -> None:
    give_password(site)
    site.grant("AliyunSTSAssumeRoleAccess")
    make_role(site, "careful", MFA)
    bind(site)
    answer = take(site.signed_in(site.alice), "careful")
    found = [each for each in kept(site) if each.request_id == answer.headers["X-Request-Id"]]
    assert [(each.outcome, each.reason) for each in found] == [
        ("Allow", ""),
        ("ImplicitDeny", ""),
        ("Allow", "Supposed"),
        ("Allow", "Supposed"),
    ]
    assert "supposing that a second factor had been proved just then, " in story(site, answer.headers["X-Request-Id"])
