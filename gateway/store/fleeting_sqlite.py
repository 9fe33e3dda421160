"""The fleeting store of a SQLite database: a second file beside it. Rule: decision 0010.

One connection for each process, statements without the ORM: a claim costs some twenty microseconds. WAL with
`synchronous=NORMAL`: the file is whole after a power cut, without its last transactions.
"""

import os
import sqlite3
import weakref
from collections.abc import Collection, Mapping
from datetime import datetime
from pathlib import Path
from threading import Lock

from gateway.store.fleeting import SWEPT_PER_CLAIM, KeyUse, LastUse, Nonce, last_use, seconds

_BUSY_TIMEOUT_S = 15.0
_WAL_PAGES = 4000  # 16 MB between two waits for the disk
_KEYS_PER_QUERY = 500
_SWEEP_ONE_IN = 16
_REMEMBERED_KEYS = 4096
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TABLES = """
CREATE TABLE IF NOT EXISTS nonces (key_hash BLOB PRIMARY KEY, expires_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS ix_nonces_expires_at ON nonces (expires_at);
CREATE TABLE IF NOT EXISTS key_uses (
    access_key_id TEXT PRIMARY KEY, used_at INTEGER NOT NULL, service TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS boots (only_row INTEGER PRIMARY KEY, boot_id TEXT NOT NULL, signed_after INTEGER NOT NULL);
"""
_SWEEP = """
DELETE FROM nonces
WHERE key_hash IN (SELECT key_hash FROM nonces WHERE expires_at < ? ORDER BY expires_at LIMIT ?)
"""
_CLAIM = "INSERT OR IGNORE INTO nonces (key_hash, expires_at) VALUES (?, ?)"
_USE = """
INSERT INTO key_uses (access_key_id, used_at, service) VALUES (?, ?, ?)
ON CONFLICT (access_key_id) DO UPDATE SET used_at = excluded.used_at, service = excluded.service
WHERE excluded.used_at > used_at OR (excluded.used_at = used_at AND excluded.service <> service)
"""


class SqliteFleeting:
    def __init__(self, path: Path, boot_id: str | None = None) -> None:
        """`boot_id` names the time since the machine was started; the running machine's own unless a test says one."""
        self._path = path
        self._boot_id = _read_boot_id() if boot_id is None else boot_id
        self._lock = Lock()
        self._connection: sqlite3.Connection | None = None
        self._signed_after: int | None = None  # asked when the first claim is made
        self._noted: dict[str, tuple[int, str]] = {}  # uses that this process has written: a second and a product
        _close_before_fork(self)

    def claim_nonce(self, nonce: Nonce, use: KeyUse | None, now: datetime) -> bool:
        moment, key_hash = seconds(now), nonce.key_hash
        claim = key_hash, seconds(nonce.expires_at)
        with self._lock:
            connection = self._open()
            if self._signed_after is None:
                self._signed_after = self._note_boot(connection, moment)
            if seconds(nonce.signed_at) <= self._signed_after:
                return False
            news = None if use is None or self._noted.get(use.access_key_id) == (moment, use.service) else use
            if news is None and key_hash[0] % _SWEEP_ONE_IN:
                return (
                    connection.execute(_CLAIM, claim).rowcount == 1
                )  # a transaction of its own: one step for the disk
            return self._claim_and_tidy(connection, claim, news, moment)

    def _claim_and_tidy(
        self, connection: sqlite3.Connection, claim: tuple[bytes, int], use: KeyUse | None, now: int
    ) -> bool:
        """Claim, note the use, and clear away what expired, in one transaction."""
        execute = connection.execute
        execute("BEGIN IMMEDIATE")
        try:
            if claim[0][0] % _SWEEP_ONE_IN == 0:
                execute(_SWEEP, (now, SWEPT_PER_CLAIM * _SWEEP_ONE_IN))
            claimed = execute(_CLAIM, claim).rowcount == 1
            if claimed and use is not None:
                execute(_USE, (use.access_key_id, now, use.service))
        except BaseException:
            execute("ROLLBACK")
            raise
        execute("COMMIT")
        if claimed and use is not None:
            self._keep_noted(use, now)
        return claimed

    def note_use(self, use: KeyUse, now: datetime) -> None:
        moment = seconds(now)
        with self._lock:
            if self._noted.get(use.access_key_id) != (moment, use.service):
                self._open().execute(_USE, (use.access_key_id, moment, use.service))
                self._keep_noted(use, moment)

    def _keep_noted(self, use: KeyUse, moment: int) -> None:
        if len(self._noted) >= _REMEMBERED_KEYS:
            self._noted.clear()
        self._noted[use.access_key_id] = moment, use.service

    def last_uses_of(self, access_key_ids: Collection[str]) -> Mapping[str, LastUse]:
        ids = list(access_key_ids)
        found: dict[str, LastUse] = {}
        for start in range(0, len(ids), _KEYS_PER_QUERY):
            some = ids[start : start + _KEYS_PER_QUERY]
            marks = ",".join("?" * len(some))
            query = f"SELECT access_key_id, used_at, service FROM key_uses WHERE access_key_id IN ({marks})"  # noqa: S608
            with self._lock:
                rows = self._open().execute(query, some).fetchall()
            found |= {key_id: last_use(used_at, service) for key_id, used_at, service in rows}
        return found

    def last_use_of(self, access_key_id: str) -> LastUse | None:
        return self.last_uses_of((access_key_id,)).get(access_key_id)

    def prepare(self) -> None:
        with self._lock:
            self._open()

    def close(self) -> None:
        with self._lock:
            self._close()

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _open(self) -> sqlite3.Connection:
        """The process's connection; made where there is none. The lock must be held."""
        if self._connection is None:
            os.close(os.open(self._path, os.O_CREAT | os.O_RDWR, 0o600))
            self._connection = sqlite3.connect(
                self._path, timeout=_BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
            )
            # Where nobody can tell one start of the machine from another, nothing may be lost with the power.
            synchronous = "NORMAL" if self._boot_id else "FULL"
            for pragma in ("journal_mode = WAL", f"synchronous = {synchronous}", f"wal_autocheckpoint = {_WAL_PAGES}"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._connection.executescript(_TABLES)
        return self._connection

    def _note_boot(self, connection: sqlite3.Connection, now: int) -> int:
        """The second up to which signatures do not count: that of the first claim since the machine was started anew.

        A file that no earlier start of the machine used has lost nothing.
        """
        connection.execute("BEGIN IMMEDIATE")
        known, signed_after = connection.execute("SELECT boot_id, signed_after FROM boots").fetchone() or (None, 0)
        if known != self._boot_id:
            signed_after = 0 if known is None else now
            connection.execute("INSERT OR REPLACE INTO boots VALUES (1, ?, ?)", (self._boot_id, signed_after))
        connection.execute("COMMIT")
        return int(signed_after)


def _read_boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _close_before_fork(fleeting: SqliteFleeting) -> None:
    """SQLite allows no connection on both sides of a fork. The lock is held meanwhile, so that none is in use."""
    reference = weakref.ref(fleeting)
    held: list[SqliteFleeting] = []

    def before() -> None:
        if (alive := reference()) is not None:
            alive._lock.acquire()  # noqa: SLF001
            alive._close()  # noqa: SLF001
            held.append(alive)

    def after() -> None:
        while held:
            held.pop()._lock.release()  # noqa: SLF001

    os.register_at_fork(before=before, after_in_parent=after, after_in_child=after)
