"""Our own SAML keys as they stand at an instant, and how a running gateway notices that they were changed.

`sp-keys.json` says which keys there are (`key_manifest`). It is replaced whole, after the files that it names are
there, and looked at once a second at most: every process takes a change up without a restart. A change that can't be
read is as if it had not been made: the last good keys stay, and the log says so.
"""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from gateway.errors import ConfigError, SamlError
from gateway.key_manifest import FIRST, Manifest, Standing, Use, parse_manifest
from gateway.private_files import read_private, refused_file
from gateway.saml.certificates import (
    EncryptionKey,
    ServiceProviderKeys,
    TrustedCertificate,
    parse_certificate,
    public_key_of,
    rsa_private_key,
)
from gateway.secret import Secret

MANIFEST = "sp-keys.json"
_LOOK_EVERY_S = 1.0
_Seen = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class OwnPair:
    """A private key of ours with its certificate."""

    file: str
    key_pem: Secret
    certificate_pem: str
    certificate: TrustedCertificate


@dataclass(frozen=True, slots=True)
class OwnKeyState:
    """One of our keys, without its secret. `at`: what happens to it next, and when; see `KeyEntry`."""

    file: str
    use: Use
    standing: Standing
    published: bool
    certificate: TrustedCertificate
    starts_at: datetime | None
    leaves_at: datetime | None


@dataclass(frozen=True, slots=True)
class KeyChain:
    """A manifest with the pairs that it names, in its order."""

    manifest: Manifest
    signing: tuple[OwnPair, ...]
    encryption: tuple[OwnPair, ...]

    def at(self, now: datetime) -> ServiceProviderKeys:
        """The keys as they are to be used at an instant."""
        current = self.signing[self.manifest.current_index(Use.SIGNING, now)]
        offering = self.encryption[self.manifest.current_index(Use.ENCRYPTION, now)]
        others = tuple(pair.certificate_pem for pair in self._published(Use.SIGNING, now) if pair is not current)
        offered = (offering, *(pair for pair in self._published(Use.ENCRYPTION, now) if pair is not offering))
        rest = [pair for pair in reversed(self.encryption) if pair is not offering]
        return ServiceProviderKeys(
            signing_key_pem=current.key_pem,
            signing_certificate_pem=current.certificate_pem,
            encryption=tuple(EncryptionKey(pair.key_pem, pair.certificate_pem) for pair in (offering, *rest)),
            further_signing_certificates=others,
            offered_encryption_certificates=tuple(pair.certificate_pem for pair in offered),
        )

    def states(self, now: datetime) -> tuple[OwnKeyState, ...]:
        """Every key there is, oldest first of each use."""
        manifest = self.manifest
        return tuple(
            OwnKeyState(
                pair.file,
                use,
                manifest.standing(use, index, now),
                manifest.is_published(use, index, now),
                pair.certificate,
                manifest.line(use)[index].starts_at,
                manifest.line(use)[index].leaves_at,
            )
            for use in Use
            for index, pair in enumerate(self._pairs(use))
        )

    def _pairs(self, use: Use) -> tuple[OwnPair, ...]:
        return self.signing if use is Use.SIGNING else self.encryption

    def _published(self, use: Use, now: datetime) -> list[OwnPair]:
        return [pair for index, pair in enumerate(self._pairs(use)) if self.manifest.is_published(use, index, now)]


class OwnKeys:
    """The keys of a running gateway. Threads share it; so do the processes that are forked from one."""

    def __init__(self, certs_dir: Path, *, ticks: Callable[[], float] = time.monotonic) -> None:
        """Read the keys. Raises: ConfigError(CONFIG_INVALID)."""
        self._certs_dir = certs_dir
        self._ticks = ticks
        self._looking = threading.Lock()
        self._looked_at = ticks()
        self._seen = _seen(certs_dir / MANIFEST)
        self._chain = read_chain(certs_dir)
        self._complaint = ""

    def chain(self) -> KeyChain:
        """The newest keys that could be read, a second old at most."""
        if self._ticks() - self._looked_at >= _LOOK_EVERY_S and self._looking.acquire(blocking=False):
            try:
                self._look()
            finally:
                self._looking.release()
        return self._chain

    def at(self, now: datetime) -> ServiceProviderKeys:
        return self.chain().at(now)

    def states(self, now: datetime) -> tuple[OwnKeyState, ...]:
        return self.chain().states(now)

    def _look(self) -> None:
        self._looked_at = self._ticks()
        seen = _seen(self._certs_dir / MANIFEST)
        if seen == self._seen and not self._complaint:
            return
        try:
            if seen is None and self._seen is not None:
                raise refused_file(self._certs_dir / MANIFEST, "it was there, and is gone")
            self._chain = read_chain(self._certs_dir)
        except ConfigError as exc:
            if exc.public != self._complaint:
                text = f"our own keys were changed, and stay as they were: {exc.public}"
                logging.getLogger("ramgate").log(logging.ERROR, text)  # the place in the code says nothing more
            self._complaint = exc.public
        else:
            self._seen, self._complaint = seen, ""


def read_chain(certs_dir: Path) -> KeyChain:
    """Read the manifest, and every key that it names. Raises: ConfigError(CONFIG_INVALID)."""
    manifest = read_manifest(certs_dir)
    signing, encryption = (
        tuple(_read_pair(certs_dir, entry.file) for entry in manifest.line(use))
        for use in (Use.SIGNING, Use.ENCRYPTION)
    )
    return KeyChain(manifest, signing, encryption)


def read_manifest(certs_dir: Path) -> Manifest:
    """Without a manifest there are the keys of the first start. Raises: ConfigError(CONFIG_INVALID)."""
    path = certs_dir / MANIFEST
    try:
        return parse_manifest(read_private(path))
    except FileNotFoundError:
        return FIRST
    except (ValueError, RecursionError) as exc:
        raise refused_file(path, str(exc) if type(exc) is ValueError else "it is no JSON") from None
    except OSError as exc:
        raise refused_file(path, exc.strerror or "it can't be read") from exc


def _read_pair(certs_dir: Path, file: str) -> OwnPair:
    key_path, certificate_path = certs_dir / f"{file}.key", certs_dir / f"{file}.crt"
    try:
        key_pem, certificate_pem = Secret(read_private(key_path)), read_private(certificate_path)
    except OSError as exc:
        raise refused_file(Path(exc.filename or key_path), exc.strerror or "it can't be read") from exc
    private = rsa_private_key(key_pem)  # a broken key must stop the start, not the first login
    try:
        certificate = parse_certificate(certificate_pem.encode())
        fits = public_key_of(certificate.der) == private.public_key()
    except SamlError as exc:
        raise refused_file(certificate_path, exc.public) from None
    if not fits:
        raise refused_file(certificate_path, f"it is not the certificate of {key_path.name}")
    return OwnPair(file, key_pem, certificate_pem, certificate)


def _seen(path: Path) -> _Seen:
    """What tells one manifest from the next: it is never written in place."""
    try:
        status = path.lstat()
    except OSError:
        return None
    return (status.st_ino, status.st_mtime_ns, status.st_size)
