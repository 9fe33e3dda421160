"""Providers of a database from before their documents had a life."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import column
from sqlalchemy import table as sql_table

import gateway.store.migrate
from gateway.directory.metadata_life import promote_document
from gateway.directory.metadata_offers import Origin, OriginKind, offer_document
from gateway.directory.metadata_sources import find_source
from gateway.directory.saml_providers import get_saml_provider, trusted_certificates
from gateway.store.base import UtcDateTime
from gateway.store.engine import Store
from gateway.store.migrate import upgrade
from tests.databases import Databases, PostgresServer, opened
from tests.fake_clock import NOON
from tests.metadata_documents import ACTIVE, NEW, OLD, RETIRING, document, print_of, states
from tests.saml_factory import IDP, signing_key
from tests.unit.directory.world import ACCOUNT

CERTIFICATE = signing_key(OLD).trusted
ROWS: tuple[tuple[str, dict[str, object]], ...] = (
    (
        "accounts",
        {
            "id": ACCOUNT,
            "alias": "company",
            "display_name": "",
            "owner_login": "o@example.com",
            "owner_password_hash": "",
            "login_session_duration_h": 6,
            "policy_stamp": 1,
            "created_at": NOON,
        },
    ),
    (
        "saml_providers",
        {
            "id": 7,
            "account_id": ACCOUNT,
            "name": "corp",
            "name_key": "corp",
            "description": "",
            "entity_id": IDP,
            "metadata_xml": document(),
            "authn_sign_algo": "rsa-sha256",
            "sso_redirect_url": "https://idp.example.com/sso",
            "created_at": NOON,
            "updated_at": NOON,
        },
    ),
    (
        "provider_certificates",
        {
            "id": 4711,  # beyond what the database counts from
            "provider_id": 7,
            "entity_id": IDP,
            "fingerprint": CERTIFICATE.fingerprint,
            "der": CERTIFICATE.der,
            "subject": CERTIFICATE.subject,
            "not_before": CERTIFICATE.not_before,
            "not_after": CERTIFICATE.not_after,
        },
    ),
    (
        "user_sso_settings",
        {
            "account_id": ACCOUNT,
            "enabled": False,
            "login_with_domain": True,
            "authn_sign_algo": "rsa-sha256",
            "idp_initiated": False,
            "updated_at": NOON,
        },
    ),
)


@pytest.fixture
def old_store(databases: Databases) -> Iterator[Store]:
    """A database as an earlier version left it: a provider, and user SSO settings without one."""
    url = databases.empty()
    with opened(url) as store:
        config = Config()
        config.set_main_option("script_location", str(Path(gateway.store.migrate.__file__).parent / "migrations"))
        with store.write_connection() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "0016")
            for table, row in ROWS:
                kinds = {name: UtcDateTime() if isinstance(value, datetime) else None for name, value in row.items()}
                columns = [column(name, kind) for name, kind in kinds.items()]
                connection.execute(sql_table(table, *columns).insert().values(**row))
        yield store
    if isinstance(databases, PostgresServer):
        databases.drop(url)


def test_upgrade__provider_of_an_earlier_version__is_trusted_as_before_and_can_be_renewed(old_store: Store) -> None:
    upgrade(old_store)
    with old_store.transaction() as session:
        assert [each.fingerprint for each in trusted_certificates(session, IDP)] == [print_of(OLD)]
        source = find_source(session, "saml:7")
        assert source is not None
        assert (source.kind, source.in_force_since, source.lapsed, source.account_id) == (
            "pasted",
            NOON,
            False,
            ACCOUNT,
        )
        assert find_source(session, f"user-sso:{ACCOUNT}") is None
        assert states(session, "saml:7") == {OLD: ACTIVE}
        offer_document(session, "saml:7", document(NEW), Origin(OriginKind.ADMINISTRATOR, "admin"), NOON)
        promote_document(session, "saml:7", by="", now=NOON)
        assert states(session, "saml:7") == {OLD: RETIRING, NEW: ACTIVE}
        assert get_saml_provider(session, ACCOUNT, "corp").metadata_xml == document(NEW)
