"""Our own keys in a running gateway: what a change looks like from every process, and what a broken one does."""

import json
import logging
import os
import shutil
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.errors import AlreadyExists, ConfigError, Conflict, InputError, NotFound, Reason
from gateway.key_files import load_or_make_keys
from gateway.key_manifest import Standing, Use
from gateway.key_rollover import make_next_keys, retire_key, switch_keys
from gateway.own_keys import MANIFEST, OwnKeys
from gateway.saml.certificates import ServiceProviderKeys
from tests.fake_clock import NOON

DAY = timedelta(days=1)


class Ticks:
    """A monotonic clock: each look at it finds that two seconds have gone."""

    def __init__(self) -> None:
        self.now = 0.0
        self.step = 2.0

    def __call__(self) -> float:
        self.now += self.step
        return self.now


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """First keys, and next ones beside them."""
    folder = tmp_path_factory.mktemp("rollover")
    load_or_make_keys(folder / "first", NOON)
    shutil.copytree(folder / "first", folder / "next")
    assert make_next_keys(folder / "next", NOON) == ("sp-signing-2", "sp-encryption-2")
    return folder


@pytest.fixture
def first(template: Path, tmp_path: Path) -> Path:
    return shutil.copytree(template / "first", tmp_path / "certs")


@pytest.fixture
def certs(template: Path, tmp_path: Path) -> Path:
    """There are next keys, and nobody said when they are used."""
    return shutil.copytree(template / "next", tmp_path / "certs-next")


def pem(certs: Path, file: str) -> str:
    return (certs / f"{file}.crt").read_text()


def signing(certs: Path, keys: ServiceProviderKeys) -> list[str]:
    """The signing certificates of our metadata, by file."""
    names = {pem(certs, path.stem): path.stem for path in certs.glob("sp-signing*.crt")}
    return [names[each] for each in (keys.signing_certificate_pem, *keys.further_signing_certificates)]


def encryption(certs: Path, keys: ServiceProviderKeys) -> tuple[list[str], list[str]]:
    """The encryption keys that decrypt, and those that are offered, by file."""
    names = {pem(certs, path.stem): path.stem for path in certs.glob("sp-encryption*.crt")}
    decrypting = [names[key.certificate_pem] for key in keys.encryption]
    return decrypting, [names[each] for each in keys.offered_encryption_certificates]


def test_at__before_any_change__is_the_first_pair(first: Path) -> None:
    keys = OwnKeys(first).at(NOON)
    assert signing(first, keys) == ["sp-signing"]
    assert encryption(first, keys) == (["sp-encryption"], ["sp-encryption"])


def test_at__next_keys_made__are_published_and_decrypt_but_do_not_sign(certs: Path) -> None:
    keys = OwnKeys(certs).at(NOON + 3000 * DAY)
    assert signing(certs, keys) == ["sp-signing", "sp-signing-2"]
    assert encryption(certs, keys) == (["sp-encryption", "sp-encryption-2"], ["sp-encryption", "sp-encryption-2"])


def test_at__around_the_switch__the_new_key_signs_and_the_old_one_still_decrypts(certs: Path) -> None:
    at = switch_keys(certs, NOON)
    assert at == NOON + 7 * DAY
    own = OwnKeys(certs)
    assert signing(certs, own.at(at - timedelta(seconds=1))) == ["sp-signing", "sp-signing-2"]
    for instant in (at, at + 7 * DAY - timedelta(seconds=1)):
        assert signing(certs, own.at(instant)) == ["sp-signing-2", "sp-signing"]
        assert encryption(certs, own.at(instant)) == (["sp-encryption-2", "sp-encryption"], ["sp-encryption-2"])
    assert signing(certs, own.at(at + 7 * DAY)) == ["sp-signing-2"]
    assert encryption(certs, own.at(at + 3000 * DAY))[0] == ["sp-encryption-2", "sp-encryption"]


def test_switch_keys__said_again_before_it_comes__moves(certs: Path) -> None:
    switch_keys(certs, NOON)
    assert switch_keys(certs, NOON, NOON + DAY, timedelta()) == NOON + DAY
    own = OwnKeys(certs)
    assert signing(certs, own.at(NOON + DAY)) == ["sp-signing-2"]


