"""`ramgate key`: access keys of users and owners, and the gateway's own master keys."""

import click
from sqlalchemy.orm import Session

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskGroup
from gateway.cli.printing import Row
from gateway.directory import access_key_policies, access_keys, recycled_keys, users
from gateway.directory.access_keys import AccessKeyStatus
from gateway.directory.network_policies import NO_POLICY
from gateway.key_files import rotate_master_key

USER = click.option("--user", "user_name", metavar="USER", help="Whose it is; the account owner's if not given.")


@click.group("key", cls=DeskGroup)
def key() -> None:
    """Access keys, and the gateway's own master keys."""


@key.command("create")
@USER
@pass_desk
def create(desk: Desk, user_name: str | None) -> None:
    """Make an access key. Its secret is shown once."""
    with desk.transaction() as session:
        account_id, user_id = _holder(desk, session, user_name)
        made = access_keys.create_access_key(session, desk.ring, account_id=account_id, user_id=user_id, now=desk.now())
    desk.out.record({"access_key_id": made.access_key_id, "access_key_secret": made.secret.reveal()})


@key.command("list")
@USER
@pass_desk
def list_all(desk: Desk, user_name: str | None) -> None:
    """List access keys, without their secrets."""
    with desk.reading() as session:
        account_id, user_id = _holder(desk, session, user_name)
        rows: list[Row] = [
            {"access_key_id": found.id, "status": found.status, "created_at": found.created_at}
            for found in access_keys.list_access_keys(session, account_id, user_id)
        ]
    desk.out.rows(rows, ("access_key_id", "status", "created_at"))


@key.command("enable")
@click.argument("access_key_id")
@USER
@pass_desk
def enable(desk: Desk, access_key_id: str, user_name: str | None) -> None:
    """Let an access key be used again."""
    _set_status(desk, access_key_id, user_name, AccessKeyStatus.ACTIVE)


@key.command("disable")
@click.argument("access_key_id")
@USER
@pass_desk
def disable(desk: Desk, access_key_id: str, user_name: str | None) -> None:
    """Refuse an access key until it is enabled again."""
    _set_status(desk, access_key_id, user_name, AccessKeyStatus.INACTIVE)


@key.command("delete")
@click.argument("access_key_id")
@USER
@pass_desk
def delete(desk: Desk, access_key_id: str, user_name: str | None) -> None:
    """Delete an access key. A user's can be restored for 30 days, the account owner's can't."""
    with desk.transaction() as session:
        account_id, user_id = _holder(desk, session, user_name)
        recycled_keys.delete_access_key(
            session, account_id=account_id, user_id=user_id, access_key_id=access_key_id, now=desk.now()
        )
    desk.out.done(f"deleted access key {access_key_id}")


@key.command("networks")
@click.argument("access_key_id", required=False)
@USER
@click.option("--lift", is_flag=True, help="Let it be used from anywhere again.")
@pass_desk
def networks(desk: Desk, access_key_id: str | None, user_name: str | None, *, lift: bool) -> None:
    """Show the network policy of an access key, or without one that of all keys of the account.

    Lifting it is the way back in for whoever was shut out by it.
    """
    with desk.transaction() if lift else desk.reading() as session:
        account_id, user_id = _holder(desk, session, user_name)
        if lift and access_key_id is None:
            access_key_policies.set_account_policy(session, account_id, NO_POLICY)
        elif lift and access_key_id is not None:
            access_key_policies.set_key_policy(
                session, account_id=account_id, user_id=user_id, access_key_id=access_key_id, policy=NO_POLICY
            )
        document = (
            access_key_policies.get_account_policy(session, account_id)
            if access_key_id is None
            else access_key_policies.get_key_policy(
                session, account_id=account_id, user_id=user_id, access_key_id=access_key_id
            )
        )
    desk.out.record({"policy": document})


@key.command("rotate")
@pass_desk
def rotate(desk: Desk) -> None:
    """Put a new master key in front of the others.

    It seals from the next start of the gateway on. What the old ones sealed still opens: keep them.
    """
    with desk.changing_files():
        count = len(rotate_master_key(desk.settings.certs_dir).keys)
    desk.out.done(f"the key ring has {count} keys now; restart the gateway to use the new one", {"master_keys": count})


def _holder(desk: Desk, session: Session, user_name: str | None) -> tuple[str, str | None]:
    """Account and user whose keys are meant; no user stands for the account owner."""
    account_id = desk.account(session).id
    return account_id, None if user_name is None else users.get_user(session, account_id, user_name).id


def _set_status(desk: Desk, access_key_id: str, user_name: str | None, status: AccessKeyStatus) -> None:
    with desk.transaction() as session:
        account_id, user_id = _holder(desk, session, user_name)
        access_keys.set_status(
            session,
            account_id=account_id,
            user_id=user_id,
            access_key_id=access_key_id,
            status=status,
            now=desk.now(),
        )
    desk.out.done(f"access key {access_key_id} is {status.lower()}")
