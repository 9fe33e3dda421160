"""Jobs about what is kept: where the chains end is noted each hour, and decisions go when they are old."""

from gateway.audit.retention import note_heads, prune_decisions
from gateway.services import Services


def note_heads_of(services: Services) -> None:
    note_heads(services.store, services.clock)


def prune_old_decisions(services: Services) -> None:
    prune_decisions(services.store, services.clock)