def test_switch_keys__in_the_past_or_nothing_to_switch_to__is_refused(certs: Path, first: Path) -> None:
    with pytest.raises(InputError) as past:
        switch_keys(certs, NOON, NOON - DAY)
    with pytest.raises(InputError) as negative:
        switch_keys(certs, NOON, NOON, -DAY)
    assert (past.value.subject, negative.value.subject) == ("at", "keep")
    with pytest.raises(NotFound) as nothing:
        switch_keys(first, NOON)
    assert nothing.value.subject == "NextKey"
    switch_keys(certs, NOON, NOON)
    with pytest.raises(NotFound):
        switch_keys(certs, NOON + DAY)


def test_make_next_keys__there_are_next_ones__is_refused(certs: Path) -> None:
    with pytest.raises(AlreadyExists) as caught:
        make_next_keys(certs, NOON)
    assert caught.value.subject == "NextKey"


def test_make_next_keys__after_a_switch__gets_names_that_never_were(certs: Path) -> None:
    retire_key(certs, "sp-signing-2", NOON)
    retire_key(certs, "sp-encryption-2", NOON)
    assert make_next_keys(certs, NOON) == ("sp-signing-3", "sp-encryption-3")
    assert {stat.S_IMODE(path.stat().st_mode) for path in certs.iterdir()} == {0o600}


def test_retire_key__in_use_or_still_published_or_unknown__is_refused(certs: Path) -> None:
    switch_keys(certs, NOON, NOON)
    for file in ("sp-signing-2", "sp-signing", "sp-encryption-2"):
        with pytest.raises(Conflict) as caught:
            retire_key(certs, file, NOON)
        assert (caught.value.reason, caught.value.subject) == (Reason.DELETE_CONFLICT, "Key")
    for file in ("sp-signing-9", "../keyring", "keyring", ""):
        with pytest.raises(NotFound):
            retire_key(certs, file, NOON)
    assert (certs / "keyring.json").exists()


def test_retire_key__old__is_deleted_and_the_next_start_makes_none_anew(certs: Path) -> None:
    switch_keys(certs, NOON, NOON, timedelta())
    retire_key(certs, "sp-encryption", NOON)
    retire_key(certs, "sp-signing", NOON)
    assert not list(certs.glob("sp-signing.*")) + list(certs.glob("sp-encryption.*"))
    _, own = load_or_make_keys(certs, NOON)
    assert encryption(certs, own.at(NOON)) == (["sp-encryption-2"], ["sp-encryption-2"])
    assert not list(certs.glob("sp-signing.*"))


def test_retire_key__planned_next_one__leaves_the_current_one_published_for_good(certs: Path) -> None:
    switch_keys(certs, NOON)
    retire_key(certs, "sp-signing-2", NOON)
    assert signing(certs, OwnKeys(certs).at(NOON + 3000 * DAY)) == ["sp-signing"]


def test_states__each_key__says_what_it_is(certs: Path) -> None:
    switch_keys(certs, NOON, NOON)
    states = OwnKeys(certs).states(NOON)
    assert [(state.file, state.use, state.standing, state.published) for state in states] == [
        ("sp-signing", Use.SIGNING, Standing.OLD, True),
        ("sp-signing-2", Use.SIGNING, Standing.CURRENT, True),
        ("sp-encryption", Use.ENCRYPTION, Standing.OLD, False),
        ("sp-encryption-2", Use.ENCRYPTION, Standing.CURRENT, True),
    ]


def test_own_keys__changed_while_running__are_taken_up_within_a_second(first: Path) -> None:
    ticks = Ticks()
    own = OwnKeys(first, ticks=ticks)
    make_next_keys(first, NOON)
    ticks.step = 0.1
    assert signing(first, own.at(NOON)) == ["sp-signing"]
    ticks.step = 2.0
    assert signing(first, own.at(NOON)) == ["sp-signing", "sp-signing-2"]
    switch_keys(first, NOON, NOON)
    assert signing(first, own.at(NOON)) == ["sp-signing-2", "sp-signing"]


