"""`ramgate oidc sign-in`, `login`, `links`, `unlink`: how people sign in through a provider."""

import sys
from dataclasses import fields, replace
from datetime import datetime

import click

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskCommand
from gateway.cli.options import Instant
from gateway.cli.printing import Row
from gateway.directory import identity_links, oidc_sign_in, users
from gateway.directory.groups import get_group
from gateway.directory.oidc_providers import get_oidc_provider
from gateway.directory.oidc_sign_in import SignInWish
from gateway.directory.provider_logins import LoginSettings, Use, set_login_settings
from gateway.errors import InputError, Reason
from gateway.federation.registered import get_registered
from gateway.federation.rules import check_session_name_template
from gateway.identity import Protocol
from gateway.oidc.client_authentication import ClientMethod
from gateway.secret import Secret
from gateway.store.paging import Page

_LINKS = 10_000


def add_login_commands(group: click.Group) -> None:
    for command in (sign_in, no_sign_in, login, links, unlink):
        group.add_command(command)


@click.command("sign-in", cls=DeskCommand)
@click.argument("name")
@click.option("--client-id", default=None, help="Our client there; as it is if not given.")
@click.option(
    "--method", type=click.Choice([each.value for each in ClientMethod]), default=None, help="How we prove who we are."
)
@click.option(
    "--client-secret-stdin", "from_stdin", is_flag=True, help="Read the secret from standard input, one line."
)
@click.option("--ask-client-secret", "asks", is_flag=True, help="Ask for the secret.")
@click.option(
    "--secret-expires-on",
    "expires_on",
    type=Instant(),
    default=None,
    help="When the secret lapses there, such as 2027-01-31. A new secret without it has no date.",
)
@click.option("--scope", "scopes", multiple=True)
@click.option("--acr", "acr_values", multiple=True, help="A level of authentication to ask for.")
@click.option("--prompt", "prompt", multiple=True, type=click.Choice(["none", "login", "consent", "select_account"]))
@click.option("--max-age", "max_age_s", type=int, default=None, help="Seconds since the person signed in there.")
@click.option("--user-info/--no-user-info", "reads_user_info", default=None, help="Ask the UserInfo endpoint too.")
@pass_desk
def sign_in(
    desk: Desk,
    /,
    name: str,
    client_id: str | None,
    method: str | None,
    *,
    from_stdin: bool,
    asks: bool,
    expires_on: datetime | None,
    **wish: object,
) -> None:
    """Set our client at the provider up, or change what each sign-in asks for. `login` says what it becomes."""
    secret = _read_secret(from_stdin=from_stdin, asks=asks)
    with desk.transaction() as session:
        provider = get_oidc_provider(session, desk.account(session).id, name)
        before, _ = oidc_sign_in.inspect_oidc_sign_in(session, desk.ring, provider)
        if secret is None and before is None and method != ClientMethod.PRIVATE_KEY:
            raise InputError(Reason.PARAMETER_MISSING, "a new client needs its secret", subject="ClientSecret")
        if client_id is None and before is None:
            raise InputError(Reason.PARAMETER_MISSING, "a new client needs --client-id", subject="ClientId")
        given = {key: value for key, value in wish.items() if value not in (None, ())}
        known_date = before.secret_expires_at if before and secret is None else None
        oidc_sign_in.set_oidc_sign_in(
            session,
            desk.ring,
            provider,
            client_id=client_id or (before.client.client_id if before else ""),
            method=ClientMethod(method) if method else (before.client.method if before else ClientMethod.BASIC),
            client_secret=secret,
            wish=replace(before.wish if before else SignInWish(), **given),  # type: ignore[arg-type]
            secret_expires_at=expires_on or known_date,
            now=desk.now(),
        )
    desk.out.done(f"the client at {name} is set up")


