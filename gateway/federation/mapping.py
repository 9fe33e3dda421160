"""From a verified login to the roles that the person may take, with a reason for each refusal.

Tenants: only a provider that vouches for the login counts (`federation.vouching`). A role of another account than the
provider's is offered only because that role's trust policy names the provider, which is its account's explicit word.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from sqlalchemy.orm import Session

from gateway.arn import role_arn
from gateway.audit.decisions import SUPPOSED, federated_record, record_decision
from gateway.directory.accounts import LoginAccount, get_login_account
from gateway.directory.roles import AssumableRole, find_assumable_role
from gateway.federation.assurance import lacks_second_factor
from gateway.federation.attributes import MalformedRole, RolePair, read_session_duration
from gateway.federation.facts import Occasion, facts_of
from gateway.federation.role_options import RoleOption, login_context, oidc_role_options, saml_role_options
from gateway.federation.rules import RuleMiss
from gateway.federation.step_up import why_no_step_up
from gateway.federation.vouching import Voucher, Vouching
from gateway.identity import Protocol, VerifiedIdentity
from gateway.policy import Decision, FederatedPrincipal
from gateway.sts.assume import decide_federated, decide_no_role

PROVIDER_REFUSED = "The identity provider named here is not registered, or it is not the one that signed this login."
ROLE_UNKNOWN = "The role does not exist."
ROLE_ELSEWHERE_REFUSED = "The role does not exist or does not trust this identity provider."


class Refusal(StrEnum):
    """Which check a Role value failed."""

    MALFORMED = "Malformed"
    PROVIDER = "Provider"
    ROLE = "Role"
    TRUST = "Trust"
    SECOND_FACTOR = "SecondFactor"  # the trust policy would let in whoever proved one


@dataclass(frozen=True, slots=True)
class RoleChoice:
    """One role that a login asks for. `why` is for the person, `detail` for the log: it may tell of other accounts.

    `role_arn`, `provider_arn` and `raw` are as they were spelt; the names are empty if that can't be read.
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
    session_name: str = ""
    session_duration_s: int | None = None  # what the provider or the rule wants it to be at most
    because: str = ""  # what offered it
    decision: Decision | None = None  # of the trust policy, if it was asked
    provider_key: str = ""  # of a provider that vouches; see `directory.provider_keys`
    vouched_by: str = ""  # its ARN, in the spelling of the directory
    steps_up: bool = False  # refused, and the provider can be asked for the second factor that is missing

    @property
    def allowed(self) -> bool:
        return self.refusal is None


@dataclass(frozen=True, slots=True)
class ResolvedRole:
    """An allowed choice with the rows behind it."""

    role: AssumableRole
    account: LoginAccount  # the role's
    provider: Voucher


@dataclass(frozen=True, slots=True)
class RoleMapping:
    choices: tuple[RoleChoice, ...]  # in the order of the options, malformed values last
    resolved: tuple[ResolvedRole, ...]  # the rows behind the allowed ones, in the same order
    misses: tuple[RuleMiss, ...] = ()  # mapping rules that were not met, and why

    @property
    def allowed(self) -> tuple[RoleChoice, ...]:
        return tuple(choice for choice in self.choices if choice.allowed)

    @property
    def open(self) -> tuple[RoleChoice, ...]:
        """Those that can be taken, at once or with a second factor, in their order."""
        return tuple(choice for choice in self.choices if choice.allowed or choice.steps_up)

    def resolved_of(self, choice: RoleChoice) -> ResolvedRole:
        """The rows behind an allowed choice."""
        return self.resolved[self.allowed.index(choice)]

    @property
    def session_name(self) -> str:
        """What the person is called in every role; empty where rules give different names."""
        names = {choice.session_name for choice in self.open}
        return names.pop() if len(names) == 1 else ""


def role_choices(
    session: Session, identity: VerifiedIdentity, occasion: Occasion, *, only_provider: str = ""
) -> RoleMapping:
    """What each role that a verified login asks for amounts to. `only_provider`: the ARN of the one that was asked.

    Raises: SamlError with ROLE_ATTRIBUTE, ROLE_SESSION_NAME or SESSION_DURATION for ill-formed attributes; refused
    roles are choices with `allowed` false.
    """
    return choices_of(Vouching(session, facts_of(identity), only_provider), occasion)


