"""Changing one's own password, through the official clients."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from alibabacloud_ims20190815.models import ChangePasswordRequest as ChangeIms
from alibabacloud_ims20190815.models import (
    GetLoginProfileRequest,
    SetPasswordPolicyRequest,
    SetSecurityPreferenceRequest,
)
from alibabacloud_ram20150501.models import ChangePasswordRequest as ChangeRam
from alibabacloud_ram20150501.models import CreateLoginProfileRequest, UpdateLoginProfileRequest
from alibabacloud_tea_openapi.exceptions import ClientException

from gateway.directory.login_attempts import forget_failures, user_attempt
from gateway.directory.user_sso import set_user_sso
from tests.identities import idp_metadata
from tests.wire.refusal import refusal
from tests.wire.seed import Caller, Seed
from tests.wire.test_login_profiles import browser_of, is_signed_in, logon_name, opens

PASSWORD, OTHER = "Correct-Horse-7", "Battery-Staple-8"
WRONG = "Wrong-Horse-7"


@pytest.fixture(autouse=True)
def keep_the_settings(company: Seed) -> Iterator[None]:
    yield
    company.ims().set_password_policy(SetPasswordPolicyRequest())
    company.ims().set_security_preference(SetSecurityPreferenceRequest(allow_user_to_change_password=True))


@pytest.fixture
def user(company: Seed) -> Caller:
    """A user with a password, and no policy that allows it anything."""
    made = company.new_user()
    company.ram().create_login_profile(
        CreateLoginProfileRequest(user_name=made.name, password=PASSWORD, password_reset_required=True)
    )
    return made


def test_change_password__right_old_one__is_the_new_one_and_ends_the_browsers(company: Seed, user: Caller) -> None:
    browser = browser_of(company, user)
    company.ram(*user.key).change_password(ChangeRam(old_password=PASSWORD, new_password=OTHER))
    assert (opens(company, user, PASSWORD), opens(company, user, OTHER)) == (False, True)
    assert not is_signed_in(company, browser)
    seen = company.ims().get_login_profile(GetLoginProfileRequest(user_principal_name=logon_name(user)))
    assert seen.body.login_profile.password_reset_required is False
    assert seen.body.login_profile.password_status == "NotInitial"
    company.ims(*user.key).change_password(ChangeIms(old_password=OTHER, new_password=PASSWORD))
    assert opens(company, user, PASSWORD)


def test_change_password__wrong_old_one__refused_and_slowed_down_like_a_sign_in(company: Seed, user: Caller) -> None:
    ram, ims = company.ram(*user.key), company.ims(*user.key)
    for _ in range(4):
        error = refusal(ram.change_password, ChangeRam(old_password=WRONG, new_password=OTHER))
        assert (error.status_code, error.code, error.data["Reason"]) == (403, "AuthenticationFail.Login", "LoginFailed")
    error = refusal(ims.change_password, ChangeIms(old_password=WRONG, new_password=OTHER))
    assert error.data["Reason"] == "LoginFailed"
    for password in (WRONG, PASSWORD):
        error = refusal(ims.change_password, ChangeIms(old_password=password, new_password=OTHER))
        assert (error.status_code, error.data["Reason"]) == (429, "LoginThrottled")
    assert opens(company, user, PASSWORD)


def test_change_password__too_many_failures__locks_until_a_new_password_is_set(company: Seed, user: Caller) -> None:
    company.ims().set_password_policy(SetPasswordPolicyRequest(max_login_attemps=2))
    ram = company.ram(*user.key)
    for _ in range(2):
        refusal(ram.change_password, ChangeRam(old_password=WRONG, new_password=OTHER))
    error = refusal(ram.change_password, ChangeRam(old_password=PASSWORD, new_password=OTHER))
    assert (error.status_code, error.code, error.data["Reason"]) == (429, "Throttling.Login", "LoginLocked")
    company.ram().update_login_profile(UpdateLoginProfileRequest(user_name=user.name, password="Set-By-Admin-1"))
    ram.change_password(ChangeRam(old_password="Set-By-Admin-1", new_password=OTHER))
    assert opens(company, user, OTHER)


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ("short-1", "PasswordTooWeak"),
        ("x" * 33, "PasswordTooWeak"),
        ("x" * 40_000, "PasswordTooWeak"),
        (PASSWORD, "PasswordReused"),
    ],
    ids=["short", "long", "huge", "the old one"],
)
def test_change_password__new_one_no_good__refused(company: Seed, user: Caller, new: str, reason: str) -> None:
    for error in (
        refusal(company.ram(*user.key).change_password, ChangeRam(old_password=PASSWORD, new_password=new)),
        refusal(company.ims(*user.key).change_password, ChangeIms(old_password=PASSWORD, new_password=new)),
    ):
        assert (error.code, error.data["Reason"]) == ("InvalidParameter.Password.TooWeak", reason)
    assert opens(company, user, PASSWORD)


@pytest.mark.parametrize("old", ["x" * 40_000, "e\u0301" * 20_000], ids=["huge", "decomposed"])
def test_change_password__strange_old_one__is_wrong(company: Seed, user: Caller, old: str) -> None:
    error = refusal(company.ram(*user.key).change_password, ChangeRam(old_password=old, new_password=OTHER))
    assert error.data["Reason"] == "LoginFailed"


def test_change_password__decomposed_letters__are_the_same_password(company: Seed, user: Caller) -> None:
    ram = company.ram(*user.key)
    ram.change_password(ChangeRam(old_password=PASSWORD, new_password="Pr\u00e9sident-7"))
    assert opens(company, user, "Pre\u0301sident-7")
    error = refusal(ram.change_password, ChangeRam(old_password="Pr\u00e9sident-7", new_password="Pre\u0301sident-7"))
    assert error.data["Reason"] == "PasswordReused"


def test_change_password__a_parameter_missing__refused(company: Seed, user: Caller) -> None:
    for error in (
        refusal(company.ram(*user.key).change_password, ChangeRam(old_password=PASSWORD)),
        refusal(company.ims(*user.key).change_password, ChangeIms(new_password=OTHER)),
    ):
        assert error.code == "MissingParameter"


def test_change_password__users_may_not__takes_a_policy(company: Seed, user: Caller) -> None:
    company.ims().set_security_preference(SetSecurityPreferenceRequest(allow_user_to_change_password=False))
    change = ChangeRam(old_password=PASSWORD, new_password=OTHER)
    assert refusal(company.ram(*user.key).change_password, change).code == "NoPermission"
    assert opens(company, user, PASSWORD)
    allowed = company.new_user("AliyunRAMFullAccess")
    company.ram().create_login_profile(CreateLoginProfileRequest(user_name=allowed.name, password=PASSWORD))
    company.ram(*allowed.key).change_password(change)
    assert opens(company, allowed, OTHER)


def test_change_password__denied_by_a_policy__refused_though_users_may(company: Seed, user: Caller) -> None:
    from gateway.directory.attachments import attach_policy
    from gateway.directory.policies import create_policy
    from gateway.directory.users import get_user
    from tests.unit.directory.world import policy

    with company.services.store.transaction() as session:
        now = company.services.clock.now()
        name = f"no-change-{user.name}"
        create_policy(session, company.account_id, name, policy("Deny", "ram:ChangePassword"), now=now)
        found = get_user(session, company.account_id, user.name)
        attach_policy(session, company.account_id, "Custom", name, found, now)
    change = ChangeRam(old_password=PASSWORD, new_password=OTHER)
    assert refusal(company.ram(*user.key).change_password, change).code == "NoPermission"


def test_change_password__owner_and_user_without_a_password__refused(company: Seed) -> None:
    change = ChangeRam(old_password=PASSWORD, new_password=OTHER)
    error = refusal(company.ram().change_password, change)
    assert (error.status_code, error.code) == (404, "EntityNotExist.User")
    error = refusal(company.ram(*company.new_user().key).change_password, change)
    assert (error.status_code, error.code) == (404, "EntityNotExist.User.LoginProfile")


def test_change_password__company_sign_in_on__refused(company: Seed, user: Caller) -> None:
    now = company.services.clock.now()
    with company.services.store.transaction() as session:
        set_user_sso(session, company.account_id, enabled=True, metadata_xml=idp_metadata(), now=now)
    try:
        change = ChangeRam(old_password=PASSWORD, new_password=OTHER)
        error = refusal(company.ram(*user.key).change_password, change)
        assert error.data["Reason"] == "PasswordLoginDisabled"
    finally:
        with company.services.store.transaction() as session:
            set_user_sso(session, company.account_id, enabled=False, now=now)


def test_change_password__two_at_once_with_the_same_old_one__one_is_made(company: Seed, user: Caller) -> None:
    new = ["Battery-Staple-1", "Battery-Staple-2", "Battery-Staple-3"]

    def change(password: str) -> str:
        try:
            company.ram(*user.key).change_password(ChangeRam(old_password=PASSWORD, new_password=password))
        except ClientException as error:
            return str(error.data["Reason"])
        return "done"

    with ThreadPoolExecutor(len(new)) as pool:
        outcomes = list(pool.map(change, new))
    assert outcomes.count("done") == 1
    assert set(outcomes) <= {"done", "ChangedMeanwhile", "LoginFailed"}
    assert [opens(company, user, password) for password in new] == [outcome == "done" for outcome in outcomes]
    assert not opens(company, user, PASSWORD)
    with company.services.store.transaction() as session:
        forget_failures(session, user_attempt(company.account_id, user.name))


def test_change_password__last_three_forbidden__none_of_them_comes_back(company: Seed, user: Caller) -> None:
    company.ims().set_password_policy(SetPasswordPolicyRequest(password_reuse_prevention=3))
    ram, used = company.ram(*user.key), [PASSWORD]
    for new in ("Battery-Staple-1", "Battery-Staple-2"):
        ram.change_password(ChangeRam(old_password=used[-1], new_password=new))
        used.append(new)
    for again in used:
        error = refusal(ram.change_password, ChangeRam(old_password=used[-1], new_password=again))
        assert error.data["Reason"] == "PasswordReused"
    ram.change_password(ChangeRam(old_password=used[-1], new_password="Battery-Staple-3"))
    ram.change_password(ChangeRam(old_password="Battery-Staple-3", new_password=PASSWORD))
    assert opens(company, user, PASSWORD)
