"""The gateway's own keys as files: made at the first start, read at every later one.

The directory is 0700, every file 0600. A directory of keys appears whole: a start that is interrupted leaves only a
hidden draft, and of two processes that start at once the slower one reads what the faster one wrote.
`keyring.json` lists the master keys, newest first; the service provider's keys are PEM.
"""

import base64
import binascii
import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from gateway.errors import ConfigError, Reason
from gateway.keyring import KeyRing, MasterKey, new_master_key
from gateway.saml.certificates import EncryptionKey, ServiceProviderKeys, make_keys, rsa_private_key
from gateway.secret import Secret

KEYRING = "keyring.json"
SIGNING = "sp-signing"
ENCRYPTION = "sp-encryption"

_COMMON_NAME = "ramgate"
_OTHERS = 0o077
_MAX_BYTES = 1024 * 1024


def load_or_make_keys(certs_dir: Path, now: datetime) -> tuple[KeyRing, ServiceProviderKeys]:
    """Read the keys, making those that are not there yet. Safe when two processes start at once.

    Refused: a key file that its group or others may read, one that is no plain file, unreadable content, a key
    without its certificate.
    Raises: ConfigError(CONFIG_INVALID), which never repeats what a file holds.
    """
    try:
        certs_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(certs_dir.stat().st_mode) & _OTHERS:
            certs_dir.chmod(0o700)
        with _one_at_a_time(certs_dir):
            _make_missing(certs_dir, now)
        return _read_ring(certs_dir / KEYRING), _read_provider_keys(certs_dir)
    except OSError as exc:
        raise _refusal(certs_dir, exc.strerror or "it can't be used") from exc


def rotate_master_key(certs_dir: Path) -> KeyRing:
    """Put a new master key in front of the ring: it seals from the next start on, the old ones still open.

    Raises: ConfigError(CONFIG_INVALID), for a ring that is not there too.
    """
    try:
        with _one_at_a_time(certs_dir):
            ring = KeyRing((new_master_key(), *_read_ring(certs_dir / KEYRING).keys))
            _write(certs_dir / KEYRING, _ring_text(ring))
    except OSError as exc:
        raise _refusal(certs_dir / KEYRING, exc.strerror or "it can't be used") from exc
    return ring


def _make_missing(certs_dir: Path, now: datetime) -> None:
    if not (certs_dir / KEYRING).exists():
        _write(certs_dir / KEYRING, _ring_text(KeyRing((new_master_key(),))))
    pairs = [(certs_dir / f"{name}.key", certs_dir / f"{name}.crt") for name in (SIGNING, ENCRYPTION)]
    if all(key.exists() and certificate.exists() for key, certificate in pairs):
        return
    for key, certificate in pairs:
        if certificate.exists() and not key.exists():
            raise _refusal(key, "it is missing, but its certificate is there")
    keys = make_keys(_COMMON_NAME, now)
    made = (
        (keys.signing_key_pem, keys.signing_certificate_pem),
        (keys.encryption[0].key_pem, keys.encryption[0].certificate_pem),
    )
    for (key, certificate), (key_pem, certificate_pem) in zip(pairs, made, strict=True):
        # The certificate is written last: a key alone is what an interrupted start leaves, and is made anew.
        if not certificate.exists():
            _write(key, key_pem.reveal())
            _write(certificate, certificate_pem)


def _ring_text(ring: KeyRing) -> str:
    entries = [{"id": key.key_id.hex(), "secret": base64.b64encode(key.secret).decode("ascii")} for key in ring.keys]
    return json.dumps({"keys": entries}, indent=2) + "\n"


def _read_ring(path: Path) -> KeyRing:
    try:
        entries = json.loads(_read(path))["keys"]
        keys = tuple(
            MasterKey(bytes.fromhex(entry["id"]), base64.b64decode(entry["secret"], validate=True)) for entry in entries
        )
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise _refusal(path, "it is not a key ring") from None
    return KeyRing(keys)


def _read_provider_keys(certs_dir: Path) -> ServiceProviderKeys:
    signing, encryption = (
        (Secret(_read(certs_dir / f"{name}.key")), _read(certs_dir / f"{name}.crt")) for name in (SIGNING, ENCRYPTION)
    )
    for key_pem, _ in (signing, encryption):
        rsa_private_key(key_pem)  # a broken key must stop the start, not the first login
    return ServiceProviderKeys(
        signing_key_pem=signing[0],
        signing_certificate_pem=signing[1],
        encryption=(EncryptionKey(key_pem=encryption[0], certificate_pem=encryption[1]),),
    )


def _read(path: Path) -> str:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    with os.fdopen(descriptor, "rb") as file:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise _refusal(path, "it is no plain file")
        if status.st_mode & _OTHERS and path.suffix != ".crt":
            raise _refusal(path, f"others may read it; run: chmod 600 {path}")
        try:
            return file.read(_MAX_BYTES).decode("ascii")
        except UnicodeDecodeError:
            raise _refusal(path, "it is not a text file") from None


def _write(path: Path, text: str) -> None:
    """Create a file whole or not at all."""
    draft = path.with_name(f".{path.name}.draft")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        os.fchmod(descriptor, 0o600)
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    draft.replace(path)


@contextmanager
def _one_at_a_time(certs_dir: Path) -> Iterator[None]:
    descriptor = os.open(certs_dir, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _refusal(path: Path, why: str) -> ConfigError:
    return ConfigError(Reason.CONFIG_INVALID, f"the key file `{path}` can't be used: {why}", subject="certs_dir")
