"""A login that nobody takes: whom it would sign in, which roles it could take, and what is in its way.

It asks what a real login asks, in a reading transaction: no session, no claim, no user, no link and no membership comes
of it. Whether the provider is turned on does not matter, and is told.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from gateway.arn import parse_ram_arn
from gateway.directory.accounts import Account, get_account
from gateway.directory.attachments import Attachment, policies_of
from gateway.directory.groups import Group, find_group, groups_of
from gateway.directory.provider_keys import user_sso_key
from gateway.directory.provider_logins import Use, get_login_settings
from gateway.directory.roles import Role, find_role_by_id
from gateway.directory.user_sso import find_user_sso
from gateway.directory.users import User
from gateway.errors import GatewayError
from gateway.federation.assurance import assurance_of
from gateway.federation.facts import LoginFacts, Occasion, facts_of
from gateway.federation.login import check_network
from gateway.federation.mapping import Refusal, ResolvedRole, RoleChoice, RoleMapping, role_choices
from gateway.federation.persons import Foreseen, foresee_person, said_groups
from gateway.federation.role_options import login_context
from gateway.federation.user_matching import match_user
from gateway.federation.user_sso import user_sso_provider_arn
from gateway.federation.vouching import SAML_DEFAULT, Voucher, Vouching
from gateway.identity import VerifiedIdentity
from gateway.sts.duration import Cap, console_duration, user_duration

_ELSEWHERE = "The login names another provider here, which is no part of this test."


@dataclass(frozen=True, slots=True)
class Grant:
    """A policy that would count, and through what: `user alice`, `group ops`, `role dev`."""

    policy_type: str
    policy_name: str
    through: str


@dataclass(frozen=True, slots=True)
class DryUser:
    """`name` of a user who is there, or whom the login would make. Groups the login says may not exist here."""

    name: str
    how: str
    exists: bool
    said_groups: tuple[str, ...]
    grants: tuple[Grant, ...]
    duration: Cap | None


@dataclass(frozen=True, slots=True)
class DryRole:
    choice: RoleChoice
    grants: tuple[Grant, ...]
    duration: Cap | None


@dataclass(frozen=True, slots=True)
class DryLogin:
    """What would come of a login. `obstacles` stop a real one, each in a sentence."""

    user: DryUser | None = None
    roles: tuple[DryRole, ...] = ()
    mapping: RoleMapping | None = None
    second_factor: bool = False
    obstacles: tuple[str, ...] = ()

    @property
    def would_sign_in(self) -> bool:
        taken = self.user is not None or any(role.choice.allowed for role in self.roles)
        return taken and not self.obstacles


def try_role_login(session: Session, identity: VerifiedIdentity, provider_arn: str, occasion: Occasion) -> DryLogin:
    """Of a response at the consumer of role SSO, which `provider_arn` alone may vouch for."""
    facts = facts_of(identity)
    voucher, why = Vouching(session, facts).find(parse_ram_arn(provider_arn, "saml-provider"))
    if voucher is None:
        return DryLogin(obstacles=(f"This provider does not vouch for the login: {why}.",))
    return _with_roles(session, identity, facts, voucher, occasion, DryLogin(), only_provider=provider_arn)


def try_user_login(
    session: Session, identity: VerifiedIdentity, account_id: str, *, suffix: str, occasion: Occasion
) -> DryLogin:
    """Of a response at a consumer of user SSO."""
    account, settings = get_account(session, account_id), find_user_sso(session, account_id)
    facts, key = facts_of(identity), user_sso_key(account_id)
    arn = user_sso_provider_arn(account_id)
    login = get_login_settings(session, key, SAML_DEFAULT)
    voucher = Voucher(key, arn, account_id, facts.certificate_fingerprint, login)
    obstacles = list(_network(session, account_id, occasion))
    user = None
    if settings is not None:
        if not settings.enabled:
            obstacles.append("User SSO is turned off for this account: nobody signs in by it until it is turned on.")
        if not settings.idp_initiated and identity.in_response_to is None:
            obstacles.append(
                "The account does not accept sign-ins that begin at the identity provider, as this one did."
            )
        try:
            found = match_user(session, account, settings, identity.subject, suffix)
        except GatewayError as error:
            obstacles.append(_sentence(error))
        else:
            who = Foreseen(found, found.name, "matched by the NameID", linked=False)
            user = _dry_user(session, account, who, (), _user_duration(account, facts, occasion))
            obstacles += _expired(user)
    return DryLogin(user=user, second_factor=_second_factor(facts, voucher), obstacles=tuple(obstacles))


def try_oidc_login(session: Session, identity: VerifiedIdentity, *, suffix: str, occasion: Occasion) -> DryLogin:
    """Of an ID token that the provider's callback brought."""
    facts = facts_of(identity)
    voucher, why = Vouching(session, facts).find(parse_ram_arn(identity.provider, "oidc-provider"))
    if voucher is None:
        return DryLogin(obstacles=(f"This provider does not vouch for the login: {why}.",))
    use, obstacles = voucher.settings.use, list(_network(session, voucher.account_id, occasion))
    if use is Use.EXCHANGE_ONLY:
        obstacles.append("Sign-in in the browser is turned off for this provider.")
    user: DryUser | None = None
    if use is not Use.ROLE:
        account = get_account(session, voucher.account_id)
        context = login_context(facts, voucher, occasion)
        try:
            who = foresee_person(session, account, voucher, facts, context, suffix=suffix)
        except GatewayError as error:
            if use is Use.USER:
                obstacles.append(_sentence(error))
        else:
            groups = said_groups(voucher, context)
            user = _dry_user(session, account, who, groups, _user_duration(account, facts, occasion))
            obstacles += _expired(user)
    dry = DryLogin(user=user, second_factor=_second_factor(facts, voucher), obstacles=tuple(obstacles))
    if user is not None or use is Use.USER:
        return dry
    return _with_roles(session, identity, facts, voucher, occasion, dry)


