"""What a verified external login is, whatever protocol brought it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Protocol(StrEnum):
    SAML = "saml"
    OIDC = "oidc"


class ClaimKind(StrEnum):
    """How a claim was written, since `attributes` holds everything as texts."""

    TEXT = "text"
    NUMBER = "number"
    TRUTH = "truth"
    LIST = "list"


@dataclass(frozen=True, slots=True)
class OidcClaims:
    """What only an ID token says. A claim that is absent, or of another type than it should be, is None."""

    audiences: tuple[str, ...]  # all of `aud`
    authorized_party: str | None  # azp
    expires_at: datetime  # exp, without skew
    token_id: str | None  # jti
    methods: tuple[str, ...]  # amr
    email: str | None
    email_verified: bool | None
    name: str | None
    preferred_username: str | None
    algorithm: str  # of the signature
    key_id: str | None
    kinds: Mapping[str, ClaimKind]  # of each member of `attributes`


@dataclass(frozen=True, slots=True)
class VerifiedIdentity:
    """A person or workload as one identity provider asserted it, after every check of the protocol passed.

    INVARIANT: built only by the verifiers in `saml` and `oidc`; every field was read from verified bytes.
    Not yet checked here, and owed by `federation`: that the assertion was not used before, and, for SAML, that the
    provider which a role names owns `certificate_fingerprint` or one of `twin_fingerprints`.
    """

    protocol: Protocol
    issuer: str  # SAML entity ID or OIDC issuer
    subject: str  # NameID or sub
    subject_type: str  # NameID Format, in full; empty when the IdP gave none, and for OIDC
    audience: str  # the audience of ours that matched
    recipient: str  # the consumer URL or redirect URI that the message was made for; empty for a token exchange
    assertion_id: str  # for OIDC `sha256:` and the digest of what was signed, which no other token has
    in_response_to: str | None  # ID of the SAML request, or the nonce
    certificate_fingerprint: str  # SHA-256 of the certificate, or of the JWK, that verified the message, lower hex
    issued_at: datetime
    not_on_or_after: datetime  # from then on the message is refused, skew included: a replay claim must outlive it
    authn_instant: datetime | None  # AuthnInstant or auth_time
    authn_context: str | None  # AuthnContextClassRef or acr
    session_not_on_or_after: datetime | None
    session_index: str | None  # SessionIndex or sid
    attributes: Mapping[str, tuple[str, ...]]  # SAML attributes, or claims as `oidc.claims.read_attributes` lists them
    # Other certificates of that issuer, of whatever account, that hold the very same public key.
    twin_fingerprints: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()  # the numbered checks that passed, in order
    provider: str = ""  # ARN of the OIDC provider whose keys verified the token; SAML finds out later
    oidc: OidcClaims | None = None
