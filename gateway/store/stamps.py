"""A seat for those who sign what is written. The store hands it on with every session and knows nothing of them."""

from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from gateway.store.direct import Source

STAMPS = "ramgate_stamps"


@dataclass(slots=True)
class Stamps:
    """`notary` signs receipts, `journal` takes decisions, `tally` counts refusals: see `gateway.audit`. All are set
    once the keys are known.
    """

    notary: Any = None
    journal: Any = None
    tally: Any = None


def stamps_of(source: Source) -> Stamps:
    """Those of the store that a session or a connection belongs to.

    Raises: LookupError for one that no store has made: whatever would be written there, nobody could sign.
    """
    found = source.info.get(STAMPS) if isinstance(source, Session) else source.stamps
    if not isinstance(found, Stamps):
        raise LookupError("this session belongs to no store")  # noqa: TRY004 - it is of nobody
    return found
