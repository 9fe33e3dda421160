"""A company login foreseen from what it would say: mapping rules, roles, trust policies, and on to an action."""

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.arn import parse_ram_arn
from gateway.directory.roles import find_assumable_role
from gateway.errors import GatewayError, InputError, Reason
from gateway.federation.facts import Occasion
from gateway.federation.mapping import RoleChoice, choices_of
from gateway.federation.registered import RegisteredProvider
from gateway.federation.role_options import login_context, rules_of
from gateway.federation.rule_trial import suppose, supposed_voucher
from gateway.federation.rules import apply_rules
from gateway.federation.vouching import Vouching
from gateway.policy import Outcome
from gateway.simulation.call import Stage, Supposed, follow, session_of
from gateway.simulation.chain import Chain, Step, StepKind
from gateway.simulation.circumstances import Context


@dataclass(frozen=True, slots=True)
class SupposedLogin:
    """`says` are attributes or claims by name, as `oidc.sample.read_sample` reads them. `recipient`: where a SAML
    response would be sent to. `role_arn`: the role that is taken; without one the chain tells of all that are offered.
    """

    provider: RegisteredProvider
    says: Mapping[str, tuple[str, ...]]
    recipient: str
    role_arn: str = ""


def simulate_login(stage: Stage, login: SupposedLogin, supposed: Supposed, context: Context) -> Chain:
    """The chain of a login: the rules of the provider, the role, its trust policy, then as `simulate_call` has it.

    `supposed.principal_arn` is not looked at. Raises: as `simulate_call`.
    """
    facts = suppose(login.provider, login.says, stage.now, recipient=login.recipient)
    voucher = supposed_voucher(login.provider)
    occasion = Occasion("", stage.now, context)
    steps = [*_rule_steps(stage, login.provider, login_context(facts, voucher, occasion))]
    vouching = Vouching.supposing(stage.session, facts, voucher)
    try:
        choices = choices_of(vouching, occasion).choices
    except GatewayError as error:
        steps.append(_stop(login.provider.arn, error.public))
        return Chain(tuple(steps))
    if not login.role_arn:
        steps += [_choice_step(stage, choice, counts=False) for choice in choices]
        if not any(choice.allowed for choice in choices):
            steps.append(_stop(login.provider.arn, "the login may take no role"))
        return Chain(tuple(steps))
    wanted = _folded_role(login.role_arn)
    chosen = next((choice for choice in choices if choice.role_arn.lower() == wanted), None)
    if chosen is None:
        steps.append(_stop(login.role_arn, "the login does not ask for this role, and no mapping rule offers it"))
        return Chain(tuple(steps))
    steps.append(_choice_step(stage, chosen, counts=True))
    role = find_assumable_role(stage.session, chosen.account_id, chosen.role_name)
    if role is None or role.account_id != stage.account_id:
        return Chain(tuple(steps))
    policy = None if supposed.roles else supposed.session_policy
    return follow(stage, session_of(role, policy, chosen.session_name or "simulation"), supposed, context, tuple(steps))


def _rule_steps(stage: Stage, provider: RegisteredProvider, context: Context) -> list[Step]:
    """Each rule in its order: met, or what it lacks."""
    steps = []
    for rule in rules_of(stage.session, provider.key):
        hits, misses = apply_rules([rule], context)
        if hits:
            offers = ", ".join(rule.role_arns[:5])
            sentence = f"mapping rule `{rule.name}` is met and offers {offers} as `{hits[0].session_name}`"
            steps.append(Step(StepKind.MAPPING_RULE, provider.arn, None, "Met", sentence))
            continue
        why, values = misses[0].why, tuple(each.value for each in misses[0].unmet)
        sentence = f"mapping rule `{rule.name}` is not met: {why}"
        steps.append(Step(StepKind.MAPPING_RULE, provider.arn, None, "NotMet", sentence, values=values, helps=why))
    return steps


def _choice_step(stage: Stage, choice: RoleChoice, *, counts: bool) -> Step:
    """Of a role of another account only whether it can be taken: what its policies say is its account's business."""
    who, decision = choice.role_arn or choice.raw, choice.decision
    passed = choice.allowed if counts else None
    at_home = choice.account_id == stage.account_id
    outcome = (Outcome.ALLOW if choice.allowed else Outcome.IMPLICIT_DENY).value
    if decision is None or not at_home:
        kind = StepKind.ROLE_OFFER if decision is None else StepKind.TRUST
        sentence = "the role lets this login in" if choice.allowed else choice.why
        return Step(kind, who, passed, outcome, sentence)
    helps = "" if choice.allowed else choice.why
    ref = decision.statement or decision.nearest
    offered = f" ({choice.because})" if choice.because else ""
    values = decision.condition_values
    return Step(StepKind.TRUST, who, passed, decision.outcome.value, f"{choice.why}{offered}", ref, values, helps)


def _stop(who: str, sentence: str) -> Step:
    return Step(StepKind.ROLE_OFFER, who, False, Outcome.IMPLICIT_DENY.value, sentence, helps=sentence)


def _folded_role(text: str) -> str:
    try:
        return str(parse_ram_arn(text, "role")).lower()
    except InputError:
        message = "write the ARN of a role"
        raise InputError(Reason.ARN_MALFORMED, message, text[:200], subject="RoleArn") from None
