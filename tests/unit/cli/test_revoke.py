"""`ramgate revoke`: every kind by its name, and what is refused."""

from gateway.directory.revocations import find_revocation
from gateway.directory.users import get_user
from gateway.errors import Reason
from tests.unit.cli.conftest import Ramgate


def test_revoke__user__ends_the_sessions_of_that_user(ramgate: Ramgate) -> None:
    ramgate.ok("user", "create", "alice")
    account_id = ramgate.json("account", "show")["account_id"]
    ramgate.ok("revoke", "user", "ALICE")
    store = ramgate.store()
    with store.reading() as session:
        user = get_user(session, account_id, "alice")
        assert find_revocation(session, [("user", user.id)], user.created_at) == ("user", user.id)
    store.dispose()


def test_revoke__certificate__is_called_back_for_this_account(ramgate: Ramgate) -> None:
    assert "certificate " + "a" * 64 in str(ramgate.ok("revoke", "certificate", "A" * 64))


def test_revoke__what_can_not_be_meant__is_refused(ramgate: Ramgate) -> None:
    assert ramgate.reason("revoke", "user", "nobody") == Reason.NOT_FOUND
    assert ramgate.reason("revoke", "session", "x") == Reason.PARAMETER_INVALID
    assert ramgate.reason("revoke", "role", "acs:ram::1111111111111111:role/reader") == Reason.NOT_FOUND
