"""`ramgate provider request-options` and `ramgate sso request-options`: what each login asks of a SAML provider."""

from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any, TypeVar

import click
from sqlalchemy.orm import Session

from gateway.asking import Comparison, RequestOptions, ResponseBinding
from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskCommand
from gateway.cli.printing import Row
from gateway.directory.provider_keys import user_sso_key
from gateway.directory.request_options import get_request_options, set_request_options
from gateway.federation.registered import get_registered
from gateway.identity import Protocol

Command = TypeVar("Command", bound=Callable[..., Any])


def _options(command: Command) -> Command:
    for option in reversed(
        (
            click.option("--context", "contexts", multiple=True, help="An AuthnContextClassRef; replaces all of them."),
            click.option("--any-context", "any_context", is_flag=True, help="Ask for no context."),
            click.option("--comparison", type=click.Choice([each.value for each in Comparison]), default=None),
            click.option(
                "--force-authn/--no-force-authn", "force_authn", default=None, help="Everybody signs in anew."
            ),
            click.option("--passive/--no-passive", "is_passive", default=None, help="Try without any page first."),
            click.option("--name-id-format", default=None, help="In full; empty for none."),
            click.option("--allow-create/--no-allow-create", "allow_create", default=None),
            click.option("--binding", type=click.Choice([each.value for each in ResponseBinding]), default=None),
        )
    ):
        command = option(command)
    return command


@click.command("request-options", cls=DeskCommand)
@click.argument("name")
@_options
@pass_desk
def of_provider(desk: Desk, /, name: str, **changes: Any) -> None:
    """Show or change what each login asks of an IdP. What is not given stays as it is."""

    def key_of(session: Session, account_id: str) -> str:
        return get_registered(session, account_id, Protocol.SAML, name).key

    _change(desk, key_of, changes)


@click.command("request-options", cls=DeskCommand)
@_options
@pass_desk
def of_user_sso(desk: Desk, /, **changes: Any) -> None:
    """Show or change what each login of user SSO asks for. What is not given stays as it is."""
    _change(desk, lambda _, account_id: user_sso_key(account_id), changes)


def _change(desk: Desk, key_of: Callable[[Session, str], str], changes: dict[str, Any]) -> None:
    with desk.transaction() as session:
        account_id = desk.account(session).id
        key = key_of(session, account_id)
        before = get_request_options(session, key)
        options = _changed(before, **changes)
        if options != before:
            set_request_options(session, account_id, key, options, now=desk.now())
    desk.out.record(_record(options))


def _changed(
    before: RequestOptions,
    *,
    contexts: tuple[str, ...],
    any_context: bool,
    comparison: str | None,
    binding: str | None,
    **plain: Any,
) -> RequestOptions:
    given: dict[str, Any] = {name: value for name, value in plain.items() if value is not None}
    if contexts or any_context:
        given["authn_contexts"] = () if any_context else contexts
    if comparison is not None:
        given["comparison"] = Comparison(comparison)
    if binding is not None:
        given["binding"] = ResponseBinding(binding)
    return replace(before, **given)


def _record(options: RequestOptions) -> Row:
    fields = asdict(options)
    return {**fields, "authn_contexts": list(options.authn_contexts)}
