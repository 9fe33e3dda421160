"""Security settings, through the official clients."""

from collections.abc import Iterator
from typing import Any

import pytest
from alibabacloud_ims20190815.models import SetSecurityPreferenceRequest as SetImsPreference
from alibabacloud_ram20150501.models import SetSecurityPreferenceRequest as SetRamPreference

from gateway.directory.security_preference import SecurityPreferenceRow, get_security_preference
from tests.wire.refusal import refusal
from tests.wire.seed import Seed

RAM_DEFAULTS: dict[str, Any] = {
    "AccessKeyPreference": {"AllowUserToManageAccessKeys": False},
    "LoginProfilePreference": {
        "AllowUserToChangePassword": True,
        "EnableSaveMFATicket": False,
        "LoginNetworkMasks": "",
        "LoginSessionDuration": 6,
    },
    "MFAPreference": {"AllowUserToManageMFADevices": True},
    "PublicKeyPreference": {"AllowUserToManagePublicKeys": False},
}
IMS_DEFAULTS: dict[str, Any] = {
    "AccessKeyPreference": {"AllowUserToManageAccessKeys": False, "AllowUserToManageServiceCredentials": False},
    "LoginProfilePreference": {
        **RAM_DEFAULTS["LoginProfilePreference"],
        "AllowUserToLoginWithPasskey": True,
        "MFAOperationForLogin": "independent",
        "OperationForRiskLogin": "autonomous",
    },
    "MFAPreference": {"AllowUserToManageMFADevices": True},
    "MaxIdleDays": {"MaxIdleDaysForAccessKeys": 730, "MaxIdleDaysForUsers": 730},
    "PersonalInfoPreference": {"AllowUserToManagePersonalDingTalk": True},
    "VerificationPreference": {"VerificationTypes": []},
}


@pytest.fixture(autouse=True)
def keep_the_settings(company: Seed) -> Iterator[None]:
    yield
    company.ims().set_security_preference(SetImsPreference(login_session_duration=6))
    with company.services.store.transaction() as session:
        row = session.get(SecurityPreferenceRow, company.account_id)
        if row is not None:
            session.delete(row)


def ims_settings(company: Seed) -> Any:
    return company.ims().get_security_preference().body.security_preference.to_map()


def test_get_security_preference__never_set__is_the_default(company: Seed) -> None:
    assert company.ram().get_security_preference().body.security_preference.to_map() == RAM_DEFAULTS
    assert ims_settings(company) == IMS_DEFAULTS


def test_set_ims_security_preference__everything__is_answered_kept_and_in_force(company: Seed) -> None:
    request = SetImsPreference(
        allow_user_to_change_password=False,
        allow_user_to_login_with_passkey=False,
        allow_user_to_manage_access_keys=True,
        allow_user_to_manage_mfadevices=False,
        allow_user_to_manage_personal_ding_talk=False,
        allow_user_to_manage_service_credentials=True,
        enable_save_mfaticket=True,
        login_network_masks="10.0.0.0/8;192.0.2.7;2001:db8::/32",
        login_session_duration=24,
        mfaoperation_for_login="mandatory",
        max_idle_days_for_access_keys=90,
        max_idle_days_for_users=180,
        operation_for_risk_login="enforceVerify",
        verification_types=["sms", "email"],
    )
    wanted = {
        "AccessKeyPreference": {"AllowUserToManageAccessKeys": True, "AllowUserToManageServiceCredentials": True},
        "LoginProfilePreference": {
            "AllowUserToChangePassword": False,
            "EnableSaveMFATicket": True,
            "LoginNetworkMasks": "10.0.0.0/8;192.0.2.7;2001:db8::/32",
            "LoginSessionDuration": 24,
            "AllowUserToLoginWithPasskey": False,
            "MFAOperationForLogin": "mandatory",
            "OperationForRiskLogin": "enforceVerify",
        },
        "MFAPreference": {"AllowUserToManageMFADevices": False},
        "MaxIdleDays": {"MaxIdleDaysForAccessKeys": 90, "MaxIdleDaysForUsers": 180},
        "PersonalInfoPreference": {"AllowUserToManagePersonalDingTalk": False},
        "VerificationPreference": {"VerificationTypes": ["email", "sms"]},
    }
    assert company.ims().set_security_preference(request).body.security_preference.to_map() == wanted
    assert ims_settings(company) == wanted
    with company.services.store.reading() as session:
        assert get_security_preference(session, company.account_id).login_session_duration_h == 24


