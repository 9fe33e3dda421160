"""What a verified login says, as far as roles are concerned: the facts that trust policies ask about and that a
session remembers. They can wait in an offer until the person has chosen.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta

from gateway.identity import Protocol, VerifiedIdentity
from gateway.sts.token import Provenance

_EPOCH, _MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)
_INSTANTS = ("not_on_or_after", "session_not_on_or_after", "authn_instant", "issued_at")
NAME_ID_FORMAT_PREFIX = "urn:oasis:names:tc:SAML:2.0:nameid-format:"


@dataclass(frozen=True, slots=True)
class Occasion:
    """The request that a login arrives with. `context` holds the edge's condition keys (`acs:SourceIp`,
    `acs:SecureTransport`, `acs:CurrentTime`).
    """

    request_id: str
    now: datetime
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def client_address(self) -> str:
        """Empty if the edge does not know it."""
        return next(iter(self.context.get("acs:SourceIp", ())), "")


@dataclass(frozen=True, slots=True)
class LoginFacts:
    """INVARIANT: made of a `VerifiedIdentity` only, or read back from a sealed offer that was."""

    protocol: str
    issuer: str
    subject: str
    subject_type: str  # short, see `short_name_id_format`
    assertion_id: str
    certificate_fingerprint: str
    recipient: str
    not_on_or_after: datetime
    session_not_on_or_after: datetime | None
    attributes: Mapping[str, tuple[str, ...]]
    audiences: tuple[str, ...]
    authn_instant: datetime | None
    authn_context: str | None
    session_index: str = ""  # SessionIndex or sid
    methods: tuple[str, ...] = ()  # amr
    provider: str = ""  # ARN of the OpenID Provider; SAML names its providers in the assertion
    twin_fingerprints: tuple[str, ...] = ()
    issued_at: datetime | None = None  # None in an offer that was sealed before this was kept
    name_qualifier: str = ""
    sp_name_qualifier: str = ""
    signed_sha256: str = ""  # of what was signed
    checks: tuple[str, ...] = ()  # the numbered ones that passed

    def trust_context(self, occasion: Occasion) -> dict[str, tuple[str, ...]]:
        """The condition keys that trust policies and mapping rules may ask about.

        Rule: sso-contract §2.4, §3.3. `saml:recipient`, `oidc:iss`, `oidc:aud` and `oidc:sub` are the platform's;
        `saml:iss`, `saml:sub`, `saml:sub_type`, `saml:attribute/<name>` and `oidc:claim/<name>` are extensions of ours.
        Keys of the edge never speak for the login.
        """
        context = {
            key: values for key, values in occasion.context.items() if not key.lower().startswith(("saml:", "oidc:"))
        }
        if self.protocol == Protocol.OIDC:
            context["oidc:iss"] = (self.issuer,)
            context["oidc:aud"] = self.audiences
            context["oidc:sub"] = (self.subject,)
            prefix = "oidc:claim/"
        else:
            context["saml:recipient"] = (self.recipient,)
            context["saml:iss"] = (self.issuer,)
            context["saml:sub"] = (self.subject,)
            context["saml:sub_type"] = (self.subject_type,) if self.subject_type else ()
            prefix = "saml:attribute/"
        for name, values in self.attributes.items():
            context[prefix + name] = tuple(values)
        return context

    def provenance(self, provider_arn: str, certificate_fingerprint: str) -> Provenance:
        """`certificate_fingerprint`: the vouching provider's own one, so that revoking it ends the session."""
        return Provenance(
            protocol=self.protocol,
            provider_arn=provider_arn,
            issuer=self.issuer,
            subject=self.subject,
            subject_type=self.subject_type,
            assertion_id=self.assertion_id,
            certificate_fingerprint=certificate_fingerprint,
            recipient=self.recipient,
            session_index=self.session_index,
            name_qualifier=self.name_qualifier,
            sp_name_qualifier=self.sp_name_qualifier,
            asserted_at=self._asserted_at(),
        )

    def _asserted_at(self) -> str:
        if self.protocol != Protocol.SAML or self.issued_at is None:
            return ""
        return str((self.issued_at - _EPOCH) // _MICROSECOND)


def short_name_id_format(name_id_format: str) -> str:
    """The NameID format as the token service shows it: the SAML 2.0 prefix is cut off, others stay verbatim.

    Rule: sts-contract §2.2.
    """
    return name_id_format.removeprefix(NAME_ID_FORMAT_PREFIX)


def full_name_id_format(short: str) -> str:
    """The other way round. Formats are URIs, so that a text without a colon is one that was shortened."""
    return short if not short or ":" in short else NAME_ID_FORMAT_PREFIX + short


def facts_of(identity: VerifiedIdentity) -> LoginFacts:
    claims = identity.oidc
    return LoginFacts(
        protocol=identity.protocol.value,
        issuer=identity.issuer,
        subject=identity.subject,
        subject_type=short_name_id_format(identity.subject_type),
        assertion_id=identity.assertion_id,
        certificate_fingerprint=identity.certificate_fingerprint,
        recipient=identity.recipient,
        not_on_or_after=identity.not_on_or_after,
        session_not_on_or_after=identity.session_not_on_or_after,
        attributes=identity.attributes,
        audiences=(identity.audience,) if claims is None else claims.audiences,
        authn_instant=identity.authn_instant,
        authn_context=identity.authn_context,
        session_index=identity.session_index or "",
        methods=() if claims is None else claims.methods,
        provider=identity.provider,
        twin_fingerprints=identity.twin_fingerprints,
        issued_at=identity.issued_at,
        name_qualifier=identity.name_qualifier,
        sp_name_qualifier=identity.sp_name_qualifier,
        signed_sha256=identity.signed_sha256 or identity.assertion_id.removeprefix("sha256:"),
        checks=tuple(map(str, identity.evidence)),
    )


def dump_facts(facts: LoginFacts) -> str:
    fields = asdict(replace(facts, attributes=dict(facts.attributes)))  # claims are worked out when they are read
    return json.dumps(fields | {name: _dump_instant(fields[name]) for name in _INSTANTS})


def load_facts(text: str) -> LoginFacts:
    fields = json.loads(text)
    lists = {name: tuple(fields.get(name, ())) for name in ("audiences", "methods", "twin_fingerprints", "checks")}
    instants = {name: _load_instant(fields.get(name)) for name in _INSTANTS}
    attributes = {name: tuple(values) for name, values in fields["attributes"].items()}
    return LoginFacts(**{**fields, **lists, **instants, "attributes": attributes})


def _dump_instant(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def _load_instant(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
