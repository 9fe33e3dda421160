"""Who an instance is: its key, and the gateway that knows it. One file that only its owner may read."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from gateway.errors import ConfigError, Reason
from gateway.private_files import read_private, write_private
from gateway.secret import Secret

_FILE = "instance.json"
_FIELDS = frozenset({"gateway", "arn", "role_name", "key"})


@dataclass(frozen=True, slots=True)
class InstanceIdentity:
    """`gateway` is its origin, such as `https://sso.example.com`; `key` 32 bytes in hex."""

    gateway: str
    arn: str
    role_name: str
    key: Secret = field(repr=False)

    @property
    def public_key(self) -> str:
        """32 bytes in hex."""
        return self._private().public_key().public_bytes_raw().hex()

    def sign(self, text: bytes) -> str:
        """64 bytes in hex."""
        return self._private().sign(text).hex()

    def _private(self) -> Ed25519PrivateKey:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self.key.reveal()))


def new_identity(gateway: str) -> InstanceIdentity:
    """A key that no gateway knows yet."""
    key = Ed25519PrivateKey.generate().private_bytes_raw().hex()
    return InstanceIdentity(gateway, "", "", Secret(key))


def check_free(directory: Path) -> None:
    """Refuse to replace the key of an instance. Raises: ConfigError(CONFIG_INVALID)."""
    if (directory / _FILE).exists():
        message = f"`{directory}` holds the key of an instance already; take another directory or remove it"
        raise ConfigError(Reason.CONFIG_INVALID, message)


def save_identity(directory: Path, identity: InstanceIdentity) -> None:
    """Raises: ConfigError(CONFIG_INVALID) where the directory can't be written to, or others may."""
    record = {
        "gateway": identity.gateway,
        "arn": identity.arn,
        "role_name": identity.role_name,
        "key": identity.key.reveal(),
    }
    try:
        write_private(directory / _FILE, json.dumps(record))
    except OSError as exc:
        raise _unusable(directory, exc.strerror or "it can't be written to") from exc


def make_directory(directory: Path) -> None:
    """A directory that nobody else can look into, made if it is not there. Raises: ConfigError(CONFIG_INVALID)."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
    except OSError as exc:
        raise _unusable(directory, exc.strerror or "it can't be made") from exc
    if status.st_mode & 0o077 or status.st_uid != os.geteuid():
        raise _unusable(directory, "others may look into it; run: chmod 700")


def load_identity(directory: Path) -> InstanceIdentity:
    """Raises: ConfigError(CONFIG_INVALID) for a file that is not there, that others may read, or is none of ours."""
    try:
        record = json.loads(read_private(directory / _FILE))
    except OSError as exc:
        raise _unusable(directory, f"{exc.strerror}; run `ramgate instance enrol` first") from exc
    except ValueError as exc:
        raise _unusable(directory, f"{_FILE} is damaged") from exc
    if not isinstance(record, dict) or set(record) != _FIELDS or not all(isinstance(v, str) for v in record.values()):
        raise _unusable(directory, f"{_FILE} is damaged")
    identity = InstanceIdentity(record["gateway"], record["arn"], record["role_name"], Secret(record["key"]))
    try:
        _ = identity.public_key
    except ValueError:
        raise _unusable(directory, f"{_FILE} is damaged") from None
    return identity


def _unusable(directory: Path, why: str) -> ConfigError:
    return ConfigError(Reason.CONFIG_INVALID, f"the directory `{directory}` of the instance can't be used: {why}")
