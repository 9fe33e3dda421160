"""What a verified login says, as far as roles are concerned: the facts that trust policies ask about and that a
session remembers. They can wait in an offer until the person has chosen.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.identity import VerifiedIdentity
from gateway.sts.token import Provenance

NAME_ID_FORMAT_PREFIX = "urn:oasis:names:tc:SAML:2.0:nameid-format:"


@dataclass(frozen=True, slots=True)
class Occasion:
    """The request that a login arrives with. `context` holds the edge's condition keys (`acs:SourceIp`,
    `acs:SecureTransport`, `acs:CurrentTime`).
    """

    request_id: str
    now: datetime
    context: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


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
    twin_fingerprints: tuple[str, ...] = ()

    def trust_context(self, occasion: Occasion) -> dict[str, tuple[str, ...]]:
        """The condition keys that a role's trust policy may ask about.

        Rule: sso-contract §2.4. `saml:recipient` is the platform's; `saml:iss`, `saml:sub`, `saml:sub_type` and
        `saml:attribute/<name>` are extensions of ours. Keys of the edge never speak for the assertion.
        """
        context = {key: values for key, values in occasion.context.items() if not key.lower().startswith("saml:")}
        context["saml:recipient"] = (self.recipient,)
        context["saml:iss"] = (self.issuer,)
        context["saml:sub"] = (self.subject,)
        context["saml:sub_type"] = (self.subject_type,) if self.subject_type else ()
        for name, values in self.attributes.items():
            context[f"saml:attribute/{name}"] = tuple(values)
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
        )


def short_name_id_format(name_id_format: str) -> str:
    """The NameID format as the token service shows it: the SAML 2.0 prefix is cut off, others stay verbatim.

    Rule: sts-contract §2.2.
    """
    return name_id_format.removeprefix(NAME_ID_FORMAT_PREFIX)


def facts_of(identity: VerifiedIdentity) -> LoginFacts:
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
        twin_fingerprints=identity.twin_fingerprints,
    )


def dump_facts(facts: LoginFacts) -> str:
    end = facts.session_not_on_or_after
    texts = [
        facts.protocol,
        facts.issuer,
        facts.subject,
        facts.subject_type,
        facts.assertion_id,
        facts.certificate_fingerprint,
        facts.recipient,
    ]
    attributes = {name: list(values) for name, values in facts.attributes.items()}
    ends = [facts.not_on_or_after.isoformat(), end.isoformat() if end else None]
    return json.dumps([texts, *ends, attributes, facts.twin_fingerprints])


def load_facts(text: str) -> LoginFacts:
    texts, not_on_or_after, session_end, attributes, twins = json.loads(text)
    protocol, issuer, subject, subject_type, assertion_id, certificate_fingerprint, recipient = texts
    return LoginFacts(
        protocol=protocol,
        issuer=issuer,
        subject=subject,
        subject_type=subject_type,
        assertion_id=assertion_id,
        certificate_fingerprint=certificate_fingerprint,
        recipient=recipient,
        not_on_or_after=datetime.fromisoformat(not_on_or_after),
        session_not_on_or_after=datetime.fromisoformat(session_end) if session_end else None,
        attributes={name: tuple(values) for name, values in attributes.items()},
        twin_fingerprints=tuple(twins),
    )
