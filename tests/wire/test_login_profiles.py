"""Login profiles, through the official clients."""

import secrets
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alibabacloud_ims20190815.models import CreateLoginProfileRequest as CreateIms
from alibabacloud_ims20190815.models import DeleteLoginProfileRequest as DeleteIms
from alibabacloud_ims20190815.models import GetLoginProfileRequest as GetIms
from alibabacloud_ims20190815.models import SetPasswordPolicyRequest
from alibabacloud_ims20190815.models import UpdateLoginProfileRequest as UpdateIms
from alibabacloud_ram20150501.models import CreateLoginProfileRequest as CreateRam
from alibabacloud_ram20150501.models import DeleteLoginProfileRequest as DeleteRam
from alibabacloud_ram20150501.models import GetLoginProfileRequest as GetRam
from alibabacloud_ram20150501.models import UpdateLoginProfileRequest as UpdateRam

from gateway.audit.receipts import list_receipts
from gateway.clock import wire_time
from gateway.directory.login_profiles import LoginProfile
from gateway.directory.password_login import check_user_password
from gateway.directory.users import User
from gateway.errors import CredentialError
from gateway.principal import RamUser
from gateway.secret import Secret
from gateway.sts.sessions import find_session, open_session
from tests.wire.refusal import refusal
from tests.wire.seed import Caller, Seed

PASSWORD, OTHER = "Correct-Horse-7", "Battery-Staple-8"


@pytest.fixture(autouse=True)
def keep_the_policy(company: Seed) -> Iterator[None]:
    yield
    company.ims().set_password_policy(SetPasswordPolicyRequest())


def logon_name(user: Caller) -> str:
    return f"{user.name}@acme.onaliyun.com"


def opens(company: Seed, user: Caller, password: str) -> bool:
    with company.services.store.reading() as session:
        try:
            now = datetime.now(UTC)
            return check_user_password(session, company.account_id, user.name, Secret(password), now).user.id != ""
        except CredentialError:
            return False


def browser_of(company: Seed, user: Caller) -> str:
    now = datetime.now(UTC)
    with company.services.store.transaction() as session:
        return open_session(
            session,
            company.services.ring,
            RamUser(company.account_id, user.user_id, user.name),
            token=None,
            provenance=None,
            expires_at=now + timedelta(hours=1),
            duration_cap="test",
            now=now,
        )


def is_signed_in(company: Seed, handle: str) -> bool:
    with company.services.store.reading() as session:
        return find_session(session, company.services.ring, handle, datetime.now(UTC)) is not None


def change_row(company: Seed, user: Caller, **changes: Any) -> None:
    with company.services.store.transaction() as session:
        profile = session.get_one(LoginProfile, user.user_id)
        for name, value in changes.items():
            setattr(profile, name, value)


def test_ram_login_profile__whole_life(company: Seed) -> None:
    user, ram = company.new_user(), company.ram()
    request = CreateRam(user_name=user.name, password=PASSWORD, password_reset_required=True)
    made = ram.create_login_profile(request).body.login_profile.to_map()
    assert made.pop("CreateDate")[:2] == "20"
    assert made == {"UserName": user.name, "MFABindRequired": False, "PasswordResetRequired": True}
    assert opens(company, user, PASSWORD)
    browser = browser_of(company, user)
    ram.update_login_profile(UpdateRam(user_name=user.name, mfabind_required=True, password_reset_required=False))
    seen = ram.get_login_profile(GetRam(user_name=user.name.upper())).body.login_profile
    assert (seen.user_name, seen.mfabind_required, seen.password_reset_required) == (user.name, True, False)
    assert opens(company, user, PASSWORD)
    assert is_signed_in(company, browser)
    ram.update_login_profile(UpdateRam(user_name=user.name, password=OTHER))
    assert (opens(company, user, PASSWORD), opens(company, user, OTHER)) == (False, True)
    assert not is_signed_in(company, browser)
    browser = browser_of(company, user)
    ram.delete_login_profile(DeleteRam(user_name=user.name))
    assert not opens(company, user, OTHER)
    assert not is_signed_in(company, browser)
    with company.services.store.reading() as session:
        kinds = [receipt.kind for receipt in list_receipts(session, account_id=company.account_id)][:4]
        told = str([receipt.details for receipt in list_receipts(session, account_id=company.account_id)])
    assert kinds == ["DeleteLoginProfile", "UpdateLoginProfile", "UpdateLoginProfile", "CreateLoginProfile"]
    assert PASSWORD not in told
    assert OTHER not in told


