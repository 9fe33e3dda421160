"""Fetching in tests that never leave the process."""

from gateway.fetch import Fetcher
from gateway.outbound import OutboundRules


def no_outbound() -> Fetcher:
    """The real fetcher, to which no private address is allowed; a test that needs one says so."""
    return Fetcher(OutboundRules())
