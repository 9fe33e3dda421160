"""Options that several commands share."""

import re
from datetime import UTC, datetime

import click

from gateway.directory.provider_certificates import SIGN_ALGORITHMS

_INSTANT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T([0-9]{2}:[0-9]{2})(?::([0-9]{2}))?Z)?")


class Instant(click.ParamType[datetime]):
    """An instant in UTC: `2027-01-31T00:00Z`, or a date alone for its beginning."""

    name = "instant"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        match = _INSTANT.fullmatch(value)
        text = f"{match[1]}T{match[2] or '00:00'}:{match[3] or '00'}" if match else ""
        try:
            return datetime.strptime(text, "%Y-%m-%dT%H:%M:%S").replace(tzinfo=UTC)
        except ValueError:
            self.fail(f"'{value}' is no instant such as 2027-01-31T00:00Z", param, ctx)


algorithm_option = click.option(
    "--algorithm", type=click.Choice(SIGN_ALGORITHMS), help="What our requests are signed with."
)
