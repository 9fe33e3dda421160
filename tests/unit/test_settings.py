from pathlib import Path

import pytest

from gateway.errors import ConfigError, Reason
from gateway.settings import load_settings


def test_load_settings__nothing_given__listens_on_loopback() -> None:
    settings = load_settings({})

    assert settings.base_url == "http://127.0.0.1:8080"
    assert settings.database_url.startswith("sqlite:///")


def test_load_settings__environment__wins_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "ramgate.toml"
    file.write_text('port = 9000\nrelay_hosts = ["apps.example.com"]\n')

    settings = load_settings({"RAMGATE_CONFIG": str(file), "RAMGATE_PORT": "9001", "DATABASE_URL": "postgresql://x/y"})

    assert settings.port == 9001
    assert settings.relay_hosts == ("apps.example.com",)
    assert settings.database_url == "postgresql://x/y"
    assert settings.base_url == "http://127.0.0.1:9001"


def test_load_settings__lists_in_the_environment__are_split() -> None:
    settings = load_settings({"RAMGATE_TRUSTED_PROXIES": "10.0.0.0/8, 192.0.2.1"})

    assert settings.trusted_proxies == ("10.0.0.0/8", "192.0.2.1")


@pytest.mark.parametrize(
    ("environ", "reason"),
    [
        ({"RAMGATE_PROT": "1"}, Reason.CONFIG_UNKNOWN_KEY),
        ({"RAMGATE_PORT": "many"}, Reason.CONFIG_INVALID),
        ({"RAMGATE_BASE_URL": "http://sso.example.com"}, Reason.CONFIG_INVALID),
        ({"RAMGATE_BASE_URL": "https://sso.example.com/base"}, Reason.CONFIG_INVALID),
        ({"RAMGATE_BASE_URL": "ftp://sso.example.com"}, Reason.CONFIG_INVALID),
        ({"RAMGATE_TRUSTED_PROXIES": "nonsense"}, Reason.CONFIG_INVALID),
        ({"RAMGATE_CONFIG": "/nonexistent/ramgate.toml"}, Reason.CONFIG_INVALID),
    ],
)
def test_load_settings__unusable__is_refused(environ: dict[str, str], reason: Reason) -> None:
    with pytest.raises(ConfigError) as refusal:
        load_settings(environ)

    assert refusal.value.reason is reason


def test_load_settings__broken_file__is_refused(tmp_path: Path) -> None:
    file = tmp_path / "ramgate.toml"
    file.write_text("port = = 1")

    with pytest.raises(ConfigError) as refusal:
        load_settings({"RAMGATE_CONFIG": str(file)})

    assert refusal.value.reason is Reason.CONFIG_INVALID


def test_load_settings__https_origin__loses_its_final_slash() -> None:
    assert load_settings({"RAMGATE_BASE_URL": "https://sso.example.com/"}).base_url == "https://sso.example.com"
