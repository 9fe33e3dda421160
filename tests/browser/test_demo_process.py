"""Starting, stopping and moving the demo, as processes."""

import json
import socket
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.demo_process import free_port, start_demo
from tests.browser.steps import user_sso


def test_demo__stopped_and_started_on_other_ports__goes_on_where_it_was(tmp_path: Path, page: Page) -> None:
    first = start_demo(tmp_path)
    assert first.stop() == 0
    second = start_demo(tmp_path)
    try:
        assert second.base_url != first.base_url
        assert second.state["users"] == first.state["users"]
        assert second.state["owner"] == first.state["owner"]
        user_sso(page, second, "alice")
        expect(page.locator("#arn")).to_contain_text("user/alice")
        page.goto(f"{second.idp_url}/")  # still signed in there
        page.locator("#tile-role").click()
        page.get_by_role("button", name="reader").click()
        expect(page.locator("#arn")).to_contain_text("assumed-role/reader")
    finally:
        assert second.stop() == 0


def test_demo__reset__starts_over(tmp_path: Path) -> None:
    first = start_demo(tmp_path)
    assert first.stop() == 0
    second = start_demo(tmp_path, RESET="1")
    assert second.stop() == 0
    assert second.state["account_id"] != first.state["account_id"]


def test_demo__running__tells_its_state_to_its_owner_only(tmp_path: Path) -> None:
    run = start_demo(tmp_path)
    assert run.stop() == 0
    path = tmp_path / "var" / "demo.json"
    assert path.stat().st_mode & 0o777 == 0o600
    state = json.loads(path.read_text())
    assert set(state) == {"base_url", "idp_url", "account_id", "owner", "users", "clients"}
    assert set(state["owner"]) == {"login", "password", "access_key_id", "access_key_secret"}
    assert all(set(user) == {"upn", "idp_login", "idp_password", "roles"} for user in state["users"])
    text = "".join(run.output)
    assert all(user["idp_password"] in text for user in state["users"])


def test_demo__port_in_use__is_one_sentence(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        outcome = subprocess.run(
            [sys.executable, "-m", "gateway.demo"],
            env={
                "PORT": str(taken.getsockname()[1]),
                "IDP_PORT": str(free_port()),
                "RAMGATE_VAR_DIR": str(tmp_path / "var"),
                "RAMGATE_CERTS_DIR": str(tmp_path / "certs"),
            },
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert outcome.returncode == 1
    assert outcome.stdout == ""
    assert len(outcome.stderr.splitlines()) == 1
    assert "PORT=" in outcome.stderr
    assert not (tmp_path / "var").exists()
