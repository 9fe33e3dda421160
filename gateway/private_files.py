"""Files that only their owner may read: written whole or not at all, read only if nobody else can.

Raises throughout: ConfigError(CONFIG_INVALID), which never repeats what a file holds; OSError is the caller's.
"""

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gateway.errors import ConfigError, Reason

OTHERS = 0o077
_MAX_BYTES = 1024 * 1024


def read_private(path: Path) -> str:
    """The text of a plain file. Refused: links, pipes, other bytes than ASCII, and a file that others may read, unless
    it is a certificate (`.crt`).
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise refused_file(path, "it is no plain file")
        if status.st_mode & OTHERS and path.suffix != ".crt":
            raise refused_file(path, f"others may read it; run: chmod 600 {path}")
        try:
            return file.read(_MAX_BYTES).decode("ascii")
        except UnicodeDecodeError:
            raise refused_file(path, "it is not a text file") from None


def write_private(path: Path, text: str) -> None:
    """Create or replace a file; once this returns, a power cut does not undo it."""
    draft = path.with_name(f".{path.name}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)
    _sync_directory(path.parent)


@contextmanager
def one_at_a_time(directory: Path) -> Iterator[None]:
    """Whoever makes or changes files of the directory waits for the others here, in whatever process."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def refused_file(path: Path, why: str) -> ConfigError:
    return ConfigError(Reason.CONFIG_INVALID, f"the key file `{path}` can't be used: {why}", subject="certs_dir")


def _sync_directory(directory: Path) -> None:
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
