"""`ramgate serve`: the server."""

import click

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskCommand


@click.command("serve", cls=DeskCommand)
@pass_desk
def serve(desk: Desk) -> None:
    """Run the gateway until it is told to stop.

    Settings come from ramgate.toml (or the file that RAMGATE_CONFIG names) and from RAMGATE_... in the environment.
    """
    from gateway.server import serve as serve_gateway  # noqa: PLC0415 - spares other commands the server's libraries

    serve_gateway(desk.settings)
