"""`ramgate account`: accounts, their owners, names and domains."""

from collections.abc import Sequence

import click

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import Decorated, DeskGroup, password_options, read_password
from gateway.cli.printing import Row
from gateway.directory import accounts, domains, mfa_devices
from gateway.directory.accounts import Account


@click.group("account", cls=DeskGroup)
def account() -> None:
    """Accounts: owners, aliases, domains, session length."""


def create_account_options(function: Decorated) -> Decorated:
    for option in (
        click.option(
            "--owner", metavar="LOGIN", default="owner", show_default=True, help="What the owner signs in as."
        ),
        click.option("--name", default="", help="Display name, such as the company's."),
        click.option("--alias", default=None, help="Lower-case name in URLs and logins; else the account ID."),
    ):
        function = option(function)
    return function


def make_account(desk: Desk, alias: str | None, name: str, owner: str, *, from_stdin: bool, generate: bool) -> None:
    password = read_password(from_stdin=from_stdin, generate=generate)
    with desk.transaction() as session:
        made = accounts.create_account(
            session, alias=alias, display_name=name, owner_login=owner, owner_password=password, now=desk.now()
        )
        desk.concerns(made.id)
        record = dict(_record(desk, made, ()))
    if generate:
        record["owner_password"] = password.reveal()
    desk.out.record(record)


@account.command("create")
@create_account_options
@password_options
@pass_desk
def create(desk: Desk, alias: str | None, name: str, owner: str, *, from_stdin: bool, generate: bool) -> None:
    """Add an account with its owner."""
    make_account(desk, alias, name, owner, from_stdin=from_stdin, generate=generate)


@account.command("list")
@pass_desk
def list_all(desk: Desk) -> None:
    """List the accounts."""
    with desk.reading() as session:
        rows = [
            _record(desk, found, domains.list_domain_aliases(session, found.id))
            for found in accounts.list_accounts(session)
        ]
    desk.out.rows(rows, ("account_id", "alias", "display_name", "owner"))


@account.command("show")
@pass_desk
def show(desk: Desk) -> None:
    """Show an account and its domains."""
    with desk.reading() as session:
        found = desk.account(session)
        record = _record(desk, found, domains.list_domain_aliases(session, found.id))
    desk.out.record(record)


@account.command("set-owner-password")
@password_options
@pass_desk
def set_owner_password(desk: Desk, *, from_stdin: bool, generate: bool) -> None:
    """Give the owner another password, such as when the old one is lost."""
    password = read_password(from_stdin=from_stdin, generate=generate)
    with desk.reading() as session:
        found = desk.account(session)
    with desk.transaction() as session:
        accounts.set_owner_password(session, found.id, password)
    record = {"owner": found.owner_login}
    if generate:
        record["owner_password"] = password.reveal()
    desk.out.record(record)


@account.command("drop-owner-mfa")
@pass_desk
def drop_owner_mfa(desk: Desk) -> None:
    """Take the MFA device off the owner, and delete its key: the way back in when the phone is lost."""
    with desk.transaction() as session:
        found = desk.account(session)
        device = mfa_devices.drop_device_of(session, found)
    desk.out.done(
        f"{found.owner_login} signs in without a code", {"owner": found.owner_login, "device": device.serial_number}
    )


@account.command("set-alias")
@click.argument("alias", required=False)
@pass_desk
def set_alias(desk: Desk, alias: str | None) -> None:
    """Change the alias, and with it the default domain; without ALIAS it is the account ID again."""
    with desk.transaction() as session:
        found = desk.account(session)
        accounts.set_alias(session, found.id, alias)
        domain = domains.default_domain(found, desk.settings.domain_suffix)
    desk.out.done(f"the default domain is {domain}", {"alias": found.alias, "default_domain": domain})


@account.command("set-session-hours")
@click.argument("hours", type=int)
@pass_desk
def set_session_hours(desk: Desk, hours: int) -> None:
    """Change how long a sign-in lasts at most, in hours (1 to 24)."""
    with desk.transaction() as session:
        accounts.set_login_session_duration(session, desk.account(session).id, hours)
    desk.out.done(f"a sign-in lasts at most {hours} hours", {"login_session_hours": hours})


@account.command("add-domain")
@click.argument("domain")
@pass_desk
def add_domain(desk: Desk, domain: str) -> None:
    """Add a domain alias: user@DOMAIN then names a RAM user."""
    with desk.transaction() as session:
        domains.add_domain_alias(session, desk.account(session).id, domain, desk.now())
    desk.out.done(f"added domain {domain}")


@account.command("remove-domain")
@click.argument("domain")
@pass_desk
def remove_domain(desk: Desk, domain: str) -> None:
    """Remove a domain alias."""
    with desk.transaction() as session:
        domains.remove_domain_alias(session, desk.account(session).id, domain)
    desk.out.done(f"removed domain {domain}")


@account.command("auxiliary-domain")
@click.argument("domain", required=False)
@pass_desk
def auxiliary_domain(desk: Desk, domain: str | None) -> None:
    """Set the auxiliary domain of user SSO; without DOMAIN there is none. Ignored while there is a domain alias."""
    with desk.transaction() as session:
        domains.set_auxiliary_domain(session, desk.account(session).id, domain)
    desk.out.done(f"the auxiliary domain is {domain or 'not set'}", {"auxiliary_domain": domain})


def _record(desk: Desk, found: Account, aliases: Sequence[domains.DomainAlias]) -> Row:
    return {
        "account_id": found.id,
        "alias": found.alias,
        "display_name": found.display_name,
        "owner": found.owner_login,
        "default_domain": domains.default_domain(found, desk.settings.domain_suffix),
        "domain_aliases": [alias.domain for alias in aliases],
        "auxiliary_domain": found.auxiliary_domain,
        "login_session_hours": found.login_session_duration_h,
        "created_at": found.created_at,
    }
