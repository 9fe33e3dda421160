"""Somebody answers for the identity provider's server: what its metadata can and can't bring about."""

from collections.abc import Iterator
from datetime import timedelta

import pytest

from gateway.directory.accounts import create_account
from gateway.directory.metadata_documents import DocumentState
from gateway.directory.metadata_offers import Origin, OriginKind, Outcome, offer_document
from gateway.directory.metadata_sources import lock_source, set_url_source
from gateway.directory.provider_keys import saml_provider_key
from gateway.directory.roles import create_role
from gateway.directory.saml_providers import create_saml_provider
from gateway.errors import Reason
from gateway.federation.metadata_refresh import refresh_source
from gateway.federation.trust_document import saml_trust_document
from gateway.fetch import Fetcher
from gateway.secret import Secret
from tests.fake_clock import NOON
from tests.metadata_documents import ACTIVE, NEW, OLD, OTHER, STAGED, document, kept, print_of
from tests.metadata_publisher import ANCHOR, Publisher, publisher, signed_metadata
from tests.saml_factory import RECIPIENT, signing_key
from tests.unit.web.metadata_site import MetadataSite
from tests.unit.web.site import PASSWORD, Site, reason_of, role_spec, signed

EVIL = OTHER


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Publisher, Fetcher]]:
    with publisher(tmp_path_factory.mktemp("publisher")) as made:
        yield made


@pytest.fixture
def world(site: Site) -> MetadataSite:
    return MetadataSite.of_role_sso(site)


def fetch(world: MetadataSite, live: tuple[Publisher, Fetcher], body: bytes, **trust: object) -> str:
    source, fetcher = live
    source.body = body
    services = world.site.services
    with services.store.transaction() as session:
        row = lock_source(session, world.key, world.site.account_id, services.clock.now())
        pem = signing_key(str(trust["anchor"])).certificate_pem if "anchor" in trust else ""
        if row.url != source.url:
            set_url_source(row, url=source.url, anchors_pem=pem, trust_tls="tls" in trust, now=services.clock.now())
    done = refresh_source(services.store, fetcher, services.clock, world.key, only_due=False)
    assert done is not None
    return done.outcome


def test_certificate_of_the_attacker__without_an_anchor__is_never_trusted(
    world: MetadataSite, live: tuple[Publisher, Fetcher]
) -> None:
    for body in (document(EVIL), document(OLD, EVIL)):
        assert fetch(world, live, body) == "Waiting"
        assert reason_of(world.sign_in(EVIL)) == "SamlSignatureValue"
        assert world.sign_in(OLD).status_code == 303
    assert world.states() == {OLD: ACTIVE}


def test_certificate_of_the_attacker__signed_by_nobody_the_anchor_knows__is_never_trusted(
    world: MetadataSite, live: tuple[Publisher, Fetcher]
) -> None:
    genuine = signed_metadata(document(NEW))
    changed = genuine.replace(b"https://idp.example.com/sso", b"https://evil.example.com/so")
    for body in (document(EVIL), signed_metadata(document(EVIL), EVIL), changed):
        assert fetch(world, live, body, anchor=ANCHOR) == Reason.METADATA_SIGNATURE
    assert (world.states(), world.sign_in(OLD).status_code) == ({OLD: ACTIVE}, 303)


def test_certificate_of_the_attacker__where_tls_is_trusted__never_gains_sole_trust_by_the_fetch(
    world: MetadataSite, live: tuple[Publisher, Fetcher]
) -> None:
    for _ in range(3):
        fetch(world, live, document(EVIL), tls=True)
    assert world.states() == {OLD: ACTIVE, EVIL: STAGED}
    assert world.sign_in(OLD).status_code == 303
    assert world.states() == {OLD: ACTIVE, EVIL: STAGED}, "what the old one verifies promotes nothing"
    assert fetch(world, live, document(), tls=True) == "Unchanged"
    assert world.states() == {OLD: ACTIVE}, "the server is itself again"
    assert reason_of(world.sign_in(EVIL)) == "SamlSignatureValue"


def test_sole_trust__by_a_login_of_the_attacker__ends_with_the_people_it_locked_out(
    world: MetadataSite, live: tuple[Publisher, Fetcher]
) -> None:
    fetch(world, live, document(EVIL), tls=True)
    assert world.sign_in(EVIL).status_code == 303, "whoever was told to trust TLS trusts the attacker now"
    for _ in range(5):
        world.sign_in(OLD)
    assert world.states() == {OLD: ACTIVE}
    assert fetch(world, live, document(EVIL), tls=True) == "Known", "it waits, and is not staged once more"
    assert reason_of(world.sign_in(EVIL)) == "SamlSignatureValue"


