"""Changing our own SAML keys: the next ones are made and published, used from an instant on, and the old ones retired.

Each change writes the keys' files first and the manifest last, so that a kill at any line leaves the keys as they were
before or as they are after. Whoever changes them waits for the others (`one_at_a_time`).
Raises throughout: ConfigError(CONFIG_INVALID) for a manifest or key that can't be read or written.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from gateway.errors import AlreadyExists, Conflict, InputError, NotFound, Reason
from gateway.key_manifest import KeyEntry, Manifest, Standing, Use, render_manifest
from gateway.own_keys import MANIFEST, read_chain, read_manifest
from gateway.private_files import one_at_a_time, refused_file, write_private
from gateway.saml.certificates import make_keys

COMMON_NAME = "ramgate"
NOTICE = timedelta(days=7)  # so that identity providers which read our metadata once a day have the next key
KEPT_PUBLISHED = timedelta(days=7)


def make_next_keys(certs_dir: Path, now: datetime) -> tuple[str, str]:
    """Make a signing and an encryption pair, published from now on; the names of their files.

    Raises: AlreadyExists, subject "NextKey".
    """
    with _changing(certs_dir) as manifest:
        if any(_next_of(manifest, use, now) is not None for use in Use):
            message = "there is a next key already: let it be used by `ramgate keys switch`, or retire it"
            raise AlreadyExists(Reason.ALREADY_EXISTS, message, subject="NextKey")
        _write_manifest(certs_dir, manifest)  # where none was yet: from here on its loss is noticed
        made = make_keys(COMMON_NAME, now)
        number = manifest.made + 1
        pairs = {
            Use.SIGNING: (made.signing_key_pem, made.signing_certificate_pem),
            Use.ENCRYPTION: (made.encryption[0].key_pem, made.encryption[0].certificate_pem),
        }
        changed = replace(manifest, made=number)
        for use, (key_pem, certificate_pem) in pairs.items():
            file = f"sp-{use}-{number}"
            write_private(certs_dir / f"{file}.key", key_pem.reveal())
            write_private(certs_dir / f"{file}.crt", certificate_pem)
            changed = changed.with_line(use, (*manifest.line(use), KeyEntry(file)))
        _write_manifest(certs_dir, changed)
        return changed.signing[-1].file, changed.encryption[-1].file


def switch_keys(
    certs_dir: Path, now: datetime, at: datetime | None = None, keep: timedelta = KEPT_PUBLISHED
) -> datetime:
    """Use the next keys from `at` on, 7 days from now if not given; the instant. Until it has come it can be moved.

    `keep`: how long after it the old signing certificate stays in our metadata.
    Raises: InputError(PARAMETER_INVALID), subject "at" or "keep"; NotFound, subject "NextKey".
    """
    instant = (now + NOTICE if at is None else at).replace(microsecond=0)
    if instant < now.replace(microsecond=0):
        raise InputError(Reason.PARAMETER_INVALID, "the switch can't be in the past", subject="at")
    if keep < timedelta():
        raise InputError(Reason.PARAMETER_INVALID, "the old certificate can't leave before the switch", subject="keep")
    with _changing(certs_dir) as manifest:
        changed = manifest
        for use in Use:
            index = _next_of(manifest, use, now)
            if index is None:
                continue
            line = list(manifest.line(use))
            line[index] = replace(line[index], starts_at=instant)
            line[index - 1] = replace(line[index - 1], leaves_at=instant + keep)
            changed = changed.with_line(use, tuple(line))
        if changed is manifest:
            message = "there is no next key: make one by `ramgate keys next`"
            raise NotFound(Reason.NOT_FOUND, message, subject="NextKey")
        _write_manifest(certs_dir, changed)
    return instant


def retire_key(certs_dir: Path, file: str, now: datetime) -> None:
    """Forget a key, and delete its files: an old one, after which nothing that was encrypted to it can be read, or a
    next one that is not to be used after all.

    Raises: NotFound, subject "Key"; Conflict(DELETE_CONFLICT), subject "Key", for one in use or still published.
    """
    with _changing(certs_dir) as manifest:
        use, index = _find(manifest, file)
        standing = manifest.standing(use, index, now)
        if standing is Standing.CURRENT:
            message = f"`{file}` is in use; make and switch to the next key first"
            raise Conflict(Reason.DELETE_CONFLICT, message, subject="Key")
        if standing is Standing.OLD and manifest.is_published(use, index, now):
            leaves_at = manifest.line(use)[index].leaves_at
            message = f"`{file}` stays in our metadata until {leaves_at:%Y-%m-%d %H:%M:%S} UTC"
            raise Conflict(Reason.DELETE_CONFLICT, message, subject="Key")
        line = [entry for entry in manifest.line(use) if entry.file != file]
        if standing is Standing.NEXT:
            line[index - 1] = replace(line[index - 1], leaves_at=None)
        if index == 0:
            line[0] = replace(line[0], starts_at=None)  # the first of a line is in use since ever
        _write_manifest(certs_dir, manifest.with_line(use, tuple(line)))
        for suffix in (".crt", ".key"):
            (certs_dir / (file + suffix)).unlink(missing_ok=True)


@contextmanager
def _changing(certs_dir: Path) -> Iterator[Manifest]:
    try:
        with one_at_a_time(certs_dir):
            read_chain(certs_dir)  # nothing is built upon keys that can't be read
            yield read_manifest(certs_dir)
    except OSError as exc:
        raise refused_file(certs_dir, exc.strerror or "it can't be used") from exc


def _write_manifest(certs_dir: Path, manifest: Manifest) -> None:
    write_private(certs_dir / MANIFEST, render_manifest(manifest))


def _next_of(manifest: Manifest, use: Use, now: datetime) -> int | None:
    """The key after the current one."""
    index = manifest.current_index(use, now) + 1
    return index if index < len(manifest.line(use)) else None


def _find(manifest: Manifest, file: str) -> tuple[Use, int]:
    for use in Use:
        for index, entry in enumerate(manifest.line(use)):
            if entry.file == file:
                return use, index
    raise NotFound(Reason.NOT_FOUND, "there is no such key: see `ramgate keys list`", subject="Key")
