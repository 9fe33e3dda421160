import socket
from pathlib import Path

import pytest

from gateway.demo.places import find_places
from gateway.demo.servers import check_port_free
from gateway.demo.state import DemoOwner, DemoState, DemoUser, load_state, save_state
from gateway.errors import ConfigError, Reason

STATE = DemoState(
    base_url="http://127.0.0.1:8080",
    idp_url="http://127.0.0.1:8081",
    account_id="1234567890123456",
    owner=DemoOwner("owner@example.com", "secret", "LTAIx", "y"),
    users=(DemoUser("alice@example.com", "alice", "secret", ("acs:ram::1234567890123456:role/admin",)),),
)


def test_find_places__database_of_something_that_matters__is_left_alone(tmp_path: Path) -> None:
    places = find_places({"DATABASE_URL": "postgresql://prod/main", "RAMGATE_VAR_DIR": str(tmp_path)})
    assert places.settings.database_url == f"sqlite:///{tmp_path / 'demo.sqlite3'}"


def test_find_places__ports__make_addresses() -> None:
    places = find_places({"PORT": "9000", "IDP_PORT": "9001"})
    assert (places.settings.base_url, places.idp_url) == ("http://127.0.0.1:9000", "http://127.0.0.1:9001")


def test_find_places__idp_host__makes_two_sites() -> None:
    assert find_places({"IDP_HOST": "localhost"}).idp_url == "http://localhost:8081"
    with pytest.raises(ConfigError) as refusal:
        find_places({"IDP_HOST": "idp.example.com"})
    assert (refusal.value.reason, refusal.value.subject) == (Reason.CONFIG_INVALID, "IDP_HOST")


@pytest.mark.parametrize("port", ["x", "0", "65536", "-1", "８０８１"])
def test_find_places__impossible_idp_port__is_refused(port: str) -> None:
    with pytest.raises(ConfigError) as refusal:
        find_places({"IDP_PORT": port})
    assert (refusal.value.reason, refusal.value.subject) == (Reason.CONFIG_INVALID, "IDP_PORT")


def test_find_places__one_port_for_both__is_refused() -> None:
    with pytest.raises(ConfigError) as refusal:
        find_places({"PORT": "9000", "IDP_PORT": "9000"})
    assert refusal.value.reason == Reason.CONFIG_INVALID


def test_check_port_free__in_use__names_the_variable() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigError) as refusal:
            check_port_free("127.0.0.1", port, "IDP_PORT")
    assert refusal.value.reason == Reason.CONFIG_INVALID
    assert "IDP_PORT=" in refusal.value.public
    check_port_free("127.0.0.1", port, "IDP_PORT")


def test_save_state__then_load__gives_it_back_to_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "var" / "demo.json"
    assert load_state(path) is None
    save_state(path, STATE)
    save_state(path, STATE)
    assert load_state(path) == STATE
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"owner": {}, "users": []}'])
def test_load_state__file_of_somebody_else__is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    path.write_text(text)
    with pytest.raises(ConfigError) as refusal:
        load_state(path)
    assert refusal.value.reason == Reason.CONFIG_INVALID
