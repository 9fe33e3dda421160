"""What is kept for an identity provider under its key, and goes with it.

A database may give a number a second time, so nothing of a provider may be there for the next one that has its number.
Adoptions, logins and sign-outs under way are named, not imported: their classes stand in modules that build on this
one.
"""

from sqlalchemy import column, delete, table
from sqlalchemy.orm import Session

from gateway.directory.claimed_groups import delete_claimed_groups_of
from gateway.directory.connection_tests import delete_tests_of
from gateway.directory.identity_links import delete_links_of
from gateway.directory.login_traces import delete_traces_of
from gateway.directory.mapping_rules import delete_rules_of
from gateway.directory.metadata_documents import drop_documents
from gateway.directory.metadata_sources import forget_source
from gateway.directory.provider_certificates import settle_certificates
from gateway.directory.provider_endpoints import replace_endpoints
from gateway.directory.provider_logins import delete_login_settings_of
from gateway.directory.request_options import delete_request_options_of

_ADOPTIONS = table("federation_adoptions", column("provider_key"))
_PENDING_LOGINS = table("pending_oidc_logins", column("provider_id"))
_PENDING_SAML_LOGINS = table("pending_logins", column("provider_key"))
_PENDING_SAML_LOGOUTS = table("pending_saml_logouts", column("provider_key"))


def forget_provider(session: Session, account_id: str, key: str) -> None:
    """Delete rules, links, claimed memberships, login settings, services, request options, certificates,
    metadata documents with their source, and logins and sign-outs under way of a provider.

    `key`: see `directory.provider_keys`. For whoever deletes the provider, in the same transaction.
    """
    delete_rules_of(session, key)
    delete_links_of(session, key)
    delete_claimed_groups_of(session, account_id, key)
    delete_login_settings_of(session, key)
    replace_endpoints(session, key, ())
    delete_request_options_of(session, key)
    delete_traces_of(session, key)
    delete_tests_of(session, key)
    session.execute(delete(_PENDING_SAML_LOGINS).where(_PENDING_SAML_LOGINS.c.provider_key == key))
    session.execute(delete(_PENDING_SAML_LOGOUTS).where(_PENDING_SAML_LOGOUTS.c.provider_key == key))
    kind, _, number = key.partition(":")
    if kind != "oidc":
        drop_documents(session, key)
        forget_source(session, key)
        session.execute(delete(_ADOPTIONS).where(_ADOPTIONS.c.provider_key == key))
        settle_certificates(session, key, ())
    if kind == "oidc":
        session.execute(delete(_PENDING_LOGINS).where(_PENDING_LOGINS.c.provider_id == int(number)))
