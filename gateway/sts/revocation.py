"""Is a session still live? One clock, one query over everything that it came from."""

import json
from datetime import datetime

from gateway.directory.revocations import find_dated_revocation
from gateway.errors import CredentialError, Reason
from gateway.identity import Protocol
from gateway.store.direct import Source
from gateway.sts.token import Provenance, SessionToken

Pair = tuple[str, str]  # kind and value of a row in `revocations`
Dated = dict[Pair, datetime]


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
    found = find_dated_revocation(source, token_pairs(token))
    if found is not None:
        raise CredentialError(Reason.TOKEN_REVOKED, "the security token was revoked", f"{found[0]} {found[1]}")


def token_pairs(token: SessionToken) -> Dated:
    """Everything whose revocation ends this session, and how old the session is as far as that is concerned: what it
    has from upstream is as old as what it came from.
    """
    pairs = own_pairs(token.principal.account_id, token.session_id, token.issued_at)
    pairs["role", token.principal.role_id] = token.issued_at
    instants = token.lineage_at or (token.issued_at,) * len(token.lineage)
    for upstream in (
        zip(token.lineage, instants, strict=True),
        origin_pairs(token.provenance, token.issued_at).items(),
        _guest_pairs(token).items(),
    ):
        for pair, instant in upstream:
            pairs.setdefault(pair, instant)
    return pairs


def _guest_pairs(token: SessionToken) -> Dated:
    """What the role's own account calls it back by, where the provider that vouched is another account's."""
    origin, account_id = token.provenance, token.principal.account_id
    if origin is None or _account_of(origin.provider_arn) == account_id:
        return {}
    certificate = ("own-certificate", account_value(account_id, origin.certificate_fingerprint))
    assertion = ("own-assertion", account_value(account_id, assertion_value(origin.issuer, origin.assertion_id)))
    return dict.fromkeys((certificate, assertion), token.issued_at)


def own_pairs(account_id: str, session_id: str, issued_at: datetime) -> Dated:
    """What a session is called back by when it alone is meant: by the gateway, and by its account."""
    return dict.fromkeys((("session", session_id), ("own-session", account_value(account_id, session_id))), issued_at)


def origin_pairs(origin: Provenance | None, issued_at: datetime) -> Dated:
    """Everything in an external login whose revocation ends the sessions that came from it, as `token_pairs`.

    What a SAML provider signs out is compared by the provider's own clock, where the session knows it.
    """
    if origin is None:
        return {}
    account_id = _account_of(origin.provider_arn)
    pairs: Dated = dict.fromkeys(
        (
            ("provider", origin.provider_arn),
            ("certificate", origin.certificate_fingerprint),
            ("own-certificate", account_value(account_id, origin.certificate_fingerprint)),
            *assertion_pairs(origin),
            ("subject", provider_value(origin.provider_arn, origin.subject)),
        ),
        issued_at,
    )
    return pairs | dict.fromkeys(signed_out_pairs(origin), origin.asserted or issued_at)


def signed_out_pairs(origin: Provenance) -> tuple[Pair, ...]:
    """By what the provider can say that this login is over there."""
    arn, subject, index = origin.provider_arn, origin.subject, origin.session_index
    if origin.protocol == Protocol.SAML:
        # A session without an index has the empty one, which every sign-out by index ends, too.
        return ("saml-logout", provider_value(arn, subject)), ("saml-session", saml_session_value(arn, index, subject))
    if not index:
        return (("unnamed-session", provider_value(arn, subject)),)
    return (("idp-session", provider_value(arn, index)),)


def assertion_pairs(origin: Provenance) -> tuple[Pair, ...]:
    """By what the message that a login came with is called back, by the gateway and by the provider's account."""
    assertion = assertion_value(origin.issuer, origin.assertion_id)
    return ("assertion", assertion), ("own-assertion", account_value(_account_of(origin.provider_arn), assertion))


def assertion_value(issuer: str, assertion_id: str) -> str:
    """The value to revoke an assertion by: an ID is unique per issuer only."""
    return f"{issuer}#{assertion_id}"


def account_value(account_id: str, value: str) -> str:
    """The value by which one account revokes what others may have too, such as a certificate, for itself alone."""
    return f"{account_id}#{value}"


def saml_session_value(provider_arn: str, session_index: str, subject: str) -> str:
    """A SessionIndex may be a small number that every person has. Rule: SAML Core 2.0 §2.7.2."""
    return provider_value(provider_arn, json.dumps([session_index, subject]))


def _account_of(provider_arn: str) -> str:
    return provider_arn.split(":")[3]


def provider_value(provider_arn: str, value: str) -> str:
    """The value to revoke a person or a session at an identity provider by: both are unique per provider only."""
    return f"{provider_arn}#{value}"