@pytest.mark.parametrize("anchored", [True, False])
def test_another_entity_id__from_a_fetch__always_waits(
    world: MetadataSite, live: tuple[Publisher, Fetcher], anchored: bool
) -> None:
    moved = document(OLD, entity_id="https://evil.example/idp")
    if anchored:
        assert fetch(world, live, signed_metadata(moved), anchor=ANCHOR) == "Waiting"
    else:
        assert fetch(world, live, moved, tls=True) == "Waiting"
    assert world.sign_in(OLD).status_code == 303


def test_trust__is_not_taken_away_by_a_fetch(world: MetadataSite, live: tuple[Publisher, Fetcher]) -> None:
    world.offer(document(OLD, NEW))
    world.promote()
    assert fetch(world, live, document(NEW)) == "Waiting"
    assert world.sign_in(OLD).status_code == 303
    assert world.sign_in(NEW).status_code == 303
    assert world.states() == {OLD: ACTIVE, NEW: ACTIVE}


def test_older_document__well_signed_and_brought_back__waits(
    world: MetadataSite, live: tuple[Publisher, Fetcher]
) -> None:
    stolen = signed_metadata(document(OLD, days=5))
    assert fetch(world, live, stolen, anchor=ANCHOR) == "Unchanged"
    assert fetch(world, live, signed_metadata(document(NEW, days=9)), anchor=ANCHOR) == "Staged"
    world.sign_in(NEW)
    assert fetch(world, live, stolen, anchor=ANCHOR) == "Waiting", "its key was given up, perhaps for a reason"
    assert reason_of(world.sign_in(OLD)) == "SamlSignatureValue"


def test_validity__shortened_by_an_older_copy__does_not_lock_people_out(
    world: MetadataSite, live: tuple[Publisher, Fetcher]
) -> None:
    from gateway.federation.metadata_refresh import keep_house

    fetch(world, live, document(days=30), tls=True)
    fetch(world, live, document(days=1), tls=True)
    world.site.clock.advance(timedelta(days=5).total_seconds())
    keep_house(world.site.services.store, world.site.clock)
    assert world.sign_in(OLD).status_code == 303


def test_flood_of_documents__each_another__keeps_two(world: MetadataSite, live: tuple[Publisher, Fetcher]) -> None:
    for number in range(6):
        fetch(world, live, document(OLD, EVIL, redirect=f"https://evil.example/{number}"))
    with world.site.services.store.reading() as session:
        assert kept(session, world.key) == {DocumentState.WAITING}


def other_tenant(site: Site) -> tuple[str, str]:
    """Another account with the same entity ID: the key of its provider, and the Role value of a role of its own."""
    with site.services.store.transaction() as session:
        account = create_account(
            session,
            alias="mallory",
            display_name="Mallory",
            owner_login="owner@mallory.example",
            owner_password=Secret(PASSWORD),
            now=NOON,
        )
        made = create_saml_provider(session, account.id, "corp", document(EVIL), now=NOON)
        arn = f"acs:ram::{account.id}:saml-provider/corp"
        create_role(session, account.id, "reader", trust_document=saml_trust_document(arn, RECIPIENT), now=NOON)
        return saml_provider_key(made.id), f"acs:ram::{account.id}:role/reader,{arn}"


def test_staged_certificate_of_another_tenant__speaks_for_that_tenant_only(site: Site) -> None:
    ours = MetadataSite.of_role_sso(site)
    their_key, their_role = other_tenant(site)
    with site.services.store.transaction() as session:
        offered = offer_document(session, their_key, document(NEW), Origin(OriginKind.ADMINISTRATOR, "mallory"), NOON)
    assert offered.outcome is Outcome.STAGED
    assert reason_of(ours.sign_in(NEW)) == "RoleNoneAllowed"
    assert ours.states() == {OLD: ACTIVE}
    assert reason_of(ours.post(signed(role_spec(their_role, assertion_id="_theirs1"), OLD))) == "RoleNoneAllowed"
    assert ours.post(signed(role_spec(their_role, assertion_id="_theirs2"), NEW)).status_code == 303


def test_staged_certificate_around_our_key__of_another_tenant__does_not_stand_in_our_way(site: Site) -> None:
    """The other tenant has it first, so that verification meets that row before ours."""
    their_key, _ = other_tenant(site)
    with site.services.store.transaction() as session:
        offer_document(session, their_key, document(NEW), Origin(OriginKind.ADMINISTRATOR, "mallory"), NOON)
    ours = MetadataSite.of_role_sso(site)
    ours.offer(document(NEW))
    assert ours.sign_in(NEW).status_code == 303
    assert ours.states()[NEW] == ACTIVE, "our own document is promoted"
    theirs = MetadataSite(site, their_key, ours.role)
    assert theirs.states() == {EVIL: ACTIVE, NEW: STAGED}, "and theirs is not"
    assert ours.row(print_of(NEW)).use_count == 1
    assert theirs.row(print_of(NEW)).use_count == 0
