"""The frame of all commands: `--json` and `--account` everywhere, and errors as one line with a reason."""

import sys
from collections.abc import Callable, Sequence
from typing import Any, NoReturn, TypeVar

import click
from sqlalchemy.exc import DBAPIError

from gateway.cli.desk import Desk
from gateway.errors import GatewayError, InputError, Reason
from gateway.ids import new_password
from gateway.secret import Secret

Decorated = TypeVar("Decorated", bound=Callable[..., Any])


class DeskCommand(click.Command):
    """A command that takes `--json` and `--account` wherever on the line they stand."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_frame_options())


class DeskGroup(click.Group):
    command_class = DeskCommand

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(_frame_options())


class RootGroup(DeskGroup):
    """Turns what commands raise into one line on standard error: exit code 1, or 2 for wrong usage."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: ARG002 - this group always is the program
        **extra: Any,
    ) -> NoReturn:
        words = list(sys.argv[1:] if args is None else args)
        desk = extra.setdefault("obj", Desk())
        desk.out.as_json = "--json" in words  # known before parsing, which may fail
        try:
            code = super().main(words, prog_name or "ramgate", complete_var, standalone_mode=False, **extra)
        except GatewayError as exc:
            desk.out.error(exc.reason, exc.public)
            code = 1
        except click.UsageError as exc:
            code = exc.exit_code
            if desk.out.as_json:
                desk.out.error("UsageError", exc.format_message())
            else:
                exc.show()
        except click.ClickException as exc:
            desk.out.error("UsageError", exc.format_message())
            code = exc.exit_code
        except click.Abort:
            desk.out.error("Aborted", "stopped before anything was changed")
            code = 1
        except DBAPIError as exc:
            answer = str(exc.orig).partition("\n")[0]  # PostgreSQL goes on with the statement
            desk.out.error("DatabaseError", f"the database answered: {answer}; was it set up by `ramgate init`?")
            code = 1
        finally:
            desk.close()
        sys.exit(code if isinstance(code, int) else 0)


class TextFile(click.ParamType[str]):
    """The text of a file (- is standard input), read while the line is parsed: what waits for somebody to type must
    not hold the database.
    """

    name = "file"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            with click.open_file(value, "rb") as file:
                data: bytes = file.read()
            return data.decode("utf-8-sig")  # editors on Windows put a mark in front
        except OSError as exc:
            self.fail(f"'{value}': {exc.strerror}", param, ctx)
        except UnicodeDecodeError:
            self.fail(f"'{value}' is not in UTF-8: save it as UTF-8", param, ctx)


def _frame_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--account"],
            expose_value=False,
            callback=_choose_account,
            metavar="ACCOUNT",
            help="Account by ID, alias or domain; not needed while there is only one.",
        ),
        click.Option(["--json"], is_flag=True, expose_value=False, help="Answer, and complain, in JSON."),
    ]


def _choose_account(ctx: click.Context, _param: click.Parameter, value: str | None) -> None:
    if value is not None:
        ctx.ensure_object(Desk).account_text = value


def password_options(function: Decorated) -> Decorated:
    """Where a password comes from. Never from the command line, which other processes can read."""
    generate = click.option("--generate-password", "generate", is_flag=True, help="Make one and show it once.")
    stdin = click.option("--password-stdin", "from_stdin", is_flag=True, help="Read it from standard input, one line.")
    return generate(stdin(function))


def read_password(*, from_stdin: bool, generate: bool) -> Secret:
    """The password by the way that was chosen; asked for twice if none was and somebody is there to ask.

    Raises: InputError(PARAMETER_INVALID) for two ways or an empty line, InputError(PARAMETER_MISSING) for none.
    """
    if from_stdin and generate:
        raise InputError(
            Reason.PARAMETER_INVALID, "--password-stdin and --generate-password exclude each other", subject="password"
        )
    if generate:
        return Secret(new_password())
    if from_stdin:
        line = sys.stdin.readline().rstrip("\r\n")
        if not line:
            raise InputError(Reason.PARAMETER_INVALID, "standard input holds no password", subject="password")
        return Secret(line)
    if not sys.stdin.isatty():
        raise InputError(
            Reason.PARAMETER_MISSING,
            "there is nobody to ask for a password; use --password-stdin or --generate-password",
            subject="password",
        )
    return Secret(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
