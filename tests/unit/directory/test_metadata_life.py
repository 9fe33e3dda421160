"""A provider's documents: what is offered, staged, put in force, rolled back, and what is trusted meanwhile."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from gateway.directory.metadata_documents import DocumentState, find_document
from gateway.directory.metadata_life import (
    approve_document,
    discard_document,
    end_ways_back,
    lapse_documents,
    promote_document,
    roll_back_document,
)
from gateway.directory.metadata_offers import Offered, Origin, OriginKind, Outcome, offer_document
from gateway.directory.metadata_sources import find_source, lock_source, set_url_source
from gateway.directory.provider_certificates import (
    CertificateUse,
    certificate_rows,
    count_use,
    has_lapsed,
    recent_uses,
)
from gateway.directory.provider_keys import user_sso_key
from gateway.directory.saml_providers import (
    get_saml_provider,
    provider_certificates,
    trusted_certificates,
    update_saml_provider,
)
from gateway.directory.user_sso import set_user_sso, user_sso_candidates, user_sso_certificates
from gateway.errors import NotFound, Reason, SamlError
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.metadata_documents import (
    ACTIVE,
    LAPSED,
    NEW,
    OLD,
    OTHER,
    RETIRING,
    STAGED,
    document,
    kept,
    make_provider,
    print_of,
    promoting,
    states,
)
from tests.saml_factory import IDP
from tests.unit.directory.world import ACCOUNT, refused

ADMIN = Origin(OriginKind.ADMINISTRATOR, "acs:ram::1:root")
FETCHED = Origin(OriginKind.FETCHED, "https://idp.example.com/metadata")
ANCHORED = Origin(OriginKind.FETCHED, "https://idp.example.com/metadata", verified=True)
TLS = Origin(OriginKind.FETCHED, "https://idp.example.com/metadata", trust_tls=True)
LATER = NOON + timedelta(hours=1)

pytestmark = pytest.mark.usefixtures("account")


def offer(session: Session, key: str, xml: bytes, origin: Origin = ADMIN) -> Offered:
    return offer_document(session, key, xml, origin, NOON)


def trusted(session: Session) -> set[str]:
    return {certificate.fingerprint for certificate in trusted_certificates(session, IDP)}


def test_offer_document__same_content__changes_nothing(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT)
        before = certificate_rows(session, key)[0].id
        assert offer(session, key, document(days=30), FETCHED).outcome is Outcome.UNCHANGED
        assert (kept(session, key), states(session, key)) == (set(), {OLD: ACTIVE})
        assert certificate_rows(session, key)[0].id == before
        source = find_source(session, key)
        assert source is not None
        assert source.valid_until == NOON + timedelta(days=30)


def test_offer_document__of_an_administrator__is_staged_beside_the_old(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT)
        offered = offer(session, key, document(NEW, redirect="https://other.example.com/sso"))
        assert offered.outcome is Outcome.STAGED
        assert states(session, key) == {OLD: ACTIVE, NEW: STAGED}
        assert promoting(session, key) == {NEW}
        assert trusted(session) == {print_of(OLD), print_of(NEW)}
        assert get_saml_provider(session, ACCOUNT, "corp").sso_redirect_url == "https://idp.example.com/sso"


CERTIFICATE = document(OLD, NEW)
HOST = document(redirect="https://evil.example/sso")
ENTITY_ID = document(entity_id="https://evil.example/idp")
REMOVED = document(OLD)
MOVED = document(OLD, NEW, redirect="https://idp.example.com/v2/sso")


@pytest.mark.parametrize(
    ("origin", "in_force", "offered", "outcome"),
    [
        (FETCHED, document(), CERTIFICATE, Outcome.WAITING),
        (FETCHED, document(), HOST, Outcome.WAITING),
        (FETCHED, document(), ENTITY_ID, Outcome.WAITING),
        (FETCHED, CERTIFICATE, REMOVED, Outcome.WAITING),
        (FETCHED, CERTIFICATE, MOVED, Outcome.STAGED),
        (ANCHORED, document(), CERTIFICATE, Outcome.STAGED),
        (ANCHORED, document(), HOST, Outcome.STAGED),
        (ANCHORED, document(), ENTITY_ID, Outcome.WAITING),
        (ANCHORED, CERTIFICATE, REMOVED, Outcome.STAGED),
        (TLS, document(), CERTIFICATE, Outcome.STAGED),
        (TLS, document(), ENTITY_ID, Outcome.WAITING),
        (ADMIN, document(), ENTITY_ID, Outcome.STAGED),
    ],
)
def test_offer_document__by_origin_and_risk__staged_or_waits(
    store: Store, origin: Origin, in_force: bytes, offered: bytes, outcome: Outcome
) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT, xml=in_force)
        before = trusted(session)
        assert offer(session, key, offered, origin).outcome is outcome
        assert trusted(session) >= before, "no offer takes trust away"
        if outcome is Outcome.WAITING:
            assert trusted(session) == before, "what waits is not trusted"
            assert set(states(session, key).values()) == {ACTIVE}


def test_offer_document__fetched_where_an_administrator_staged_another__waits(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT)
        offer(session, key, document(NEW))
        assert offer(session, key, document(OTHER), ANCHORED).outcome is Outcome.WAITING
        assert states(session, key) == {OLD: ACTIVE, NEW: STAGED}


def test_offer_document__source_goes_back__what_it_had_staged_goes_too(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT)
        offer(session, key, document(OTHER), TLS)
        assert states(session, key) == {OLD: ACTIVE, OTHER: STAGED}
        assert offer(session, key, document(), TLS).outcome is Outcome.UNCHANGED
        assert (states(session, key), kept(session, key)) == ({OLD: ACTIVE}, set())


def test_offer_document__source_goes_back__what_an_administrator_staged_stays(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT)
        offer(session, key, document(NEW))
        offer(session, key, document(), FETCHED)
        assert states(session, key) == {OLD: ACTIVE, NEW: STAGED}


def test_offer_document__discarded_before__not_taken_again_from_a_source(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT)
        offer(session, key, document(OTHER), FETCHED)
        assert offer(session, key, document(OTHER), FETCHED).outcome is Outcome.KNOWN
        discard_document(session, key, DocumentState.WAITING, NOON)
        assert offer(session, key, document(OTHER, days=2), FETCHED).outcome is Outcome.KNOWN
        assert kept(session, key) == set()
        assert offer(session, key, document(OTHER)).outcome is Outcome.STAGED  # an administrator's own word


def test_offer_document__expired_or_malformed__refused_and_nothing_changes(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT)
        for xml, reason in ((document(NEW, days=-1), Reason.METADATA_EXPIRED), (b"<x/>", Reason.METADATA_MALFORMED)):
            with pytest.raises(SamlError) as caught:
                offer(session, key, xml, ANCHORED)
            assert caught.value.reason is reason
        assert (states(session, key), kept(session, key)) == ({OLD: ACTIVE}, set())


def test_offer_document__nobodys_key__not_found(store: Store) -> None:
    with store.transaction() as session:
        for key in ("saml:999", "saml:x", "user-sso:1", "oidc:1", ""):
            with refused(NotFound, Reason.NOT_FOUND, "SAMLProvider"):
                offer(session, key, document())


def test_promote_document__staged__is_in_force_and_the_old_is_the_way_back(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT)
        new = document(NEW, redirect="https://idp.example.com/v2/sso", days=20)
        offer(session, key, new)
        turn = promote_document(session, key, by="by hand", now=LATER)
        assert (turn.account_id, turn.certificates) == (ACCOUNT, (print_of(NEW),))
        provider = get_saml_provider(session, ACCOUNT, "corp")
        assert (provider.metadata_xml, provider.sso_redirect_url) == (new, "https://idp.example.com/v2/sso")
        assert states(session, key) == {NEW: ACTIVE, OLD: RETIRING}
        assert trusted(session) == {print_of(NEW)}
        assert [each.fingerprint for each in provider_certificates(session, provider)] == [print_of(NEW)]
        source = find_source(session, key)
        assert source is not None
        assert (source.brought_by, source.in_force_since) == (ADMIN.by, LATER)
        assert source.valid_until == NOON + timedelta(days=20)


def test_promote_document__certificate_in_both__stays_and_keeps_its_count(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT)
        (row,) = certificate_rows(session, key)
        count_use(session, CertificateUse(row.id, None), NOON)
        offer(session, key, document(OLD, NEW))
        promote_document(session, key, by="", now=LATER)
        session.expire_all()
        assert states(session, key) == {OLD: ACTIVE, NEW: ACTIVE}
        assert certificate_rows(session, key)[0].use_count == 1


def test_promote_document__nothing_staged__not_found(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT)
        with refused(NotFound, Reason.NOT_FOUND, "MetadataDocument"):
            promote_document(session, key, by="", now=NOON)


def test_roll_back_document__previous__is_in_force_and_the_bad_one_waits(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT)
        offer(session, key, document(NEW), ANCHORED)
        promote_document(session, key, by="", now=LATER)
        roll_back_document(session, key, why="too many failures", now=LATER)
        assert states(session, key) == {OLD: ACTIVE}
        assert get_saml_provider(session, ACCOUNT, "corp").metadata_xml == document()
        waiting = find_document(session, key, DocumentState.WAITING)
        assert waiting is not None
        assert (waiting.xml, waiting.why, waiting.by_hand) == (document(NEW), "too many failures", True)
        assert offer(session, key, document(NEW), ANCHORED).outcome is Outcome.KNOWN, "the next fetch brings it again"
        with refused(NotFound, Reason.NOT_FOUND, "MetadataDocument"):
            roll_back_document(session, key, why="", now=LATER)


def test_approve_document__rolled_back_before__only_an_administrator_promotes_it(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT)
        offer(session, key, document(NEW), ANCHORED)
        promote_document(session, key, by="", now=NOON)
        roll_back_document(session, key, why="", now=NOON)
        approve_document(session, key, NOON)
        assert (states(session, key), promoting(session, key)) == ({OLD: ACTIVE, NEW: STAGED}, set())
        promote_document(session, key, by="", now=NOON)
        assert states(session, key) == {NEW: ACTIVE, OLD: RETIRING}


def test_approve_document__waiting__is_staged_and_promoted_by_a_login(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT)
        offer(session, key, document(OLD, NEW), FETCHED)
        approve_document(session, key, NOON)
        assert (states(session, key), promoting(session, key)) == ({OLD: ACTIVE, NEW: STAGED}, {NEW})
        with refused(NotFound, Reason.NOT_FOUND, "MetadataDocument"):
            approve_document(session, key, NOON)


def test_settle__document_without_a_new_certificate__any_of_its_own_promotes(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT, xml=document(OLD, NEW))
        offer(session, key, document(NEW))
        assert (states(session, key), promoting(session, key)) == ({OLD: ACTIVE, NEW: ACTIVE}, {NEW})


def test_discard_document__previous__there_is_no_way_back(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT)
        offer(session, key, document(NEW))
        promote_document(session, key, by="", now=NOON)
        discard_document(session, key, DocumentState.PREVIOUS, NOON)
        assert states(session, key) == {NEW: ACTIVE}


def test_update_saml_provider__with_documents_kept__replaces_everything_at_once(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT)
        offer(session, key, document(NEW))
        promote_document(session, key, by="", now=NOON)
        offer(session, key, document(OTHER))
        update_saml_provider(session, ACCOUNT, "corp", metadata_xml=document(OTHER), now=LATER)
        assert (states(session, key), kept(session, key)) == ({OTHER: ACTIVE}, set())


def test_end_ways_back__after_seven_days__old_certificates_are_forgotten(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT)
        offer(session, key, document(NEW))
        promote_document(session, key, by="", now=NOON)
        assert end_ways_back(session, NOON + timedelta(days=7, seconds=-1)) == 0
        assert states(session, key) == {NEW: ACTIVE, OLD: RETIRING}
        assert end_ways_back(session, NOON + timedelta(days=7)) == 1
        assert states(session, key) == {NEW: ACTIVE}


def from_url(session: Session, key: str) -> None:
    source = lock_source(session, key, ACCOUNT, NOON)
    set_url_source(source, url="https://idp.example.com/metadata", anchors_pem="", trust_tls=False, now=NOON)
    session.flush()


def test_lapse_documents__from_a_url__three_days_after_valid_until(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT, xml=document(days=1))
        pasted = make_provider(session, ACCOUNT, "pasted", document(OTHER, days=1, entity_id="https://pasted.example"))
        from_url(session, key)
        assert lapse_documents(session, NOON + timedelta(days=4, seconds=-1)) == ()
        (turn,) = lapse_documents(session, NOON + timedelta(days=4))
        assert turn.entity_id == IDP
        assert (states(session, key), trusted(session)) == ({OLD: LAPSED}, set())
        assert (has_lapsed(session, IDP), has_lapsed(session, "https://pasted.example")) == (True, False)
        assert states(session, pasted) == {OTHER: ACTIVE}, "a pasted document only warns"
        assert lapse_documents(session, NOON + timedelta(days=5)) == ()


def test_offer_document__after_a_lapse__valid_again(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT, xml=document(days=1))
        from_url(session, key)
        now = NOON + timedelta(days=9)
        lapse_documents(session, now)
        offered = offer_document(session, key, document(OLD, redirect="https://idp.example.com/v2", days=20), TLS, now)
        assert offered.outcome is Outcome.STAGED
        assert (states(session, key), promoting(session, key)) == ({OLD: STAGED}, {OLD})
        assert offer_document(session, key, document(days=20), TLS, now).outcome is Outcome.UNCHANGED
        assert states(session, key) == {OLD: ACTIVE}


def test_user_sso__staged_with_another_entity_id__is_found_by_both(store: Store) -> None:
    key, other = user_sso_key(ACCOUNT), "https://new.example.com/idp"
    with store.transaction() as session:
        set_user_sso(session, ACCOUNT, enabled=True, metadata_xml=document(), now=NOON)
        offer(session, key, document(OLD, entity_id=other))
        for issuer in (IDP, other):
            assert [each.account_id for each in user_sso_candidates(session, issuer)] == [ACCOUNT]
        assert len(user_sso_certificates(session, ACCOUNT)) == 1
        promote_document(session, key, by="", now=NOON)
        assert user_sso_candidates(session, IDP) == []
        assert [each.entity_id for each in user_sso_candidates(session, other)] == [other]


def test_count_use__ten_minutes__are_counted_apart(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT)
        use = CertificateUse(certificate_rows(session, key)[0].id, None)
        for seconds in (0, 60, 599):
            count_use(session, use, NOON + timedelta(seconds=seconds))
        assert recent_uses(session, key, NOON + timedelta(seconds=599)) == 3
        assert recent_uses(session, key, NOON + timedelta(seconds=600)) == 0
        count_use(session, use, NOON + timedelta(seconds=601))
        session.expire_all()
        (row,) = certificate_rows(session, key)
        assert (row.use_count, row.window_count) == (4, 1)
        assert row.last_used_at == NOON + timedelta(seconds=601)


def test_offer_document__the_previous_one_or_an_older_one_fetched_again__waits(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT, xml=document(days=5))
        offer(session, key, document(NEW, days=9), ANCHORED)
        promote_document(session, key, by="", now=NOON)
        offered = offer(session, key, document(OLD, days=20), ANCHORED)
        assert (offered.outcome, offered.why[:39]) == (Outcome.WAITING, "It is the document that was in force be")
        for xml in (document(OTHER, days=8), document(OTHER)):
            offered = offer(session, key, xml, ANCHORED)
            assert (offered.outcome, offered.why[:29]) == (Outcome.WAITING, "It is valid for a shorter tim")
            discard_document(session, key, DocumentState.WAITING, NOON)
            lock_source(session, key, ACCOUNT, NOON).refused_digest = ""
        assert states(session, key) == {NEW: ACTIVE, OLD: RETIRING}


def test_offer_document__older_copy_of_what_is_in_force__does_not_shorten_its_validity(store: Store) -> None:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT, xml=document(days=9))
        for origin, days in ((ANCHORED, 9), (ADMIN, 2)):
            offer(session, key, document(days=2), origin)
            source = find_source(session, key)
            assert source is not None
            assert source.valid_until == NOON + timedelta(days=days)
