"""What the documents promise exists: settings, commands, make targets, files."""

import re
from dataclasses import fields
from pathlib import Path

import click
import pytest

from gateway.cli import main
from gateway.oidc.checks import Check as OidcCheck
from gateway.oidc.logout import LogoutCheck
from gateway.saml.checks import Check
from gateway.saml.logout_checks import LogoutCheck as SamlLogoutCheck
from gateway.settings import Settings

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
FLOWS = sorted((ROOT / "docs" / "flows").glob("*-log*.md"))
STEP = re.compile(r"^\| [^|]+ \| ([^|]+) \| ((?:`gateway/[a-z0-9_/]+\.py`(?:, )?)+) \|$", re.MULTILINE)
QUOTED = re.compile(r"`([^`]+)`")
LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
COMMAND = re.compile(r"(?:^|`|/)ramgate ((?:--json )?[a-z][a-z -]*)")


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_set_up__every_setting__is_explained() -> None:
    text = (ROOT / "docs" / "set-up.md").read_text()
    assert [field.name for field in fields(Settings) if f"`{field.name}`" not in text] == []


def test_saml_verification__every_check__is_listed() -> None:
    text = (ROOT / "docs" / "flows" / "saml-verification.md").read_text()
    assert [check.value for check in Check if f"| {check.value.partition(' ')[0]} | " not in text] == []


def test_saml_logout__every_check__is_listed() -> None:
    text = (ROOT / "docs" / "flows" / "saml-logout.md").read_text()
    assert [check.value for check in SamlLogoutCheck if f"| {check.value.partition(' ')[0]} | " not in text] == []


def test_oidc_verification__every_check__is_listed() -> None:
    text = (ROOT / "docs" / "flows" / "oidc-verification.md").read_text()
    wanted = [*OidcCheck, *LogoutCheck]
    assert [check.value for check in wanted if f"| {check.value.partition(' ')[0]} | " not in text] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_documents__every_relative_link__leads_somewhere(document: Path) -> None:
    assert [link for link in LINK.findall(document.read_text()) if not (document.parent / link).exists()] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=named)
def test_documents__every_command__exists(document: Path) -> None:
    unknown = [words for words in COMMAND.findall(document.read_text()) if not is_command(words.split())]
    assert unknown == []


@pytest.mark.parametrize("document", FLOWS, ids=named)
def test_flows__every_function__stands_in_its_file(document: Path) -> None:
    rows = STEP.findall(document.read_text())
    assert rows
    strangers = []
    for functions, files in rows:
        sources = "".join((ROOT / path).read_text() for path in QUOTED.findall(files))
        names = [function.rpartition(".")[2] for function in QUOTED.findall(functions)]
        strangers += [name for name in names if f"def {name}(" not in sources]
    assert strangers == []


def is_command(words: list[str]) -> bool:
    here: click.Command = main
    for word in words:
        if word.startswith("-"):
            continue
        if not isinstance(here, click.Group):
            return True  # the rest are arguments
        found = here.commands.get(word)
        if found is None:
            return False
        here = found
    return True


def test_readme__every_make_target__exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    wanted = {target for path in DOCUMENTS for target in re.findall(r"`?make ([a-z]+)", path.read_text())}
    assert {"demo", "test"} <= wanted
    prose = {"sure", "two"}
    assert wanted - targets - prose == set()