def _with_roles(  # noqa: PLR0917 - what the login says, who vouches, when, and what is known by now
    session: Session,
    identity: VerifiedIdentity,
    facts: LoginFacts,
    voucher: Voucher,
    occasion: Occasion,
    dry: DryLogin,
    only_provider: str = "",
) -> DryLogin:
    obstacles = list(dry.obstacles)
    try:
        mapping = role_choices(session, identity, occasion, only_provider=only_provider)
    except GatewayError as error:
        return DryLogin(second_factor=_second_factor(facts, voucher), obstacles=(*obstacles, _sentence(error)))
    resolved = iter(mapping.resolved)
    roles = tuple(
        _dry_role(session, facts, voucher, choice, next(resolved) if choice.allowed else None, occasion)
        for choice in mapping.choices
    )
    if not any(choice.allowed for choice in mapping.choices):
        obstacles.append("None of the roles that the login asks for can be taken.")
    if any(row.account.id == voucher.account_id for row in mapping.resolved):
        obstacles += [each for each in _network(session, voucher.account_id, occasion) if each not in obstacles]
    return DryLogin(None, roles, mapping, _second_factor(facts, voucher), tuple(obstacles))


def _dry_role(  # noqa: PLR0917 - what the login says, who vouches, and the role
    session: Session,
    facts: LoginFacts,
    voucher: Voucher,
    choice: RoleChoice,
    row: ResolvedRole | None,
    occasion: Occasion,
) -> DryRole:
    if row is None:
        elsewhere = choice.refusal is Refusal.PROVIDER and choice.provider_arn.lower() != voucher.arn.lower()
        return DryRole(replace(choice, why=_ELSEWHERE) if elsewhere else choice, (), None)
    own = row.account.id == voucher.account_id
    role = find_role_by_id(session, row.role.id) if own else None
    grants = _grants(session, [role]) if role is not None else ()  # another account's policies are its own business
    return DryRole(choice, grants, _role_duration(facts, choice, row, occasion))


def _dry_user(
    session: Session, account: Account, who: Foreseen, groups: tuple[str, ...], duration: Cap | None
) -> DryUser:
    user = who.user
    own = list(groups_of(session, user)) if user is not None else []
    known = {group.id for group in own}
    said = [find_group(session, account.id, group) for group in groups]
    holders: list[User | Group | Role] = [user] if user is not None else []
    holders += [*own, *(group for group in said if group is not None and group.id not in known)]
    return DryUser(who.name, who.how, user is not None, groups, _grants(session, holders), duration)


def _grants(session: Session, holders: Iterable[User | Group | Role]) -> tuple[Grant, ...]:
    return tuple(_grant(attached, holder) for holder in holders for attached in policies_of(session, holder))


def _grant(attached: Attachment, holder: User | Group | Role) -> Grant:
    return Grant(attached.policy_type, attached.policy_name, f"{type(holder).__name__.lower()} {holder.name}")


def _network(session: Session, account_id: str, occasion: Occasion) -> tuple[str, ...]:
    try:
        check_network(session, account_id, occasion)
    except GatewayError as error:
        return (_sentence(error),)
    return ()


def _second_factor(facts: LoginFacts, voucher: Voucher) -> bool:
    return assurance_of(facts, voucher.settings.second_factors).second_factor


def _role_duration(facts: LoginFacts, choice: RoleChoice, row: ResolvedRole, occasion: Occasion) -> Cap | None:
    try:
        return console_duration(
            attribute_s=choice.session_duration_s,
            session_not_on_or_after=facts.session_not_on_or_after,
            role_max_s=row.role.max_session_duration_s,
            login_limit_h=row.account.login_session_duration_h,
            now=occasion.now,
        )
    except GatewayError:  # the session at the identity provider is over
        return None


def _user_duration(account: Account, facts: LoginFacts, occasion: Occasion) -> Cap | None:
    try:
        return user_duration(
            session_not_on_or_after=facts.session_not_on_or_after,
            login_limit_h=account.login_session_duration_h,
            now=occasion.now,
        )
    except GatewayError:
        return None


def _expired(user: DryUser) -> tuple[str, ...]:
    return () if user.duration is not None else ("The session at the identity provider is over already.",)


def _sentence(error: GatewayError) -> str:
    return error.public[:1].upper() + error.public[1:]
