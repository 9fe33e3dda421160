"""A login that is over at the provider is not begun here any more: its token or assertion may still be valid, and is
refused.
"""

from sqlalchemy.orm import Session

from gateway.directory.revocations import find_revocation
from gateway.errors import CredentialError, Reason
from gateway.federation.facts import LoginFacts
from gateway.sts.revocation import assertion_pairs, provider_value, signed_out_pairs


def check_not_ended(session: Session, facts: LoginFacts, provider_arn: str = "") -> None:
    """Refuse what was issued before its provider said that the person, or the session, has signed out, or before the
    person was signed out here; and a message that was called back itself.

    `provider_arn`: of the provider that vouches; an ID token names it itself. SAML sign-outs have the provider's clock.
    Otherwise the times are of two clocks: where the provider's is behind, a person who signs in again at once is
    refused for that long.
    Raises: CredentialError(TOKEN_REVOKED).
    """
    provider_arn = provider_arn or facts.provider
    if facts.issued_at is None or not provider_arn:
        return
    origin = facts.provenance(provider_arn, facts.certificate_fingerprint)
    subject = ("subject", provider_value(provider_arn, facts.subject))
    pairs = (subject, *signed_out_pairs(origin), *assertion_pairs(origin))
    found = find_revocation(session, pairs, facts.issued_at)
    if found is not None:
        message = "This sign-in has ended at your company already. Start again."
        raise CredentialError(Reason.TOKEN_REVOKED, message, f"{found[0]} {found[1]}")
