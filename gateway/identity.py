"""What a verified external login is, whatever protocol brought it."""

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import TypeAlias

from gateway.quick_init import quick_init


class Protocol(StrEnum):
    SAML = "saml"
    OIDC = "oidc"


class ClaimKind(StrEnum):
    """How a claim was written, since `attributes` holds everything as texts."""

    TEXT = "text"
    NUMBER = "number"
    TRUTH = "truth"
    LIST = "list"


ClaimValue: TypeAlias = "str | int | float | bool | list[ClaimValue] | dict[str, ClaimValue] | None"


class ClaimTexts(Mapping[str, tuple[str, ...]]):
    """Claims as texts, see `oidc.attributes`."""

    __slots__ = ()

    @property
    @abstractmethod
    def kinds(self) -> Mapping[str, ClaimKind]:
        """How each of them was written."""


@quick_init
@dataclass(frozen=True, slots=True)
class OidcClaims:
    """What only an ID token says. A claim that is absent, or of another type than it should be, is None."""

    algorithm: str  # of the signature
    key_id: str | None
    members: Mapping[str, ClaimValue] = field(repr=False)  # as signed; nobody changes them
    written: ClaimTexts = field(repr=False)  # the same, as `VerifiedIdentity.attributes` has them

    @property
    def kinds(self) -> Mapping[str, ClaimKind]:
        """Of each member of `VerifiedIdentity.attributes`."""
        return self.written.kinds

    def text(self, name: str) -> str | None:
        """A claim that should be a text."""
        value = self.members.get(name)
        return value if isinstance(value, str) else None

    def truth(self, name: str) -> bool | None:
        """A claim that should be true or false; some providers write it as a text."""
        value = self.members.get(name)
        return value if isinstance(value, bool) else {"true": True, "false": False}.get(str(value))

    def texts(self, name: str) -> tuple[str, ...]:
        """A claim that should be a list of texts, where some providers write a single one; others are left out."""
        value = self.members.get(name)
        return tuple(each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str))

    @property
    def audiences(self) -> tuple[str, ...]:
        """All of `aud`."""
        return self.texts("aud")

    @property
    def authorized_party(self) -> str | None:
        return self.text("azp")

    @property
    def expires_at(self) -> datetime:
        """`exp` as it was signed, without skew; `VerifiedIdentity.issued_at` is its pair."""
        return datetime.fromtimestamp(float(str(self.members["exp"])), UTC)

    @property
    def token_id(self) -> str | None:
        return self.text("jti")

    @property
    def methods(self) -> tuple[str, ...]:
        """How the person proved who it is. Rule: RFC 8176."""
        return self.texts("amr")

    @property
    def email(self) -> str | None:
        return self.text("email")

    @property
    def email_verified(self) -> bool | None:
        return self.truth("email_verified")

    @property
    def name(self) -> str | None:
        return self.text("name")

    @property
    def preferred_username(self) -> str | None:
        return self.text("preferred_username")


@quick_init
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
    attributes: Mapping[str, tuple[str, ...]]  # SAML attributes, or claims as `oidc.attributes` writes them
    # Other certificates of that issuer, of whatever account, that hold the very same public key.
    twin_fingerprints: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()  # the numbered checks that passed, in order
    provider: str = ""  # ARN of the OIDC provider whose keys verified the token; SAML finds out later
    oidc: OidcClaims | None = None
    name_qualifier: str = ""  # NameQualifier and SPNameQualifier of the NameID
    sp_name_qualifier: str = ""
    signed_sha256: str = ""  # of the bytes that were signed and that all this was read from, lower hex


@dataclass(frozen=True, slots=True)
class VerifiedLogout:
    """A provider's word that somebody has signed out there, after every check of the protocol passed.

    INVARIANT: built only by the verifier in `saml`; every field was read from verified bytes. Owed by `federation`:
    that it was not used before, and that only what came from a provider which owns the certificate is ended.
    """

    request_id: str
    issuer: str
    subject: str  # NameID
    session_indexes: tuple[str, ...]  # empty: every session of that person
    certificate_fingerprint: str
    twin_fingerprints: tuple[str, ...]  # as in `VerifiedIdentity`
    issued_at: datetime  # by the provider's clock, as are its assertions
    not_on_or_after: datetime  # from then on the message is refused, skew included: a replay claim must outlive it
    evidence: tuple[str, ...] = ()
