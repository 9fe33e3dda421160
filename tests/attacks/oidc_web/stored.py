"""What a database holds, so that a refusal can be shown to have left nothing behind."""

from sqlalchemy import TextClause, text

from gateway.store.base import Base
from gateway.store.engine import Store

USED_UP = frozenset({"pending_oidc_logins"})  # an answer that is refused uses the login up
TOLD = frozenset({"login_traces", "chain_heads"})


def everything(store: Store) -> dict[str, list[str]]:
    """Every row of every table, but for the logins under way, and for what says that a login was refused: its trace, its
    receipt, and the chain that the receipt hangs in.
    """
    with store.reading() as session:
        return {
            name: sorted(map(repr, session.execute(_query(name))))
            for name in Base.metadata.tables
            if name not in USED_UP | TOLD
        }


def _query(name: str) -> TextClause:
    # The rows of the chain's own columns change with each receipt: what receipts there are is what counts.
    if name == "receipts":
        return text("SELECT id, kind, principal_arn, outcome FROM receipts WHERE kind <> 'LoginRefused'")
    return text(f'SELECT * FROM "{name}"')


def logins_under_way(store: Store) -> int:
    with store.reading() as session:
        return int(session.execute(text("SELECT count(*) FROM pending_oidc_logins")).scalar_one())
