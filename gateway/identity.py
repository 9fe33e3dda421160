"""What a verified external login is, whatever protocol brought it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Protocol(StrEnum):
    SAML = "saml"
    OIDC = "oidc"


@dataclass(frozen=True, slots=True)
class VerifiedIdentity:
    """A person or workload as one identity provider asserted it, after every check of the protocol passed.

    INVARIANT: built only by the verifiers in `saml` and `oidc`; every field was read from verified bytes.
    Not yet checked here, and owed by `federation`: that the assertion was not used before, and that the
    provider which a role names owns `certificate_fingerprint` or one of `twin_fingerprints`.
    """

    protocol: Protocol
    issuer: str  # SAML entity ID or OIDC issuer
    subject: str  # NameID or sub
    subject_type: str  # NameID Format, in full; empty when the IdP gave none
    audience: str  # the audience of ours that matched
    recipient: str  # the consumer URL that the message was made for
    assertion_id: str
    in_response_to: str | None
    certificate_fingerprint: str  # SHA-256 of the certificate that verified the message, lower hex
    issued_at: datetime
    not_on_or_after: datetime  # from then on the message is refused, skew included: a replay claim must outlive it
    authn_instant: datetime | None
    authn_context: str | None
    session_not_on_or_after: datetime | None
    session_index: str | None
    attributes: Mapping[str, tuple[str, ...]]
    # Other certificates of that issuer, of whatever account, that hold the very same public key.
    twin_fingerprints: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()  # the numbered checks that passed, in order
