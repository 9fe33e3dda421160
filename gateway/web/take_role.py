"""Changing from a RAM user to a role at the browser: the role's credentials are what scripts can take along.

The user's own policies and the role's trust policy must both allow it, as on the wire; both can ask for a second factor
(`acs:MFAPresent`), and what was proved at the sign-in goes with the role's token. Rule: policy-language §4, §5.3.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from gateway.arn import RamArn, parse_ram_arn, role_arn
from gateway.audit.decisions import SUPPOSED
from gateway.client import policy_context
from gateway.directory.roles import find_role, get_role, tags_of_role
from gateway.errors import Denied, Reason
from gateway.federation.offers import choice_gone
from gateway.federation.receipts import grant_details
from gateway.principal import RamUser
from gateway.sts.assume import RoleSessionGrant, assume_as_caller, decide_caller
from gateway.sts.duration import Cap
from gateway.sts.sessions import BrowserSession, open_session, session_pairs
from gateway.web.edge import Edge
from gateway.web.login_steps import check_network
from gateway.web.records import record_own_change, remember, remembering_denials, require
from gateway.web.session import end_current
from gateway.web.visit import current_visit

_SHORTEST_SESSION_NAME = 2


def named_role(who: BrowserSession, typed: str) -> RamArn:
    """A role's ARN, or the name of one in the own account. Raises: InputError(ARN_MALFORMED)."""
    return parse_ram_arn(typed if ":" in typed else role_arn(who.principal.account_id, typed), "role")


def take_as_user(
    edge: Edge, session: Session, who: BrowserSession, named: RamArn, *, role_id: str = ""
) -> RoleSessionGrant:
    """A session of the role that ends with the user's session at the latest, and dies of whatever that dies of.

    `role_id`: the role must be this one, if it was chosen before.
    Raises: Denied(ACCESS_DENIED), which tells nothing about the role; Denied(TRUST_POLICY_DENIED); NotFound;
    AuthenticationError(ROLE_CHOICE_GONE) for a role that was made anew.
    """
    user, now = who.principal, edge.services.clock.now()
    if not isinstance(user, RamUser):
        message = "Only RAM users change to a role here. Owners have all rights, and roles stay what they are."
        raise Denied(Reason.ACCESS_DENIED, message, None)
    context = policy_context(current_visit().client, now, user.arn, mfa_present=who.mfa_present, mfa_at=who.mfa_at)
    require(session, edge.services, user, *_question(session, user, named, context))
    role = get_role(session, named.account_id, named.name)
    if role_id not in {"", role.id}:
        raise choice_gone(f"{named} was deleted and made anew since it was chosen")
    with remembering_denials(edge.services, user):
        grant = assume_as_caller(
            session,
            ring=edge.services.ring,
            caller=user,
            role=role,
            session_name=user.name if len(user.name) >= _SHORTEST_SESSION_NAME else f"user-{user.name}",
            context=context,
            duration_s=None,
            session_policy=None,
            now=now,
        )
    remember(edge.services, user, grant.decision)
    return _bounded(grant, who, now)


def may_with_second_factor(edge: Edge, session: Session, user: RamUser, named: RamArn) -> bool:
    """Whether own policies and trust policy would both allow the role, had the user proved a second factor just now."""
    now = edge.services.clock.now()
    context = policy_context(current_visit().client, now, user.arn, mfa_present=True, mfa_at=now)
    role = find_role(session, named.account_id, named.name)
    if role is None:
        return False
    own = edge.services.authorizer.decide(session, user, *_question(session, user, named, context))
    remember(edge.services, user, own, reason=SUPPOSED)
    if not own.allowed:
        return False
    trust = decide_caller(session, role, user, context)
    remember(edge.services, user, trust, reason=SUPPOSED)
    return trust.allowed


def _question(
    session: Session, user: RamUser, named: RamArn, context: Mapping[str, tuple[str, ...]]
) -> tuple[str, str, Mapping[str, tuple[str, ...]]]:
    """As on the wire: of a role of another account nothing is asked but its ARN."""
    own = named.account_id == user.account_id
    tags = tags_of_role(session, named.account_id, named.name) if own else {}
    facts = {f"acs:ResourceTag/{key}": (value,) for key, value in tags.items()}
    return "sts:AssumeRole", role_arn(named.account_id, named.name), {**context, **facts}


def _bounded(grant: RoleSessionGrant, who: BrowserSession, now: datetime) -> RoleSessionGrant:
    expires_at: datetime = min(grant.token.expires_at, who.expires_at)
    upstream = session_pairs(who)
    cap = grant.duration_cap if expires_at == grant.token.expires_at else who.duration_cap
    left_s = int((who.expires_at - now).total_seconds())
    caps = (*grant.caps, *Cap(f"the session that it was taken in, which ends by {who.duration_cap}", left_s).told)
    token = replace(
        grant.token,
        expires_at=expires_at,
        provenance=who.provenance,
        lineage=tuple(upstream),
        lineage_at=tuple(upstream.values()),
    )
    return replace(grant, token=token, duration_cap=cap, caps=caps)


def change_to(edge: Edge, session: Session, who: BrowserSession, grant: RoleSessionGrant) -> str:
    """The user's session ends: whoever wants it back signs in again. Gives the handle of the role's.

    The networks of both accounts bind it like a sign-in. Raises: CredentialError(LOGIN_NETWORK);
    AuthenticationError(ROLE_NO_CONSOLE).
    """
    services, token = edge.services, grant.token
    for account_id in (who.principal.account_id, token.principal.account_id):
        check_network(session, account_id)
    end_current(session, services, edge.cookies)
    handle = open_session(
        session,
        services.ring,
        token.principal,
        token=token,
        provenance=None,
        expires_at=token.expires_at,
        duration_cap=grant.duration_cap,
        now=services.clock.now(),
    )
    # Last: who only proved a second factor goes on without the role, and must not be told to have taken it.
    record_own_change(session, services, who.principal, "AssumeRole", grant_details(grant))
    return handle
