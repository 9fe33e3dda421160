"""Logins at the same instant: a staged document is promoted once, and every login is counted."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from gateway.audit.receipts import list_receipts
from gateway.client import Client, policy_context
from gateway.directory.accounts import lock_account
from gateway.directory.metadata_documents import DocumentState
from gateway.directory.metadata_life import discard_document
from gateway.directory.metadata_offers import Origin, OriginKind, offer_document
from gateway.directory.provider_certificates import TRUSTED, certificate_rows, use_of
from gateway.directory.provider_logins import LoginSettings
from gateway.directory.saml_providers import trusted_certificates
from gateway.errors import GatewayError
from gateway.federation.facts import Occasion
from gateway.federation.metadata_use import count_login, note_refused_by_promotion, promote_by_login
from gateway.federation.vouching import Voucher
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.identities import make_identity
from tests.metadata_documents import ACTIVE, NEW, OLD, RETIRING, document, kept, make_provider, print_of, states
from tests.saml_factory import IDP
from tests.statements import counted_queries
from tests.unit.directory.world import ACCOUNT

OCCASION = Occasion("REQUEST-1", NOON, policy_context(Client("192.0.2.7", secure=True), NOON))

pytestmark = pytest.mark.usefixtures("account")


def staged_provider(store: Store) -> str:
    with store.transaction() as session:
        key = make_provider(session, ACCOUNT)
        offer_document(session, key, document(NEW), Origin(OriginKind.ADMINISTRATOR, "admin"), NOON)
    return key


def voucher(session: Session, key: str, name: str = NEW) -> Voucher:
    met = use_of(certificate_rows(session, key, TRUSTED), (print_of(name),))
    assert met is not None
    return Voucher(key, f"acs:ram::{ACCOUNT}:saml-provider/corp", ACCOUNT, print_of(name), LoginSettings(), met[1])


def at_once(*acts: Callable[[], object]) -> list[object]:
    ready = threading.Barrier(len(acts), timeout=20)

    def run(act: Callable[[], object]) -> object:
        ready.wait()
        try:
            return act()
        except GatewayError as error:
            return error.reason

    with ThreadPoolExecutor(len(acts)) as pool:
        return list(pool.map(run, acts))


def uses(store: Store, key: str) -> dict[str, int]:
    with store.reading() as session:
        return {row.fingerprint: row.use_count for row in certificate_rows(session, key)}


def test_promote_by_login__several_at_once__promoted_once_and_each_counted(store: Store) -> None:
    key = staged_provider(store)
    seen = threading.Barrier(4, timeout=20)

    def login() -> None:
        with store.reading() as session:
            mine = voucher(session, key)
        seen.wait()  # all have met the staged certificate before any promotes
        with store.transaction() as session:
            promote_by_login(session, mine, OCCASION)
            count_login(session, mine, OCCASION)

    assert at_once(login, login, login, login) == [None] * 4
    with store.reading() as session:
        assert states(session, key) == {OLD: RETIRING, NEW: ACTIVE}
        assert [each.kind for each in list_receipts(session)] == ["MetadataPromoted"]
    assert uses(store, key) == {print_of(OLD): 0, print_of(NEW): 4}


def test_promote_by_login__discarded_meanwhile__stays_discarded(store: Store) -> None:
    key = staged_provider(store)
    with store.reading() as session:
        mine = voucher(session, key)
    with store.transaction() as session:
        discard_document(session, key, DocumentState.STAGED, NOON)
    with store.transaction() as session:
        promote_by_login(session, mine, OCCASION)
        count_login(session, mine, OCCASION)
    with store.reading() as session:
        assert states(session, key) == {OLD: ACTIVE}


def test_promote_by_login__another_document_staged_meanwhile__is_not_promoted(store: Store) -> None:
    """What was verified is a certificate of the document that was staged then."""
    key = staged_provider(store)
    with store.reading() as session:
        mine = voucher(session, key)
    with store.transaction() as session:
        other = document("somebody-else")
        offer_document(session, key, other, Origin(OriginKind.ADMINISTRATOR, "admin"), NOON)
    with store.transaction() as session:
        promote_by_login(session, mine, OCCASION)
    with store.reading() as session:
        assert states(session, key) == {OLD: ACTIVE, "somebody-else": "staged"}


def test_promote_by_login__while_an_administrator_changes_the_account__waits_and_goes_through(store: Store) -> None:
    key = staged_provider(store)
    with store.reading() as session:
        mine = voucher(session, key)

    def administer() -> None:
        with store.transaction() as session:
            lock_account(session, ACCOUNT)
            offer_document(session, key, document(NEW), Origin(OriginKind.ADMINISTRATOR, "admin"), NOON)

    def login() -> None:
        with store.transaction() as session:
            promote_by_login(session, mine, OCCASION)
            count_login(session, mine, OCCASION)

    assert at_once(*[administer, login] * 3) == [None] * 6
    with store.reading() as session:
        assert states(session, key) == {OLD: RETIRING, NEW: ACTIVE}


def test_note_refused_by_promotion__several_at_once__rolled_back_once(store: Store) -> None:
    key = staged_provider(store)
    with store.transaction() as session:
        promote_by_login(session, voucher(session, key), OCCASION)

    def refused() -> bool:
        identity = make_identity(issuer=IDP, certificate_fingerprint=print_of(OLD))
        with store.transaction() as session:
            return note_refused_by_promotion(session, key, identity, request_id="R", now=NOON) is not None

    assert sorted(map(bool, at_once(*[refused] * 6))) == [False] * 5 + [True]
    with store.reading() as session:
        assert (states(session, key), kept(session, key)) == ({OLD: ACTIVE}, {DocumentState.WAITING})
        assert [each.kind for each in list_receipts(session)] == ["MetadataRolledBack", "MetadataPromoted"]


def test_note_refused_by_promotion__provider_gone_or_never_promoted__nothing(store: Store) -> None:
    key = staged_provider(store)
    for _ in range(6):
        for each in (key, "saml:999"):
            with store.transaction() as session:
                identity = make_identity(issuer=IDP)
                later = NOON + timedelta(seconds=1)
                assert note_refused_by_promotion(session, each, identity, request_id="R", now=later) is None
    with store.reading() as session:
        assert states(session, key) == {OLD: ACTIVE, NEW: "staged"}


def test_login__nothing_to_promote__costs_one_update_by_primary_key(store: Store) -> None:
    key = staged_provider(store)
    with store.transaction() as session:
        mine = voucher(session, key, OLD)
        with counted_queries(session) as queries:
            promote_by_login(session, mine, OCCASION)
            assert queries == []
            count_login(session, mine, OCCASION)
        assert len(queries) == 1
        assert queries[0].startswith("UPDATE provider_certificates SET ")
        assert queries[0].split("WHERE")[-1].count("provider_certificates.") == 1


def test_trusted_certificates__with_documents_of_all_states__is_one_query_by_the_index(store: Store) -> None:
    key = staged_provider(store)
    with store.transaction() as session:
        promote_by_login(session, voucher(session, key), OCCASION)
        session.flush()
        with counted_queries(session) as queries:
            assert [each.fingerprint for each in trusted_certificates(session, IDP)] == [print_of(NEW)]
    assert len(queries) == 1
    assert "provider_certificates.entity_id = " in queries[0]
