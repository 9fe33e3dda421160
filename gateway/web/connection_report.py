"""What an administrator is shown of a dry login, in words: checks, user or roles, rights, and what is amiss.

It waits sealed until the page asks for it. The trace of the test keeps the same, redacted. No Flask in here.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass

from gateway.directory.trace_body import TraceBody, body_of, redacted_body, whole_body
from gateway.federation.dry_login import DryLogin, DryRole, DryUser, Grant
from gateway.login_verdict import LoginVerdict
from gateway.sts.duration import Cap

_SEALED = (
    "The response is encrypted, and nothing in it says that it was made for this account: what it holds is not shown. "
    "Begin the login from this page, and let it answer that."
)


@dataclass(frozen=True, slots=True)
class RoleLine:
    role: str  # its ARN as the login spells it, or the value that can't be read
    allowed: bool
    why: str
    because: str  # what offered it
    session_name: str
    duration: str
    grants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UserLine:
    name: str
    how: str
    exists: bool
    groups: tuple[str, ...]  # that the login says
    duration: str
    grants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ConnectionReport:
    """`works`: a real login like this one would sign in."""

    works: bool
    reason: str
    body: TraceBody
    user: UserLine | None = None
    roles: tuple[RoleLine, ...] = ()
    misses: tuple[str, ...] = ()  # mapping rules that are not met, and why
    second_factor: bool = False
    obstacles: tuple[str, ...] = ()

    @property
    def notes(self) -> tuple[str, ...]:
        """What comes after the checks, a sentence each: for the trace."""
        roles = tuple(f"{line.role}: {'allowed' if line.allowed else 'refused'}. {line.why}" for line in self.roles)
        user = () if self.user is None else (f"RAM user, {self.user.how}.",)
        return (*user, *roles, *self.misses, *self.obstacles)


def report_of(verdict: LoginVerdict, dry: DryLogin | None, *, also: Sequence[str] = ()) -> ConnectionReport:
    """`dry` is there if every check passed; `also` are obstacles outside of the message."""
    reason = "" if verdict.reason is None else verdict.reason.value
    body = whole_body(verdict)
    if dry is None:
        return ConnectionReport(works=False, reason=reason, body=body, obstacles=tuple(also))
    misses = () if dry.mapping is None else dry.mapping.misses
    return ConnectionReport(
        works=dry.would_sign_in and not also,
        reason=reason,
        body=body,
        user=None if dry.user is None else _user(dry.user),
        roles=tuple(_role(role) for role in dry.roles),
        misses=tuple(f"Mapping rule `{miss.rule.name}` is not met: {miss.why}" for miss in misses),
        second_factor=dry.second_factor,
        obstacles=(*dry.obstacles, *also),
    )


def sealed_report_of(verdict: LoginVerdict) -> ConnectionReport:
    """The same where it could be somebody else's message that only the gateway can read: no value is shown whole, and
    nothing of what would come of it.
    """
    reason = "" if verdict.reason is None else verdict.reason.value
    return ConnectionReport(works=False, reason=reason, body=redacted_body(verdict), obstacles=(_SEALED,))


def dump_report(report: ConnectionReport) -> str:
    return json.dumps(asdict(report))


def load_report(text: str) -> ConnectionReport:
    fields = json.loads(text)
    user = fields["user"]
    return ConnectionReport(
        works=fields["works"],
        reason=fields["reason"],
        body=body_of(fields["body"]),
        user=None if user is None else UserLine(**{**user, **_tuples(user, "groups", "grants")}),
        roles=tuple(RoleLine(**{**role, **_tuples(role, "grants")}) for role in fields["roles"]),
        misses=tuple(fields["misses"]),
        second_factor=fields["second_factor"],
        obstacles=tuple(fields["obstacles"]),
    )


def _tuples(fields: dict[str, list[str]], *names: str) -> dict[str, tuple[str, ...]]:
    return {name: tuple(fields[name]) for name in names}


def _user(user: DryUser) -> UserLine:
    return UserLine(user.name, user.how, user.exists, user.said_groups, _duration(user.duration), _grants(user.grants))


def _role(role: DryRole) -> RoleLine:
    choice = role.choice
    return RoleLine(
        role=choice.role_arn or choice.raw[:300],
        allowed=choice.allowed,
        why=choice.why,
        because=choice.because,
        session_name=choice.session_name,
        duration=_duration(role.duration),
        grants=_grants(role.grants),
    )


def _duration(cap: Cap | None) -> str:
    return "" if cap is None else f"{cap.seconds // 60} minutes: {cap.name}"


def _grants(grants: Sequence[Grant]) -> tuple[str, ...]:
    return tuple(f"{grant.policy_type} policy {grant.policy_name}, through {grant.through}" for grant in grants)