def test_set_ram_security_preference__everything__leaves_what_only_ims_knows(company: Seed) -> None:
    company.ims().set_security_preference(SetImsPreference(max_idle_days_for_users=90, verification_types=["sms"]))
    request = SetRamPreference(
        allow_user_to_change_password=False,
        allow_user_to_manage_access_keys=True,
        allow_user_to_manage_mfadevices=False,
        allow_user_to_manage_public_keys=True,
        enable_save_mfaticket=True,
        login_network_masks="192.0.2.0/24",
        login_session_duration=1,
    )
    wanted = {
        "AccessKeyPreference": {"AllowUserToManageAccessKeys": True},
        "LoginProfilePreference": {
            "AllowUserToChangePassword": False,
            "EnableSaveMFATicket": True,
            "LoginNetworkMasks": "192.0.2.0/24",
            "LoginSessionDuration": 1,
        },
        "MFAPreference": {"AllowUserToManageMFADevices": False},
        "PublicKeyPreference": {"AllowUserToManagePublicKeys": True},
    }
    assert company.ram().set_security_preference(request).body.security_preference.to_map() == wanted
    assert company.ram().get_security_preference().body.security_preference.to_map() == wanted
    seen = ims_settings(company)
    assert seen["MaxIdleDays"]["MaxIdleDaysForUsers"] == 90
    assert seen["VerificationPreference"] == {"VerificationTypes": ["sms"]}


def test_set_security_preference__empty_values__lift_the_networks_and_the_types(company: Seed) -> None:
    company.ims().set_security_preference(
        SetImsPreference(login_network_masks="192.0.2.0/24", verification_types=["sms"])
    )
    company.ims().set_security_preference(SetImsPreference(allow_user_to_change_password=False))
    kept = ims_settings(company)
    assert kept["LoginProfilePreference"]["LoginNetworkMasks"] == "192.0.2.0/24"
    assert kept["VerificationPreference"] == {"VerificationTypes": ["sms"]}
    company.ims().set_security_preference(SetImsPreference(login_network_masks="", verification_types=[]))
    lifted = ims_settings(company)
    assert lifted["LoginProfilePreference"]["LoginNetworkMasks"] == ""
    assert lifted["VerificationPreference"] == {"VerificationTypes": []}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LoginSessionDuration", 0),
        ("LoginSessionDuration", 25),
        ("MaxIdleDaysForUsers", 91),
        ("MaxIdleDaysForAccessKeys", 0),
        ("MFAOperationForLogin", "Mandatory"),
        ("OperationForRiskLogin", "never"),
        ("VerificationTypes", ["fax"]),
        ("VerificationTypes", {"sms": 1}),
        ("LoginNetworkMasks", "10.0.0.0/33"),
        ("LoginNetworkMasks", "example.com"),
        ("LoginNetworkMasks", ";".join(f"10.0.0.{last}" for last in range(201))),
        ("AllowUserToChangePassword", "no"),
    ],
)
def test_set_security_preference__bad_value__refused_and_nothing_changed(
    company: Seed, name: str, value: object
) -> None:
    request = SetImsPreference().from_map({"EnableSaveMFATicket": True, name: value})
    error = refusal(company.ims().set_security_preference, request)
    assert (error.status_code, error.code) == (400, f"InvalidParameter.{name}")
    assert ims_settings(company) == IMS_DEFAULTS


def test_security_preference__user_without_rights__denied(company: Seed) -> None:
    nobody, reader = company.new_user(), company.new_user("AliyunRAMReadOnlyAccess")
    for call, *request in (
        (company.ram(*nobody.key).get_security_preference,),
        (company.ims(*nobody.key).get_security_preference,),
        (company.ram(*reader.key).set_security_preference, SetRamPreference()),
        (company.ims(*reader.key).set_security_preference, SetImsPreference()),
    ):
        assert refusal(call, *request).code == "NoPermission"
    seen = company.ram(*reader.key).get_security_preference().body.security_preference
    assert seen.login_profile_preference.login_session_duration == 6