def test_ims_login_profile__whole_life(company: Seed) -> None:
    user, ims = company.new_user(), company.ims()
    request = CreateIms(user_principal_name=logon_name(user), password=PASSWORD, mfabind_required=True)
    made = ims.create_login_profile(request).body.login_profile.to_map()
    common = {"UserPrincipalName": logon_name(user), "MFABindRequired": True, "PasswordResetRequired": False}
    assert made.pop("UpdateDate")[:2] == "20"
    assert made == common | {"Status": "Active", "PasswordStatus": "InitialValid"}
    browser = browser_of(company, user)
    disable = UpdateIms(user_principal_name=logon_name(user), status="Inactive")
    updated = ims.update_login_profile(disable).body.login_profile.to_map()
    assert updated.pop("UpdateDate")[:2] == "20"
    gone = {"Status": "Inactive", "PasswordStatus": "InitialValid", "AutoDisableLoginStatus": "true"}
    assert updated == common | gone
    assert not opens(company, user, PASSWORD)
    assert not is_signed_in(company, browser)
    login = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    with company.services.store.transaction() as session:
        session.get_one(User, user.user_id).last_login_at = login
    seen = ims.get_login_profile(GetIms(user_principal_name=f"{user.name}@acme")).body.login_profile.to_map()
    assert seen.pop("UpdateDate")[:2] == "20"
    assert seen == common | gone | {"LastLoginTime": wire_time(login)}
    ims.update_login_profile(UpdateIms(user_principal_name=logon_name(user), status="Active"))
    assert opens(company, user, PASSWORD)
    ims.delete_login_profile(DeleteIms(user_principal_name=logon_name(user)))
    error = refusal(ims.get_login_profile, GetIms(user_principal_name=logon_name(user)))
    assert (error.status_code, error.code) == (404, "EntityNotExist.User.LoginProfile")


def test_get_ims_login_profile__first_password_unused_or_user_idle__says_so(company: Seed) -> None:
    user, ims = company.new_user(), company.ims()
    name = logon_name(user)
    ims.create_login_profile(CreateIms(user_principal_name=name, password=PASSWORD))
    ago = datetime.now(UTC) - timedelta(days=15)
    change_row(company, user, initial_since=ago)
    seen = ims.get_login_profile(GetIms(user_principal_name=name)).body.login_profile
    assert (seen.status, seen.password_status) == ("Active", "InitialExpired")
    assert not opens(company, user, PASSWORD)
    reset = ims.update_login_profile(UpdateIms(user_principal_name=name, password=OTHER)).body.login_profile
    assert reset.password_status == "InitialValid"
    assert opens(company, user, OTHER)
    long_ago = datetime.now(UTC) - timedelta(days=731)
    change_row(company, user, initial_since=None, password_used_at=long_ago, updated_at=ago)
    seen = ims.get_login_profile(GetIms(user_principal_name=name)).body.login_profile
    assert (seen.status, seen.password_status) == ("Inactive", "NotInitial")
    assert not opens(company, user, OTHER)
    ims.update_login_profile(UpdateIms(user_principal_name=name, status="Active"))
    assert opens(company, user, OTHER)


def test_create_login_profile__twice__refused(company: Seed) -> None:
    user = company.new_user()
    company.ram().create_login_profile(CreateRam(user_name=user.name, password=PASSWORD))
    for error in (
        refusal(company.ram().create_login_profile, CreateRam(user_name=user.name, password=OTHER)),
        refusal(company.ims().create_login_profile, CreateIms(user_principal_name=logon_name(user), password=OTHER)),
    ):
        assert (error.status_code, error.code) == (409, "EntityAlreadyExists.User.LoginProfile")
    assert opens(company, user, PASSWORD)


