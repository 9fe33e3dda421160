"""What follows from the files in `metadata/`: a new one registers a provider, a changed one is staged beside the old.

A file is its administrator's act, like an upload. One that is broken is reported and changes nothing; one that goes
away leaves the provider, marked.
"""

import logging
from collections.abc import Collection
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from gateway.audit.receipts import Receipt, record
from gateway.clock import Clock
from gateway.directory.accounts import Account
from gateway.directory.domains import find_account
from gateway.directory.metadata_in_force import read_metadata
from gateway.directory.metadata_offers import Origin, OriginKind, Outcome, offer_document
from gateway.directory.metadata_sources import (
    MetadataSource,
    SourceKind,
    find_source,
    lock_source,
    set_url_source,
)
from gateway.directory.names import SAML_PROVIDER_NAME, check_name, is_storable
from gateway.directory.provider_keys import saml_provider_key, user_sso_key
from gateway.directory.saml_providers import create_saml_provider, find_saml_provider
from gateway.directory.user_sso import find_user_sso, set_user_sso
from gateway.errors import GatewayError, InputError, NotFound, Reason
from gateway.federation.dropped_files import USER_SSO, BrokenFile, DroppedFile, read_folder
from gateway.federation.metadata_refresh import record_offer
from gateway.ids import new_request_id
from gateway.store.claims import claim_once
from gateway.store.engine import Store

REGISTERED = "MetadataFileRegistered"
_TOLD_AGAIN_AFTER = timedelta(hours=1)
_BATCH = 200


def reconcile_files(store: Store, clock: Clock, root: Path, suffix: str) -> tuple[str, ...]:
    """Look at every file once; the labels of those that changed something. `suffix`: the domain suffix of accounts.

    A transaction per file, so that a broken one spoils no other.
    """
    changed, present = [], set()
    for found in read_folder(root):
        try:
            if isinstance(found, BrokenFile):
                raise found.error
            key, did = _take_up(store, clock, found, suffix)
            if did:
                changed.append(found.label)
        except GatewayError as error:
            key = _report(store, clock, found, suffix, error)
        present.add(key)
    _mark_gone(store, clock, present)
    return tuple(changed)


def broken_files(session: Session, root: Path | None, account: Account, suffix: str, now: datetime) -> list[str]:
    """What is wrong with files of this account that nothing is registered from yet: a sentence for each.

    Read anew, so it is up to date. Of files that something is registered from, the provider's own page tells.
    """
    told = []
    for found in read_folder(root) if root is not None else ():
        try:
            if _account(session, found.account, suffix).id != account.id or _key_of(session, account, found.name):
                continue
            if isinstance(found, BrokenFile):
                raise found.error
            check_name(SAML_PROVIDER_NAME, found.name)
            read_metadata(found.xml, now)
        except NotFound:
            continue
        except GatewayError as error:
            told.append(f"The file {found.label!a} registers nothing: {error.public}")
    return told


def _take_up(store: Store, clock: Clock, found: DroppedFile, suffix: str) -> tuple[str, bool]:
    """Raises: NotFound for a folder that is called like no account; whatever registering or offering raises."""
    with store.reading() as session:
        key = _key_of(session, _account(session, found.account, suffix), found.name)
        source = find_source(session, key) if key else None
        if source is not None and source.file_digest == found.digest and source.gone_since is None:
            return key, False
    with store.transaction() as session:
        session.connection()
        now = clock.now()
        account = _account(session, found.account, suffix)
        key = _key_of(session, account, found.name)
        if key:
            _offer(session, key, found, now)
        else:
            key = _register(session, account, found, now)
        _keep_source(session, key, account, found, now)
    return key, True


