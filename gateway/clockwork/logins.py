"""Forgets the traces of logins whose week is over, and what tests of connections had caught."""

from gateway.directory.connection_tests import sweep_tests
from gateway.directory.login_traces import sweep_traces
from gateway.services import Services

_MOST_TURNS = 200


def forget_logins(services: Services) -> None:
    """A few hundred rows in a transaction, so that nobody waits long for the write lock."""
    now = services.clock.now()
    for sweep in (sweep_traces, sweep_tests):
        for _ in range(_MOST_TURNS):
            with services.store.transaction() as session:
                if sweep(session, now) == 0:
                    break
