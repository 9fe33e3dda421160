"""`ramgate sso`: user-based single sign-on of an account."""

from typing import BinaryIO

import click
from sqlalchemy.orm import Session

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskGroup
from gateway.cli.options import algorithm_option
from gateway.cli.printing import Row
from gateway.cli.provider_metadata import offer
from gateway.cli.request_options import of_user_sso
from gateway.directory import user_sso
from gateway.directory.provider_keys import user_sso_key
from gateway.saml.names import user_sso_consumer_url, user_sso_entity_id, user_sso_metadata_url

_BY = "the command line"


@click.group("sso", cls=DeskGroup)
def sso() -> None:
    """User SSO: RAM users sign in at the company's IdP."""


@sso.command("show")
@pass_desk
def show(desk: Desk) -> None:
    """Show the settings, and what the IdP must be told."""
    with desk.reading() as session:
        record = _record(desk, session, desk.account(session).id)
    desk.out.record(record)


@sso.command("set")
@click.option("--metadata", type=click.File("rb"), metavar="FILE", help="The IdP's metadata; - is standard input.")
@click.option("--full-name/--bare-name", "with_domain", default=None, help="NameID is user@domain, or just the user.")
@click.option("--idp-initiated/--no-idp-initiated", default=None, help="Accept sign-ins that start at the IdP.")
@algorithm_option
@pass_desk
def change(
    desk: Desk,
    metadata: BinaryIO | None,
    *,
    with_domain: bool | None,
    idp_initiated: bool | None,
    algorithm: str | None,
) -> None:
    """Change the settings without turning user SSO on or off.

    New metadata is staged beside the old, and put in force by the first login that it verifies.
    """
    document = None if metadata is None else metadata.read()  # before the transaction: somebody may be typing
    with desk.transaction() as session:
        account_id = desk.account(session).id
        user_sso.set_user_sso(
            session,
            account_id,
            metadata_xml=_first(session, account_id, document, desk),
            login_with_domain=with_domain,
            idp_initiated=idp_initiated,
            authn_sign_algo=algorithm,
            by=_BY,
            now=desk.now(),
        )
        record = _record(desk, session, account_id)
    desk.out.record(record)


sso.add_command(of_user_sso)


@sso.command("enable")
@click.option("--metadata", type=click.File("rb"), metavar="FILE", help="The IdP's metadata; - is standard input.")
@pass_desk
def enable(desk: Desk, metadata: BinaryIO | None) -> None:
    """Turn user SSO on. RAM users then can't use their passwords; the account owner can."""
    document = None if metadata is None else metadata.read()
    with desk.transaction() as session:
        account_id = desk.account(session).id
        first = _first(session, account_id, document, desk)
        user_sso.set_user_sso(session, account_id, enabled=True, metadata_xml=first, by=_BY, now=desk.now())
        record = _record(desk, session, account_id)
    desk.out.record(record)


@sso.command("disable")
@pass_desk
def disable(desk: Desk) -> None:
    """Turn user SSO off. RAM users sign in with their passwords again, at once."""
    with desk.transaction() as session:
        account_id = desk.account(session).id
        user_sso.set_user_sso(session, account_id, enabled=False, now=desk.now())
        record = _record(desk, session, account_id)
    desk.out.record(record)


def _first(session: Session, account_id: str, document: bytes | None, desk: Desk) -> bytes | None:
    """The document if it is the first one of this account; a later one is staged beside the one in force."""
    settings = user_sso.find_user_sso(session, account_id)
    if document is None or settings is None or settings.metadata_xml is None:
        return document
    offer(session, user_sso_key(account_id), document, desk.now())
    return None


def _record(desk: Desk, session: Session, account_id: str) -> Row:
    base_url = desk.settings.base_url
    ours = {
        "our_entity_id": user_sso_entity_id(base_url, account_id),
        "our_consumer_url": user_sso_consumer_url(base_url),
        "our_metadata": user_sso_metadata_url(base_url, account_id),
    }
    settings = user_sso.find_user_sso(session, account_id)
    if settings is None:
        return {"enabled": False, "idp_entity_id": None, **ours}
    return {
        "enabled": settings.enabled,
        "idp_entity_id": settings.entity_id,
        "name_id_with_domain": settings.login_with_domain,
        "idp_initiated": settings.idp_initiated,
        "algorithm": settings.authn_sign_algo,
        **ours,
    }