def test_own_keys__manifest_broken_or_gone__stay_as_they_were_until_it_is_mended(
    certs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = OwnKeys(certs, ticks=Ticks())
    good = (certs / MANIFEST).read_text()
    before = own.at(NOON)
    for break_it in (
        lambda: (certs / MANIFEST).write_text("{"),
        lambda: (certs / MANIFEST).write_text(good.replace("sp-signing-2", "sp-signing-7")),
        lambda: (certs / MANIFEST).chmod(0o644),
        (certs / MANIFEST).unlink,
    ):
        with caplog.at_level(logging.ERROR):
            caplog.clear()
            break_it()
            assert own.at(NOON) == own.at(NOON) == before
        assert len(caplog.records) == 1, "once, not every second"
        assert "BEGIN" not in caplog.text
    draft = certs / "draft"
    draft.write_text(good)
    draft.chmod(0o600)
    draft.replace(certs / MANIFEST)
    switch_keys(certs, NOON, NOON)
    assert signing(certs, own.at(NOON)) == ["sp-signing-2", "sp-signing"]


def test_own_keys__key_file_away_and_back__are_taken_up_without_a_new_manifest(certs: Path) -> None:
    own = OwnKeys(certs, ticks=Ticks())
    (certs / "sp-signing-2.key").rename(certs / "away")
    switch_keys_by_hand(certs)
    assert signing(certs, own.at(NOON)) == ["sp-signing", "sp-signing-2"]
    (certs / "away").rename(certs / "sp-signing-2.key")
    assert signing(certs, own.at(NOON)) == ["sp-signing-2"]


def switch_keys_by_hand(certs: Path) -> None:
    """What `switch_keys` refuses to do while a key is away."""
    content = json.loads((certs / MANIFEST).read_text())
    content["signing"][1]["starts_at"] = "2020-01-01T00:00:00Z"
    (certs / MANIFEST).write_text(json.dumps(content))


@pytest.mark.parametrize("text", ["", "{}", "\x00", "[" * 100_000, '{"made": ' + "9" * 5000 + "}", "\udcff"])
def test_load_or_make_keys__broken_manifest__stops_the_start(certs: Path, text: str) -> None:
    (certs / MANIFEST).write_bytes(text.encode("utf-8", "surrogateescape"))
    refused(certs)


def test_load_or_make_keys__manifest_lost__stops_the_start_rather_than_signing_with_an_old_key(certs: Path) -> None:
    (certs / MANIFEST).unlink()
    assert MANIFEST in refused(certs)


def test_load_or_make_keys__certificate_of_another_key__stops_the_start(certs: Path) -> None:
    shutil.copyfile(certs / "sp-signing.crt", certs / "sp-signing-2.crt")
    assert "sp-signing-2.crt" in refused(certs)


def test_load_or_make_keys__manifest_is_a_link__stops_the_start(certs: Path, tmp_path: Path) -> None:
    (certs / MANIFEST).rename(tmp_path / "elsewhere")
    (certs / MANIFEST).symlink_to(tmp_path / "elsewhere")
    refused(certs)


def refused(certs: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        load_or_make_keys(certs, NOON)
    assert caught.value.reason is Reason.CONFIG_INVALID
    return caught.value.public


@pytest.mark.parametrize("stops_at", range(1, 7))
def test_make_next_keys__killed_at_any_write__leaves_the_keys_as_they_were_and_can_be_done_again(
    first: Path, stops_at: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every write is a rename at its end: it is there or not. Two writes of the manifest, four of keys."""
    before, renames, replace = OwnKeys(first).at(NOON), [0], os.replace

    class Killed(BaseException):
        pass

    def counted(self: Path, target: Path) -> Path:
        renames[0] += 1
        if renames[0] == stops_at:
            raise Killed
        replace(self, target)
        return target

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", counted)
        with pytest.raises(Killed):
            make_next_keys(first, NOON)
    _, own = load_or_make_keys(first, NOON)
    assert own.at(NOON) == before
    assert make_next_keys(first, NOON) == ("sp-signing-2", "sp-encryption-2")
    assert signing(first, OwnKeys(first).at(NOON)) == ["sp-signing", "sp-signing-2"]