@click.command("no-sign-in", cls=DeskCommand)
@click.argument("name")
@pass_desk
def no_sign_in(desk: Desk, name: str) -> None:
    """Take our client away: the provider is for the exchange of tokens only."""
    with desk.transaction() as session:
        provider = get_oidc_provider(session, desk.account(session).id, name)
        oidc_sign_in.delete_oidc_sign_in(session, provider)
    desk.out.done(f"nobody signs in through {name} in the browser any more")


@click.command("login", cls=DeskCommand)
@click.argument("name")
@click.option("--use", type=click.Choice([each.value for each in Use]), default=None, help="What people become.")
@click.option("--logon-name", "logon_name_key", default=None, help="Condition key, such as oidc:claim/email.")
@click.option("--with-domain/--bare-name", "login_with_domain", default=None)
@click.option("--roles", "roles_key", default=None, help="Condition key whose values are roles.")
@click.option("--groups", "groups_key", default=None, help="Condition key whose values are groups.")
@click.option("--session-name", default=None, help="Template, such as ${oidc:claim/email}.")
@click.option(
    "--create-users/--no-create-users", "creates_users", default=None, help="Make users at their first sign-in."
)
@click.option("--new-user-group", default=None)
@click.option("--new-user-days", type=int, default=None)
@click.option("--second-factor", "second_factors", multiple=True, help="A value of acr or amr; replaces all of them.")
@click.option("--no-second-factor", "none_counts", is_flag=True, help="No sign-in counts as one with a second factor.")
@pass_desk
def login(desk: Desk, /, name: str, *, use: str | None, none_counts: bool, **changes: object) -> None:
    """Say what a sign-in through the provider becomes. What is not given stays as it is."""
    known = {each.name for each in fields(LoginSettings)}
    given = {key: value for key, value in changes.items() if key in known and value not in (None, ())}
    given |= {"use": Use(use)} if use else {}
    given |= {"second_factors": ()} if none_counts else {}
    with desk.transaction() as session:
        account_id = desk.account(session).id
        registered = get_registered(session, account_id, Protocol.OIDC, name)
        settings = replace(registered.settings, **given)  # type: ignore[arg-type]
        if settings.session_name:
            check_session_name_template(settings.session_name)
        if settings.new_user_group:
            get_group(session, account_id, settings.new_user_group)
        set_login_settings(session, account_id, registered.key, settings, now=desk.now())
    desk.out.done(f"a sign-in through {name} is for: {settings.use}")


@click.command("links", cls=DeskCommand)
@click.argument("name")
@pass_desk
def links(desk: Desk, name: str) -> None:
    """List which users are people of the provider."""
    with desk.reading() as session:
        registered = get_registered(session, desk.account(session).id, Protocol.OIDC, name)
        rows: list[Row] = [
            {"user": user.name, "since": link.created_at, "last_sign_in": link.last_login_at}
            for link, user in identity_links.page_links(session, registered.key, Page(_LINKS)).rows
        ]
    desk.out.rows(rows, ("user", "since", "last_sign_in"))


@click.command("unlink", cls=DeskCommand)
@click.argument("name")
@click.argument("user")
@pass_desk
def unlink(desk: Desk, name: str, user: str) -> None:
    """Forget who USER is at the provider. The next sign-in that means the user links it anew."""
    with desk.transaction() as session:
        account_id = desk.account(session).id
        registered = get_registered(session, account_id, Protocol.OIDC, name)
        identity_links.unlink_user(session, users.get_user(session, account_id, user), registered.key)
    desk.out.done(f"{user} is linked to nobody of {name}")


def _read_secret(*, from_stdin: bool, asks: bool) -> Secret | None:
    """Never from the command line, which other processes can read. Raises: InputError(PARAMETER_INVALID)."""
    if from_stdin and asks:
        message = "--client-secret-stdin and --ask-client-secret exclude each other"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="ClientSecret")
    if asks:
        return Secret(click.prompt("Client secret", hide_input=True, err=True))
    if not from_stdin:
        return None
    line = sys.stdin.readline().rstrip("\r\n")
    if not line:
        raise InputError(Reason.PARAMETER_INVALID, "standard input holds no secret", subject="ClientSecret")
    return Secret(line)