@pytest.mark.parametrize(
    "password",
    ["short-1", "x" * 33, "x" * 40_000, "\u00e9" * 4 + "abc", "e\u0301" * 33],
    ids=["short", "long", "huge", "seven", "33 decomposed"],
)
def test_create_and_update_login_profile__weak_password__refused(company: Seed, password: str) -> None:
    user = company.new_user()
    for call, request in (
        (company.ram().create_login_profile, CreateRam(user_name=user.name, password=password)),
        (company.ims().create_login_profile, CreateIms(user_principal_name=logon_name(user), password=password)),
    ):
        error = refusal(call, request)
        assert (error.status_code, error.code) == (400, "InvalidParameter.Password.TooWeak")
    error = refusal(company.ram().get_login_profile, GetRam(user_name=user.name))
    assert error.code == "EntityNotExist.User.LoginProfile"
    company.ram().create_login_profile(CreateRam(user_name=user.name, password=PASSWORD))
    for call, update in (
        (company.ram().update_login_profile, UpdateRam(user_name=user.name, password=password)),
        (company.ims().update_login_profile, UpdateIms(user_principal_name=logon_name(user), password=password)),
    ):
        assert refusal(call, update).code == "InvalidParameter.Password.TooWeak"
    assert opens(company, user, PASSWORD)


@pytest.mark.parametrize(
    ("rule", "password", "good"),
    [
        ({"minimum_password_length": 16}, "Correct-Horse-7", "Correct-Horse-77"),
        ({"require_lowercase_characters": True}, "CORRECT-HORSE-7", "cORRECT-HORSE-7"),
        ({"require_uppercase_characters": True}, "correct-horse-7", "Correct-horse-7"),
        ({"require_numbers": True}, "Correct-Horse", "Correct-Horse-7"),
        ({"require_symbols": True}, "CorrectHorse7", "CorrectHorse_7"),
        ({"minimum_password_different_character": 5}, "aaaabbbbcccc1", "aaaabbbbcccc12"),
        ({"intercept_risk_password_on_api": True}, "P@ssw0rd123", "Correct-Horse-7"),
    ],
)
def test_create_login_profile__against_the_policy__refused(
    company: Seed, rule: dict[str, Any], password: str, good: str
) -> None:
    company.ims().set_password_policy(SetPasswordPolicyRequest(**rule))
    user = company.new_user()
    error = refusal(company.ram().create_login_profile, CreateRam(user_name=user.name, password=password))
    assert (error.status_code, error.data["Reason"]) == (400, "PasswordTooWeak")
    company.ram().create_login_profile(CreateRam(user_name=user.name, password=good))
    assert opens(company, user, good)


def test_create_login_profile__user_name_in_it__refused_if_the_policy_says_so(company: Seed) -> None:
    company.ims().set_password_policy(SetPasswordPolicyRequest(password_not_contain_user_name=True))
    user = company.new_user()
    password = f"X-{user.name.upper()}-9"
    error = refusal(company.ram().create_login_profile, CreateRam(user_name=user.name, password=password))
    assert error.data["Reason"] == "PasswordTooWeak"


def test_update_login_profile__used_before__refused_also_after_the_profile_was_made_anew(company: Seed) -> None:
    company.ims().set_password_policy(SetPasswordPolicyRequest(password_reuse_prevention=2))
    user, ram = company.new_user(), company.ram()
    ram.create_login_profile(CreateRam(user_name=user.name, password=PASSWORD))
    ram.update_login_profile(UpdateRam(user_name=user.name, password=OTHER))
    for password in (PASSWORD, OTHER):
        error = refusal(ram.update_login_profile, UpdateRam(user_name=user.name, password=password))
        assert (error.code, error.data["Reason"]) == ("InvalidParameter.Password.TooWeak", "PasswordReused")
    ram.delete_login_profile(DeleteRam(user_name=user.name))
    error = refusal(ram.create_login_profile, CreateRam(user_name=user.name, password=PASSWORD))
    assert error.data["Reason"] == "PasswordReused"
    ram.create_login_profile(CreateRam(user_name=user.name, password="A-Third-One-9"))
    ram.update_login_profile(UpdateRam(user_name=user.name, password=PASSWORD))
    assert opens(company, user, PASSWORD)


