"""The linter's look at trust policies: who gets in that nobody meant.

Rule: policy-language §1, §5.3; sso-contract §2.4, §3.3.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from gateway.policy.document import Condition, Effect
from gateway.policy.finding import Finding, Lint, Severity
from gateway.policy.fold import fold
from gateway.policy.lint_conditions import ConditionPlace, lint_conditions
from gateway.policy.request import ASSUME_ROLE
from gateway.policy.strict_json import shown
from gateway.policy.trust import TrustPolicy, TrustStatement
from gateway.policy.trusted import FederatedPrincipal, RamKind, RamPrincipal

# Issuers whose tokens anybody can get: only the subject tells one tenant from another.
SHARED_ISSUERS = (
    "https://token.actions.githubusercontent.com",
    "https://gitlab.com",
    "https://accounts.google.com",
    "https://app.terraform.io",
    "https://oidc.circleci.com",
    "https://agent.buildkite.com",
    "https://login.microsoftonline.com",
    "https://api.bitbucket.org",
    "https://appleid.apple.com",
    "https://oidc.vercel.com",
)
_POSITIVE_TEXT = ("StringEquals", "StringEqualsIgnoreCase", "StringLike")
_LEAST_LITERAL = 3  # fewer letters than this name nobody


@dataclass(frozen=True, slots=True)
class TrustKnown:
    """What the linter may rely on: the role's account, and issuers of OpenID Providers by their ARN in lower case."""

    now: datetime
    account_id: str = ""
    issuers: Mapping[str, str] = field(default_factory=dict)


def lint_trust(trust: TrustPolicy, known: TrustKnown) -> tuple[Finding, ...]:
    """What is odd about a trust policy, in the order of its statements."""
    findings: list[Finding] = []
    for index, statement in enumerate(trust.statements):
        path = f"Statement[{index}]"
        plain = statement.compiled.statement
        findings += _lint_action(statement, path)
        findings += lint_conditions(plain, ConditionPlace(path, in_trust=True), known.now)
        if plain.effect is Effect.ALLOW:
            for principal in statement.principals:
                findings += _lint_principal(principal, plain.conditions, path, known)
    return tuple(dict.fromkeys(findings))


def _lint_action(statement: TrustStatement, path: str) -> Iterator[Finding]:
    plain = statement.compiled.statement
    if not statement.compiled.covers_action(fold(ASSUME_ROLE)):
        problem = f"speaks of {shown(plain.actions[0])}, but every way to take a role asks for {ASSUME_ROLE}"
        yield Finding(Lint.NEVER_MATCHES, Severity.ERROR, f"{path}.Action", problem, f"write {ASSUME_ROLE}")
    elif plain.not_action and plain.effect is Effect.ALLOW:
        problem = "allows everything but what it names"
        yield Finding(
            Lint.ALLOW_NOT_ACTION, Severity.WARNING, f"{path}.NotAction", problem, f'write "Action": "{ASSUME_ROLE}"'
        )


def _lint_principal(
    principal: object, conditions: tuple[Condition, ...], path: str, known: TrustKnown
) -> Iterator[Finding]:
    if isinstance(principal, RamPrincipal):
        yield from _lint_ram(principal, conditions, path, known)
    elif isinstance(principal, FederatedPrincipal) and principal.kind == "oidc-provider":
        yield from _lint_oidc(principal, conditions, path, known)
    elif isinstance(principal, FederatedPrincipal) and not _asked(conditions, "saml:recipient"):
        problem = f"takes assertions of {principal.provider_arn} that were made for another service provider"
        cure = 'add "StringEquals": {"saml:recipient": "<our consumer URL>"}'
        yield Finding(Lint.TRUSTS_EVERY_RECIPIENT, Severity.WARNING, f"{path}.Condition", problem, cure)


def _lint_ram(
    principal: RamPrincipal, conditions: tuple[Condition, ...], path: str, known: TrustKnown
) -> Iterator[Finding]:
    foreign = bool(known.account_id) and principal.account_id != known.account_id
    at = f"{path}.Principal.RAM"
    if principal.kind is RamKind.ROOT and not _asked(conditions, "acs:principalarn"):
        whose = f"account {principal.account_id}" if foreign else "this account"
        problem = f"trusts whoever {whose} lets assume roles"
        cure = "name the users or roles that are meant"
        severity = Severity.WARNING if foreign else Severity.NOTE
        yield Finding(Lint.TRUSTS_WHOLE_ACCOUNT, severity, at, problem, cure)
    if foreign and not _asked(conditions, "sts:externalid"):
        problem = f"account {principal.account_id} may be made to use the role on behalf of another of its customers"
        cure = "ask for an sts:ExternalId that the two of you agreed on"
        yield Finding(Lint.NO_EXTERNAL_ID, Severity.NOTE, at, problem, cure)


def _lint_oidc(
    principal: FederatedPrincipal, conditions: tuple[Condition, ...], path: str, known: TrustKnown
) -> Iterator[Finding]:
    at = f"{path}.Condition"
    arn = principal.provider_arn
    subjects = _asked(conditions, "oidc:sub")
    narrow = [values for values in subjects if not any(_says_nothing(value) for value in values)]
    if not narrow:
        issuers = {
            known.issuers.get(fold(arn), ""),
            *(value for each in _asked(conditions, "oidc:iss") for value in each),
        }
        shared = next((issuer for issuer in sorted(issuers) if issuer.startswith(SHARED_ISSUERS)), "")
        problem = f"takes every subject of {arn}"
        if shared:
            problem += f", and anybody can get a token of {shared}"
        yield Finding(
            Lint.TRUSTS_EVERY_SUBJECT,
            Severity.ERROR if shared else Severity.WARNING,
            at,
            problem,
            'name the subjects: "StringEquals" or "StringLike": {"oidc:sub": "..."}',
        )
    if not _asked(conditions, "oidc:aud"):
        problem = f"takes tokens of {arn} that were issued for any of its registered clients"
        cure = 'add "StringEquals": {"oidc:aud": "<client ID>"}'
        yield Finding(Lint.TRUSTS_EVERY_CLIENT, Severity.WARNING, at, problem, cure)


def _asked(conditions: tuple[Condition, ...], key: str) -> list[tuple[str, ...]]:
    """What positive text conditions want of a key."""
    return [each.values for each in conditions if fold(each.key) == key and each.operator in _POSITIVE_TEXT]


def _says_nothing(pattern: str) -> bool:
    """`*`, `?*`, `repo:*`: a pattern that a stranger's subject can meet as well."""
    if "*" not in pattern:
        return False
    literal = pattern.replace("*", "").replace("?", "")
    return len(literal) < _LEAST_LITERAL or pattern in ("repo:*", "project_path:*", "org:*", "organization:*")
