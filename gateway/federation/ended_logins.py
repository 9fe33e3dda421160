"""A login that is over at the provider is not begun here any more: its token may still be valid, and is refused."""

from sqlalchemy.orm import Session

from gateway.directory.revocations import find_revocation
from gateway.errors import CredentialError, Reason
from gateway.federation.facts import LoginFacts
from gateway.identity import Protocol
from gateway.sts.revocation import origin_pairs

_OF_A_PERSON = frozenset({"subject", "idp-session", "unnamed-session"})


def check_not_ended(session: Session, facts: LoginFacts) -> None:
    """Refuse an ID token that was issued before its provider said that the person, or the session, has signed out.

    The times are of two clocks. Where the provider's is behind, a person who signs in again at once is refused for that
    long. Raises: CredentialError(TOKEN_REVOKED).
    """
    if facts.protocol != Protocol.OIDC or facts.issued_at is None:
        return
    origin = facts.provenance(facts.provider, facts.certificate_fingerprint)
    pairs = [pair for pair in origin_pairs(origin) if pair[0] in _OF_A_PERSON]
    found = find_revocation(session, pairs, facts.issued_at)
    if found is not None:
        message = "This sign-in has ended at your company already. Start again."
        raise CredentialError(Reason.TOKEN_REVOKED, message, f"{found[0]} {found[1]}")
