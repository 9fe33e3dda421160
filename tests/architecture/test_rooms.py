"""Who may import whom, and what has only one home."""

import ast
import subprocess
import sys
from pathlib import Path

from tests.architecture.source_tree import GATEWAY, REPOSITORY, imported, modules, parsed, room

XML_LIBRARIES = {"lxml", "xmlsec", "saml2"}
XML_HOMES = {"saml", "demo"}
JOSE_LIBRARIES = {"authlib", "joserfc"}
JOSE_HOMES = {"oidc", "demo"}
# The one door out: nothing else opens connections to other servers.
CLIENT_LIBRARIES = {"urllib3", "requests", "httpx", "aiohttp", "http.client", "urllib.request"}
CLIENT_HOMES = {"fetch", "fetch_stream", "demo"}
FLASK_HOMES = {"api", "web", "app", "server", "demo"}
IDENTITY_MAKERS = {"saml", "oidc"}
VAGUE_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "misc"}


def test_import_contracts__whole_tree__are_kept() -> None:
    # `lint-imports` is the script of the environment that runs the tests.
    script = Path(sys.executable).with_name("lint-imports")
    outcome = subprocess.run([script], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_xml_libraries__every_module__imported_only_at_home() -> None:
    strangers = [
        str(path.relative_to(REPOSITORY))
        for path in modules()
        if room(path) not in XML_HOMES and XML_LIBRARIES & {name.split(".")[0] for name in imported(parsed(path))}
    ]
    assert strangers == []


def test_jose_libraries__every_module__imported_only_at_home() -> None:
    strangers = [
        str(path.relative_to(REPOSITORY))
        for path in modules()
        if room(path) not in JOSE_HOMES and JOSE_LIBRARIES & {name.split(".")[0] for name in imported(parsed(path))}
    ]
    assert strangers == []


def test_http_clients__every_module__imported_only_by_the_guarded_fetch() -> None:
    strangers = [
        str(path.relative_to(REPOSITORY))
        for path in modules()
        if room(path) not in CLIENT_HOMES and CLIENT_LIBRARIES & set(imported(parsed(path)))
    ]
    assert strangers == []


def test_flask__every_module__imported_only_at_the_edge() -> None:
    strangers = [
        str(path.relative_to(REPOSITORY))
        for path in modules()
        if room(path) not in FLASK_HOMES
        and any(name.split(".")[0].startswith("flask") for name in imported(parsed(path)))
    ]
    assert strangers == []


def test_verified_identity__every_module__constructed_only_by_verifiers() -> None:
    strangers = [
        f"{path.relative_to(REPOSITORY)}:{node.lineno}"
        for path in modules()
        if room(path) not in IDENTITY_MAKERS
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Call) and _called(node) == "VerifiedIdentity"
    ]
    assert strangers == []


def test_module_names__every_module__say_what_is_inside() -> None:
    assert [str(path) for path in modules(GATEWAY) if path.stem in VAGUE_NAMES] == []


def test_engines__without_flask__can_be_imported() -> None:
    # A resource service imports the policy engine and the token code, and must not need a web framework for it.
    program = "import sys; sys.modules['flask'] = None; import gateway.policy, gateway.sts, gateway.sts.token"
    outcome = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stderr


def _called(node: ast.Call) -> str:
    if isinstance(node.func, ast.Attribute):
        return node.func.attr
    return node.func.id if isinstance(node.func, ast.Name) else ""
