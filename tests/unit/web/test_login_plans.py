"""A login looks up a row by an index, however many providers there are: what the databases plan to do says so."""

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import event, text

from gateway.directory.provider_certificates import certificate_rows, trusted_signers
from gateway.directory.saml_providers import (
    find_known_provider,
    find_saml_provider,
    get_saml_provider,
    provider_certificates,
    trusted_certificates,
)
from gateway.store.engine import Store
from tests.databases import SqliteFiles
from tests.many_providers import entity_id, fill
from tests.statements import noted_statements
from tests.unit.web.site import Site, make_site, role_spec, signed

COUNT = 2_000
# What grows with the providers that are registered. Everything else is as large as one login's own doings.
GROWING = ("saml_providers", "provider_certificates", "metadata_sources", "metadata_documents", "accounts")
_SCAN = re.compile(r"\bSCAN (\w+)")


@pytest.fixture(scope="module")
def crowded(sqlite_files: SqliteFiles, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A gateway with so many providers."""
    url = sqlite_files.migrated()
    store = Store(url)
    fill(store, COUNT)
    store.dispose()
    made = make_site(url, tmp_path_factory.mktemp("certs"))
    yield made
    made.services.store.dispose()


def test_role_login__thousands_of_providers__scans_no_table_of_them(crowded: Site) -> None:
    """Every statement of a real login, whoever sent it, is asked for its plan."""
    (role,) = crowded.roles("reader")
    said: list[str] = []
    engine = crowded.services.store.engine
    crowded.services.store.dispose()

    @event.listens_for(engine, "connect")
    def listen(connection: Any, _record: object) -> None:
        connection.set_trace_callback(said.append)

    answer = crowded.browser().post("/saml-role/sso", data={"SAMLResponse": signed(role_spec(role))})

    assert answer.status_code == 303
    event.remove(engine, "connect", listen)
    statements = [each for each in said if each.startswith(("SELECT", "UPDATE", "DELETE"))]
    assert any("provider_certificates.entity_id = " in each for each in statements)
    assert _scanned(engine.url.database or "", statements) == []


def _scanned(path: str, statements: list[str]) -> list[str]:
    with sqlite3.connect(f"file:{Path(path)}?mode=ro", uri=True) as connection:
        plans = [row[3] for each in statements for row in connection.execute(f"EXPLAIN QUERY PLAN {each}").fetchall()]
    return [plan for plan in plans if (found := _SCAN.match(plan)) and found[1] in GROWING]


def test_scanned__statement_without_an_index__is_noticed(crowded: Site) -> None:
    path = crowded.services.store.engine.url.database or ""

    assert _scanned(path, ["SELECT * FROM saml_providers WHERE description = 'x'"]) != []


def test_look_ups__on_either_database__use_an_index(store: Store) -> None:
    fill(store, COUNT)
    account_id = "2000000000000000"
    asked: list[tuple[str, Any]] = []
    with store.transaction() as session:
        session.execute(text("ANALYZE"))
    with store.reading() as session:
        event.listen(store.engine, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))
        with noted_statements() as below:
            assert len(trusted_certificates(session, entity_id(77))) == 1
            assert trusted_certificates(session, "https://nobody.example.org") == ()
            provider = get_saml_provider(session, account_id, "idp77")
            assert len(provider_certificates(session, provider)) == 1
            assert len(certificate_rows(session, f"saml:{provider.id}")) == 1
            assert len(trusted_signers(session, provider.id)) == 1
            assert find_saml_provider(session, account_id, "nobody") is None
            assert find_known_provider(session, account_id, "IDP77") is not None
        plans = [_plan(session.connection().connection.dbapi_connection, *each) for each in [*asked, *below]]

    assert (len(asked), len(below)) == (4, 4)
    for plan in plans:
        assert "Seq Scan" not in plan
        assert _SCAN.search(plan) is None
        assert "Index" in plan or "USING" in plan


def _plan(connection: Any, statement: str, parameters: Any) -> str:
    if isinstance(connection, psycopg.Connection):
        rows = connection.execute(f"EXPLAIN {statement}".encode(), parameters).fetchall()
        return "\n".join(str(row[0]) for row in rows)
    return "\n".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall())
