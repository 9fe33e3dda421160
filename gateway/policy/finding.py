"""What the linter says of a policy: where, what, and what to do."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum, unique


class Severity(StrEnum):
    ERROR = "error"  # it can't do what it was written for, or lets in whom nobody meant
    WARNING = "warning"  # it probably does something else than was meant
    NOTE = "note"  # worth knowing


@unique
class Lint(StrEnum):
    """The rules of the linter; `RULES` says what each looks for."""

    UNKNOWN_SERVICE = "unknown-service"
    UNKNOWN_OPERATION = "unknown-operation"
    UNKNOWN_KEY = "unknown-condition-key"
    WRONG_OPERATOR = "operator-does-not-fit-key"
    LITERAL_WILDCARD = "wildcard-taken-literally"
    LITERAL_VARIABLE = "variable-taken-literally"
    NEVER_MATCHES = "never-matches"
    LAPSED = "lapsed"
    ALWAYS_DENIED = "always-denied"
    REPEATED = "repeated"
    DENY_MISSES_ABSENT_KEY = "deny-misses-absent-key"
    ALLOW_NOT_ACTION = "allow-with-not-action"
    ADMINISTRATOR = "administrator"
    SELF_PROMOTION = "can-widen-its-own-rights"
    TRUSTS_WHOLE_ACCOUNT = "trusts-a-whole-account"
    TRUSTS_EVERY_SUBJECT = "trusts-every-subject"
    TRUSTS_EVERY_CLIENT = "trusts-every-client"
    TRUSTS_EVERY_RECIPIENT = "trusts-every-recipient"
    NO_EXTERNAL_ID = "no-external-id"


@dataclass(frozen=True, slots=True)
class Finding:
    """`path` is like `Statement[1].Action[0]`, as in the errors of the parser."""

    rule: Lint
    severity: Severity
    path: str
    problem: str
    cure: str

    def __str__(self) -> str:
        return f"{self.severity.value}: {self.path}: {self.problem}; {self.cure} [{self.rule.value}]"


RULES: Mapping[Lint, str] = {
    Lint.UNKNOWN_SERVICE: "an action or a resource of a service that is not known, or not that of the action",
    Lint.UNKNOWN_OPERATION: "an operation that RAM, STS or the gateway does not have",
    Lint.UNKNOWN_KEY: "a condition key that is not known",
    Lint.WRONG_OPERATOR: "an operator for another kind of value, such as StringEquals on an address",
    Lint.LITERAL_WILDCARD: "`*` or `?` under an operator that takes it literally",
    Lint.LITERAL_VARIABLE: "`${...}`, which is no variable here",
    Lint.NEVER_MATCHES: "a statement that no request can match",
    Lint.LAPSED: "a time window that is over",
    Lint.ALWAYS_DENIED: "an Allow that a Deny of the same policy takes away again",
    Lint.REPEATED: "a statement that another one says already",
    Lint.DENY_MISSES_ABSENT_KEY: "a Deny that does not hold where the key is absent",
    Lint.ALLOW_NOT_ACTION: "Allow with NotAction",
    Lint.ADMINISTRATOR: "Allow of everything on everything",
    Lint.SELF_PROMOTION: "rights by which one can give oneself every right",
    Lint.TRUSTS_WHOLE_ACCOUNT: "trust of a whole account",
    Lint.TRUSTS_EVERY_SUBJECT: "trust of an OpenID Provider without a subject; an error where anybody can get a token",
    Lint.TRUSTS_EVERY_CLIENT: "trust of an OpenID Provider without an audience",
    Lint.TRUSTS_EVERY_RECIPIENT: "trust of a SAML provider without `saml:recipient`",
    Lint.NO_EXTERNAL_ID: "trust of another account without `sts:ExternalId`",
}
