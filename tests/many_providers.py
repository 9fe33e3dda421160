"""Many registered SAML providers by bulk insert: what a login must not get slower by."""

from collections.abc import Iterator, Sequence
from typing import Any

from sqlalchemy import insert

from gateway.directory.accounts import Account
from gateway.directory.metadata_sources import MetadataSource, SourceKind
from gateway.directory.provider_certificates import CertificateState, ProviderCertificate
from gateway.directory.saml_providers import SamlProvider
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.saml_factory import signing_key
from tests.saml_metadata_document import Document

PER_ACCOUNT = 100
_FIRST = 1_000_000  # numbers of rows that are not in the way of others
_BATCH = 5_000


def fill(store: Store, count: int) -> None:
    """`count` providers of other accounts, a hundred each, with a certificate, a source and a document."""
    accounts = [_account(number) for number in range((count + PER_ACCOUNT - 1) // PER_ACCOUNT)]
    xml = Document().xml()
    der = signing_key("somebody-else").trusted
    for table, rows in (
        (Account, iter(accounts)),
        (SamlProvider, (_provider(number, xml) for number in range(count))),
        (ProviderCertificate, (_certificate(number, der) for number in range(count))),
        (MetadataSource, (_source(number) for number in range(count))),
    ):
        for batch in _batches(rows):
            with store.transaction() as session:
                session.execute(insert(table), batch)


def entity_id(number: int) -> str:
    return f"https://idp{number}.example.net/metadata"


def _account_id(number: int) -> str:
    return f"{2_000_000_000_000_000 + number}"


def _account(number: int) -> dict[str, Any]:
    return {
        "id": _account_id(number),
        "alias": f"tenant-{number}",
        "display_name": "",
        "owner_login": f"owner@tenant-{number}.example",
        "owner_password_hash": "",
        "login_session_duration_h": 6,
        "policy_stamp": 1,
        "created_at": NOON,
    }


def _provider(number: int, xml: bytes) -> dict[str, Any]:
    return {
        "id": _FIRST + number,
        "account_id": _account_id(number // PER_ACCOUNT),
        "name": f"idp{number}",
        "name_key": f"idp{number}",
        "description": "",
        "entity_id": entity_id(number),
        "metadata_xml": xml,
        "authn_sign_algo": "rsa-sha256",
        "sso_redirect_url": "https://idp.example.com/redirect",
        "sso_post_url": None,
        "created_at": NOON,
        "updated_at": NOON,
    }


def _certificate(number: int, certificate: Any) -> dict[str, Any]:
    return {
        "provider_id": _FIRST + number,
        "sso_account_id": None,
        "entity_id": entity_id(number),
        "fingerprint": f"{number:064x}",
        "der": certificate.der,
        "subject": certificate.subject,
        "not_before": certificate.not_before,
        "not_after": certificate.not_after,
        "state": CertificateState.ACTIVE.value,
        "promotes": False,
    }


def _source(number: int) -> dict[str, Any]:
    return {
        "provider_key": f"saml:{_FIRST + number}",
        "account_id": _account_id(number // PER_ACCOUNT),
        "kind": SourceKind.PASTED.value,
        "url": "",
        "anchors_pem": "",
        "trust_tls": False,
        "etag": "",
        "outcome": "",
        "outcome_text": "",
        "failures": 0,
        "lapsed": False,
        "in_force_since": NOON,
        "brought_by": "",
        "refused_digest": "",
        "file_digest": "",
        "trial_failures": 0,
    }


def _batches(rows: Iterator[dict[str, Any]]) -> Iterator[Sequence[dict[str, Any]]]:
    batch: list[dict[str, Any]] = []
    for row in rows:
        batch.append(row)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
