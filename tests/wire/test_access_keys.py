"""Access keys, through the official clients."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alibabacloud_ims20190815 import models as ims_models
from alibabacloud_ram20150501 import models as ram_models
from sqlalchemy import update

from gateway.directory.access_keys import AccessKeyRow
from gateway.directory.security_preference import SecurityChange, set_security_preference
from tests.wire.refusal import refusal
from tests.wire.seed import Caller, Seed

RAM, IMS = "ram", "ims"
BOTH = pytest.mark.parametrize("service", [RAM, IMS])


class Keys:
    """The five operations of one version, called as one caller."""

    def __init__(self, company: Seed, service: str, *key: str) -> None:
        self._company, self._service = company, service
        self._client: Any = company.ram(*key) if service == RAM else company.ims(*key)
        self._models: Any = ram_models if service == RAM else ims_models

    def _named(self, name: str | None) -> dict[str, str]:
        if name is None:
            return {}
        if self._service == RAM:
            return {"user_name": name}
        domain = f"{self._company.account_id}.onaliyun.com"
        return {"user_principal_name": name if "@" in name else f"{name}@{domain}"}

    def create(self, name: str | None = None) -> Any:
        request = self._models.CreateAccessKeyRequest(**self._named(name))
        return self._client.create_access_key(request).body.access_key

    def list(self, name: str | None = None) -> list[Any]:
        request = self._models.ListAccessKeysRequest(**self._named(name))
        found: list[Any] = self._client.list_access_keys(request).body.access_keys.access_key
        return found

    def update(self, key_id: str, status: str, name: str | None = None) -> None:
        request = self._models.UpdateAccessKeyRequest(user_access_key_id=key_id, status=status, **self._named(name))
        self._client.update_access_key(request)

    def delete(self, key_id: str, name: str | None = None) -> None:
        request = self._models.DeleteAccessKeyRequest(user_access_key_id=key_id, **self._named(name))
        self._client.delete_access_key(request)

    def last_use(self, key_id: str, name: str | None = None) -> Any:
        request = self._models.GetAccessKeyLastUsedRequest(user_access_key_id=key_id, **self._named(name))
        return self._client.get_access_key_last_used(request).body.access_key_last_used


@contextmanager
def preference(company: Seed, **fields: Any) -> Iterator[None]:
    with company.services.store.transaction() as session:
        set_security_preference(session, company.account_id, SecurityChange(**fields))
    yield
    with company.services.store.transaction() as session:
        change = SecurityChange(allow_user_to_manage_access_keys=False, max_idle_days_for_access_keys=730)
        set_security_preference(session, company.account_id, change)


def age(company: Seed, key_id: str, *, created: timedelta, changed: timedelta) -> None:
    now = datetime.now(UTC)
    with company.services.store.transaction() as session:
        session.execute(
            update(AccessKeyRow)
            .where(AccessKeyRow.id == key_id)
            .values(created_at=now - created, updated_at=now - changed)
        )


def call(company: Seed, key_id: str, secret: str) -> Callable[[], Any]:
    return lambda: company.client(key_id, secret).get_caller_identity()


@BOTH
def test_create_access_key__of_a_user__works_and_its_secret_is_never_shown_again(company: Seed, service: str) -> None:
    owner, user = Keys(company, service), company.new_user()
    made = owner.create(user.name.upper())
    assert (made.status, len(made.access_key_secret) >= 30) == ("Active", True)
    identity = call(company, made.access_key_id, made.access_key_secret)().body
    assert identity.arn == f"acs:ram::{company.account_id}:user/{user.name}"
    listed = owner.list(user.name)
    assert [row.access_key_id for row in listed] == [user.key_id, made.access_key_id]
    assert made.access_key_secret not in str([row.to_map() for row in listed])
    assert listed[1].create_date == made.create_date
    error = refusal(owner.create, user.name)
    assert (error.status_code, error.code) == (409, "LimitExceeded.User.AccessKey")


@BOTH
def test_update_access_key__switched_off_and_on__counts_from_the_next_call(company: Seed, service: str) -> None:
    owner, user = Keys(company, service), company.new_user()
    owner.update(user.key_id, "Inactive", user.name)
    error = refusal(call(company, *user.key))
    assert (error.status_code, error.code) == (400, "InvalidAccessKeyId.Inactive")
    assert [row.status for row in owner.list(user.name)] == ["Inactive"]
    owner.update(user.key_id, "Active", user.name)
    assert call(company, *user.key)().body.user_id == user.user_id
    assert refusal(owner.update, user.key_id, "active", user.name).code == "InvalidParameter.Status"
    assert refusal(owner.update, user.key_id, "", user.name).code == "MissingParameter"


@BOTH
def test_delete_access_key__of_a_user__dies_and_makes_room(company: Seed, service: str) -> None:
    owner, user = Keys(company, service), company.new_user()
    owner.create(user.name)
    owner.delete(user.key_id, user.name)
    assert refusal(call(company, *user.key)).code == "InvalidAccessKeyId.NotFound"
    error = refusal(owner.delete, user.key_id, user.name)
    assert (error.status_code, error.code) == (404, "EntityNotExist.User.AccessKey")
    owner.create(user.name)


@BOTH
def test_get_access_key_last_used__unused_then_used__tells_when(company: Seed, service: str) -> None:
    owner, user = Keys(company, service), company.new_user()
    assert owner.last_use(user.key_id, user.name).last_used_date is None
    before = datetime.now(UTC).replace(microsecond=0)
    call(company, *user.key)()
    used = owner.last_use(user.key_id, user.name)
    at = datetime.strptime(used.last_used_date, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    assert before <= at <= datetime.now(UTC)
    if service == IMS:
        assert used.service_name == "Sts"
    error = refusal(owner.last_use, "LTAI" + "x" * 20, user.name)
    assert (error.status_code, error.code) == (404, "EntityNotExist.User.AccessKey")


@BOTH
def test_access_keys__wrong_name__does_not_reach_another_users_key(company: Seed, service: str) -> None:
    owner, user, other = Keys(company, service), company.new_user(), company.new_user()
    for attempt in (
        lambda: owner.delete(user.key_id, other.name),
        lambda: owner.update(user.key_id, "Inactive", other.name),
        lambda: owner.last_use(user.key_id, other.name),
        lambda: owner.delete(user.key_id),
        lambda: owner.update(user.key_id, "Inactive"),
        lambda: owner.delete(company.owner_key.access_key_id, user.name),
        lambda: owner.delete("' OR 1=1 --", user.name),
        lambda: owner.delete("ключ", user.name),
    ):
        error = refusal(attempt)
        assert (error.status_code, error.code) == (404, "EntityNotExist.User.AccessKey")
    assert refusal(owner.list, "nobody-of-this-name").code == "EntityNotExist.User"
    assert call(company, *user.key)().body.user_id == user.user_id


@BOTH
def test_access_keys__owner_without_a_name__acts_on_its_own_keys(company: Seed, service: str) -> None:
    owner = Keys(company, service)
    made = owner.create()
    try:
        assert call(company, made.access_key_id, made.access_key_secret)().body.identity_type == "Account"
        assert made.access_key_id in [row.access_key_id for row in owner.list()]
        assert refusal(owner.create).code == "LimitExceeded.User.AccessKey"
        owner.update(made.access_key_id, "Inactive")
        assert refusal(call(company, made.access_key_id, made.access_key_secret)).code == "InvalidAccessKeyId.Inactive"
    finally:
        owner.delete(made.access_key_id)
    assert company.owner_key.access_key_id in [row.access_key_id for row in owner.list()]


@BOTH
def test_access_keys__administrator_without_a_name__acts_on_itself_and_never_on_the_owner(
    company: Seed, service: str
) -> None:
    admin = company.new_user("AliyunRAMFullAccess")
    keys = Keys(company, service, *admin.key)
    assert [row.access_key_id for row in keys.list()] == [admin.key_id]
    error = refusal(keys.update, company.owner_key.access_key_id, "Inactive")
    assert error.code == "EntityNotExist.User.AccessKey"
    made = keys.create()
    keys.delete(made.access_key_id)


def _tries(keys: Keys, victim: Caller, name: str | None) -> tuple[Callable[[], Any], ...]:
    return (
        lambda: keys.create(name),
        lambda: keys.list(name),
        lambda: keys.update(victim.key_id, "Inactive", name),
        lambda: keys.last_use(victim.key_id, name),
        lambda: keys.delete(victim.key_id, name),
    )


@BOTH
def test_access_keys__user_without_rights__is_denied_every_operation(company: Seed, service: str) -> None:
    nobody, victim = company.new_user(), company.new_user()
    keys = Keys(company, service, *nobody.key)
    for attempt in (*_tries(keys, victim, victim.name), *_tries(keys, nobody, None)):
        error = refusal(attempt)
        assert (error.status_code, error.code) == (403, "NoPermission")
    assert call(company, *victim.key)().body.user_id == victim.user_id


@BOTH
def test_access_keys__account_lets_users_manage_theirs__only_on_themselves(company: Seed, service: str) -> None:
    alone, victim = company.new_user(), company.new_user()
    keys = Keys(company, service, *alone.key)
    with preference(company, allow_user_to_manage_access_keys=True):
        made = keys.create()
        assert len(keys.list(alone.name.upper())) == 2
        keys.update(made.access_key_id, "Inactive", alone.name)
        assert keys.last_use(made.access_key_id).last_used_date is None
        keys.delete(made.access_key_id)
        for attempt in _tries(keys, victim, victim.name):
            assert refusal(attempt).code == "NoPermission"
        assert refusal(keys.delete, victim.key_id).code == "EntityNotExist.User.AccessKey"
    assert refusal(keys.list).code == "NoPermission"


def test_access_keys__other_accounts_domain__names_nobody(company: Seed) -> None:
    owner, user = Keys(company, IMS), company.new_user()
    error = refusal(owner.list, f"{user.name}@1111222233334444.onaliyun.com")
    assert (error.status_code, error.code) == (404, "EntityNotExist.User")
    assert refusal(owner.list, f"{user.name}@").code == "InvalidParameter.UserPrincipalName"
    named = owner.list(f"{user.name}@ACME.onaliyun.com")
    assert [row.access_key_id for row in named] == [user.key_id]
    assert named[0].update_date == named[0].create_date


def test_access_key__idle_for_too_long__is_refused_until_it_is_switched_on_again(company: Seed) -> None:
    owner, user = Keys(company, IMS), company.new_user()
    with preference(company, max_idle_days_for_access_keys=90):
        age(company, user.key_id, created=timedelta(days=91), changed=timedelta(days=8))
        error = refusal(call(company, *user.key))
        assert (error.status_code, error.code) == (400, "InvalidAccessKeyId.Inactive")
        assert [row.status for row in owner.list(user.name)] == ["Inactive"]
        owner.update(user.key_id, "Active", user.name)
        assert call(company, *user.key)().body.user_id == user.user_id
        age(company, user.key_id, created=timedelta(days=91), changed=timedelta(days=8))
        assert call(company, *user.key)().body.user_id == user.user_id
        assert [row.status for row in owner.list(user.name)] == ["Active"]


def test_access_key__changed_within_a_week__is_spared(company: Seed) -> None:
    user = company.new_user()
    with preference(company, max_idle_days_for_access_keys=90):
        age(company, user.key_id, created=timedelta(days=400), changed=timedelta(days=6))
        assert call(company, *user.key)().body.user_id == user.user_id
