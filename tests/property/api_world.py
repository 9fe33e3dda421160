"""A gateway in process with two companies in it, for calls that mean no good. Made anew whenever one succeeded."""

import itertools
import json
import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.api.action import AnyAction, Auth
from gateway.api.pipeline import run
from gateway.audit.keeping import keep_records
from gateway.audit.receipts import CHAIN_KINDS, LOGIN_REFUSED, ReceiptRow
from gateway.directory.access_keys import NewAccessKey, create_access_key
from gateway.directory.attachments import attach_policy
from gateway.directory.authorization import Authorizer
from gateway.directory.groups import add_user, create_group
from gateway.directory.login_profiles import create_login_profile
from gateway.directory.mfa_devices import create_device
from gateway.directory.oidc_providers import create_oidc_provider
from gateway.directory.policies import create_policy
from gateway.directory.recycle_bin import RecycledUser, recycle_user
from gateway.directory.recycled_keys import RecycledAccessKey
from gateway.directory.resource_groups import ResourceGroup
from gateway.directory.resources import NewResource, register_resource
from gateway.directory.roles import create_role
from gateway.directory.saml_providers import create_saml_provider
from gateway.directory.tags import TagKind, set_tags
from gateway.directory.users import create_user, get_user
from gateway.keyring import KeyRing, new_master_key
from gateway.principal import AccountOwner
from gateway.secret import Secret
from gateway.store.base import Base
from gateway.store.engine import Store
from tests.databases import Databases, PostgresServer, opened
from tests.fake_clock import FakeClock
from tests.identities import idp_metadata
from tests.in_process import bare_account, make_services, posted_form, signed_parameters

OURS, THEIRS = "1234567890123456", "6543210987654321"
# What a refused call may change: nonces, the counters that slow guessing down, and the record of its refusal with the
# chain that this hangs in.
_MAY_CHANGE = {"one_time_claims", "login_attempts", "mfa_drafts", "chain_heads", "receipt_keys"}
_COUNTERS = {("mfa_devices", "last_step"), ("mfa_devices", "wrong_codes"), ("mfa_devices", "blocked_until")}
_TABLES = {
    name: [column for column in table.columns if (name, column.name) not in _COUNTERS]
    for name, table in Base.metadata.tables.items()
    if name not in _MAY_CHANGE
}


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: Mapping[str, Any]


