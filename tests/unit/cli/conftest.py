"""`ramgate` as it is called, against a database and keys in a folder of the test."""

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from gateway.cli import main
from gateway.cli.desk import Desk
from gateway.demo.idp import DemoIdpConfig, idp_metadata
from gateway.key_files import load_or_make_keys
from gateway.saml.certificates import make_keys
from gateway.store.engine import Store
from tests.fake_clock import NOON, FakeClock

OWNER_PASSWORD = "Correct-Horse-9"


@dataclass(frozen=True, slots=True)
class Ramgate:
    folder: Path
    clock: FakeClock
    base_url: str = "https://sso.example.com"

    def __call__(self, *words: str, stdin: str | None = None) -> Result:
        environ: dict[str, str | None] = {
            "RAMGATE_VAR_DIR": str(self.folder / "var"),
            "RAMGATE_CERTS_DIR": str(self.folder / "certs"),
            "RAMGATE_BASE_URL": self.base_url,
            "DATABASE_URL": None,
            "PORT": None,
        }
        return CliRunner().invoke(main, list(words), input=stdin, env=environ, obj=Desk(clock=self.clock))

    def ok(self, *words: str, stdin: str | None = None) -> str:
        result = self(*words, stdin=stdin)
        assert result.exit_code == 0, result.output
        return result.stdout

    def json(self, *words: str, stdin: str | None = None) -> Any:
        return json.loads(self.ok(*words, "--json", stdin=stdin))

    def reason(self, *words: str, stdin: str | None = None) -> str:
        """Why it was refused; also checks what every refusal owes its caller."""
        result = self(*words, "--json", stdin=stdin)
        assert result.exit_code == 1, result.output
        assert result.stdout == ""
        return str(json.loads(result.stderr)["error"]["reason"])

    def set_up(self) -> dict[str, Any]:
        made = self.json("init", "--alias", "example", "--password-stdin", stdin=OWNER_PASSWORD + "\n")
        assert isinstance(made, dict)
        return made

    def store(self) -> Store:
        return Store(f"sqlite:///{self.folder / 'var' / 'ramgate.sqlite3'}")


@pytest.fixture
def bare(tmp_path: Path) -> Ramgate:
    """Nothing is set up yet."""
    return Ramgate(folder=tmp_path, clock=FakeClock())


@pytest.fixture(scope="session")
def made_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keys made once: RSA takes its time."""
    folder = tmp_path_factory.mktemp("keys") / "certs"
    load_or_make_keys(folder, NOON)
    return folder


@pytest.fixture
def ramgate(bare: Ramgate, made_keys: Path) -> Ramgate:
    """One account, `example`."""
    shutil.copytree(made_keys, bare.folder / "certs")
    bare.set_up()
    return bare


@pytest.fixture(scope="session")
def idp_xml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A metadata file of an identity provider."""
    folder = tmp_path_factory.mktemp("idp")
    keys = make_keys("idp", NOON)
    key, certificate, metadata = (folder / name for name in ("idp.key", "idp.crt", "idp.xml"))
    key.write_text(keys.signing_key_pem.reveal())
    certificate.write_text(keys.signing_certificate_pem)
    config = DemoIdpConfig(
        entity_id="https://idp.example.com/metadata",
        base_url="https://idp.example.com",
        key_path=key,
        certificate_path=certificate,
        people=(),
    )
    metadata.write_bytes(idp_metadata(config))
    return metadata
