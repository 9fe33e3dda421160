"""From the Role attribute of an assertion to the roles that the person may take, with a reason for each refusal.

Tenants: a Role value names a provider, and only that provider's own registration counts. Its entity ID must be the
assertion's issuer and the certificate that verified the assertion must be one of its own; that another account
registered the same entity ID with another key changes nothing. A role of another account than the provider's is
offered only because that role's trust policy names the provider, which is its account's explicit word.
"""

from dataclasses import dataclass, field
from enum import StrEnum

from sqlalchemy.orm import Session

from gateway.arn import RamArn
from gateway.directory.accounts import Account, get_account
from gateway.directory.roles import Role, find_role
from gateway.directory.saml_providers import find_saml_provider, provider_certificates
from gateway.federation.attributes import MalformedRole, RolePair, read_role_attributes, read_session_duration
from gateway.federation.facts import LoginFacts, Occasion, facts_of
from gateway.identity import VerifiedIdentity
from gateway.policy import Decision
from gateway.sts.assume import decide_federated

PROVIDER_REFUSED = "The identity provider named here is not registered, or it is not the one that signed this login."
ROLE_UNKNOWN = "The role does not exist."
ROLE_ELSEWHERE_REFUSED = "The role does not exist or does not trust this identity provider."


class Refusal(StrEnum):
    """Which check a Role value failed."""

    MALFORMED = "Malformed"
    PROVIDER = "Provider"
    ROLE = "Role"
    TRUST = "Trust"


@dataclass(frozen=True, slots=True)
class RoleChoice:
    """One value of the Role attribute. `why` is for the person, `detail` for the log: it may tell of other accounts.

    `role_arn`, `provider_arn` and `raw` are as the assertion spells them; the names are empty if it can't be read.
    """

    raw: str
    why: str
    detail: str
    refusal: Refusal | None = None
    account_id: str = ""
    account_alias: str = ""
    role_name: str = ""
    role_arn: str = ""
    provider_arn: str = ""
    role_id: str = ""  # of an allowed choice: a role made anew under the same name is another role
    decision: Decision | None = None  # of the trust policy, if it was asked

    @property
    def allowed(self) -> bool:
        return self.refusal is None


@dataclass(frozen=True, slots=True)
class Voucher:
    """A provider that vouches for a login, and by which certificate of its own."""

    arn: str  # in the spelling of the directory
    certificate_fingerprint: str


@dataclass(frozen=True, slots=True)
class ResolvedRole:
    """An allowed choice with the rows behind it."""

    role: Role
    account: Account  # the role's
    provider: Voucher


@dataclass(frozen=True, slots=True)
class RoleMapping:
    session_name: str
    session_duration_s: int | None
    choices: tuple[RoleChoice, ...]  # in the order of the assertion, malformed values last
    resolved: tuple[ResolvedRole, ...]  # the rows behind the allowed ones, in the same order

    @property
    def allowed(self) -> tuple[RoleChoice, ...]:
        return tuple(choice for choice in self.choices if choice.allowed)


def role_choices(session: Session, identity: VerifiedIdentity, occasion: Occasion) -> RoleMapping:
    """What each Role value of a verified assertion amounts to.

    Raises: SamlError with ROLE_ATTRIBUTE, ROLE_SESSION_NAME or SESSION_DURATION for ill-formed attributes; refused
    roles are choices with `allowed` false.
    """
    attributes = read_role_attributes(identity)
    resolver = RoleResolver(session, facts_of(identity), occasion)
    outcomes = [resolver.resolve(pair) for pair in attributes.pairs]
    return RoleMapping(
        session_name=attributes.session_name,
        session_duration_s=read_session_duration(identity),
        choices=(*(choice for choice, _ in outcomes), *(_malformed(bad) for bad in attributes.malformed)),
        resolved=tuple(resolved for _, resolved in outcomes if resolved is not None),
    )


@dataclass(slots=True)
class RoleResolver:
    """Looks the values of one assertion up; remembers providers, since all values tend to name the same one."""

    session: Session
    facts: LoginFacts
    occasion: Occasion
    _providers: dict[RamArn, tuple[Voucher | None, str]] = field(default_factory=dict)

    def resolve(self, pair: RolePair) -> tuple[RoleChoice, ResolvedRole | None]:
        """The choice, and the rows behind it if it is allowed."""
        provider, detail = self._provider(pair.provider)
        if provider is None:
            return _refused(pair, Refusal.PROVIDER, PROVIDER_REFUSED, detail), None
        at_home = pair.role.account_id == pair.provider.account_id
        role = find_role(self.session, pair.role.account_id, pair.role.name)
        if role is None:
            why = ROLE_UNKNOWN if at_home else ROLE_ELSEWHERE_REFUSED
            return _refused(pair, Refusal.ROLE, why, f"no role {pair.role}"), None
        decision = decide_federated(role, provider.arn, self.facts.trust_context(self.occasion))
        if not decision.allowed:
            why = decision.explain() if at_home else ROLE_ELSEWHERE_REFUSED
            return _refused(pair, Refusal.TRUST, why, f"{pair.role}: {decision.explain()}", decision), None
        account = get_account(self.session, role.account_id)
        choice = RoleChoice(
            raw=pair.raw,
            why=decision.explain(),
            detail=decision.explain(),
            account_id=role.account_id,
            account_alias=account.alias,
            role_name=role.name,
            role_arn=pair.role_text,
            provider_arn=pair.provider_text,
            role_id=role.id,
            decision=decision,
        )
        return choice, ResolvedRole(role, account, provider)

    def _provider(self, named: RamArn) -> tuple[Voucher | None, str]:
        if named not in self._providers:
            self._providers[named] = self._look_up_provider(named)
        return self._providers[named]

    def _look_up_provider(self, named: RamArn) -> tuple[Voucher | None, str]:
        """The provider if it vouches for this login; else None and, for the log, why not.

        Another account may have registered the same issuer and a certificate around the same public key, and the
        verification may have met that one first. So the certificates with this key count alike, and only the
        provider's own is remembered.
        """
        provider = find_saml_provider(self.session, named.account_id, named.name)
        if provider is None:
            return None, f"no provider {named}"
        if provider.entity_id != self.facts.issuer:
            return None, f"{named} is registered for {provider.entity_id!r:.200}, not {self.facts.issuer!r:.200}"
        verified = (self.facts.certificate_fingerprint, *self.facts.twin_fingerprints)
        own = {certificate.fingerprint for certificate in provider_certificates(self.session, provider)}
        vouching = next((fingerprint for fingerprint in verified if fingerprint in own), None)
        if vouching is None:
            return None, f"{named} does not own the certificate {self.facts.certificate_fingerprint}"
        return Voucher(provider.arn, vouching), ""


def _refused(pair: RolePair, refusal: Refusal, why: str, detail: str, decision: Decision | None = None) -> RoleChoice:
    return RoleChoice(
        raw=pair.raw,
        refusal=refusal,
        why=why,
        detail=detail,
        account_id=pair.role.account_id,
        role_name=pair.role.name,
        role_arn=pair.role_text,
        provider_arn=pair.provider_text,
        decision=decision,
    )


def _malformed(bad: MalformedRole) -> RoleChoice:
    return RoleChoice(
        raw=bad.raw, refusal=Refusal.MALFORMED, why=f"The value can't be read: {bad.why}.", detail=bad.why
    )
