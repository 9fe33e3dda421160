"""The owner's lost phone, at the command line."""

from gateway.directory.accounts import get_account
from gateway.directory.mfa_devices import bind_seed, find_device_of
from gateway.errors import Reason
from gateway.key_files import load_or_make_keys
from gateway.totp import new_seed
from tests.fake_clock import NOON
from tests.unit.cli.conftest import Ramgate


def test_account_drop_owner_mfa__bound__is_gone(ramgate: Ramgate) -> None:
    account_id = ramgate.json("account", "show")["account_id"]
    ring, _ = load_or_make_keys(ramgate.folder / "certs", NOON)
    store = ramgate.store()
    with store.transaction() as session:
        bind_seed(session, ring, get_account(session, account_id), new_seed(), used_step=0, now=NOON)
    told = ramgate.json("account", "drop-owner-mfa")
    assert told["device"] == f"acs:ram::{account_id}:mfa/account-owner"
    with store.reading() as session:
        assert find_device_of(session, get_account(session, account_id)) is None
    store.dispose()
    assert ramgate.reason("account", "drop-owner-mfa") == Reason.NOT_FOUND