class _UnexpectedErrors(logging.Handler):
    """What the pipeline answers with `InternalError` and leaves in the log."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.errors: list[BaseException] = []

    def emit(self, record: logging.LogRecord) -> None:
        if record.exc_info is not None and record.exc_info[1] is not None:
            self.errors.append(record.exc_info[1])


class World:
    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._clock = FakeClock()
        self._ring = KeyRing((new_master_key(),))
        self._nonces = itertools.count()
        self._template = databases.migrated()
        with opened(self._template) as store, store.transaction() as session:
            self._keys = self._populate(session)
            self._ids = _ids_of(session, self._keys)
        self._services = make_services(self._new_store(), self._clock, self._ring)
        self.pristine = self.contents()

    def begin_anew(self) -> None:
        """Forget everything that calls have changed."""
        self.close()
        self._services = replace(self._services, store=self._new_store(), authorizer=Authorizer(self._clock))

    def close(self) -> None:
        url = self._services.store.engine.url.render_as_string(hide_password=False)
        self._services.store.dispose()
        if isinstance(self._databases, PostgresServer):
            self._databases.drop(url)

    def call(self, action: AnyAction, signer: str, given: Mapping[str, str]) -> Reply:
        """The answer to a call signed by "owner", "admin" or "alice". Raises: whatever the gateway did not expect."""
        key = self._keys[signer]
        sent = {name: self._filled(value) for name, value in given.items()}
        sent |= {"Action": action.name, "Version": action.version}
        if action.auth is Auth.SIGNED:
            sent = signed_parameters(key, sent, nonce=str(next(self._nonces)), now=self._clock.now())
        unexpected, log = _UnexpectedErrors(), logging.getLogger("ramgate")
        log.addHandler(unexpected)
        try:
            reply = run(posted_form(sent), self._services)
        finally:
            log.removeHandler(unexpected)
        for error in unexpected.errors:
            raise error
        return Reply(reply.status, json.loads(reply.body))

    def contents(self) -> Mapping[str, list[tuple[Any, ...]]]:
        """Everything that the database holds, but for what a refused call may change."""
        told = select(ReceiptRow.id, ReceiptRow.kind).where(ReceiptRow.kind.not_in((LOGIN_REFUSED, *CHAIN_KINDS)))
        queries = {name: select(*columns) for name, columns in _TABLES.items()} | {"receipts": told}
        with self._services.store.reading() as session:
            return {
                name: sorted((tuple(row) for row in session.execute(query)), key=repr)
                for name, query in queries.items()
            }

    def _filled(self, value: str) -> str:
        """`{carol}` and the like stand for what the world called its things."""
        for name, found in self._ids.items():
            value = value.replace(f"{{{name}}}", found)
        return value

    def _new_store(self) -> Store:
        store = Store(self._databases.copy_of(self._template))
        keep_records(store, lambda: self._ring, Path(tempfile.gettempdir()) / "ramgate-tests")
        return store

    def _populate(self, session: Session) -> Mapping[str, NewAccessKey]:
        now = self._clock.now()
        session.add_all([bare_account(OURS, "acme"), bare_account(THEIRS, "other")])
        session.flush()
        _furnish(session, self._ring, self._clock, OURS)
        _furnish(session, self._ring, self._clock, THEIRS)
        keys = {}
        for name in ("owner", "admin", "alice"):
            user = None if name == "owner" else create_user(session, OURS, name, now=now)
            user_id = None if user is None else user.id
            keys[name] = create_access_key(session, self._ring, account_id=OURS, user_id=user_id, now=now)
            if name == "alice" and user is not None:
                create_login_profile(session, user, Secret("Correct-Horse-7"), now=now)
            if name == "admin" and user is not None:
                attach_policy(session, OURS, "System", "AdministratorAccess", user, now)
        return keys


def _ids_of(session: Session, keys: Mapping[str, NewAccessKey]) -> Mapping[str, str]:
    gone = session.scalars(select(RecycledUser.id).where(RecycledUser.account_id == OURS)).one()
    gone_key = session.scalars(select(RecycledAccessKey.id).where(RecycledAccessKey.account_id == OURS)).one()
    carol = get_user(session, OURS, "carol")
    return {"carol": carol.id, "gone": gone, "key": keys["alice"].access_key_id, "gone_key": gone_key}


def _furnish(session: Session, ring: KeyRing, clock: FakeClock, account_id: str) -> None:
    """One of each thing, called by the same names in every account."""
    now = clock.now()
    trusted = {"RAM": [f"acs:ram::{account_id}:root"]}
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "1", "Statement": [{**statement, "Principal": trusted}]})
    document = json.dumps({"Version": "1", "Statement": [{**statement, "Resource": "*"}]})
    user, group = (
        create_user(session, account_id, "carol", now=now),
        create_group(session, account_id, "staff", now=now),
    )
    add_user(session, group, user, now)
    create_role(session, account_id, "reader", trust_document=trust, now=now)
    create_policy(session, account_id, "assume", document, now=now)
    attach_policy(session, account_id, "Custom", "assume", user, now)
    create_saml_provider(session, account_id, "idp", idp_metadata(f"https://idp.{account_id}.example"), now=now)
    create_oidc_provider(session, account_id, "ci", f"https://{account_id}.invalid", client_ids=("app",), now=now)
    arn = f"acs:oss::{account_id}:bucket"
    by = AccountOwner(account_id, "owner")
    session.add(
        ResourceGroup(account_id=account_id, id="rg-1", name="one", name_key="one", display_name="", created_at=now)
    )
    session.flush()
    register_resource(session, by, NewResource(arn, "oss:bucket", "rg-1", {"env": "prod"}), now)
    set_tags(session, account_id, TagKind.USER, user.id, {"env": "prod"})
    create_login_profile(session, user, Secret("Correct-Horse-7"), now=now)
    create_device(session, ring, account_id, "phone", now)
    gone = create_user(session, account_id, "gone", now=now)
    create_access_key(session, ring, account_id=account_id, user_id=gone.id, now=now)
    recycle_user(session, account_id, gone.id, now)