def _offer(session: Session, key: str, found: DroppedFile, now: datetime) -> None:
    source = find_source(session, key)
    if source is not None and source.file_digest == found.digest:
        return  # it was away, and is back as it was
    by = f"the file {found.label}"
    offered = offer_document(session, key, found.xml, Origin(OriginKind.ADMINISTRATOR, by), now)
    record_offer(session, offered, key, by=by, request_id=new_request_id(), now=now)
    if offered.outcome is Outcome.UNCHANGED:
        return


def _register(session: Session, account: Account, found: DroppedFile, now: datetime) -> str:
    by = f"the file {found.label}"
    if found.name == USER_SSO:
        set_user_sso(session, account.id, metadata_xml=found.xml, by=by, now=now)
        key = user_sso_key(account.id)
    else:
        made = create_saml_provider(
            session, account.id, found.name, found.xml, description=found.description, by=by, now=now
        )
        key = saml_provider_key(made.id)
    details = {"file": found.label, "provider": key}
    record(session, Receipt(now, new_request_id(), account.id, REGISTERED, None, "Allow", details=details))
    return key


def _keep_source(session: Session, key: str, account: Account, found: DroppedFile, now: datetime) -> None:
    """Raises: InputError(PARAMETER_INVALID) for an address or an anchor that can't be used."""
    source = lock_source(session, key, account.id, now)
    source.file_digest, source.gone_since = found.digest, None
    held = (source.kind, source.url, source.anchors_pem, source.trust_tls)
    if not found.url:
        source.kind, source.next_refresh_at = SourceKind.DROPPED.value, None
        source.url, source.anchors_pem, source.trust_tls = "", "", False
    elif held != (SourceKind.URL.value, found.url, found.anchors_pem, found.trust_tls):
        set_url_source(source, url=found.url, anchors_pem=found.anchors_pem, trust_tls=found.trust_tls, now=now)
    source.outcome, source.outcome_text = "", ""


def _account(session: Session, text: str, suffix: str) -> Account:
    account = find_account(session, text, suffix) if is_storable(text) else None
    if account is None:
        raise NotFound(Reason.NOT_FOUND, f"the folder {text[:64]!r} is called like no account", subject="Account")
    return account


def _key_of(session: Session, account: Account, name: str) -> str:
    """Empty if there is nothing of that name yet."""
    if name == USER_SSO:
        settings = find_user_sso(session, account.id)
        return user_sso_key(account.id) if settings is not None and settings.metadata_xml is not None else ""
    provider = find_saml_provider(session, account.id, name) if is_storable(name) else None
    return saml_provider_key(provider.id) if provider is not None else ""


def _report(store: Store, clock: Clock, found: DroppedFile | BrokenFile, suffix: str, error: GatewayError) -> str:
    """Log what is wrong, at most once an hour, and say so on the page of the provider, if there is one."""
    now = clock.now()
    text = f"The file {found.label} changes nothing: {error.public}"
    with store.transaction() as session:
        if claim_once(session, "dropped-file", f"{found.label} {error}", now + _TOLD_AGAIN_AFTER, now=now):
            logging.getLogger("ramgate").warning("metadata/%s: %s (%s)", found.label, error, error.detail)
        try:
            key = _key_of(session, _account(session, found.account, suffix), found.name)
        except (NotFound, InputError):
            return ""
        source = find_source(session, key) if key else None
        if source is not None and (source.outcome, source.outcome_text) != (error.reason.value, text):
            source.outcome, source.outcome_text, source.tried_at = error.reason.value, text, now
        return key


def _mark_gone(store: Store, clock: Clock, present: Collection[str]) -> None:
    query = select(MetadataSource.provider_key).where(
        MetadataSource.file_digest > "", MetadataSource.gone_since.is_(None)
    )
    with store.reading() as session:
        gone = [key for key in session.scalars(query) if key not in present]
    for start in range(0, len(gone), _BATCH):
        with store.transaction() as session:
            session.execute(
                update(MetadataSource)
                .where(MetadataSource.provider_key.in_(gone[start : start + _BATCH]))
                .values(gone_since=clock.now())
                .execution_options(synchronize_session=False)
            )
