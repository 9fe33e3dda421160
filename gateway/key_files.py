"""The gateway's own keys as files: made at the first start, read at every later one.

The directory is 0700, every file 0600. A directory of keys appears whole: a start that is interrupted leaves only a
hidden draft, and of two processes that start at once the slower one reads what the faster one wrote.
`keyring.json` lists the master keys, newest first; the service provider's keys are PEM, see `own_keys`.
"""

import base64
import binascii
import json
import stat
from datetime import datetime
from pathlib import Path

from gateway.key_manifest import FIRST
from gateway.key_rollover import COMMON_NAME
from gateway.keyring import KeyRing, MasterKey, new_master_key
from gateway.own_keys import MANIFEST, OwnKeys
from gateway.private_files import OTHERS, one_at_a_time, read_private, refused_file, write_private
from gateway.saml.certificates import make_keys

KEYRING = "keyring.json"


def load_or_make_keys(certs_dir: Path, now: datetime) -> tuple[KeyRing, OwnKeys]:
    """Read the keys, making those that are not there yet. Safe when two processes start at once.

    Refused: a key file that its group or others may read, one that is no plain file, unreadable content, a key
    without its certificate.
    Raises: ConfigError(CONFIG_INVALID), which never repeats what a file holds.
    """
    try:
        certs_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        if stat.S_IMODE(certs_dir.stat().st_mode) & OTHERS:
            certs_dir.chmod(0o700)
        with one_at_a_time(certs_dir):
            _make_missing(certs_dir, now)
        return _read_ring(certs_dir / KEYRING), OwnKeys(certs_dir)
    except OSError as exc:
        raise refused_file(certs_dir, exc.strerror or "it can't be used") from exc


def rotate_master_key(certs_dir: Path) -> KeyRing:
    """Put a new master key in front of the ring: it seals from the next start on, the old ones still open.

    Raises: ConfigError(CONFIG_INVALID), for a ring that is not there too.
    """
    try:
        with one_at_a_time(certs_dir):
            ring = KeyRing((new_master_key(), *_read_ring(certs_dir / KEYRING).keys))
            write_private(certs_dir / KEYRING, _ring_text(ring))
    except OSError as exc:
        raise refused_file(certs_dir / KEYRING, exc.strerror or "it can't be used") from exc
    return ring


def _make_missing(certs_dir: Path, now: datetime) -> None:
    if not (certs_dir / KEYRING).exists():
        write_private(certs_dir / KEYRING, _ring_text(KeyRing((new_master_key(),))))
    if (certs_dir / MANIFEST).exists():
        return  # whatever it names was there before it: nothing of it is made anew
    if any(certs_dir.glob("sp-*-[0-9]*.key")):
        raise refused_file(certs_dir / MANIFEST, "it is missing, but later keys that it would name are there")
    first = (FIRST.signing[0].file, FIRST.encryption[0].file)
    pairs = [(certs_dir / f"{name}.key", certs_dir / f"{name}.crt") for name in first]
    if all(key.exists() and certificate.exists() for key, certificate in pairs):
        return
    for key, certificate in pairs:
        if certificate.exists() and not key.exists():
            raise refused_file(key, "it is missing, but its certificate is there")
    keys = make_keys(COMMON_NAME, now)
    made = (
        (keys.signing_key_pem, keys.signing_certificate_pem),
        (keys.encryption[0].key_pem, keys.encryption[0].certificate_pem),
    )
    for (key, certificate), (key_pem, certificate_pem) in zip(pairs, made, strict=True):
        # The certificate is written last: a key alone is what an interrupted start leaves, and is made anew.
        if not certificate.exists():
            write_private(key, key_pem.reveal())
            write_private(certificate, certificate_pem)


def _ring_text(ring: KeyRing) -> str:
    entries = [{"id": key.key_id.hex(), "secret": base64.b64encode(key.secret).decode("ascii")} for key in ring.keys]
    return json.dumps({"keys": entries}, indent=2) + "\n"


def _read_ring(path: Path) -> KeyRing:
    try:
        entries = json.loads(read_private(path))["keys"]
        keys = tuple(
            MasterKey(bytes.fromhex(entry["id"]), base64.b64decode(entry["secret"], validate=True)) for entry in entries
        )
    except (ValueError, KeyError, TypeError, binascii.Error):
        raise refused_file(path, "it is not a key ring") from None
    return KeyRing(keys)
