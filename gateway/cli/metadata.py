"""`ramgate metadata`: what IdPs are told about us, and what theirs say."""

from typing import BinaryIO

import click

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskGroup
from gateway.cli.printing import certificate_line
from gateway.saml.metadata import parse_idp_metadata
from gateway.saml.sp_metadata import role_sso_metadata, user_sso_metadata


@click.group("metadata", cls=DeskGroup)
def metadata() -> None:
    """SAML metadata: ours to give away, theirs to check."""


_encryption = click.option("--encryption", is_flag=True, help="Ask the IdP to encrypt assertions for us.")


@metadata.command("user-sso")
@_encryption
@pass_desk
def user_sso(desk: Desk, *, encryption: bool) -> None:
    """Print our metadata for user SSO of an account."""
    with desk.reading() as session:
        account_id = desk.account(session).id
    document = user_sso_metadata(desk.settings.base_url, account_id, desk.service_provider_keys, encryption=encryption)
    desk.out.document(document.decode(), "metadata")


@metadata.command("role-sso")
@_encryption
@pass_desk
def role_sso(desk: Desk, *, encryption: bool) -> None:
    """Print our metadata for role SSO, the same for all accounts."""
    settings = desk.settings
    document = role_sso_metadata(
        settings.base_url, settings.role_sso_urn, desk.service_provider_keys, encryption=encryption
    )
    desk.out.document(document.decode(), "metadata")


@metadata.command("check")
@click.argument("file", type=click.File("rb"))
@pass_desk
def check(desk: Desk, file: BinaryIO) -> None:
    """Read an IdP's metadata FILE as registering it would, and say what is in it."""
    found = parse_idp_metadata(file.read(), desk.now())
    desk.out.record(
        {
            "entity_id": found.entity_id,
            "sso_redirect_url": found.sso_redirect_url,
            "sso_post_url": found.sso_post_url,
            "valid_until": found.valid_until,
            "certificates": [certificate_line(certificate) for certificate in found.certificates],
            "warnings": list(found.warnings),
        }
    )
