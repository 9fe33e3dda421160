"""Setting the sample company up, and moving it when the addresses change."""

import os
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from gateway.demo.company import create_company, move_company
from gateway.demo.idp_messages import idp_metadata
from gateway.demo.oidc_company import move_provider, register_provider
from gateway.demo.places import Places
from gateway.demo.serve_idp import idp_config
from gateway.demo.state import DemoClient, DemoState
from gateway.directory.accounts import list_accounts
from gateway.errors import ConfigError, Reason
from gateway.key_files import load_or_make_keys
from gateway.saml.certificates import make_keys
from gateway.store.engine import Store
from gateway.store.migrate import upgrade


def set_up(places: Places, now: datetime) -> DemoState:
    """Make keys and database, and enter the company.

    Raises: ConfigError(CONFIG_INVALID) if a company is there whose passwords nobody knows any more.
    """
    ring, _ = load_or_make_keys(places.settings.certs_dir, now)
    metadata = _publish_idp(places, now)
    store = Store(places.settings.database_url)
    try:
        upgrade(store)
        with store.transaction() as session:
            if list_accounts(session):
                raise ConfigError(
                    Reason.CONFIG_INVALID, f"{places.state} is gone, which held the passwords; start over with RESET=1"
                )
            company = create_company(session, ring, places.settings.base_url, metadata, now)
            clients: tuple[DemoClient, ...] = ()
            if places.speaks_openid:
                clients = register_provider(
                    session,
                    ring,
                    account_id=company.account_id,
                    lab_id=company.lab_id,
                    issuer=places.idp_url,
                    now=now,
                )
    finally:
        store.dispose()
    here = places.settings.base_url, places.idp_url
    return DemoState(*here, company.account_id, company.owner, company.users, clients)


def move(places: Places, state: DemoState, now: datetime) -> DemoState:
    """Register the IdP anew and tell the roles our new addresses."""
    ring, _ = load_or_make_keys(places.settings.certs_dir, now)
    metadata = _publish_idp(places, now)
    store = Store(places.settings.database_url)
    try:
        upgrade(store)
        with store.transaction() as session:
            move_company(
                session,
                old_base_url=state.base_url,
                base_url=places.settings.base_url,
                old_idp_url=state.idp_url,
                idp_metadata=metadata,
                now=now,
            )
            if state.idp_url != places.idp_url and places.speaks_openid:
                move_provider(session, ring, state.clients, old_issuer=state.idp_url, issuer=places.idp_url, now=now)
    finally:
        store.dispose()
    return replace(state, base_url=places.settings.base_url, idp_url=places.idp_url)


def _publish_idp(places: Places, now: datetime) -> bytes:
    """The IdP's metadata, left as a file for whoever wants to register it by hand."""
    if not (places.idp_key.exists() and places.idp_certificate.exists()):
        keys = make_keys("Example Trading IdP", now)
        _write_private(places.idp_key, keys.signing_key_pem.reveal())
        _write_private(places.idp_certificate, keys.signing_certificate_pem)
    metadata = idp_metadata(idp_config(places, None))
    places.idp_metadata.parent.mkdir(parents=True, exist_ok=True)
    places.idp_metadata.write_bytes(metadata)
    return metadata


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(text)
