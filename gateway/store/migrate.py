"""Bring the database to the schema that the code expects.

Revision ids are the four digits that a file in `migrations/versions` starts with, so that the newest one is known
without importing Alembic: a start-up on an up-to-date database costs one query.
"""

import re
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from gateway.errors import ConfigError, Reason
from gateway.store.engine import Store

_MIGRATIONS = Path(__file__).parent / "migrations"
_REVISION_FILE = re.compile(r"([0-9]{4})_[a-z0-9_]+\.py")
_ADVISORY_LOCK = 0x72616D67  # any number, the same for all gateways


def upgrade(store: Store) -> None:
    """Migrate to the newest revision. Safe at each start, and from several processes at once: they queue.

    Raises: ConfigError(CONFIG_INVALID) if the database can't be reached, or is at a revision that this version does
    not know.
    """
    try:
        _upgrade(store)
        store.fleeting.prepare()
    except OperationalError as exc:
        message = "the database can't be reached, or is busy"
        raise ConfigError(Reason.CONFIG_INVALID, message, str(exc.orig), subject="database_url") from exc


def _upgrade(store: Store) -> None:
    newest = _newest_revision()
    current = _current_revision(store)
    if current == newest:
        return
    if current is not None and current > newest:
        message = "the database was migrated by a newer version of the gateway"
        raise ConfigError(Reason.CONFIG_INVALID, message, f"at {current}, this version knows {newest}")
    _run_alembic(store)


def _newest_revision() -> str:
    names = (_REVISION_FILE.fullmatch(path.name) for path in (_MIGRATIONS / "versions").iterdir())
    return max(name[1] for name in names if name)


def _current_revision(store: Store) -> str | None:
    try:
        with store.reading() as session:
            revision: str | None = session.scalar(text("SELECT version_num FROM alembic_version"))
            return revision
    except (OperationalError, ProgrammingError):  # no such table; a lost connection shows itself in what follows
        return None


def _run_alembic(store: Store) -> None:
    from alembic import command  # noqa: PLC0415 - costs a fifth of a second that most starts need not pay
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    with store.write_connection() as connection:
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        config.attributes["connection"] = connection
        try:
            command.upgrade(config, "head")
        except CommandError as exc:
            message = "the database can't be brought to the version of this gateway"
            raise ConfigError(Reason.CONFIG_INVALID, message, str(exc)) from exc
