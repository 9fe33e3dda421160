"""Logins put a staged document in force, and failures that prove something bring the previous one back."""

from collections.abc import Callable

import pytest

from gateway.directory.metadata_documents import DocumentState, find_document
from gateway.directory.metadata_sources import find_source
from tests.metadata_documents import ACTIVE, NEW, OLD, RETIRING, STAGED, document, print_of
from tests.unit.web.metadata_site import MetadataSite
from tests.unit.web.site import Site, reason_of

KINDS: dict[str, Callable[[Site], MetadataSite]] = {
    "role": MetadataSite.of_role_sso,
    "user": MetadataSite.of_user_sso,
}


@pytest.fixture(params=KINDS)
def either(request: pytest.FixtureRequest, site: Site) -> MetadataSite:
    return KINDS[request.param](site)


@pytest.fixture
def world(site: Site) -> MetadataSite:
    return MetadataSite.of_role_sso(site)


def test_login__by_the_old_certificate__counts_and_promotes_nothing(world: MetadataSite) -> None:
    world.offer(document(NEW))
    assert world.sign_in(OLD).status_code == 303
    assert world.sign_in(OLD).status_code == 303
    assert world.states() == {OLD: ACTIVE, NEW: STAGED}
    row = world.row(print_of(OLD))
    assert (row.use_count, row.last_used_at) == (2, world.site.clock.now())
    assert world.row(print_of(NEW)).use_count == 0


def test_login__by_the_staged_certificate__puts_the_document_in_force(either: MetadataSite) -> None:
    either.offer(document(NEW, redirect="https://idp.example.com/v2/sso"))
    answer = either.sign_in(NEW)
    assert answer.status_code == 303
    assert either.states() == {OLD: RETIRING, NEW: ACTIVE}
    assert either.row(print_of(NEW)).use_count == 1
    (receipt,) = either.receipts("MetadataPromoted")
    assert receipt.request_id == answer.headers["X-Request-Id"]
    assert receipt.details["certificates_in_force"] == [print_of(NEW)]
    assert reason_of(either.sign_in(OLD)) == "SamlSignatureValue"
    assert either.sign_in(NEW).status_code == 303


def test_login__refused_after_the_signature__promotes_nothing(world: MetadataSite) -> None:
    world.offer(document(NEW))
    refused = {"attributes": ()} if world.role else {"name_id": "<saml:NameID>mallory@acme.onaliyun.com</saml:NameID>"}
    assert world.sign_in(NEW, **refused).status_code in {401, 403}
    assert world.states() == {OLD: ACTIVE, NEW: STAGED}


def test_login__staged_with_another_entity_id__by_either(either: MetadataSite) -> None:
    other = "https://idp.example.com/v2"
    either.offer(document(NEW, entity_id=other))
    assert either.sign_in(OLD).status_code == 303
    issuer = {"response_issuer": other, "issuer": f"<saml:Issuer>{other}</saml:Issuer>"}
    assert either.sign_in(OLD, **issuer).status_code == 403, "the old certificate does not speak for the new name"
    assert either.sign_in(NEW, **issuer).status_code == 303
    assert either.states() == {OLD: RETIRING, NEW: ACTIVE}
    assert either.sign_in(NEW, **issuer).status_code == 303


def test_spike__of_logins_that_the_previous_would_have_taken__brings_it_back(either: MetadataSite) -> None:
    either.offer(document(NEW))
    either.sign_in(NEW)
    for _ in range(4):
        assert reason_of(either.sign_in(OLD)) == "SamlSignatureValue"
    assert either.states() == {OLD: RETIRING, NEW: ACTIVE}
    either.sign_in(OLD)
    assert either.states() == {OLD: ACTIVE}
    (receipt,) = either.receipts("MetadataRolledBack")
    assert receipt.details["certificates_in_force"] == [print_of(OLD)]
    with either.site.services.store.reading() as session:
        waiting = find_document(session, either.key, DocumentState.WAITING)
        source = find_source(session, either.key)
    assert waiting is not None
    assert waiting.by_hand
    assert source is not None
    assert source.trial_until is None
    assert either.sign_in(OLD).status_code == 303
    assert reason_of(either.sign_in(NEW)) == "SamlSignatureValue"


def test_spike__fewer_failures_than_logins__changes_nothing(world: MetadataSite) -> None:
    world.offer(document(NEW))
    for _ in range(8):
        assert world.sign_in(NEW).status_code == 303
    for _ in range(7):
        world.sign_in(OLD)
    assert world.states() == {OLD: RETIRING, NEW: ACTIVE}


def test_spike__spread_over_time__changes_nothing(world: MetadataSite) -> None:
    world.offer(document(NEW))
    world.sign_in(NEW)
    for _ in range(9):
        world.sign_in(OLD)
        world.site.clock.advance(151)
    assert world.states() == {OLD: RETIRING, NEW: ACTIVE}


def test_spike__after_the_day_of_trial__changes_nothing(world: MetadataSite) -> None:
    world.offer(document(NEW))
    world.sign_in(NEW)
    world.site.clock.advance(86_400)
    for _ in range(6):
        world.sign_in(OLD)
    assert world.states() == {OLD: RETIRING, NEW: ACTIVE}


def test_login__certificates_lapsed__refused_with_a_reason_of_its_own(world: MetadataSite) -> None:
    from gateway.directory.metadata_in_force import settle
    from gateway.directory.metadata_owners import get_owner

    with world.site.services.store.transaction() as session:
        source = find_source(session, world.key)
        assert source is not None
        source.lapsed = True
        settle(session, get_owner(session, world.key), source)
    answer = world.sign_in(OLD)
    assert (answer.status_code, reason_of(answer)) == (403, "SamlMetadataLapsed")
