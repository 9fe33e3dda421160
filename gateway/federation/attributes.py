"""The attributes of role-based SSO and how they are read. Rule: sso-contract §2.2."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from gateway.arn import RamArn, parse_ram_arn
from gateway.errors import InputError, Reason, SamlError
from gateway.sts.assume import is_session_name
from gateway.sts.duration import parse_session_duration

ROLE = "https://www.aliyun.com/SAML-Role/Attributes/Role"
ROLE_SESSION_NAME = "https://www.aliyun.com/SAML-Role/Attributes/RoleSessionName"
SESSION_DURATION = "https://www.aliyun.com/SAML-Role/Attributes/SessionDuration"
# Ours: ARNs of the providers whose mapping rules are to be asked. The assertion has to name them, since several
# accounts may have registered its issuer, and none of them may put roles before the people of another.
RULES_OF = "urn:ramgate:saml:rules-of"

MAX_ROLE_VALUES = 100  # the contract sets no limit; this one bounds the work that one assertion can ask for


class Attributed(Protocol):
    """A login, as far as attributes go: `VerifiedIdentity` and `LoginFacts` are two."""

    @property
    def attributes(self) -> Mapping[str, tuple[str, ...]]: ...


@dataclass(frozen=True, slots=True)
class RolePair:
    """One well-formed value of the Role attribute."""

    raw: str
    role: RamArn
    provider: RamArn

    @property
    def role_text(self) -> str:
        return self.raw.partition(",")[0]

    @property
    def provider_text(self) -> str:
        return self.raw.partition(",")[2]


@dataclass(frozen=True, slots=True)
class MalformedRole:
    """A value of the Role attribute that names nothing, and why."""

    raw: str
    why: str


@dataclass(frozen=True, slots=True)
class RoleAttributes:
    session_name: str
    pairs: tuple[RolePair, ...]  # in the order of the assertion, duplicates removed
    malformed: tuple[MalformedRole, ...]


def names_roles(login: Attributed) -> bool:
    """Whether the assertion has the Role attribute at all."""
    return bool(login.attributes.get(ROLE))


def read_rule_providers(login: Attributed) -> tuple[RamArn, ...]:
    """The providers whose mapping rules the assertion wants to be asked, without those that can't be read."""
    found: dict[str, RamArn] = {}
    for text in login.attributes.get(RULES_OF, ())[:MAX_ROLE_VALUES]:
        try:
            found.setdefault(text.lower(), parse_ram_arn(text, "saml-provider"))
        except InputError:
            continue
    return tuple(found.values())


def read_role_attributes(login: Attributed) -> RoleAttributes:
    """Read what an assertion says about roles; nothing is looked up here.

    Refused: no Role value, more than 100, none of them well-formed; a RoleSessionName that is missing, given
    twice or ill-formed.
    Raises: SamlError(ROLE_ATTRIBUTE), SamlError(ROLE_SESSION_NAME). Rule: sso-contract §2.2.
    """
    values = login.attributes.get(ROLE, ())
    if not values:
        raise SamlError(
            Reason.ROLE_ATTRIBUTE,
            "Your identity provider did not say which roles you may take: the Role attribute is missing. "
            "Ask your administrator to assign you a role.",
            detail=f"no value of {ROLE}; attributes sent: {sorted(login.attributes)!r:.500}",
        )
    if len(values) > MAX_ROLE_VALUES:
        raise SamlError(
            Reason.ROLE_ATTRIBUTE,
            f"Your identity provider offers more than {MAX_ROLE_VALUES} roles. Ask your administrator for fewer.",
            detail=f"{len(values)} values of {ROLE}",
        )
    pairs, malformed = _read_roles(values)
    if not pairs:
        raise SamlError(
            Reason.ROLE_ATTRIBUTE,
            "Your identity provider sent the Role attribute in a form that can't be read. Each value must be "
            "<role ARN>,<provider ARN> in that order, without spaces. Tell your administrator.",
            detail="; ".join(f"{bad.raw!r:.300}: {bad.why}" for bad in malformed[:10]),
        )
    return RoleAttributes(
        session_name=read_session_name(login),
        pairs=pairs,
        malformed=malformed,
    )


def read_session_name(login: Attributed) -> str:
    """The one RoleSessionName. Raises: SamlError(ROLE_SESSION_NAME). Rule: sso-contract §2.2."""
    values = login.attributes.get(ROLE_SESSION_NAME, ())
    if len(values) != 1 or not is_session_name(values[0]):
        raise SamlError(
            Reason.ROLE_SESSION_NAME,
            "Your identity provider must send exactly one RoleSessionName of 2 to 64 characters: letters, digits "
            "and - _ . @ =. Tell your administrator.",
            detail=f"RoleSessionName={values!r:.300}",
        )
    return values[0]


def read_session_duration(login: Attributed) -> int | None:
    """The SessionDuration attribute, seconds. Only browser logins ask for it: the API ignores it, malformed or not.

    Raises: SamlError(SESSION_DURATION). Rule: sso-contract §2.2, §2.3.
    """
    return parse_session_duration(login.attributes.get(SESSION_DURATION, ()))


def parse_role_value(raw: str, provider_kind: str = "saml-provider") -> RolePair:
    """Read `<role ARN>,<provider ARN>`.

    Refused: another order, white space, more or less than two parts, other kinds of ARN.
    Raises: InputError(ARN_MALFORMED), its public text says what is wrong.
    """
    if re.search(r"\s", raw):
        raise InputError(Reason.ARN_MALFORMED, "the value contains white space")
    first, comma, second = raw.partition(",")
    if not comma or "," in second:
        raise InputError(Reason.ARN_MALFORMED, "the value must be two ARNs with one comma between them")
    if ":saml-provider/" in first and ":role/" in second:
        raise InputError(Reason.ARN_MALFORMED, "the order is wrong: the role comes first, the provider second")
    return RolePair(raw, parse_ram_arn(first, "role"), parse_ram_arn(second, provider_kind))


def _read_roles(values: tuple[str, ...]) -> tuple[tuple[RolePair, ...], tuple[MalformedRole, ...]]:
    pairs: dict[str, RolePair] = {}
    malformed: dict[str, MalformedRole] = {}
    for raw in values:
        try:
            pair = parse_role_value(raw)
        except InputError as exc:
            malformed.setdefault(raw, MalformedRole(raw, exc.public))
        else:
            pairs.setdefault(raw.lower(), pair)  # names are compared without regard to case
    return tuple(pairs.values()), tuple(malformed.values())
