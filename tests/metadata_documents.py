"""Metadata documents of one provider as it changes its keys, and the directory around it."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy.orm import Session

from gateway.directory.metadata_documents import DocumentState, find_document
from gateway.directory.provider_certificates import CertificateState, certificate_rows
from gateway.directory.provider_keys import saml_provider_key
from gateway.directory.saml_providers import create_saml_provider
from tests.fake_clock import NOON
from tests.saml_factory import IDP, instant, signing_key
from tests.saml_metadata_document import Document

OLD, NEW, OTHER = "idp", "idp-next", "somebody-else"
DOCUMENT = Document(entity_id=IDP, redirect="https://idp.example.com/sso", post=None)


def body_of(key: str) -> str:
    """The certificate of a key of `saml_factory`, as metadata carries it."""
    return "".join(line for line in signing_key(key).certificate_pem.splitlines() if "-----" not in line)


def print_of(key: str) -> str:
    return signing_key(key).trusted.fingerprint


def document(*keys: str, days: float | None = None, **changes: object) -> bytes:
    """With the certificates of these keys; valid for so many days from noon."""
    attributes = "" if days is None else f'validUntil="{instant(NOON + timedelta(days=days))}"'
    made = replace(DOCUMENT, certificates=tuple(body_of(key) for key in keys or (OLD,)), entity_attributes=attributes)
    return replace(made, **changes).xml()  # type: ignore[arg-type]


def make_provider(session: Session, account_id: str, name: str = "corp", xml: bytes | None = None) -> str:
    """Its key."""
    made = create_saml_provider(session, account_id, name, xml or document(), now=NOON)
    return saml_provider_key(made.id)


def states(session: Session, key: str) -> dict[str, str]:
    """The state of each certificate, by the name of its key."""
    names = {print_of(name): name for name in (OLD, NEW, OTHER)}
    return {names[row.fingerprint]: row.state for row in certificate_rows(session, key)}


def promoting(session: Session, key: str) -> set[str]:
    names = {print_of(name): name for name in (OLD, NEW, OTHER)}
    return {names[row.fingerprint] for row in certificate_rows(session, key) if row.promotes}


def kept(session: Session, key: str) -> set[DocumentState]:
    return {state for state in DocumentState if find_document(session, key, state) is not None}


ACTIVE, STAGED, RETIRING, LAPSED = (state.value for state in CertificateState)
