"""Options that several commands share."""

import click

from gateway.directory.provider_certificates import SIGN_ALGORITHMS

algorithm_option = click.option(
    "--algorithm", type=click.Choice(SIGN_ALGORITHMS), help="What our requests are signed with."
)
