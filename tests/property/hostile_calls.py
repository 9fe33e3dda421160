"""A gateway in this process with one account, its owner's key to call it with, and values that nobody should send."""

import base64
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from gateway.api.action import AnyAction
from gateway.api.pipeline import run
from gateway.directory.access_keys import NewAccessKey, create_access_key
from gateway.directory.accounts import Account
from gateway.keyring import KeyRing, new_master_key
from gateway.store.base import Base
from gateway.store.engine import Store
from gateway.store.migrate import upgrade
from tests.fake_clock import NOON, FakeClock
from tests.in_process import bare_account, make_services, posted_form, signed_parameters

ACCOUNT = "1234567890123456"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["Version", "Status", "Statements", "Type", "Value", "IPList", "Statement", "Key"]), inner
        )
    ),
    max_leaves=12,
)
hostile = (
    texts
    | json_values.map(json.dumps)
    | st.binary(max_size=60).map(lambda data: base64.b64encode(data).decode())
    | st.sampled_from(["", " ", "0", "-1", "9" * 400, "a" * 70_000, "[" * 9_000, "true", "%00", "a,b,,c", "../x", "*"])
)


def parameters_of(plausible: Mapping[str, tuple[str, ...]]) -> st.SearchStrategy[dict[str, str]]:
    """Any of these parameters, each with one of its own values or with a hostile one."""
    values = {name: st.sampled_from(own) | hostile for name, own in plausible.items()}
    return st.fixed_dictionaries({}, optional=values)


class Company:
    """A gateway in process, with one account, and its owner's key to call it with."""

    def __init__(self, path: Path, seed: Callable[[Session], None]) -> None:
        self.store = Store(f"sqlite:///{path}")
        upgrade(self.store)
        self._ring = KeyRing((new_master_key(),))
        self._clock = FakeClock()
        self._nonces = itertools.count()
        self._services = make_services(self.store, self._clock, self._ring)
        self._key = self._found(seed)

    def _found(self, seed: Callable[[Session], None]) -> NewAccessKey:
        with self.store.transaction() as session:
            session.add(bare_account(ACCOUNT, "acme"))
            session.flush()
            seed(session)
            return create_access_key(session, self._ring, account_id=ACCOUNT, user_id=None, now=NOON)

    def call(self, action: AnyAction, sent: Mapping[str, str]) -> tuple[int, dict[str, object]]:
        self._clock.advance(1)
        named = {**sent, "Action": action.name, "Version": action.version}
        signed = signed_parameters(self._key, named, nonce=str(next(self._nonces)), now=self._clock.now())
        reply = run(posted_form(signed), self._services)
        return reply.status, json.loads(reply.body)

    def contents(self, tables: Sequence[type[Base]]) -> list[object]:
        """Everything in these tables, and what the account says of its domain."""
        with self.store.reading() as session:
            rows = [session.execute(select(*table.__table__.columns)).all() for table in tables]
            return [*rows, session.scalar(select(Account.auxiliary_domain))]


def check_answer(company: Company, action: AnyAction, sent: Mapping[str, str], tables: Sequence[type[Base]]) -> None:
    """An answer or a reasoned refusal, and a refusal changes nothing; neither does what only reads."""
    before = company.contents(tables)
    status, body = company.call(action, sent)
    assert status < 500, body
    if status != 200:
        assert body["Reason"]
        assert company.contents(tables) == before
    elif action.reads:
        assert company.contents(tables) == before
