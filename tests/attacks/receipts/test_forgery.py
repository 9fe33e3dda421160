"""Somebody can write the database, knows how chains are made, and has no keys: nothing that they make passes."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from gateway.audit.chain import ChainHead, Head, entry_hash, head_code, link_of, micros
from gateway.audit.findings import Flaw
from gateway.audit.keeping import keep_records
from gateway.audit.notary import ReceiptKey, notary_of
from gateway.audit.receipts import HASHED, ReceiptRow, receipt_hash
from gateway.keyring import KeyRing, new_master_key
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.receipt_world import check, fill, tampering, write_receipts


def rewrite(session: Session, key: Ed25519PrivateKey, key_id: str | None = None) -> None:
    """All of the first lane again, with every hash and link right, under a key of the forger's own."""
    rows = session.scalars(select(ReceiptRow).where(ReceiptRow.lane == "00").order_by(ReceiptRow.sequence)).all()
    link = bytes(32)
    for row in rows:
        row.previous, row.key_id = link, key_id or row.key_id
        values = [getattr(row, name) for name in HASHED]
        values[1] = micros(row.at)
        row.hash = receipt_hash(values)
        row.signature = key.sign(row.hash)
        link = link_of(row.hash, row.signature)
    head = session.get_one(ChainHead, "00")
    head.link = link
    head.code = head_code(bytes(32), Head("00", head.sequence, link))


def test_forger__rewrites_the_lane_under_our_key_id__is_found_at_the_first_entry(store: Store) -> None:
    fill(store)
    with tampering(store) as session:
        session.execute(text("UPDATE receipts SET outcome = 'Denied' WHERE sequence = 4"))
        rewrite(session, Ed25519PrivateKey.generate())
    report = check(store)
    assert (report.breaks[0].lane, report.breaks[0].sequence, report.breaks[0].flaw) == ("00", 1, Flaw.SIGNATURE)


def test_forger__puts_a_key_of_their_own_into_the_database__it_is_unknown(store: Store) -> None:
    fill(store)
    forged = Ed25519PrivateKey.generate()
    public = forged.public_key().public_bytes_raw()
    with tampering(store) as session:
        voucher = forged.sign(entry_hash(b"key 1", ("deadbeef", public)))
        session.add(ReceiptKey(key_id="deadbeef", public=public, noted_at=NOON, vouched_by="deadbeef", voucher=voucher))
        rewrite(session, forged, "deadbeef")
    assert check(store).breaks[0].flaw is Flaw.KEY


def test_forger__replaces_the_public_key_of_ours__changes_nothing(store: Store) -> None:
    fill(store)
    with tampering(store) as session:
        session.execute(text("UPDATE receipt_keys SET public = :public"), {"public": bytes(32)})
    assert check(store).sound


def test_forger__cuts_the_tail_and_moves_the_head_back__lacks_the_code(store: Store) -> None:
    fill(store)
    with tampering(store) as session:
        session.execute(text("DELETE FROM receipts WHERE sequence > 4"))
        last = session.scalars(select(ReceiptRow).where(ReceiptRow.sequence == 4)).one()
        head = session.get_one(ChainHead, "00")
        assert last.hash is not None
        assert last.signature is not None
        head.sequence, head.link = 4, link_of(last.hash, last.signature)
    assert check(store).breaks[0].flaw is Flaw.HEAD


def test_forger__uses_the_code_of_another_lane__lacks_it_too(store: Store) -> None:
    fill(store)
    with tampering(store) as session:
        lanes = session.scalars(select(ChainHead).order_by(ChainHead.sequence.desc())).all()
        lanes[0].sequence, lanes[0].link, lanes[0].code = lanes[-1].sequence, lanes[-1].link, lanes[-1].code
        session.execute(text("DELETE FROM receipts WHERE lane = '00'"))
    assert not check(store).sound


def test_forger__wipes_the_chain_and_begins_anew_elsewhere__is_not_ours(store: Store) -> None:
    fill(store)
    ours = store.stamps.notary
    with tampering(store) as session:
        for name in ("receipts", "chain_heads", "decision_batches"):
            session.execute(text(f"DELETE FROM {name}"))
    stranger = KeyRing((new_master_key(),))
    keep_records(store, lambda: stranger, store.stamps.journal.directory.parent)
    write_receipts(store, 3)
    store.stamps.notary = ours
    assert not check(store).sound


@pytest.mark.parametrize("kind", ["ChainPruned", "ChainLane"])
def test_forger__writes_a_receipt_of_the_chains_own__it_counts_for_nothing(store: Store, kind: str) -> None:
    fill(store)
    with tampering(store) as session:
        session.execute(text("DELETE FROM decision_batches WHERE sequence = 1"))
        batch = session.execute(text("SELECT lane, hash, signature, previous FROM decision_batches")).one()
        told = f'{{"pruned":["{batch.lane} 1 {batch.previous.hex()}"],"entries":1,"lane":"{batch.lane}"}}'
        last = session.scalars(select(ReceiptRow).where(ReceiptRow.lane == "00").order_by(ReceiptRow.id.desc())).first()
        assert last is not None
        last.kind, last.details = kind, told
        rewrite(session, Ed25519PrivateKey.generate())
    with store.reading() as session:
        assert notary_of(session) is not None
    lanes = {each.lane for each in check(store).breaks}
    assert "00" in lanes
