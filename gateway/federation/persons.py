"""From a verified login to a RAM user, for providers whose people are known by their subject: link, match, make.

1. A subject that is linked to a user is that user, whatever else the login says.
2. Otherwise the logon name that the account chose to read finds a user whom no provider knows yet, and links it.
3. Otherwise, where the account wants that, a user of this name is made, and linked.

The same address from another provider, or with another subject, never finds a linked user: whoever is given a name that
somebody had before does not become that person.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from gateway.directory.accounts import Account
from gateway.directory.claimed_groups import DerivedGroups, replace_claimed_groups
from gateway.directory.identity_links import find_linked_user, link_user, links_of, record_link_use
from gateway.directory.names import USER_NAME, check_name
from gateway.directory.users import ProvisionType, User, create_user, find_user
from gateway.errors import AuthenticationError, InputError, Reason
from gateway.federation.facts import LoginFacts
from gateway.federation.rules import Context, read_key
from gateway.federation.user_matching import local_part
from gateway.federation.vouching import Voucher

_EMAIL = "oidc:claim/email"
_EMAIL_VERIFIED = "oidc:claim/email_verified"
_MADE = "Made at the first sign-in through {arn}"
_LONGEST_COMMENTS = 128


@dataclass(frozen=True, slots=True)
class Person:
    """A user, and how the login came to be that user."""

    user: User
    how: str  # for the receipt


@dataclass(frozen=True, slots=True)
class Foreseen:
    """Who a login is about to be. `user` is None where one of this `name` is still to be made."""

    user: User | None
    name: str
    how: str
    linked: bool


def find_person(
    session: Session,
    account: Account,
    voucher: Voucher,
    facts: LoginFacts,
    context: Context,
    *,
    suffix: str,
    now: datetime,
) -> Person:
    """The user that a login means; links and, where the account wants it, makes one.

    `context` are the condition keys of the login (`federation.role_options.login_context`).
    Raises: AuthenticationError with USER_NO_MATCH, USER_DOMAIN_NOT_ACCEPTED, USER_NAME_CLAIM or USER_LINKED_ELSEWHERE;
    LimitExceeded where the account has as many users as it may have.
    """
    foreseen = foresee_person(session, account, voucher, facts, context, suffix=suffix)
    user = foreseen.user or _make_user(session, account, voucher, foreseen.name, now)
    if not foreseen.linked:
        link_user(session, voucher.key, facts.subject, user, now=now)
    record_link_use(session, voucher.key, facts.subject, now)
    return Person(user, foreseen.how)


def foresee_person(
    session: Session, account: Account, voucher: Voucher, facts: LoginFacts, context: Context, *, suffix: str
) -> Foreseen:
    """Who `find_person` would make of a login; nothing is linked, made or counted.

    Raises: as `find_person`, but for the limit of users.
    """
    linked = find_linked_user(session, voucher.key, account.id, facts.subject)
    if linked is not None:
        return Foreseen(linked, linked.name, "linked by the subject", linked=True)
    name = _logon_name(session, account, voucher, context, suffix)
    user = find_user(session, account.id, name)
    if user is None:
        _check_may_be_made(account, voucher, name)
        return Foreseen(None, name, f"made by {voucher.settings.logon_name_key}", linked=False)
    if links_of(session, user):
        raise AuthenticationError(
            Reason.USER_LINKED_ELSEWHERE,
            "The user of this name belongs to somebody else who signed in before. Ask your administrator.",
            detail=f"{user.arn} is linked to another subject or provider than {facts.subject!r:.200} of {voucher.arn}",
        )
    return Foreseen(user, user.name, f"matched by {voucher.settings.logon_name_key}", linked=False)


def derive_groups(
    session: Session, person: Person, voucher: Voucher, context: Context, *, session_ends_at: datetime, now: datetime
) -> DerivedGroups:
    """Put the user into the groups that this login says, and out of those that it does not say any more.

    Groups named by a claim last as long as the session; the group of users who were made by a login lasts for the days
    that the account set, counted from the last login.
    """
    settings = voucher.settings
    until = dict.fromkeys(said_groups(voucher, context), session_ends_at)
    if person.user.provision_type == ProvisionType.FEDERATED and settings.new_user_group:
        until[settings.new_user_group] = now + timedelta(days=settings.new_user_days)
    return replace_claimed_groups(session, person.user, voucher.key, until)


def _logon_name(session: Session, account: Account, voucher: Voucher, context: Context, suffix: str) -> str:
    key = voucher.settings.logon_name_key
    values = read_key(context, key)
    if len(values) != 1:
        has = "it has none" if not values else f"it has {len(values)}"
        raise AuthenticationError(
            Reason.USER_NAME_CLAIM,
            "Your identity provider did not say your sign-in name in the way that this account expects.",
            detail=f"{voucher.arn}: one value of {key} is wanted, {has}; the login has {sorted(context)!r:.500}",
        )
    if key.lower() == _EMAIL and read_key(context, _EMAIL_VERIFIED) != ("true",):
        raise AuthenticationError(
            Reason.USER_NAME_CLAIM,
            "Your identity provider did not confirm your e-mail address.",
            detail=f"{voucher.arn}: {_EMAIL} names nobody while {_EMAIL_VERIFIED} is not true",
        )
    return local_part(session, account, values[0], suffix, with_domain=voucher.settings.login_with_domain)


def said_groups(voucher: Voucher, context: Context) -> tuple[str, ...]:
    """The names of groups that a login says, whether or not there are such groups."""
    return read_key(context, voucher.settings.groups_key)


def _check_may_be_made(account: Account, voucher: Voucher, name: str) -> None:
    if not voucher.settings.creates_users:
        raise AuthenticationError(
            Reason.USER_NO_MATCH,
            "The user does not exist. Ask your administrator to create a RAM user with your sign-in name.",
            detail=f"account {account.id}, name {name!r:.200}: no such user, and {voucher.arn} does not make users",
        )
    try:
        check_name(USER_NAME, name)
    except InputError as error:
        raise AuthenticationError(
            Reason.USER_NO_MATCH,
            "Your sign-in name can't be the name of a RAM user. Ask your administrator.",
            detail=f"account {account.id}, name {name!r:.200}: {error.public}",
        ) from error


def _make_user(session: Session, account: Account, voucher: Voucher, name: str, now: datetime) -> User:
    comments = _MADE.format(arn=voucher.arn)[:_LONGEST_COMMENTS]
    return create_user(session, account.id, name, comments=comments, provision_type=ProvisionType.FEDERATED, now=now)