@pytest.mark.parametrize("named", ["nobody", "none@elsewhere.example"])
def test_login_profile__unknown_user__refused(company: Seed, named: str) -> None:
    name = f"{named}-{secrets.token_hex(4)}"
    ram, ims = company.ram(), company.ims()
    upn = name if "@" in name else f"{name}@acme.onaliyun.com"
    for call, request in (
        (ram.create_login_profile, CreateRam(user_name=name, password=PASSWORD)),
        (ram.get_login_profile, GetRam(user_name=name)),
        (ram.update_login_profile, UpdateRam(user_name=name, password=PASSWORD)),
        (ram.delete_login_profile, DeleteRam(user_name=name)),
        (ims.create_login_profile, CreateIms(user_principal_name=upn, password=PASSWORD)),
        (ims.get_login_profile, GetIms(user_principal_name=upn)),
        (ims.update_login_profile, UpdateIms(user_principal_name=upn, status="Active")),
        (ims.delete_login_profile, DeleteIms(user_principal_name=upn)),
    ):
        error = refusal(call, request)
        assert (error.status_code, error.code) == (404, "EntityNotExist.User")


def test_login_profile__user_without_one__refused(company: Seed) -> None:
    user, ram, ims = company.new_user(), company.ram(), company.ims()
    upn = logon_name(user)
    for call, request in (
        (ram.get_login_profile, GetRam(user_name=user.name)),
        (ram.update_login_profile, UpdateRam(user_name=user.name, password=PASSWORD)),
        (ram.delete_login_profile, DeleteRam(user_name=user.name)),
        (ims.get_login_profile, GetIms(user_principal_name=upn)),
        (ims.update_login_profile, UpdateIms(user_principal_name=upn, mfabind_required=True)),
        (ims.delete_login_profile, DeleteIms(user_principal_name=upn)),
    ):
        error = refusal(call, request)
        assert (error.status_code, error.code) == (404, "EntityNotExist.User.LoginProfile")


def test_login_profile__bad_parameters__refused(company: Seed) -> None:
    user, ram, ims = company.new_user(), company.ram(), company.ims()
    upn = logon_name(user)
    missing = refusal(ram.create_login_profile, CreateRam(user_name=user.name))
    assert (missing.code, missing.data["Reason"]) == ("MissingParameter", "ParameterMissing")
    assert refusal(ims.create_login_profile, CreateIms(user_principal_name=upn)).code == "MissingParameter"
    assert refusal(ims.get_login_profile, GetIms(user_principal_name="no-domain")).data["Reason"] == "ParameterInvalid"
    strange = CreateIms(user_principal_name=upn, password=PASSWORD, status="active")
    assert refusal(ims.create_login_profile, strange).code == "InvalidParameter.Status"
    strange = CreateIms().from_map({"UserPrincipalName": upn, "Password": PASSWORD, "MFABindRequired": "1"})
    assert refusal(ims.create_login_profile, strange).code == "InvalidParameter.MFABindRequired"


def test_login_profile__user_without_rights__denied_even_about_itself(company: Seed) -> None:
    nobody = company.new_user()
    company.ram().create_login_profile(CreateRam(user_name=nobody.name, password=PASSWORD))
    ram, ims = company.ram(*nobody.key), company.ims(*nobody.key)
    upn = logon_name(nobody)
    for call, request in (
        (ram.create_login_profile, CreateRam(user_name="alice", password=PASSWORD)),
        (ram.get_login_profile, GetRam(user_name=nobody.name)),
        (ram.get_login_profile, GetRam()),
        (ram.update_login_profile, UpdateRam(user_name=nobody.name, password=OTHER)),
        (ram.delete_login_profile, DeleteRam(user_name=nobody.name)),
        (ims.create_login_profile, CreateIms(user_principal_name=upn, password=PASSWORD)),
        (ims.get_login_profile, GetIms(user_principal_name=upn)),
        (ims.update_login_profile, UpdateIms(user_principal_name=upn, password=OTHER)),
        (ims.delete_login_profile, DeleteIms(user_principal_name=upn)),
    ):
        assert refusal(call, request).code == "NoPermission"
    assert opens(company, nobody, PASSWORD)
    reader = company.new_user("AliyunRAMReadOnlyAccess")
    seen = company.ram(*reader.key).get_login_profile(GetRam(user_name=nobody.name)).body.login_profile
    assert seen.user_name == nobody.name


def test_get_login_profile__no_name__is_the_callers_own(company: Seed) -> None:
    user = company.new_user("AliyunRAMReadOnlyAccess")
    company.ram().create_login_profile(CreateRam(user_name=user.name, password=PASSWORD))
    assert company.ram(*user.key).get_login_profile(GetRam()).body.login_profile.user_name == user.name
    assert refusal(company.ram().get_login_profile, GetRam()).code == "MissingParameter"
