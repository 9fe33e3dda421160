"""Whether a registered provider vouches for a login, and what is kept of it.

Tenants: whoever names a provider, only that provider's own registration counts. Its issuer must be the login's, and
what verified the message must be its own; that another account registered the same issuer changes nothing.
"""

from dataclasses import dataclass, field

from sqlalchemy.orm import Session

from gateway.arn import RamArn, parse_ram_arn
from gateway.directory.oidc_providers import find_oidc_provider
from gateway.directory.provider_certificates import CertificateUse, trusted_signers, use_of
from gateway.directory.provider_keys import oidc_provider_key, saml_provider_key
from gateway.directory.provider_logins import LoginSettings, Use, get_login_settings
from gateway.directory.saml_providers import find_known_provider
from gateway.federation.facts import LoginFacts
from gateway.identity import Protocol

SAML_DEFAULT = LoginSettings(use=Use.ROLE)
OIDC_DEFAULT = LoginSettings()


@dataclass(frozen=True, slots=True)
class Voucher:
    """A provider that vouches for a login, and by which certificate or key of its own."""

    key: str  # see `directory.provider_keys`
    arn: str  # in the spelling of the directory
    account_id: str
    certificate_fingerprint: str
    settings: LoginSettings
    use: CertificateUse | None = None  # of a SAML provider: which of its certificates is to be counted


@dataclass(slots=True)
class Vouching:
    """Looks providers up for one login; remembers them, since all that a login says tends to name the same one.

    `only`: the ARN of the provider that was asked, if one was; then no other vouches for the answer.
    """

    session: Session
    facts: LoginFacts
    only: str = ""
    _known: dict[RamArn, tuple[Voucher | None, str]] = field(default_factory=dict)

    @classmethod
    def supposing(cls, session: Session, facts: LoginFacts, voucher: Voucher) -> "Vouching":
        """For a login that nobody takes: as if this provider, and no other, vouched for it."""
        kind = "oidc-provider" if facts.protocol == Protocol.OIDC else "saml-provider"
        return cls(session, facts, voucher.arn, {parse_ram_arn(voucher.arn, kind): (voucher, "")})

    def find(self, named: RamArn) -> tuple[Voucher | None, str]:
        """The provider if it vouches for this login; else None and, for the log, why not."""
        if named not in self._known:
            look_up = self._oidc if self.facts.protocol == Protocol.OIDC else self._saml
            self._known[named] = self._asked(look_up(named))
        return self._known[named]

    def _asked(self, found: tuple[Voucher | None, str]) -> tuple[Voucher | None, str]:
        """Two providers, of two accounts perhaps, may share an issuer and its key: a request goes to one of them."""
        voucher, why = found
        if voucher is None or self.only in {"", voucher.arn}:
            return voucher, why
        return None, f"{voucher.arn} is not {self.only}, which was asked"

    def _oidc(self, named: RamArn) -> tuple[Voucher | None, str]:
        """The token was verified with the keys of one provider, so no other can vouch for it."""
        provider = find_oidc_provider(self.session, named.account_id, named.name)
        if provider is None or named.kind != "oidc-provider":
            return None, f"no provider {named}"
        if (provider.arn, provider.issuer_url) != (self.facts.provider, self.facts.issuer):
            return None, f"{named} is not {self.facts.provider}, which verified the token of {self.facts.issuer!r:.200}"
        key = oidc_provider_key(provider.id)
        settings = get_login_settings(self.session, key, OIDC_DEFAULT)
        return Voucher(key, provider.arn, provider.account_id, self.facts.certificate_fingerprint, settings), ""

    def _saml(self, named: RamArn) -> tuple[Voucher | None, str]:
        """Another account may have registered the same issuer and a certificate around the same public key, and the
        verification may have met that one first. So the certificates with this key count alike, and only the
        provider's own is remembered.
        """
        provider = find_known_provider(self.session, named.account_id, named.name)
        if provider is None or named.kind != "saml-provider":
            return None, f"no provider {named}"
        key = saml_provider_key(provider.id)
        trusted = trusted_signers(self.session, provider.id)
        # Not the provider's own entity ID: that of a document staged beside the one in force may be another.
        rows = [row for row in trusted if row.entity_id == self.facts.issuer]
        if not rows:
            return None, f"{named} is registered for {provider.entity_id!r:.200}, not {self.facts.issuer!r:.200}"
        met = use_of(rows, (self.facts.certificate_fingerprint, *self.facts.twin_fingerprints))
        if met is None:
            return None, f"{named} does not own the certificate {self.facts.certificate_fingerprint}"
        vouching, use = met
        settings = get_login_settings(self.session, key, SAML_DEFAULT)
        return Voucher(key, provider.arn, provider.account_id, vouching, settings, use), ""
