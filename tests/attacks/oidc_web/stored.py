"""What a database holds, so that a refusal can be shown to have left nothing behind."""

from sqlalchemy import text

from gateway.store.base import Base
from gateway.store.engine import Store

USED_UP = frozenset({"pending_oidc_logins"})  # an answer that is refused uses the login up


def everything(store: Store) -> dict[str, list[str]]:
    """Every row of every table, but for the logins under way."""
    with store.reading() as session:
        return {
            name: sorted(map(repr, session.execute(text(f'SELECT * FROM "{name}"'))))
            for name in Base.metadata.tables
            if name not in USED_UP
        }


def logins_under_way(store: Store) -> int:
    with store.reading() as session:
        return int(session.execute(text("SELECT count(*) FROM pending_oidc_logins")).scalar_one())
