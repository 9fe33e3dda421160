"""Who keeps the records of a store: set once after its keys are known."""

from collections.abc import Callable
from pathlib import Path

from gateway.audit.journal import Journal
from gateway.audit.notary import Notary
from gateway.audit.tally import Tally
from gateway.keyring import KeyRing
from gateway.store.engine import Store


def keep_records(store: Store, find_ring: Callable[[], KeyRing], var_dir: Path | None = None) -> Notary:
    """Let receipts of this store be signed under this ring, and its decisions be kept.

    The journal lies beside a SQLite database, or in `var_dir` where the database is elsewhere.
    Raises: ValueError for a database that is elsewhere without `var_dir`.
    """
    notary = Notary(find_ring)
    store.stamps.notary = notary
    store.stamps.tally = Tally()
    store.stamps.journal = Journal(journal_directory(store, var_dir), notary)
    return notary


def journal_directory(store: Store, var_dir: Path | None) -> Path:
    url = store.engine.url
    if url.get_backend_name() == "sqlite":
        return Path(f"{url.database}-decisions")
    if var_dir is None:
        raise ValueError("a journal needs a folder")
    return var_dir / "decisions"
