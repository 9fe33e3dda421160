"""Signing in by password as a RAM user."""

from datetime import timedelta

import pytest

from gateway.directory.login_profiles import (
    LoginProfileStatus,
    create_login_profile,
    delete_login_profile,
    find_login_profile,
    prepare_password,
    update_login_profile,
)
from gateway.directory.password_login import check_user_password
from gateway.directory.user_sso import set_user_sso
from gateway.errors import AlreadyExists, CredentialError, InputError, NotFound, Reason
from gateway.secret import Secret
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.identities import idp_metadata
from tests.unit.directory.world import OTHER_ACCOUNT, refused, user

PASSWORD = Secret("correct horse")
NEW_PASSWORD = Secret("battery staple")


def test_login_profile__whole_life(store: Store, account: str) -> None:
    later = NOON + timedelta(hours=1)
    with store.transaction() as session:
        alice = user(session)
        assert find_login_profile(session, alice) is None
        with refused(InputError, Reason.PASSWORD_TOO_WEAK, "Password"):
            create_login_profile(session, alice, Secret("short"), now=NOON)
        create_login_profile(session, alice, PASSWORD, password_reset_required=True, now=NOON)
        with refused(AlreadyExists, Reason.ALREADY_EXISTS, "User.LoginProfile"):
            create_login_profile(session, alice, PASSWORD, now=NOON)
    with store.transaction() as session:
        with refused(InputError, Reason.PASSWORD_TOO_WEAK, "Password"):
            prepare_password(session, alice, Secret("x" * 33))
        profile = update_login_profile(
            session,
            alice,
            password=prepare_password(session, alice, NEW_PASSWORD),
            password_reset_required=False,
            mfa_bind_required=True,
            now=later,
        )
        assert (profile.password_reset_required, profile.mfa_bind_required) == (False, True)
        assert (profile.created_at, profile.updated_at) == (NOON, later)
        assert check_user_password(session, account, "ALICE", NEW_PASSWORD, NOON).user.id == alice.id
        delete_login_profile(session, alice)
        assert find_login_profile(session, alice) is None
        with refused(NotFound, Reason.NOT_FOUND, "User.LoginProfile"):
            delete_login_profile(session, alice)
        with refused(NotFound, Reason.NOT_FOUND, "User.LoginProfile"):
            update_login_profile(session, alice, now=later)


@pytest.mark.parametrize(
    ("name", "password", "why"),
    [
        ("alice", "battery staple", "user alice: wrong password"),
        ("alice", "", "user alice: wrong password"),
        ("nobody", "correct horse", "no such user"),
        ("alice\0", "correct horse", "no such user"),
        ("bob", "correct horse", "user bob: the user has no login profile"),
        ("carol", "correct horse", "user carol: the login profile is inactive"),
        ("mallory", "correct horse", "no such user"),
    ],
    ids=ascii,
)
def test_check_user_password__refused__only_the_detail_tells_why(
    store: Store, account: str, name: str, password: str, why: str
) -> None:
    with store.transaction() as session:
        create_login_profile(session, user(session, "alice"), PASSWORD, now=NOON)
        user(session, "bob")
        create_login_profile(session, user(session, "carol"), PASSWORD, status=LoginProfileStatus.INACTIVE, now=NOON)
        create_login_profile(session, user(session, "mallory", OTHER_ACCOUNT), PASSWORD, now=NOON)
    with store.reading() as session, pytest.raises(CredentialError) as caught:
        check_user_password(session, account, name, Secret(password), NOON)
    assert caught.value.reason is Reason.LOGIN_FAILED
    assert caught.value.public == "the user name or the password is wrong"
    assert caught.value.detail == why


@pytest.mark.parametrize(("name", "password"), [("alice", "correct horse"), ("alice", "wrong"), ("nobody", "wrong")])
def test_check_user_password__user_sso_on__same_refusal_for_everybody_until_it_is_off(
    store: Store, account: str, name: str, password: str
) -> None:
    with store.transaction() as session:
        alice = user(session)
        create_login_profile(session, alice, PASSWORD, now=NOON)
        set_user_sso(session, account, enabled=True, metadata_xml=idp_metadata(), now=NOON)
    with store.reading() as session, pytest.raises(CredentialError) as caught:
        check_user_password(session, account, name, Secret(password), NOON)
    assert (caught.value.reason, caught.value.detail) == (Reason.PASSWORD_LOGIN_DISABLED, None)
    with store.transaction() as session:
        set_user_sso(session, account, enabled=False, now=NOON)
        assert check_user_password(session, account, "alice", PASSWORD, NOON).user.id == alice.id
