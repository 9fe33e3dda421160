"""How sure a login is: whether a second factor was proved upstream, and when. Pure.

One policy condition serves local and federated logins: `acs:MFAPresent`, and `acs:MFAAge` for how many seconds ago that
was. What an identity provider must say for it is set per provider; nothing counts by default.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from gateway.client import mfa_context
from gateway.federation.facts import LoginFacts
from gateway.policy import Decision, lacks_only


@dataclass(frozen=True, slots=True)
class Assurance:
    second_factor: bool
    authenticated_at: datetime | None  # when the person proved who it is, as the provider says


def assurance_of(facts: LoginFacts, second_factors: Collection[str]) -> Assurance:
    """What a verified login amounts to under a provider's setting.

    A second factor was proved if the authentication context (`acr`, AuthnContextClassRef) or one of the methods (`amr`)
    is among `second_factors`, letter by letter. A setting can't name what means a password alone.
    """
    said = {*facts.methods, *(() if facts.authn_context is None else (facts.authn_context,))}
    return Assurance(not said.isdisjoint(second_factors), facts.authn_instant)


def lacks_second_factor(
    decision: Decision, decide_again: Callable[[Mapping[str, tuple[str, ...]]], Decision], now: datetime
) -> bool:
    """Whether a denied request would be allowed, had the person proved a second factor just now."""
    return lacks_only(decision, mfa_context(now, mfa_present=True, mfa_at=now), decide_again)


def assurance_context(assurance: Assurance, now: datetime) -> dict[str, tuple[str, ...]]:
    """The condition keys that a second factor proved here would give."""
    return mfa_context(now, mfa_present=assurance.second_factor, mfa_at=assurance.authenticated_at)
