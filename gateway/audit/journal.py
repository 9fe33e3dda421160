"""The journal of a process: decisions on their way to the database, in a file beside it.

An entry is one write to a file, which the system keeps when the process is killed; nobody waits for the disk. A few
times a minute somebody packs what has gathered into the database (`batches`), where it outlives a power cut as well; a
power cut before that loses the last seconds. Each process has a lane of its own, so that none waits for another.

A file begins with a line of its own, and each entry is its length and its text, sealed by AES-256-GCM under a key of
the lane: bound to its number and to the entry before, so that none can be changed, taken out or put in between. The
process holds a lock on its file while it lives: who gets the lock packs what a dead one has left behind.
"""

import fcntl
import os
import re
import secrets
from _thread import LockType
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.audit.notary import Notary
from gateway.keyring import KeyRing
from gateway.store.forks import call_in_child

_HEADER = re.compile(rb"ramgate-decisions 1 (d-[0-9a-f]{16}) ([0-9]{1,9}) ([0-9]{1,18}) ([0-9a-f]{8})\n")
_NAME = re.compile(r"(d-[0-9a-f]{16})-([0-9]{9})\.journal")
_LENGTH_BYTES = 4
_TAG_BYTES = 16
_LONGEST_HEADER = 80
_PURPOSE = "decision-journal/"
_NOT_WRITTEN = "the journal of decisions can't be written: is the disk full?"


@dataclass(slots=True)
class _Open:
    """The file that is written to."""

    descriptor: int
    path: Path
    tag: bytes  # what the next entry hangs on
    length: int  # bytes that are whole


class Journal:
    """Safe under threads; the child of a fork begins a lane of its own."""

    def __init__(self, directory: Path, notary: Notary) -> None:
        self.directory = directory
        self.notary = notary
        self._lane = _Lane()
        call_in_child(self, Journal._leave_to_parent)

    def append(self, *texts: bytes) -> None:
        """An entry for each text, all of them by one write.

        Raises: OSError if they can't be written whole; the file is then as it was.
        """
        lane = self._lane
        with lane.lock:
            file = lane.file or self._open(lane)
            encrypt, following, tag = self._cipher(lane).encrypt, lane.following, file.tag
            frames: list[bytes] = []
            for text in texts:
                sealed = encrypt(_nonce(following), text, tag)
                frames += (len(sealed).to_bytes(_LENGTH_BYTES, "big"), sealed)
                following, tag = following + 1, sealed[-_TAG_BYTES:]
            whole = b"".join(frames)
            written = os.write(file.descriptor, whole)
            if written != len(whole):
                os.ftruncate(file.descriptor, file.length)
                raise OSError(_NOT_WRITTEN)
            lane.following = following
            file.tag, file.length = tag, file.length + written

    def rotate(self) -> None:
        """Close the file, if anything is in it: what comes next goes to another, and this one can be packed."""
        lane = self._lane
        with lane.lock:
            file, lane.file = lane.file, None
            if file is not None:
                os.close(file.descriptor)  # gives the lock back

    def close(self) -> None:
        self.rotate()

    def _leave_to_parent(self) -> None:
        file, self._lane = self._lane.file, _Lane()
        if file is not None:
            with suppress(OSError):
                os.close(file.descriptor)  # the parent has it open still, and its lock with it

    def _cipher(self, lane: "_Lane") -> AESGCM:
        if lane.cipher is None:
            lane.cipher = _cipher(self.notary.ring, self.notary.key.key_id, lane.name)
        assert lane.cipher is not None, "the newest key is in the ring"
        return lane.cipher

    def _open(self, lane: "_Lane") -> _Open:
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lane.files += 1
        path = self.directory / f"{lane.name}-{lane.files:09}.journal"
        key_id = self.notary.key.key_id
        header = f"ramgate-decisions 1 {lane.name} {lane.files} {lane.following} {key_id}\n".encode("ascii")
        lane.file = _Open(_create(path, header), path, header[-_TAG_BYTES:], len(header))
        return lane.file


@dataclass(slots=True)
class _Lane:
    """What a process has of its own."""

    name: str = field(default_factory=lambda: f"d-{secrets.token_hex(8)}")
    lock: LockType = field(default_factory=Lock)
    files: int = 0
    following: int = 1  # number of the next entry
    file: _Open | None = None
    cipher: AESGCM | None = None


def _create(path: Path, header: bytes) -> int:
    """A file that is locked before anybody can take it for abandoned: it gets its name last."""
    draft = path.with_suffix(".draft")
    descriptor = os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        whole = os.write(descriptor, header) == len(header)
        draft.rename(path)
    except OSError:
        os.close(descriptor)
        draft.unlink(missing_ok=True)
        raise
    if not whole:
        os.close(descriptor)
        path.unlink()
        raise OSError(_NOT_WRITTEN)
    return descriptor


@dataclass(frozen=True, slots=True)
class JournalFile:
    """A file as it was read: `damage` says where it can't be read on, empty where it is whole."""

    path: Path
    lane: str
    number: int
    first: int  # number of the first entry in the lane
    entries: tuple[bytes, ...]
    damage: str
    tail: int = 0  # bytes of a last entry that is not whole


def waiting_files(directory: Path) -> tuple[Path, ...]:
    """Those of one lane in the order in which they were written."""
    if not directory.is_dir():
        return ()
    return tuple(sorted(path for path in directory.iterdir() if _NAME.fullmatch(path.name)))


def read_file(path: Path, ring: KeyRing) -> JournalFile:
    """What is in a file. An entry at the end that is not whole was not finished by a process that was killed, so the
    call behind it was never answered: it is no damage.
    """
    data = path.read_bytes()
    name, header = _NAME.fullmatch(path.name), _HEADER.match(data[:_LONGEST_HEADER])
    lane, number = (name[1], int(name[2])) if name else ("", 0)
    if header is None or (header[1].decode(), int(header[2])) != (lane, number):
        return JournalFile(path, lane, number, 0, (), "it does not begin as a journal does" if data else "")
    first, key_id = int(header[3]), header[4].decode()
    cipher = _cipher(ring, key_id, lane)
    entries: list[bytes] = []
    tag, damage, read = header[0][-_TAG_BYTES:], "", header.end()
    for sealed in _frames(data, header.end()):
        if cipher is None:
            damage = f"it was written under the key {key_id}, which is not in the ring"
            break
        try:
            entries.append(cipher.decrypt(_nonce(first + len(entries)), sealed, tag))
        except InvalidTag:
            damage = f"entry {first + len(entries)} was changed, or one before it is missing"
            break
        tag = sealed[-_TAG_BYTES:]
        read += _LENGTH_BYTES + len(sealed)
    tail = 0 if damage else len(data) - read
    return JournalFile(path, lane, number, first, tuple(entries), damage, tail)


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Hold a file that nobody writes to; False if a living process does, or another packs it, or it is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
            return
        yield path.exists()  # whoever had the lock before may have packed it
    finally:
        os.close(descriptor)


def _frames(data: bytes, at: int) -> Iterator[bytes]:
    while at + _LENGTH_BYTES <= len(data):
        length = int.from_bytes(data[at : at + _LENGTH_BYTES], "big")
        at += _LENGTH_BYTES
        if at + length > len(data):
            return
        yield data[at : at + length]
        at += length


def _nonce(number: int) -> bytes:
    """Never twice under one key: a lane has a key of its own."""
    return number.to_bytes(12, "big")


def _cipher(ring: KeyRing, key_id: str, lane: str) -> AESGCM | None:
    secret = dict(ring.derive_each(_PURPOSE + lane)).get(key_id)
    return None if secret is None else AESGCM(secret)
