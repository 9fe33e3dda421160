import json
import multiprocessing
import os
import shutil
import stat
from pathlib import Path

import pytest

from gateway.errors import ConfigError, Reason
from gateway.key_files import KEYRING, load_or_make_keys
from tests.fake_clock import NOON

FILES = ["keyring.json", "sp-encryption.crt", "sp-encryption.key", "sp-signing.crt", "sp-signing.key"]


@pytest.fixture
def certs(tmp_path: Path) -> Path:
    """Nothing there yet."""
    return tmp_path / "certs"


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("keys") / "certs"
    load_or_make_keys(directory, NOON)
    return directory


@pytest.fixture
def made(template: Path, tmp_path: Path) -> Path:
    """What an earlier start left behind."""
    return shutil.copytree(template, tmp_path / "made")


def test_load_or_make_keys__first_start__private_files_that_the_next_start_reads(certs: Path) -> None:
    ring, keys = load_or_make_keys(certs, NOON)
    assert stat.S_IMODE(certs.stat().st_mode) == 0o700
    assert sorted(path.name for path in certs.iterdir()) == FILES
    assert {stat.S_IMODE(path.stat().st_mode) for path in certs.iterdir()} == {0o600}
    again_ring, again_keys = load_or_make_keys(certs, NOON)
    assert again_ring.open("p", ring.seal("p", b"text")) == b"text"
    assert again_keys.at(NOON) == keys.at(NOON)


def test_load_or_make_keys__wide_umask_and_directory__still_private(certs: Path) -> None:
    certs.mkdir(mode=0o755)
    (certs / "README.md").write_text("kept")
    before = os.umask(0)
    try:
        load_or_make_keys(certs, NOON)
    finally:
        os.umask(before)
    assert stat.S_IMODE(certs.stat().st_mode) == 0o700
    assert stat.S_IMODE((certs / KEYRING).stat().st_mode) == 0o600


def test_load_or_make_keys__new_master_key_put_first__seals_with_it_and_opens_both(made: Path) -> None:
    old, _ = load_or_make_keys(made, NOON)
    content = json.loads((made / KEYRING).read_text())
    content["keys"].insert(0, {"id": "00000001", "secret": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="})
    (made / KEYRING).write_text(json.dumps(content))
    ring, _ = load_or_make_keys(made, NOON)
    assert [key.key_id for key in ring.keys] == [b"\x00\x00\x00\x01", old.keys[0].key_id]
    assert ring.open("p", old.seal("p", b"text")) == b"text"


def _start(certs: Path, barrier: object, results: object) -> None:
    barrier.wait()  # type: ignore[attr-defined]
    ring, keys = load_or_make_keys(certs, NOON)
    results.put((ring.keys[0].key_id, keys.at(NOON).signing_certificate_pem))  # type: ignore[attr-defined]


def test_load_or_make_keys__several_processes_at_once__all_get_the_same(certs: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier, results = context.Barrier(3), context.Queue()
    processes = [context.Process(target=_start, args=(certs, barrier, results)) for _ in range(3)]
    for process in processes:
        process.start()
    got = {results.get(timeout=60) for _ in processes}
    for process in processes:
        process.join(60)
    assert len(got) == 1


def test_load_or_make_keys__start_was_interrupted__made_up_for(made: Path) -> None:
    (made / "sp-encryption.crt").unlink()
    kept = (made / "sp-signing.key").read_text()
    load_or_make_keys(made, NOON)
    assert sorted(path.name for path in made.iterdir()) == FILES
    assert (made / "sp-signing.key").read_text() == kept


def refusal(made: Path) -> ConfigError:
    with pytest.raises(ConfigError) as caught:
        load_or_make_keys(made, NOON)
    assert caught.value.reason is Reason.CONFIG_INVALID
    return caught.value


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660])
@pytest.mark.parametrize("name", ["keyring.json", "sp-signing.key", "sp-encryption.key"])
def test_load_or_make_keys__others_may_read_a_key__refused(made: Path, name: str, mode: int) -> None:
    (made / name).chmod(mode)
    assert f"chmod 600 {made / name}" in refusal(made).public


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"keys": []}',
        '{"keys": [{"id": "00", "secret": ""}]}',
        '{"keys": 1}',
        '{"keys": [{"id": "00000000", "secret": "%%%hush%%%"}]}',
    ],
)
def test_load_or_make_keys__broken_ring__refused_without_its_content(made: Path, text: str) -> None:
    (made / KEYRING).write_text(text)
    assert "hush" not in str(refusal(made))


def test_load_or_make_keys__broken_private_key__refused(made: Path) -> None:
    (made / "sp-signing.key").write_text("hush")
    assert "hush" not in str(refusal(made))


def test_load_or_make_keys__certificate_without_its_key__refused(made: Path) -> None:
    (made / "sp-signing.key").unlink()
    assert "sp-signing.key" in refusal(made).public


def test_load_or_make_keys__link_or_pipe_or_directory__refused(made: Path, tmp_path: Path) -> None:
    load_or_make_keys(made, NOON)
    target = tmp_path / "elsewhere.json"
    (made / KEYRING).rename(target)
    (made / KEYRING).symlink_to(target)
    refusal(made)
    (made / KEYRING).unlink()
    os.mkfifo(made / KEYRING, 0o600)
    refusal(made)
    (made / KEYRING).unlink()
    (made / KEYRING).mkdir(mode=0o700)
    refusal(made)


def test_load_or_make_keys__place_can_not_be_used__refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    refusal(tmp_path / "file" / "certs")