def choices_of(vouching: Vouching, occasion: Occasion) -> RoleMapping:
    """The same of what a login says, and of those who vouch for it. Raises: as `role_choices`."""
    if vouching.facts.protocol == Protocol.OIDC:
        found = oidc_role_options(vouching, occasion)
    else:
        found = saml_role_options(vouching, occasion, duration_s=read_session_duration(vouching.facts))
    outcomes = [resolve_role(vouching, option, occasion) for option in found.options]
    return RoleMapping(
        choices=(*(choice for choice, _ in outcomes), *(_malformed(bad) for bad in found.malformed)),
        resolved=tuple(resolved for _, resolved in outcomes if resolved is not None),
        misses=found.misses,
    )


def resolve_role(vouching: Vouching, option: RoleOption, occasion: Occasion) -> tuple[RoleChoice, ResolvedRole | None]:
    """The choice, and the rows behind it if it is allowed: provider, role and trust policy are asked, in this order."""
    pair = option.pair
    provider, detail = vouching.find(pair.provider)
    if provider is None:
        return _refused(pair, Refusal.PROVIDER, PROVIDER_REFUSED, detail), None
    at_home = pair.role.account_id == pair.provider.account_id
    role = find_assumable_role(vouching.session, pair.role.account_id, pair.role.name)
    if role is None:
        detail = f"no role {pair.role}"
        if at_home:
            return _refused(pair, Refusal.ROLE, ROLE_UNKNOWN, detail), None
        decision = decide_no_role(role_arn(pair.role.account_id, pair.role.name), FederatedPrincipal(provider.arn))
        return _refused(pair, Refusal.ROLE, ROLE_ELSEWHERE_REFUSED, detail, decision), None
    decision = decide_federated(vouching.session, role, provider.arn, login_context(vouching.facts, provider, occasion))
    account = get_login_account(vouching.session, role.account_id)
    if not decision.allowed:
        if _lacks_second_factor(vouching.session, role, provider, decision, occasion):
            return _short_of_second_factor(vouching, option, ResolvedRole(role, account, provider), decision), None
        why = decision.explain() if at_home else ROLE_ELSEWHERE_REFUSED
        return _refused(pair, Refusal.TRUST, why, f"{pair.role}: {decision.explain()}", decision), None
    resolved = ResolvedRole(role, account, provider)
    return _choice(option, resolved, decision), resolved


def _choice(option: RoleOption, resolved: ResolvedRole, decision: Decision) -> RoleChoice:
    return RoleChoice(
        raw=option.pair.raw,
        why=decision.explain(),
        detail=decision.explain(),
        account_id=resolved.role.account_id,
        account_alias=resolved.account.alias,
        role_name=resolved.role.name,
        role_arn=option.pair.role_text,
        provider_arn=option.pair.provider_text,
        role_id=resolved.role.id,
        session_name=option.session_name,
        session_duration_s=option.session_duration_s,
        because=option.because,
        decision=decision,
        provider_key=resolved.provider.key,
        vouched_by=resolved.provider.arn,
    )


def _lacks_second_factor(
    session: Session, role: AssumableRole, provider: Voucher, decision: Decision, occasion: Occasion
) -> bool:
    def decide(context: Mapping[str, tuple[str, ...]]) -> Decision:
        supposed = decide_federated(session, role, provider.arn, context)
        if not occasion.request_id:  # nobody logs in: it is simulated, and leaves nothing
            return supposed
        kept = federated_record(
            supposed,
            role.account_id,
            provider.arn,
            at=occasion.now,
            request_id=occasion.request_id,
            operation="RoleLogin",
            reason=SUPPOSED,
        )
        record_decision(session, kept)
        return supposed

    return lacks_second_factor(decision, decide, occasion.now)


def _short_of_second_factor(
    vouching: Vouching, option: RoleOption, resolved: ResolvedRole, decision: Decision
) -> RoleChoice:
    """A role that the person may take with a second factor: whether the provider can be asked for it, or why not."""
    problem = why_no_step_up(vouching.facts, resolved.provider)
    return replace(
        _choice(option, resolved, decision),
        refusal=Refusal.SECOND_FACTOR,
        why=problem or "The role asks for a second factor. Your company's sign-in will ask you for it.",
        steps_up=not problem,
    )


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
