"""The tracked files and parsed modules that the architecture tests look at."""

import ast
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
GATEWAY = REPOSITORY / "gateway"


def modules(root: Path = GATEWAY) -> list[Path]:
    """Every Python module below a folder, generated migrations apart."""
    return sorted(path for path in root.rglob("*.py") if "migrations/versions" not in path.as_posix())


def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(), filename=str(path))


def room(path: Path) -> str:
    """`gateway/saml/response.py` is in `saml`; `gateway/errors.py` is in the room of its own name."""
    return path.relative_to(GATEWAY).parts[0].removesuffix(".py")


def imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


def tracked_files() -> list[Path]:
    """What git keeps, or, without git, every file outside the folders that git ignores."""
    if (REPOSITORY / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(
            ["git", "-C", str(REPOSITORY), "-c", f"safe.directory={REPOSITORY}", "ls-files", "-z"],
            check=True,
            capture_output=True,
            text=True,
        )
        paths = [REPOSITORY / name for name in listed.stdout.split("\0") if name]
    else:
        ignored = {".venv", "var", "__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
        paths = [path for path in REPOSITORY.rglob("*") if not ignored & set(path.relative_to(REPOSITORY).parts)]
        paths = [path for path in paths if path.parent.name != "certs" or path.name == "README.md"]
    return [path for path in paths if path.is_file()]
