"""Which roles a login may be about, before anybody asked their trust policies: one mechanism for SAML and OIDC.

Roles come from what the provider says (the Role attribute, or a claim that the account chose) and from the mapping
rules kept for the provider. What the provider says comes first; a role is an option once per provider.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from sqlalchemy.orm import Session

from gateway.arn import RamArn, parse_ram_arn
from gateway.directory.mapping_rules import list_rules
from gateway.errors import InputError
from gateway.federation.assurance import assurance_context, assurance_of
from gateway.federation.attributes import (
    MAX_ROLE_VALUES,
    MalformedRole,
    RolePair,
    names_roles,
    read_role_attributes,
    read_rule_providers,
)
from gateway.federation.facts import LoginFacts, Occasion
from gateway.federation.rules import MappingRule, RuleMiss, apply_rules, make_session_name, read_key
from gateway.federation.vouching import Voucher, Vouching
from gateway.policy import ConditionBlock, parse_condition_block


@dataclass(frozen=True, slots=True)
class RoleOption:
    """A role that a login asks for through one provider."""

    pair: RolePair
    session_name: str
    session_duration_s: int | None  # what the provider or the rule wants it to be at most
    because: str  # what offered it, for receipts


@dataclass(frozen=True, slots=True)
class RoleOptions:
    options: tuple[RoleOption, ...]
    malformed: tuple[MalformedRole, ...] = ()
    misses: tuple[RuleMiss, ...] = ()


def login_context(facts: LoginFacts, voucher: Voucher, occasion: Occasion) -> dict[str, tuple[str, ...]]:
    """What policies and rules may ask about a login through this provider."""
    assurance = assurance_of(facts, voucher.settings.second_factors)
    return facts.trust_context(occasion) | assurance_context(assurance, occasion.now)


def saml_role_options(vouching: Vouching, occasion: Occasion, *, duration_s: int | None = None) -> RoleOptions:
    """The values of the Role attribute, then the rules of the providers that the assertion names for that.

    `duration_s` is what the assertion wants sessions of the roles that it names to last.
    Raises: SamlError with ROLE_ATTRIBUTE or ROLE_SESSION_NAME for ill-formed attributes, and ROLE_ATTRIBUTE for an
    assertion that has neither roles nor a provider whose rules are to be asked.
    """
    providers = read_rule_providers(vouching.facts)
    if not providers or names_roles(vouching.facts):
        attributes = read_role_attributes(vouching.facts)
        said = [
            RoleOption(pair, attributes.session_name, duration_s, "the Role attribute") for pair in attributes.pairs
        ]
        malformed = attributes.malformed
    else:
        said, malformed = [], ()
    ruled, misses = _by_rules(providers, vouching, occasion)
    return RoleOptions(_distinct((*said, *ruled)), malformed, misses)


def oidc_role_options(vouching: Vouching, occasion: Occasion) -> RoleOptions:
    """The roles that the account's chosen claim names, then the rules of the provider.

    A value is the ARN of a role, or the name of a role of the provider's account.
    """
    provider = parse_ram_arn(vouching.facts.provider, "oidc-provider")
    voucher, _ = vouching.find(provider)
    if voucher is None:
        return RoleOptions(())
    context = login_context(vouching.facts, voucher, occasion)
    settings = voucher.settings
    values = read_key(context, settings.roles_key)[:MAX_ROLE_VALUES]
    name, problem = make_session_name(settings.session_name or "${oidc:sub}", context) if values else ("", "")
    said: list[RoleOption] = []
    malformed: list[MalformedRole] = []
    for value in values:
        try:
            arn = parse_ram_arn(value if value.startswith("acs:") else _own_role(provider, value), "role")
        except InputError as error:
            malformed.append(MalformedRole(value, error.public))
            continue
        if problem:
            malformed.append(MalformedRole(value, problem))
            continue
        pair = RolePair(f"{arn},{provider}", arn, provider)
        said.append(RoleOption(pair, name, None, f"the claim behind {settings.roles_key}"))
    ruled, misses = _by_rules((provider,), vouching, occasion)
    return RoleOptions(_distinct((*said, *ruled)), tuple(malformed), misses)


def _by_rules(
    providers: Iterable[RamArn], vouching: Vouching, occasion: Occasion
) -> tuple[list[RoleOption], tuple[RuleMiss, ...]]:
    options: list[RoleOption] = []
    misses: list[RuleMiss] = []
    for provider in providers:
        voucher, _ = vouching.find(provider)
        if voucher is None:
            continue
        rules = rules_of(vouching.session, voucher.key)
        hits, missed = apply_rules(rules, login_context(vouching.facts, voucher, occasion))
        misses.extend(missed)
        for hit in hits:
            for text in hit.rule.role_arns:
                pair = RolePair(f"{text},{provider}", parse_ram_arn(text, "role"), provider)
                because = f"mapping rule `{hit.rule.name}`"
                options.append(RoleOption(pair, hit.session_name, hit.rule.max_duration_s, because))
    return options, tuple(misses)


def rules_of(session: Session, provider_key: str) -> list[MappingRule]:
    """The rules of a provider, ready to be asked, in their order."""
    return [
        MappingRule(row.name, _compiled(row.condition_text), row.role_arns, row.session_name, row.max_duration_s)
        for row in list_rules(session, provider_key)
    ]


@lru_cache(maxsize=1024)
def _compiled(condition: str) -> ConditionBlock:
    """Pure in its argument; memoised because every login asks the same few rules, and a changed one is another."""
    return parse_condition_block(condition)


def _own_role(provider: RamArn, name: str) -> str:
    return f"acs:ram::{provider.account_id}:role/{name}"


def _distinct(options: Iterable[RoleOption]) -> tuple[RoleOption, ...]:
    """Names are compared without regard to case; the first of equals stays."""
    found: dict[str, RoleOption] = {}
    for option in options:
        found.setdefault(f"{option.pair.role},{option.pair.provider}".lower(), option)
    return tuple(found.values())
