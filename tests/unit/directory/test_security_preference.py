"""What an account lets its users do, and from where they may sign in."""

from dataclasses import fields

import pytest

from gateway.directory.login_network import MOST_NETWORKS, check_login_network, parse_login_networks
from gateway.directory.security_preference import (
    MfaOperation,
    RiskOperation,
    SecurityChange,
    SecurityPreference,
    get_security_preference,
    set_security_preference,
)
from gateway.errors import CredentialError, InputError, NotFound, Reason
from gateway.store.engine import Store
from tests.unit.directory.world import OTHER_ACCOUNT, refused

WANTED = SecurityChange(
    allow_user_to_change_password=False,
    allow_user_to_manage_access_keys=True,
    allow_user_to_manage_mfa_devices=False,
    allow_user_to_manage_public_keys=True,
    allow_user_to_manage_service_credentials=True,
    allow_user_to_manage_personal_dingtalk=False,
    allow_user_to_login_with_passkey=False,
    enable_save_mfa_ticket=True,
    login_session_duration_h=24,
    login_network_masks=" 10.0.0.0/8; 192.0.2.7,2001:db8::/32 ",
    mfa_operation_for_login=MfaOperation.MANDATORY,
    operation_for_risk_login=RiskOperation.ENFORCE_VERIFY,
    verification_types=("sms", "email", "sms"),
    max_idle_days_for_users=90,
    max_idle_days_for_access_keys=180,
)


def test_security_change__has_every_setting() -> None:
    assert [field.name for field in fields(SecurityChange)] == [field.name for field in fields(SecurityPreference)]


def test_security_preference__never_set__is_the_default(store: Store, account: str) -> None:
    with store.reading() as session:
        assert get_security_preference(session, account) == SecurityPreference()
        with refused(NotFound, Reason.NOT_FOUND, "Account"):
            get_security_preference(session, "1")


def test_set_security_preference__everything_then_one_thing__leaves_the_rest_and_other_accounts(
    store: Store, account: str
) -> None:
    with store.transaction() as session:
        answered = set_security_preference(session, account, WANTED)
    with store.reading() as session:
        kept = get_security_preference(session, account)
        assert get_security_preference(session, OTHER_ACCOUNT) == SecurityPreference()
    assert answered == kept
    assert kept.login_network_masks == ("10.0.0.0/8", "192.0.2.7", "2001:db8::/32")
    assert kept.verification_types == ("email", "sms")
    assert (kept.login_session_duration_h, kept.mfa_operation_for_login) == (24, MfaOperation.MANDATORY)
    assert not kept.allow_user_to_change_password
    with store.transaction() as session:
        changed = set_security_preference(
            session, account, SecurityChange(login_network_masks="", verification_types=())
        )
    assert (changed.login_network_masks, changed.verification_types) == ((), ())
    assert changed.max_idle_days_for_users == 90


@pytest.mark.parametrize(
    ("change", "subject"),
    [
        (SecurityChange(enable_save_mfa_ticket=True, login_session_duration_h=0), "LoginSessionDuration"),
        (SecurityChange(enable_save_mfa_ticket=True, login_session_duration_h=25), "LoginSessionDuration"),
        (SecurityChange(enable_save_mfa_ticket=True, max_idle_days_for_users=100), "MaxIdleDaysForUsers"),
        (SecurityChange(enable_save_mfa_ticket=True, max_idle_days_for_access_keys=1), "MaxIdleDaysForAccessKeys"),
        (SecurityChange(enable_save_mfa_ticket=True, verification_types=("fax",)), "VerificationTypes"),
        (SecurityChange(enable_save_mfa_ticket=True, login_network_masks="everywhere"), "LoginNetworkMasks"),
    ],
    ids=["0 h", "25 h", "idle users", "idle keys", "fax", "networks"],
)
def test_set_security_preference__out_of_range__changes_nothing(
    store: Store, account: str, change: SecurityChange, subject: str
) -> None:
    with refused(InputError, Reason.PARAMETER_INVALID, subject), store.transaction() as session:
        set_security_preference(session, account, change)
    with store.reading() as session:
        assert get_security_preference(session, account) == SecurityPreference()


@pytest.mark.parametrize(
    ("text", "entries"),
    [
        ("", ()),
        (" ; ;", ()),
        ("10.0.0.0/8", ("10.0.0.0/8",)),
        ("10.1.2.3/8;;192.0.2.7", ("10.1.2.3/8", "192.0.2.7")),
        (";".join(f"192.0.2.{last}/32" for last in range(MOST_NETWORKS)), None),
    ],
    ids=["empty", "separators", "one", "two", "200"],
)
def test_parse_login_networks__good__is_kept_as_written(text: str, entries: tuple[str, ...] | None) -> None:
    assert parse_login_networks(text) == (tuple(text.split(";")) if entries is None else entries)


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.0/33",
        "10.0.0",
        "10.0.0.0/-1",
        "010.0.0.1",
        "0x0a000001",
        "fe80::1%eth0",
        "10.0.0.1\0",
        "\ud800",
        "\u0661.0.0.1",
        "10.0.0.0/8 not",
        ";".join(["10.0.0.0/8"] * (MOST_NETWORKS + 1)),
        "1" * 100_000,
        ";" * 100_000,
    ],
    ids=range(13),
)
def test_parse_login_networks__bad__refused(text: str) -> None:
    with refused(InputError, Reason.PARAMETER_INVALID, "LoginNetworkMasks"):
        parse_login_networks(text)


@pytest.mark.parametrize(
    ("networks", "address", "inside"),
    [
        ((), "192.0.2.1", True),
        ((), "", True),
        (("10.0.0.0/8",), "10.255.255.255", True),
        (("10.0.0.0/8",), "11.0.0.0", False),
        (("10.0.0.0/8",), "", False),
        (("10.0.0.0/8",), "::ffff:10.0.0.1", False),  # `Client.address` is never written so
        (("::ffff:10.0.0.0/104",), "10.9.9.9", True),
        (("192.0.2.7", "2001:db8::/32"), "2001:db8::5", True),
        (("192.0.2.7", "2001:db8::/32"), "192.0.2.7", True),
        (("192.0.2.7", "2001:db8::/32"), "192.0.2.8", False),
        (("0.0.0.0/0",), "2001:db8::1", False),
    ],
)
def test_check_login_network__address__inside_or_refused(networks: tuple[str, ...], address: str, inside: bool) -> None:
    if inside:
        check_login_network(networks, address)
    else:
        with refused(CredentialError, Reason.LOGIN_NETWORK, ""):
            check_login_network(networks, address)
