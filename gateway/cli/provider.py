"""`ramgate provider`: the IdPs that role SSO trusts."""

from typing import BinaryIO

import click

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskGroup
from gateway.cli.options import algorithm_option
from gateway.cli.printing import Row, certificate_line
from gateway.cli.provider_metadata import add_metadata_commands, offer
from gateway.cli.request_options import of_provider
from gateway.directory import saml_providers
from gateway.directory.provider_certificates import SIGN_ALGORITHMS
from gateway.directory.provider_keys import saml_provider_key
from gateway.directory.saml_providers import SamlProvider


@click.group("provider", cls=DeskGroup)
def provider() -> None:
    """Identity providers for role SSO."""


@provider.command("create")
@click.argument("name")
@click.argument("metadata", type=click.File("rb"))
@click.option("--description", default="")
@algorithm_option
@pass_desk
def create(desk: Desk, name: str, metadata: BinaryIO, description: str, algorithm: str | None) -> None:
    """Register an IdP from its METADATA file (- is standard input)."""
    document = metadata.read()  # before the transaction: somebody may be typing
    with desk.transaction() as session:
        made = saml_providers.create_saml_provider(
            session,
            desk.account(session).id,
            name,
            document,
            description=description,
            authn_sign_algo=algorithm or SIGN_ALGORITHMS[0],
            by="the command line",
            now=desk.now(),
        )
        record = _record(made)
    desk.out.record(record)


@provider.command("update")
@click.argument("name")
@click.option("--metadata", type=click.File("rb"), metavar="FILE", help="New metadata, after a change of certificates.")
@click.option("--description", default=None)
@algorithm_option
@pass_desk
def update(desk: Desk, name: str, metadata: BinaryIO | None, description: str | None, algorithm: str | None) -> None:
    """Change an IdP's metadata, its description or what our requests to it are signed with.

    New metadata is staged beside the old, and put in force by the first login that it verifies.
    """
    document = None if metadata is None else metadata.read()
    with desk.transaction() as session:
        changed = saml_providers.update_saml_provider(
            session,
            desk.account(session).id,
            name,
            description=description,
            authn_sign_algo=algorithm,
            now=desk.now(),
        )
        more: Row = {}
        if document is not None:
            offered = offer(session, saml_provider_key(changed.id), document, desk.now())
            more = {"metadata": offered.outcome.value, "changes": [each.sentence for each in offered.differences]}
        record = {**_record(changed), **more}
    desk.out.record(record)


@provider.command("list")
@pass_desk
def list_all(desk: Desk) -> None:
    """List the IdPs of an account."""
    with desk.reading() as session:
        rows = [_record(found) for found in saml_providers.list_saml_providers(session, desk.account(session).id)]
    desk.out.rows(rows, ("name", "entity_id", "arn"))


@provider.command("show")
@click.argument("name")
@pass_desk
def show(desk: Desk, name: str) -> None:
    """Show an IdP and the certificates it may sign with."""
    with desk.reading() as session:
        found = saml_providers.get_saml_provider(session, desk.account(session).id, name)
        certificates = saml_providers.provider_certificates(session, found)
        record = {
            **_record(found),
            "certificates": [certificate_line(certificate) for certificate in certificates],
        }
    desk.out.record(record)


@provider.command("metadata")
@click.argument("name")
@pass_desk
def metadata_of(desk: Desk, name: str) -> None:
    """Print the metadata as it was registered."""
    with desk.reading() as session:
        found = saml_providers.get_saml_provider(session, desk.account(session).id, name)
    desk.out.document(found.metadata_xml.decode(errors="replace"), "metadata")


provider.add_command(of_provider)


@provider.command("delete")
@click.argument("name")
@pass_desk
def delete(desk: Desk, name: str) -> None:
    """Delete an IdP, and end the sessions of everybody who came in through it."""
    with desk.transaction() as session:
        saml_providers.delete_saml_provider(session, desk.account(session).id, name)
    desk.out.done(f"deleted provider {name}")


def _record(found: SamlProvider) -> Row:
    return {
        "name": found.name,
        "arn": found.arn,
        "entity_id": found.entity_id,
        "description": found.description,
        "algorithm": found.authn_sign_algo,
        "updated_at": found.updated_at,
    }


add_metadata_commands(provider)
