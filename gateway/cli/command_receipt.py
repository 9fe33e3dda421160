"""What a command that changes something leaves behind: which one it was, whom the operating system says has run it,
and what was named. Written by `Desk.transaction`, in the command's own transaction, so that no command can forget it.
"""

import hashlib
import os
import pwd
from collections.abc import Iterator
from datetime import datetime

import click
from click.core import ParameterSource

from gateway.audit.receipts import Detail, Receipt
from gateway.audit.story import OF_COMMANDS

DONE = "Done"
_PERSONAL_MARKS = "@#"  # of an address, and of a subject at its provider
_SHORT = 200


def command_receipt(ctx: click.Context, request_id: str, account_id: str | None, now: datetime) -> Receipt:
    """The receipt of the command that runs. Contents of files are named by their SHA-256.

    Names are kept in the clear, as those of the targets of calls; values of options are sealed.
    """
    named: list[str] = []
    values: list[str] = []
    for parameter, value in _given(ctx):
        if isinstance(parameter, click.Argument):
            (values if _personal(value) else named).append(value)
        else:
            values.append(f"{parameter.opts[0]} {value}")
    options = sorted({each.opts[0] for each, _ in _given(ctx) if isinstance(each, click.Option)})
    details: dict[str, Detail] = {
        "operator": _operator(),
        "sudo_user": os.environ.get("SUDO_USER", "")[:_SHORT],
        "named": named,
        "options": options,
        "values": values,
    }
    return Receipt(now, request_id, account_id, OF_COMMANDS + _path(ctx), None, DONE, details=details)


def _path(ctx: click.Context) -> str:
    """`user create` of `ramgate user create`."""
    names: list[str] = []
    at: click.Context | None = ctx
    while at is not None and at.parent is not None:
        names.append(at.info_name or "")
        at = at.parent
    return " ".join(reversed(names))


def _given(ctx: click.Context) -> Iterator[tuple[click.Parameter, str]]:
    """What was written on the command line, one by one. No secret ever is: other processes can read it."""
    for parameter in ctx.command.params:
        name = parameter.name or ""
        if name not in ctx.params or ctx.get_parameter_source(name) is not ParameterSource.COMMANDLINE:
            continue
        value = ctx.params[name]
        for each in value if isinstance(value, tuple | list) else (value,):
            if each is not None:
                yield parameter, _text(parameter, each)


def _text(parameter: click.Parameter, value: object) -> str:
    if parameter.type.name == "file" and isinstance(value, str):  # what was read, see `frame.TextFile`
        return f"sha256:{hashlib.sha256(value.encode()).hexdigest()}"
    return str(getattr(value, "name", value))[:_SHORT]  # an open file by its name


def _personal(value: str) -> bool:
    return any(mark in value for mark in _PERSONAL_MARKS)


def _operator() -> str:
    """The user that the process runs as; its number where that has no name."""
    number = os.getuid()
    try:
        return pwd.getpwuid(number).pw_name
    except KeyError:
        return str(number)
