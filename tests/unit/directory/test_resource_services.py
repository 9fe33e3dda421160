"""Which resource services may ask about every account."""

import pytest

from gateway.directory.recycle_bin import recycle_user
from gateway.directory.resource_services import (
    list_services,
    register_service,
    remove_service,
    service_codes_of,
)
from gateway.directory.roles import delete_role
from gateway.directory.users import create_user, update_user
from gateway.errors import InputError, NotFound, Reason
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.unit.directory.world import role, user


def test_register__user_and_role__found_by_id_until_removed(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice, reader = user(session), role(session)
        register_service(session, alice.arn, ["oss", "log", "oss"], NOON)
        register_service(
            session, reader.arn.upper().replace("ACS:RAM", "acs:ram").replace("ROLE/", "role/"), ["ecs"], NOON
        )
    with store.reading() as session:
        assert service_codes_of(session, account, alice.id) == {"oss", "log"}
        assert service_codes_of(session, account, reader.id) == {"ecs"}
        assert service_codes_of(session, "6543210987654321", alice.id) == frozenset()
        assert {(found.arn, found.codes) for found in list_services(session)} == {
            (alice.arn, ("log", "oss")),
            (reader.arn, ("ecs",)),
        }
    with store.transaction() as session:
        register_service(session, alice.arn, ["ecs"], NOON)
        assert service_codes_of(session, account, alice.id) == {"ecs"}
        remove_service(session, alice.arn)
        remove_service(session, reader.id)
        assert list_services(session) == []


def test_registered_user__gone_and_another_of_its_name__has_nothing(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        register_service(session, alice.arn, ["oss"], NOON)
        recycle_user(session, account, alice.id, NOON)
        again = create_user(session, account, "alice", now=NOON)
        assert service_codes_of(session, account, again.id) == frozenset()
        (found,) = list_services(session)
        assert (found.arn, found.principal_id) == (None, alice.id)
        remove_service(session, alice.id)


def test_registered_user__renamed__keeps_what_it_has(store: Store, account: str) -> None:
    with store.transaction() as session:
        alice = user(session)
        register_service(session, alice.arn, ["oss"], NOON)
        update_user(session, account, "alice", new_name="bucketeer", now=NOON)
        (found,) = list_services(session)
        assert found.arn == f"acs:ram::{account}:user/bucketeer"


@pytest.mark.parametrize(
    "codes", [[], ["ram"], ["sts"], ["ims"], ["OSS"], ["o s"], ["*"], [f"s{n}" for n in range(33)]]
)
def test_register__odd_codes__refused(store: Store, account: str, codes: list[str]) -> None:
    with store.transaction() as session:
        arn = user(session).arn
        with pytest.raises(InputError) as refused:
            register_service(session, arn, codes, NOON)
    assert (refused.value.reason, refused.value.subject) == (Reason.PARAMETER_INVALID, "ServiceCode")


def test_register__nobody__refused(store: Store, account: str) -> None:
    with store.transaction() as session:
        for arn, reason in (
            ("alice", Reason.ARN_MALFORMED),
            (f"acs:ram::{account}:root", Reason.ARN_MALFORMED),
            (f"acs:ram::{account}:user/nobody", Reason.NOT_FOUND),
            ("acs:ram::1111222233334444:user/alice", Reason.NOT_FOUND),
            (f"acs:ram::{account}:role/nobody", Reason.NOT_FOUND),
        ):
            with pytest.raises((InputError, NotFound)) as refused:
                register_service(session, arn, ["oss"], NOON)
            assert refused.value.reason is reason
        with pytest.raises(NotFound) as missing:
            remove_service(session, "nobody")
    assert missing.value.subject == "ResourceService"


def test_registered_role__deleted__stays_listed_as_gone(store: Store, account: str) -> None:
    with store.transaction() as session:
        reader = role(session)
        register_service(session, reader.arn, ["oss"], NOON)
        delete_role(session, account, reader.name)
        (found,) = list_services(session)
    assert (found.arn, found.kind) == (None, "Role")
