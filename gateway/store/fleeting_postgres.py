"""The fleeting store of a PostgreSQL database: tables of its own, written without waiting for the disk.

One statement and one round trip for a claim, in its own small pool of connections with `synchronous_commit=off`: the
server keeps up to 0.6 seconds of claims in memory. Rule: decision 0013.
"""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import URL, Connection, create_engine, text

from gateway.store.fleeting import SWEPT_PER_CLAIM, KeyUse, LastUse, Nonce, last_use, seconds
from gateway.store.forks import forget_connections_on_fork

# Set by the migration; not table classes, since SQLite keeps them in another file.
FLEETING_TABLES = frozenset({"nonces", "key_uses", "server_starts"})
_STARTED = "signed_after"

_CLAIM = text(f"""
WITH swept AS (
    DELETE FROM nonces WHERE key_hash IN (
        SELECT key_hash FROM nonces WHERE expires_at < :now ORDER BY expires_at LIMIT {SWEPT_PER_CLAIM}
        FOR UPDATE SKIP LOCKED
    )
), claimed AS (
    INSERT INTO nonces (key_hash, expires_at) VALUES (:key_hash, :expires_at) ON CONFLICT DO NOTHING RETURNING 1
), used AS (
    INSERT INTO key_uses AS known (access_key_id, used_at, service)
    SELECT CAST(:access_key_id AS VARCHAR), :now, CAST(:service AS VARCHAR) FROM claimed WHERE :notes
    ON CONFLICT (access_key_id) DO UPDATE SET used_at = excluded.used_at, service = excluded.service
    WHERE excluded.used_at > known.used_at OR (excluded.used_at = known.used_at AND excluded.service <> known.service)
)
SELECT count(*) FROM claimed
""")  # noqa: S608 - the one thing put in is a constant
_USE = text("""
INSERT INTO key_uses AS known (access_key_id, used_at, service) VALUES (:access_key_id, :now, :service)
ON CONFLICT (access_key_id) DO UPDATE SET used_at = excluded.used_at, service = excluded.service
WHERE excluded.used_at > known.used_at OR (excluded.used_at = known.used_at AND excluded.service <> known.service)
""")
_USES = text("SELECT access_key_id, used_at, service FROM key_uses WHERE access_key_id = ANY(:ids)")
_NOTE_START = text("""
INSERT INTO server_starts AS known (only_row, started_at, signed_after)
VALUES (1, extract(epoch FROM pg_postmaster_start_time())::bigint, 0)
ON CONFLICT (only_row) DO UPDATE
SET signed_after = CASE WHEN known.started_at = excluded.started_at THEN known.signed_after ELSE :now END,
    started_at = excluded.started_at
RETURNING signed_after
""")


class PostgresFleeting:
    def __init__(self, url: URL) -> None:
        self.engine = create_engine(
            url,
            isolation_level="AUTOCOMMIT",
            pool_size=5,
            max_overflow=10,
            pool_pre_ping=True,
            hide_parameters=True,
            connect_args={"application_name": "ramgate", "options": "-c synchronous_commit=off"},
        )
        forget_connections_on_fork(self.engine)

    def claim_nonce(self, nonce: Nonce, use: KeyUse | None, now: datetime) -> bool:
        moment = seconds(now)
        with self.engine.connect() as connection:
            if seconds(nonce.signed_at) <= _signed_after(connection, moment):
                return False
            claimed: int | None = connection.scalar(
                _CLAIM,
                {
                    "now": moment,
                    "key_hash": nonce.key_hash,
                    "expires_at": seconds(nonce.expires_at),
                    "notes": use is not None,
                    "access_key_id": use.access_key_id if use else "",
                    "service": use.service if use else "",
                },
            )
        return claimed == 1

    def note_use(self, use: KeyUse, now: datetime) -> None:
        values = {"access_key_id": use.access_key_id, "now": seconds(now), "service": use.service}
        with self.engine.connect() as connection:
            connection.execute(_USE, values)

    def last_uses_of(self, access_key_ids: Collection[str]) -> Mapping[str, LastUse]:
        with self.engine.connect() as connection:
            rows = connection.execute(_USES, {"ids": list(access_key_ids)}).all()
        return {key_id: last_use(used_at, service) for key_id, used_at, service in rows}

    def last_use_of(self, access_key_id: str) -> LastUse | None:
        return self.last_uses_of((access_key_id,)).get(access_key_id)

    def prepare(self) -> None:
        """The migration made the tables."""

    def close(self) -> None:
        self.engine.dispose()


def _signed_after(connection: Connection, now: int) -> int:
    """The second up to which signatures do not count: that of the first claim since the server was started anew.

    Asked once for each connection, since none outlives the server.
    """
    known = connection.info.get(_STARTED)
    if known is None:
        known = connection.info[_STARTED] = int(connection.scalar(_NOTE_START, {"now": now}) or 0)
    return int(known)
