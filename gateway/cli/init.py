"""`ramgate init`: keys, database, first account."""

import click

from gateway.cli.account import create_account_options, make_account
from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskCommand, password_options
from gateway.directory.accounts import list_accounts
from gateway.errors import AlreadyExists, Reason
from gateway.store.migrate import upgrade


@click.command("init", cls=DeskCommand)
@create_account_options
@password_options
@pass_desk
def init(desk: Desk, alias: str | None, name: str, owner: str, *, from_stdin: bool, generate: bool) -> None:
    """Make the keys, the database and the first account with its owner.

    The owner signs in with a password of its own, whatever single sign-on does: it is the way back in.
    """
    upgrade(desk.store)
    with desk.reading() as session:
        if list_accounts(session):
            raise AlreadyExists(
                Reason.ALREADY_EXISTS,
                "the gateway is set up; add accounts with `ramgate account create`",
                subject="Account",
            )
    desk.make_keys()
    make_account(desk, alias, name, owner, from_stdin=from_stdin, generate=generate)
