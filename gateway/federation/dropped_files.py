"""The folder `metadata/`: which files lie in it, read with as little trust as uploads get.

metadata/<account alias or id>/<provider name>.xml      a role SSO provider
metadata/<account alias or id>/user-sso.xml             the account's user SSO
metadata/<account alias or id>/<the same name>.toml     optional: url, anchor (a file beside it), trust_tls, description
"""

import hashlib
import os
import stat
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.errors import GatewayError, InputError, Reason

USER_SSO = "user-sso"
_MOST_FOLDERS = 500
_MOST_FILES = 500  # of one folder
_MAX_XML = 1024 * 1024
_MAX_TOML = 16 * 1024
_MAX_ANCHOR = 64 * 1024
_KEYS = {"url": str, "anchor": str, "trust_tls": bool, "description": str}


@dataclass(frozen=True, slots=True)
class DroppedFile:
    """One provider's file, and what is to be known about its source. `label` is its path below the folder."""

    label: str
    account: str  # alias or id, as the folder is called
    name: str  # of the provider; `user-sso` is the user SSO setting
    xml: bytes
    digest: str  # of everything that was read
    url: str = ""
    anchors_pem: str = ""
    trust_tls: bool = False
    description: str = ""


@dataclass(frozen=True, slots=True)
class BrokenFile:
    label: str
    account: str
    name: str
    error: GatewayError


def read_folder(root: Path) -> Iterator[DroppedFile | BrokenFile]:
    """What lies in the folder, account by account. Files in the folder itself are not looked at.

    Refused, each for itself: symbolic links, what is no regular file, over 1 MB, and what can't be read.
    """
    for folder in _entries(root, _MOST_FOLDERS):
        if folder.is_symlink() or not folder.is_dir():
            continue
        for path in _entries(folder, _MOST_FILES):
            if path.suffix == ".xml":
                yield _read(path)


def _entries(folder: Path, at_most: int) -> list[Path]:
    try:
        return sorted(each for each in folder.iterdir() if not each.name.startswith("."))[:at_most]
    except OSError:
        return []


def _read(path: Path) -> DroppedFile | BrokenFile:
    label, account, name = _printable(f"{path.parent.name}/{path.name}"), path.parent.name, path.stem
    try:
        xml = _bytes_of(path, _MAX_XML)
        more = _settings(path.with_suffix(".toml"))
        pem = _anchor(path.parent, str(more.get("anchor", "")))
    except GatewayError as error:
        return BrokenFile(label, account, name, error)
    digest = hashlib.sha256(repr((xml, sorted(more.items()), pem)).encode()).hexdigest()
    return DroppedFile(
        label,
        account,
        name,
        xml,
        digest,
        url=str(more.get("url", "")),
        anchors_pem=pem,
        trust_tls=more.get("trust_tls") is True,
        description=str(more.get("description", "")),
    )


def _printable(name: str) -> str:
    """A name for people and logs: bytes that are no text are written out."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _settings(path: Path) -> dict[str, object]:
    """Raises: InputError(PARAMETER_INVALID) for what is no TOML, and for keys that nobody knows."""
    if not os.path.lexists(path):
        return {}
    try:
        found = tomllib.loads(_bytes_of(path, _MAX_TOML).decode())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise _broken(f"{path.name} is not valid TOML", str(exc)) from exc
    for key, value in found.items():
        if key not in _KEYS or not isinstance(value, _KEYS[key]):
            raise _broken(f"{path.name} may have the keys {', '.join(_KEYS)}, each of its own type", repr(key))
    return found


def _anchor(folder: Path, name: str) -> str:
    if not name:
        return ""
    if name != Path(name).name or name.startswith("."):
        raise _broken("the anchor must be the name of a file in the same folder", repr(name[:200]))
    try:
        return _bytes_of(folder / name, _MAX_ANCHOR).decode("ascii")
    except UnicodeDecodeError as exc:
        raise _broken(f"{name} holds no certificates in PEM") from exc


def _bytes_of(path: Path, limit: int) -> bytes:
    """Of the very file that was looked at: it is opened once, and no link is followed."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError as exc:
        raise _broken(f"{path.name} can't be read, or is a symbolic link", exc.strerror) from exc
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _broken(f"{path.name} is no regular file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            data = file.read(limit + 1)
    except OSError as exc:
        raise _broken(f"{path.name} can't be read", exc.strerror) from exc
    finally:
        os.close(handle)
    if len(data) > limit:
        raise _broken(f"{path.name} is larger than {limit // 1024} KB")
    return data


def _broken(public: str, detail: str | None = None) -> InputError:
    return InputError(Reason.PARAMETER_INVALID, public, detail, subject="metadata")
