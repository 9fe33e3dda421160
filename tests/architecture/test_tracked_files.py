"""What must never be committed: private keys, databases, and the names of package registries."""

import re

import pytest

from tests.architecture.source_tree import REPOSITORY, tracked_files

# Written so that this file does not match itself.
PRIVATE_KEY = re.compile(rb"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{100,}")
REGISTRY_HOST = re.compile(
    rb"""
      \b py [p] i [\w-]* \. [a-z]{2,}              # the Python index, whatever its domain
    | \b [\w-]+ hoste[d] \. (?:org|com)            # where its files lie
    | \b (?:registry|mirrors?|artifactor[y]|nexu[s]|goprox[y]) [\w-]* (?:\.[\w-]+)* \. (?:com|org|net|io|cn|dev|internal) \b
    | \b (?:np[m]j[s]|crate[s]|rubygem[s]|docke[r]|quay|ghcr) \. (?:org|com|io) \b
    | (?:index-url|find-links|trusted-host|registry) [ =]+ [\'"]? (?:https?|file):
    """,
    re.VERBOSE | re.IGNORECASE,
)


# Assembled when the test runs, so that no host stands in this file.
@pytest.mark.parametrize(
    "parts",
    [
        ("https://py", "pi", ".org/simple"),
        ("mirror", "s", ".example.com"),
        ("--index", "-url=", "https", "://example.com"),
        ("registry", ".", "example.io"),
    ],
)
def test_registry_pattern__a_registry__is_recognised(parts: tuple[str, ...]) -> None:
    assert REGISTRY_HOST.search("".join(parts).encode())


def test_tracked_files__every_file__names_no_package_registry() -> None:
    found = {
        str(path.relative_to(REPOSITORY)): match[0].decode(errors="replace")
        for path in tracked_files()
        if (match := REGISTRY_HOST.search(path.read_bytes()))
    }
    assert found == {}


def test_tracked_files__every_file__holds_no_private_key() -> None:
    found = [str(path.relative_to(REPOSITORY)) for path in tracked_files() if PRIVATE_KEY.search(path.read_bytes())]
    assert found == []


def test_tracked_files__folders_of_an_installation__hold_nothing_but_a_readme() -> None:
    kept = {str(path.relative_to(REPOSITORY)) for path in tracked_files()}
    assert {name for name in kept if name.startswith("certs/")} <= {"certs/README.md"}
    assert {name for name in kept if name.startswith("var/") or ".sqlite" in name} == set()
