"""Is a session still live? One clock, one query over everything that it came from."""

from datetime import datetime

from gateway.directory.revocations import find_revocation
from gateway.errors import CredentialError, Reason
from gateway.store.direct import Source
from gateway.sts.token import Provenance, SessionToken

Pair = tuple[str, str]  # kind and value of a row in `revocations`


def check_live(source: Source, token: SessionToken, now: datetime) -> None:
    """Refuse a token that is over or revoked; exactly at `expires_at` it is over.

    Revoked means that the session itself, its role, the provider, certificate or assertion it came from, or
    anything that a session upstream of it came from, was revoked. Deleting a role revokes it; a new role of the
    same name has another id, which no old token names. Costs one query.
    Raises: CredentialError(TOKEN_EXPIRED), CredentialError(TOKEN_REVOKED). Rule: sts-contract §2.5.
    """
    if now >= token.expires_at:
        raise CredentialError(
            Reason.TOKEN_EXPIRED, "the security token has expired", f"at {token.expires_at.isoformat()}"
        )
    found = find_revocation(source, token_pairs(token), token.issued_at)
    if found is not None:
        raise CredentialError(Reason.TOKEN_REVOKED, "the security token was revoked", f"{found[0]} {found[1]}")


def token_pairs(token: SessionToken) -> tuple[Pair, ...]:
    """Everything whose revocation ends this session."""
    own = (("session", token.session_id), ("role", token.principal.role_id))
    return tuple(dict.fromkeys((*own, *origin_pairs(token.provenance), *token.lineage)))


def origin_pairs(origin: Provenance | None) -> tuple[Pair, ...]:
    """Everything in an external login whose revocation ends the sessions that came from it."""
    if origin is None:
        return ()
    pairs = (
        ("provider", origin.provider_arn),
        ("certificate", origin.certificate_fingerprint),
        ("assertion", assertion_value(origin.issuer, origin.assertion_id)),
        ("subject", provider_value(origin.provider_arn, origin.subject)),
    )
    if not origin.session_index:
        return (*pairs, ("unnamed-session", provider_value(origin.provider_arn, origin.subject)))
    return (*pairs, ("idp-session", provider_value(origin.provider_arn, origin.session_index)))


def assertion_value(issuer: str, assertion_id: str) -> str:
    """The value to revoke an assertion by: an ID is unique per issuer only."""
    return f"{issuer}#{assertion_id}"


def provider_value(provider_arn: str, value: str) -> str:
    """The value to revoke a person or a session at an identity provider by: both are unique per provider only."""
    return f"{provider_arn}#{value}"
