"""An assertion is presented in a browser once and becomes a session once.

Both are unique inserts in the transaction that does what they allow, so that a refusal gives them back and of two
processes only one wins. Keyed by issuer and assertion ID: an ID is unique per issuer only.
"""

import json
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gateway.errors import Reason, SamlError
from gateway.federation.facts import LoginFacts
from gateway.store.claims import claim_once

PRESENTED = "saml-acs"
TURNED_INTO_SESSION = "saml-session"
# A message is refused from `not_on_or_after` on, skew included. The rest is for the clocks of several workers.
_BEYOND_VALIDITY = timedelta(minutes=10)


def claim_presentation(session: Session, facts: LoginFacts, now: datetime) -> None:
    """Raises: SamlError(SAML_REPLAYED) if the assertion was presented in a browser before."""
    _claim(session, PRESENTED, facts, now)


def claim_session(session: Session, facts: LoginFacts, now: datetime) -> None:
    """Raises: SamlError(SAML_REPLAYED) if the assertion became a session before, in a browser or through the API."""
    _claim(session, TURNED_INTO_SESSION, facts, now)


def _claim(session: Session, kind: str, facts: LoginFacts, now: datetime) -> None:
    """Rule: SAML Profiles 2.0 §4.1.4.5; docs/decisions/0004-one-assertion-one-session.md."""
    key = json.dumps([facts.issuer, facts.assertion_id])
    if not claim_once(session, kind, key, facts.not_on_or_after + _BEYOND_VALIDITY, now=now):
        raise SamlError(
            Reason.SAML_REPLAYED,
            "This sign-in was used already. Start again at your company's portal.",
            detail=f"{kind}: assertion {facts.assertion_id!r:.200} of {facts.issuer!r:.200}",
        )
