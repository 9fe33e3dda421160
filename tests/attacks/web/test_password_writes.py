"""Setting passwords by calls: the slow part is done while others can write, and little of it for whoever is refused."""

import secrets
from typing import Any

import pytest

from gateway.api.pipeline import ApiReply, run
from gateway.directory import login_profiles, password_login
from gateway.directory.access_keys import NewAccessKey, create_access_key
from gateway.directory.passwords import hash_password, verify_password
from gateway.secret import Secret
from tests.attacks.web.test_write_lock import watched
from tests.in_process import posted_form, signed_parameters
from tests.unit.web.site import PASSWORD, Site
from tests.unit.web.test_signin import give_password

RAM, IMS = "2015-05-01", "2019-08-15"
NEW = "Battery-Staple-8"


def key_of(site: Site, user_id: str | None) -> NewAccessKey:
    services = site.services
    with services.store.transaction() as session:
        return create_access_key(
            session, services.ring, account_id=site.account_id, user_id=user_id, now=site.clock.now()
        )


def call(site: Site, key: NewAccessKey, action: str, version: str, **parameters: str) -> ApiReply:
    named = {"Action": action, "Version": version, **parameters}
    signed = signed_parameters(key, named, nonce=secrets.token_hex(8), now=site.clock.now())
    return run(posted_form(signed), site.services)


@pytest.fixture
def seen(site: Site, monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """For each hash that was made or checked, whether somebody else could write meanwhile."""
    noted: list[bool] = []
    monkeypatch.setattr(login_profiles, "hash_password", watched(site, hash_password, noted))
    monkeypatch.setattr(password_login, "verify_password", watched(site, verify_password, noted))
    return noted


@pytest.mark.parametrize(
    ("version", "name"), [(RAM, {"UserName": "alice"}), (IMS, {"UserPrincipalName": "alice@acme.onaliyun.com"})]
)
def test_login_profile__while_the_password_is_hashed__others_can_write(
    site: Site, seen: list[bool], version: str, name: dict[str, str]
) -> None:
    owner = key_of(site, None)
    assert call(site, owner, "CreateLoginProfile", version, **name, Password=PASSWORD).status == 200
    assert call(site, owner, "UpdateLoginProfile", version, **name, Password=NEW).status == 200
    assert seen == [True, True]


def test_change_password__while_passwords_are_hashed__others_can_write(site: Site, seen: list[bool]) -> None:
    give_password(site)
    seen.clear()
    alice = key_of(site, site.user_id)
    assert call(site, alice, "ChangePassword", IMS, OldPassword=PASSWORD, NewPassword=NEW).status == 200
    assert call(site, alice, "ChangePassword", RAM, OldPassword=PASSWORD, NewPassword=NEW).status == 403
    assert seen == [True, True, True]


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("CreateLoginProfile", {"UserName": "alice", "Password": NEW}),
        ("CreateLoginProfile", {"UserName": "alice", "Password": "x" * 10_000}),
        ("UpdateLoginProfile", {"UserName": "nobody", "Password": NEW}),
        ("UpdateLoginProfile", {"UserName": "alice", "Password": "weak"}),
        ("ChangePassword", {"OldPassword": PASSWORD, "NewPassword": NEW}),
    ],
    ids=["there already", "too long", "nobody", "weak", "owner's call"],
)
def test_password__refused_anyway__is_not_hashed(
    site: Site, seen: list[bool], action: str, parameters: dict[str, Any]
) -> None:
    give_password(site)
    seen.clear()
    assert 400 <= call(site, key_of(site, None), action, RAM, **parameters).status < 500
    assert seen == []


def test_change_password__somebody_without_the_right__is_not_hashed_and_not_counted(
    site: Site, seen: list[bool]
) -> None:
    give_password(site)
    seen.clear()
    stranger = key_of(site, site.user_id)
    for _ in range(7):
        wrong_key = NewAccessKey(stranger.access_key_id, Secret("of somebody else"))
        reply = call(site, wrong_key, "ChangePassword", RAM, OldPassword="Wrong-Horse-7", NewPassword=NEW)
        assert reply.status == 400
    assert seen == []
    assert call(site, stranger, "ChangePassword", RAM, OldPassword=PASSWORD, NewPassword=NEW).status == 200
