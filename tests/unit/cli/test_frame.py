import json

import click
import pytest

from gateway.cli import main
from gateway.directory.accounts import check_owner_password
from gateway.errors import Reason
from gateway.secret import Secret
from tests.unit.cli.conftest import OWNER_PASSWORD, Ramgate


def _commands(group: click.Group, path: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], click.Command]]:
    found: list[tuple[tuple[str, ...], click.Command]] = []
    for name, command in group.commands.items():
        found.append(((*path, name), command))
        if isinstance(command, click.Group):
            found.extend(_commands(command, (*path, name)))
    return found


@pytest.mark.parametrize(
    ("path", "command"), _commands(main), ids=lambda value: " ".join(value) if isinstance(value, tuple) else ""
)
def test_command__each__says_what_it_does_and_takes_json(
    path: tuple[str, ...], command: click.Command, bare: Ramgate
) -> None:
    assert command.help
    assert "--json" in bare.ok(*path, "--help")


def test_main__without_words__prints_help_and_fails(bare: Ramgate) -> None:
    result = bare()
    assert result.exit_code == 2
    assert "Commands:" in result.output


def test_main__unknown_option__is_wrong_usage(bare: Ramgate) -> None:
    result = bare("user", "list", "--bogus")
    assert result.exit_code == 2
    assert "--bogus" in result.stderr


def test_main__unknown_option_with_json__complains_in_json(bare: Ramgate) -> None:
    result = bare("--json", "user", "list", "--bogus")
    assert result.exit_code == 2
    assert json.loads(result.stderr)["error"]["reason"] == "UsageError"


def test_main__refusal__is_one_line_with_its_reason(ramgate: Ramgate) -> None:
    result = ramgate("user", "show", "nobody")
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr == "error: the user does not exist (NotFound)\n"


@pytest.mark.parametrize("words", [("--json", "user", "list"), ("user", "--json", "list"), ("user", "list", "--json")])
def test_main__json_anywhere__answers_in_json(words: tuple[str, ...], ramgate: Ramgate) -> None:
    assert json.loads(ramgate.ok(*words)) == []


def test_main__before_init__says_what_to_do(bare: Ramgate) -> None:
    assert bare.reason("user", "list") == Reason.CONFIG_INVALID
    assert "ramgate init" in bare("user", "list").stderr
    assert not (bare.folder / "var").exists()


def test_account_option__several_accounts__must_be_given(ramgate: Ramgate) -> None:
    ramgate.ok("account", "create", "--alias", "second", "--owner", "other", "--generate-password")
    assert ramgate.reason("user", "list") == Reason.PARAMETER_MISSING
    assert ramgate.json("user", "list", "--account", "second") == []
    assert ramgate.json("--account", "SECOND.onaliyun.com", "user", "list") == []
    assert ramgate.reason("user", "list", "--account", "third") == Reason.NOT_FOUND


def test_init__twice__is_refused_and_changes_nothing(ramgate: Ramgate) -> None:
    assert ramgate.reason("init", "--generate-password") == Reason.ALREADY_EXISTS
    assert len(ramgate.json("account", "list")) == 1


def test_init__password_from_stdin__signs_the_owner_in(bare: Ramgate) -> None:
    made = bare.set_up()
    assert OWNER_PASSWORD not in json.dumps(made)
    store = bare.store()
    with store.reading() as session:
        assert check_owner_password(session, "owner", Secret(OWNER_PASSWORD)).id == made["account_id"]
    store.dispose()


def test_init__generated_password__is_shown_once(bare: Ramgate) -> None:
    made = bare.json("init", "--generate-password")
    store = bare.store()
    with store.reading() as session:
        assert check_owner_password(session, "owner", Secret(made["owner_password"])).id == made["account_id"]
    store.dispose()
    assert made["owner_password"] not in bare.ok("account", "show")


def test_init__key_files__are_for_their_owner_only(ramgate: Ramgate) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in (ramgate.folder / "certs").iterdir()}
    assert set(modes) >= {"keyring.json", "sp-signing.key", "sp-encryption.key"}
    assert set(modes.values()) == {0o600}


@pytest.mark.parametrize(
    ("words", "stdin", "reason"),
    [
        ((), "", Reason.PARAMETER_MISSING),
        (("--password-stdin",), "", Reason.PARAMETER_INVALID),
        (("--password-stdin", "--generate-password"), "x\n", Reason.PARAMETER_INVALID),
        (("--password-stdin",), "short\n", Reason.PASSWORD_TOO_WEAK),
    ],
    ids=["nobody to ask", "empty", "two ways", "weak"],
)
def test_password__unusable__is_refused(words: tuple[str, ...], stdin: str, reason: Reason, bare: Ramgate) -> None:
    assert bare.reason("init", *words, stdin=stdin) == reason
    assert bare.json("init", "--generate-password")["owner"] == "owner"
