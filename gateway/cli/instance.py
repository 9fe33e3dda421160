"""`ramgate instance`: applications on instances, at the gateway and on the instance itself."""

import ipaddress
import signal
import sys
from pathlib import Path
from threading import Thread

import click

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskGroup
from gateway.cli.printing import Row
from gateway.directory import instances
from gateway.directory.roles import find_role_by_id
from gateway.fetch import Fetcher
from gateway.instance.calls import check_gateway, enrol, fetch_credentials
from gateway.instance.holding import Holder
from gateway.instance.identity import check_free, load_identity, make_directory, new_identity, save_identity
from gateway.instance.serving import URI_FILE, InstanceServer, parse_listen
from gateway.outbound import OutboundRules
from gateway.secret import Secret
from gateway.store.paging import Page

_ALL = Page(1000)
_directory = click.option(
    "--state",
    "directory",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("/var/lib/ramgate-instance"),
    show_default=True,
    help="Where the instance keeps its key.",
)
_ca_file = click.option(
    "--ca-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="PEM certificates to believe."
)


@click.group("instance", cls=DeskGroup)
def instance() -> None:
    """Applications on instances get the credentials of a role without keeping a secret.

    `register`, `list`, `renew` and `deregister` are for the gateway; `enrol` and `agent` run on the instance.
    """


@instance.command("register")
@click.argument("name")
@click.option("--role", "role_name", required=True, help="A role that trusts the service ecs.aliyuncs.com.")
@pass_desk
def register(desk: Desk, name: str, role_name: str) -> None:
    """Register an instance; prints the token that it enrols with, once, within a day."""
    with desk.transaction() as session:
        made = instances.register_instance(session, desk.account(session).id, name, role_name, desk.now())
        shown = _shown(made)
    desk.out.record(shown)


@instance.command("renew")
@click.argument("name")
@pass_desk
def renew(desk: Desk, name: str) -> None:
    """A new token for an instance that lost its key, or may have been copied. What it had ends at once."""
    with desk.transaction() as session:
        made = instances.renew_enrolment(session, desk.account(session).id, name, desk.now())
        shown = _shown(made)
    desk.out.record(shown)


@instance.command("list")
@pass_desk
def list_all(desk: Desk) -> None:
    """List the instances of an account."""
    with desk.reading() as session:
        found = instances.page_instances(session, desk.account(session).id, _ALL)
        rows: list[Row] = []
        for each in found.rows:
            role = find_role_by_id(session, each.role_id)
            rows.append(
                {
                    "name": each.name,
                    "id": each.id,
                    "role": "(deleted)" if role is None else role.name,
                    "enrolled_at": each.enrolled_at,
                    "credentials_at": each.credentials_at,
                }
            )
    desk.out.rows(rows, ("name", "id", "role", "enrolled_at", "credentials_at"))


@instance.command("deregister")
@click.argument("name")
@pass_desk
def deregister(desk: Desk, name: str) -> None:
    """Forget an instance. It gets no more credentials, and those that it has end at once."""
    with desk.transaction() as session:
        gone = instances.deregister_instance(session, desk.account(session).id, name)
    desk.out.done(f"{gone.name} ({gone.id}) is no instance any more, and its credentials have ended")


@instance.command("enrol")
@click.option("--gateway", "url", required=True, help="The gateway's origin, such as https://sso.example.com.")
@_directory
@_ca_file
@pass_desk
def enrol_here(desk: Desk, url: str, directory: Path, ca_file: Path | None) -> None:
    """Run on the instance: make its key, and enrol it with the token on standard input."""
    fetcher = _fetcher(ca_file)
    gateway = check_gateway(fetcher, url)
    make_directory(directory)
    check_free(directory)
    token = Secret(click.prompt("Enrolment token", hide_input=True, err=True) if sys.stdin.isatty() else input())
    identity = enrol(fetcher, new_identity(gateway), token)
    save_identity(directory, identity)
    desk.out.done(f"enrolled as {identity.arn} for the role {identity.role_name}")


@instance.command("agent")
@click.option("--listen", default="127.0.0.1:8200", show_default=True, metavar="ADDRESS:PORT")
@click.option("--duration", type=click.IntRange(900, 43_200), help="Seconds that credentials last; 3600 if not given.")
@_directory
@_ca_file
@pass_desk
def agent(desk: Desk, listen: str, duration: int | None, directory: Path, ca_file: Path | None) -> None:
    """Run on the instance: hand out the role's credentials to the applications there, until told to stop."""
    address = parse_listen(listen)
    make_directory(directory)
    identity, fetcher = load_identity(directory), _fetcher(ca_file)
    holder = Holder(lambda: fetch_credentials(fetcher, identity, desk.clock, duration), desk.clock)
    server = InstanceServer(holder, desk.clock, address, directory)
    for number in (signal.SIGTERM, signal.SIGINT):
        # From another thread: the one that serves would wait for itself.
        signal.signal(number, lambda *_: Thread(target=server.shutdown).start())
    host, port = server.server_address[:2]
    desk.out.done(f"listening on {host!s}:{port}; ALIBABA_CLOUD_CREDENTIALS_URI is in {directory / URI_FILE}")
    sys.stdout.flush()
    server.run()


def _shown(made: instances.Registered) -> Row:
    return {
        "id": made.instance.id,
        "name": made.instance.name,
        "enrolment_token": made.token.reveal(),
        "expires_at": made.instance.token_expires_at,
    }


def _fetcher(ca_file: Path | None) -> Fetcher:
    """The gateway of an instance is chosen by who set the instance up, and may stand in any network."""
    everywhere = tuple(ipaddress.ip_network(text) for text in ("0.0.0.0/0", "::/0"))
    return Fetcher(OutboundRules(everywhere, development=True), ca_file)
