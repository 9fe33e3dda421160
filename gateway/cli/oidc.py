"""`ramgate oidc`: the OpenID Providers of an account."""

from collections.abc import Sequence

import click
from sqlalchemy.orm import Session

from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskGroup
from gateway.cli.oidc_login import add_login_commands
from gateway.cli.printing import Row
from gateway.directory import oidc_providers, quotas
from gateway.directory.oidc_providers import DEFAULT_ISSUANCE_LIMIT_H, OidcProvider
from gateway.directory.oidc_sign_in import inspect_oidc_sign_in
from gateway.directory.oidc_texts import check_issuer_url
from gateway.federation.registered import get_registered
from gateway.identity import Protocol
from gateway.oidc.findings import findings_of
from gateway.oidc.key_cache import ProviderCache
from gateway.oidc.names import (
    back_channel_logout_url,
    client_keys_url,
    post_logout_redirect_uri,
    redirect_uri,
    start_path,
)
from gateway.store.paging import Page


@click.group("oidc", cls=DeskGroup)
def oidc() -> None:
    """OpenID Providers: for sign-in, and for the exchange of ID tokens."""


add_login_commands(oidc)


@oidc.command("discover")
@click.argument("issuer_url")
@pass_desk
def discover(desk: Desk, issuer_url: str) -> None:
    """Look at what a provider says of itself. Nothing is saved."""
    check_issuer_url(issuer_url, development=desk.settings.development)
    known = ProviderCache(desk.fetcher, desk.clock, development=desk.settings.development).get(issuer_url)
    rows: list[Row] = [
        {"topic": finding.topic, "found": finding.found, "lacks": finding.lacks} for finding in findings_of(known)
    ]
    rows.append({"topic": "Authorities of its server", "found": ", ".join(known.ca_thumbprints), "lacks": ""})
    desk.out.rows(rows, ("topic", "found", "lacks"))


@oidc.command("create")
@click.argument("name")
@click.argument("issuer_url")
@click.option("--client-id", "client_ids", multiple=True, help="Whom exchanged tokens may be for; may be repeated.")
@click.option("--fingerprint", "fingerprints", multiple=True, help="SHA-1 of an authority; may be repeated.")
@click.option("--issuance-limit", type=int, default=DEFAULT_ISSUANCE_LIMIT_H, help="Hours; older tokens are refused.")
@click.option("--description", default="")
@pass_desk
def create(
    desk: Desk,
    name: str,
    issuer_url: str,
    *,
    client_ids: Sequence[str],
    fingerprints: Sequence[str],
    issuance_limit: int,
    description: str,
) -> None:
    """Register the provider of ISSUER_URL. `discover` looks at it first."""
    with desk.transaction() as session:
        made = oidc_providers.create_oidc_provider(
            session,
            desk.account(session).id,
            name,
            issuer_url,
            client_ids=client_ids,
            fingerprints=fingerprints,
            issuance_limit_h=issuance_limit,
            description=description,
            development=desk.settings.development,
            now=desk.now(),
        )
        record = _record(desk, session, made)
    desk.out.record(record)


@oidc.command("list")
@pass_desk
def list_all(desk: Desk) -> None:
    """List the providers of an account."""
    with desk.reading() as session:
        page = Page(quotas.OIDC_PROVIDERS_PER_ACCOUNT)
        found = oidc_providers.list_oidc_providers(session, desk.account(session).id, page)
        rows = [_record(desk, session, provider) for provider in found.rows]
    desk.out.rows(rows, ("name", "issuer_url", "use", "arn"))


@oidc.command("show")
@click.argument("name")
@pass_desk
def show(desk: Desk, name: str) -> None:
    """Show a provider, how people sign in through it, and what it must be told about us."""
    with desk.reading() as session:
        found = oidc_providers.get_oidc_provider(session, desk.account(session).id, name)
        record = _record(desk, session, found)
    desk.out.record(record)


@oidc.command("update")
@click.argument("name")
@click.option("--client-id", "client_ids", multiple=True, help="Replaces all of them; may be repeated.")
@click.option("--issuance-limit", type=int, default=None, help="Hours; older tokens are refused.")
@click.option("--description", default=None)
@click.option("--add-fingerprint", "added", multiple=True)
@click.option("--remove-fingerprint", "removed", multiple=True)
@pass_desk
def update(
    desk: Desk,
    name: str,
    *,
    client_ids: Sequence[str],
    issuance_limit: int | None,
    description: str | None,
    added: Sequence[str],
    removed: Sequence[str],
) -> None:
    """Change what is given. Name and issuer stay."""
    with desk.transaction() as session:
        account_id, now = desk.account(session).id, desk.now()
        changed = oidc_providers.update_oidc_provider(
            session,
            account_id,
            name,
            client_ids=client_ids or None,
            issuance_limit_h=issuance_limit,
            description=description,
            now=now,
        )
        for fingerprint in removed:
            oidc_providers.remove_fingerprint(session, account_id, name, fingerprint, now)
        for fingerprint in added:
            oidc_providers.add_fingerprint(session, account_id, name, fingerprint, now)
        record = _record(desk, session, changed)
    desk.out.record(record)


@oidc.command("delete")
@click.argument("name")
@pass_desk
def delete(desk: Desk, name: str) -> None:
    """Delete a provider with its rules and links, and end the sessions of everybody who came in through it."""
    with desk.transaction() as session:
        oidc_providers.delete_oidc_provider(session, desk.account(session).id, name)
    desk.out.done(f"deleted provider {name}")


def _record(desk: Desk, session: Session, found: OidcProvider) -> Row:
    settings = get_registered(session, found.account_id, Protocol.OIDC, found.name).settings
    base_url, at = desk.settings.base_url, (found.account_id, found.name)
    sign_in, _ = inspect_oidc_sign_in(session, desk.ring, found)
    return {
        "name": found.name,
        "arn": found.arn,
        "issuer_url": found.issuer_url,
        "description": found.description,
        "client_ids": found.client_ids,
        "fingerprints": found.fingerprints,
        "issuance_limit_h": found.issuance_limit_h,
        "use": settings.use.value,
        "sign_in": None
        if sign_in is None
        else {
            "client_id": sign_in.client.client_id,
            "method": sign_in.client.method.value,
            "secret_expires_at": sign_in.secret_expires_at,
            "scopes": sign_in.wish.scopes,
            "acr_values": sign_in.wish.acr_values,
            "prompt": sign_in.wish.prompt,
            "max_age_s": sign_in.wish.max_age_s,
            "user_info": sign_in.wish.reads_user_info,
        },
        "login": {
            "logon_name": settings.logon_name_key,
            "with_domain": settings.login_with_domain,
            "roles": settings.roles_key,
            "groups": settings.groups_key,
            "session_name": settings.session_name,
            "creates_users": settings.creates_users,
            "new_user_group": settings.new_user_group,
            "new_user_days": settings.new_user_days,
            "second_factors": settings.second_factors,
        },
        "redirect_uri": redirect_uri(base_url, *at),
        "start_url": base_url + start_path(*at),
        "post_logout_redirect_uri": post_logout_redirect_uri(base_url, *at),
        "backchannel_logout_uri": back_channel_logout_url(base_url, *at),
        "jwks_uri": client_keys_url(base_url, *at),
    }
