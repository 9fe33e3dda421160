"""Login settings of providers: what may be set, and what comes back."""

from dataclasses import replace

import pytest

from gateway.directory.provider_keys import oidc_provider_key
from gateway.directory.provider_logins import (
    LoginSettings,
    Use,
    delete_login_settings_of,
    get_login_settings,
    set_login_settings,
)
from gateway.errors import InputError, Reason
from gateway.store.engine import Store
from tests.fake_clock import NOON
from tests.unit.directory.world import ACCOUNT

KEY = oidc_provider_key(1)
DEFAULT = LoginSettings()
FULL = LoginSettings(
    use=Use.BOTH,
    logon_name_key="oidc:claim/email",
    login_with_domain=False,
    roles_key="oidc:claim/roles",
    groups_key="oidc:claim/groups",
    session_name="${oidc:sub}",
    creates_users=True,
    new_user_group="staff",
    new_user_days=7,
    second_factors=("mfa", "https://refeds.org/profile/mfa"),
)


@pytest.mark.usefixtures("account")
def test_set_login_settings__everything__comes_back_until_the_provider_goes(store: Store) -> None:
    with store.transaction() as session:
        assert get_login_settings(session, KEY, DEFAULT) == DEFAULT
        for settings in (DEFAULT, FULL):
            set_login_settings(session, ACCOUNT, KEY, settings, now=NOON)
            assert get_login_settings(session, KEY, DEFAULT) == settings
        delete_login_settings_of(session, KEY)
        assert get_login_settings(session, KEY, DEFAULT) == DEFAULT


@pytest.mark.parametrize(
    ("settings", "subject"),
    [
        (replace(FULL, logon_name_key=""), "LogonNameKey"),
        (replace(FULL, logon_name_key="email"), "LogonNameKey"),
        (replace(FULL, roles_key="acs:SourceIp"), "RolesKey"),
        (replace(FULL, groups_key="oidc:claim/" + "x" * 256), "GroupsKey"),
        (replace(FULL, groups_key="oidc:claim/a\0"), "GroupsKey"),
        (replace(FULL, new_user_group="a b"), "NewUserGroup"),
        (replace(FULL, new_user_days=0), "NewUserDays"),
        (replace(FULL, new_user_days=3651), "NewUserDays"),
        (replace(FULL, second_factors=("",)), "SecondFactors"),
        (replace(FULL, second_factors=tuple(map(str, range(51)))), "SecondFactors"),
        (replace(FULL, second_factors=("x" * 257,)), "SecondFactors"),
    ],
)
@pytest.mark.usefixtures("account")
def test_set_login_settings__out_of_bounds__refused(store: Store, settings: LoginSettings, subject: str) -> None:
    with pytest.raises(InputError) as caught, store.transaction() as session:
        set_login_settings(session, ACCOUNT, KEY, settings, now=NOON)
    assert caught.value.subject == subject


@pytest.mark.parametrize(
    "value",
    [
        "pwd",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified",
    ],
)
@pytest.mark.usefixtures("account")
def test_set_login_settings__password_as_second_factor__refused(store: Store, value: str) -> None:
    with pytest.raises(InputError) as caught, store.transaction() as session:
        set_login_settings(session, ACCOUNT, KEY, replace(FULL, second_factors=(value,)), now=NOON)
    assert (caught.value.reason, caught.value.subject) == (Reason.PARAMETER_INVALID, "SecondFactors")
