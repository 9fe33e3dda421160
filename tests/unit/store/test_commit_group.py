"""Small writes committed together: each as if it were alone, all in one wait for the disk."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import event, func, select

from gateway.errors import CredentialError, Reason
from gateway.store.claims import OneTimeClaim, claim_once
from gateway.store.direct import Direct
from gateway.store.engine import Store
from tests.fake_clock import NOON

LATER = NOON + timedelta(hours=1)


def claim(direct: Direct, key: str) -> None:
    if not claim_once(direct, "kind", key, LATER, now=NOON):
        raise CredentialError(Reason.SIGNATURE_NONCE_USED, "used")


def rows(store: Store) -> int:
    with store.reading() as session:
        return session.scalar(select(func.count()).select_from(OneTimeClaim)) or 0


def test_commit_with_others__many_threads__all_written_in_fewer_commits(store: Store) -> None:
    commits: list[object] = []
    event.listen(store.engine, "commit", commits.append)
    gate = threading.Barrier(8)

    def write(number: int) -> None:
        gate.wait(timeout=30)
        for turn in range(10):
            store.commit_with_others(partial(claim, key=f"{number} {turn}"))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(8)))
    assert rows(store) == 80
    assert len(commits) < 80


def test_commit_with_others__one_is_refused__the_others_are_committed(store: Store) -> None:
    store.commit_with_others(lambda direct: claim(direct, "taken"))
    gate = threading.Barrier(4)

    def write(number: int) -> str:
        gate.wait(timeout=30)
        try:
            store.commit_with_others(lambda direct: claim(direct, "taken" if number == 0 else str(number)))
        except CredentialError as error:
            return str(error.reason)
        return "written"

    with ThreadPoolExecutor(4) as pool:
        outcomes = list(pool.map(write, range(4)))
    assert outcomes == ["SignatureNonceUsed", "written", "written", "written"]
    assert rows(store) == 4


def test_commit_with_others__a_fault__nothing_is_written_and_the_next_ones_are(store: Store) -> None:
    def fail(direct: Direct) -> None:
        claim(direct, "half")
        raise RuntimeError("a fault")

    with pytest.raises(RuntimeError, match="a fault"):
        store.commit_with_others(fail)
    assert rows(store) == 0
    store.commit_with_others(lambda direct: claim(direct, "half"))
    assert rows(store) == 1
