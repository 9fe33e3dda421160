"""What every command works with: settings, database, keys and the chosen account."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from pathlib import Path

import click
from sqlalchemy.orm import Session

from gateway.audit.keeping import keep_records
from gateway.audit.receipts import record
from gateway.cli.command_receipt import command_receipt
from gateway.cli.printing import Printer
from gateway.clock import Clock, SystemClock
from gateway.directory.accounts import Account, list_accounts
from gateway.directory.domains import find_account
from gateway.errors import ConfigError, InputError, NotFound, Reason
from gateway.fetch import Fetcher
from gateway.ids import new_request_id
from gateway.key_files import load_or_make_keys
from gateway.keyring import KeyRing
from gateway.own_keys import OwnKeys
from gateway.saml.certificates import ServiceProviderKeys
from gateway.settings import Settings, load_settings
from gateway.store.engine import Store


@dataclass
class Desk:
    """One per run of `ramgate`. Settings, keys and database are opened when a command first asks for them."""

    out: Printer = field(default_factory=Printer)
    account_text: str | None = None
    clock: Clock = field(default_factory=SystemClock)
    request_id: str = field(default_factory=new_request_id)  # of the receipts that this run leaves
    _account_id: str | None = None  # whose things the command is about

    @cached_property
    def settings(self) -> Settings:
        return load_settings()

    @cached_property
    def store(self) -> Store:
        store = Store(self.settings.database_url)
        keep_records(store, lambda: self.ring, self.settings.var_dir)
        return store

    @cached_property
    def _keys(self) -> tuple[KeyRing, OwnKeys]:
        return load_or_make_keys(self.settings.certs_dir, self.now())

    @cached_property
    def fetcher(self) -> Fetcher:
        """The one way out, within the same rules as the gateway's."""
        # Imported here: the app brings Flask, which takes its time and few commands need.
        from gateway.app import make_fetcher  # noqa: PLC0415

        return make_fetcher(self.settings)

    @property
    def ring(self) -> KeyRing:
        return self._keys[0]

    @property
    def own_keys(self) -> OwnKeys:
        return self._keys[1]

    @property
    def service_provider_keys(self) -> ServiceProviderKeys:
        return self.own_keys.at(self.now())

    def make_keys(self) -> None:
        """Have the keys now, and not when they are first needed, so that their backup can be taken."""
        _ = self._keys

    def now(self) -> datetime:
        return self.clock.now()

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """The one write transaction of a command. It leaves a receipt, which is there if and only if the change is."""
        self._check_database_exists()
        with self.store.transaction() as session:
            yield session
            receipt = command_receipt(click.get_current_context(), self.request_id, self._account_id, self.now())
            record(session, receipt)

    @contextmanager
    def changing_files(self) -> Iterator[None]:
        """What a command does to the directory of keys, which needs no database, but leaves a receipt where one is.

        The receipt is signed under the keys from before.
        """
        self.make_keys()
        if self._missing_database() is not None:
            yield
            return
        with self.transaction():
            yield

    def leave_receipt(self) -> None:
        """For a change that was made in transactions of its own, such as while something was fetched."""
        with self.transaction():
            pass

    def concerns(self, account_id: str) -> None:
        """The command is about this account: for one that does not ask for `account`."""
        self._account_id = account_id

    def reading(self) -> AbstractContextManager[Session]:
        self._check_database_exists()
        return self.store.reading()

    def account(self, session: Session) -> Account:
        """The account that `--account` names, or the only one there is.

        Raises: NotFound(NOT_FOUND); InputError(PARAMETER_MISSING) when there are several and none was named.
        """
        account = self._find_account(session)
        self.concerns(account.id)
        return account

    def _find_account(self, session: Session) -> Account:
        if self.account_text is not None:
            account = find_account(session, self.account_text, self.settings.domain_suffix)
            if account is None:
                raise NotFound(Reason.NOT_FOUND, f"there is no account `{self.account_text}`", subject="Account")
            return account
        accounts = list_accounts(session)
        if not accounts:
            raise NotFound(Reason.NOT_FOUND, "there is no account yet; run `ramgate init`", subject="Account")
        if len(accounts) > 1:
            names = ", ".join(account.alias for account in accounts)
            raise InputError(
                Reason.PARAMETER_MISSING,
                f"there are several accounts ({names}); choose with --account",
                subject="account",
            )
        return accounts[0]

    def close(self) -> None:
        if "store" in self.__dict__:  # not opened yet: nothing to close
            self.store.dispose()

    def _check_database_exists(self) -> None:
        path = self._missing_database()
        if path is not None:
            raise ConfigError(Reason.CONFIG_INVALID, f"there is no database at {path}; run `ramgate init`")

    def _missing_database(self) -> str | None:
        """Opening the store would make an empty SQLite file, and hide that nothing was set up."""
        path = self.settings.database_url.removeprefix("sqlite:///")
        return path if path != self.settings.database_url and not Path(path).exists() else None


pass_desk = click.make_pass_decorator(Desk)
