"""Objects as files. No name that a client chose is ever the name of a file: that is the hash of it.

A file of an object begins with one line of JSON about it; what follows are its bytes. It is written beside its place
and then moved there, so that readers find it whole or not at all.
"""

import hashlib
import json
import secrets
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from examples.object_service.answers import Refusal


@dataclass(frozen=True)
class Stored:
    key: str
    size: int
    etag: str
    content_type: str
    modified_at: str  # 2026-01-02T03:04:05.000Z
    meta: dict[str, str]


@dataclass(frozen=True)
class Body:
    """What a client sent, checked and in a file of its own."""

    path: Path
    size: int
    md5: bytes
    sha256: str


class Storage:
    def __init__(self, folder: Path) -> None:
        self._buckets, self._uploads, self._drafts = (folder / name for name in ("buckets", "uploads", "drafts"))
        for each in (self._buckets, self._uploads, self._drafts):
            each.mkdir(mode=0o700, parents=True, exist_ok=True)

    def draft(self) -> Path:
        return self._drafts / secrets.token_hex(16)

    def receive(self, pieces: Iterable[bytes]) -> Body:
        """What is refused while it comes in leaves nothing behind."""
        path, size = self.draft(), 0
        md5, sha256 = hashlib.md5(usedforsecurity=False), hashlib.sha256()
        try:
            with path.open("wb") as file:
                for piece in pieces:
                    size += file.write(piece)
                    md5.update(piece)
                    sha256.update(piece)
        except BaseException:
            path.unlink()
            raise
        return Body(path, size, md5.digest(), sha256.hexdigest())

    def buckets(self) -> list[tuple[str, str]]:
        """Name and time of each, by name."""
        return [(path.name, _wire(path.stat().st_ctime)) for path in sorted(self._buckets.iterdir())]

    def make_bucket(self, bucket: str) -> None:
        (self._buckets / bucket).mkdir(mode=0o700, exist_ok=True)

    def put(self, bucket: str, key: str, body: Body, content_type: str, meta: dict[str, str]) -> Stored:
        place = self._place(bucket, key)
        stored = Stored(
            key, body.size, body.md5.hex().upper(), content_type, _wire(datetime.now(UTC).timestamp()), meta
        )
        draft = self.draft()
        with draft.open("wb") as file, body.path.open("rb") as source:
            file.write(json.dumps(asdict(stored)).encode() + b"\n")
            shutil.copyfileobj(source, file)
        body.path.unlink()
        draft.replace(place)
        return stored

    def open(self, bucket: str, key: str) -> tuple[Stored, BinaryIO]:
        """The object, and its bytes to be read; the caller closes them. Raises: Refusal(NoSuchKey)."""
        try:
            file = self._place(bucket, key).open("rb")
        except FileNotFoundError:
            raise Refusal(404, "NoSuchKey", "there is no such object") from None
        return Stored(**json.loads(file.readline())), file

    def delete(self, bucket: str, key: str) -> None:
        self._place(bucket, key).unlink(missing_ok=True)

    def objects(self, bucket: str) -> Iterator[Stored]:
        """By key. Reads all of them, each time: this is an example."""
        found = []
        for path in self._bucket(bucket).iterdir():
            with path.open("rb") as file:
                found.append(Stored(**json.loads(file.readline())))
        yield from sorted(found, key=lambda stored: stored.key.encode())

    def begin_upload(self, bucket: str, key: str, content_type: str, meta: dict[str, str]) -> str:
        self._bucket(bucket)
        upload_id = secrets.token_hex(16)
        (self._uploads / upload_id).mkdir(mode=0o700)
        record = {"bucket": bucket, "key": key, "content_type": content_type, "meta": meta}
        (self._uploads / upload_id / "upload.json").write_text(json.dumps(record))
        return upload_id

    def put_part(self, folder: Path, number: int, body: Body) -> None:
        body.path.replace(folder / f"{number}-{body.md5.hex()}")

    def finish_upload(self, folder: Path, parts: list[tuple[int, str]]) -> Stored:
        """Put the parts together. Raises: Refusal(InvalidPart), Refusal(InvalidPartOrder)."""
        record = json.loads((folder / "upload.json").read_text())
        paths = [folder / f"{number}-{etag.lower()}" for number, etag in parts]
        if [number for number, _ in parts] != sorted({number for number, _ in parts}) or not parts:
            raise Refusal(400, "InvalidPartOrder", "parts are named once, in order")
        if not all(path.is_file() for path in paths):
            raise Refusal(400, "InvalidPart", "a part is not there, or is another one by now")
        draft, md5 = self.draft(), hashlib.md5(usedforsecurity=False)
        with draft.open("wb") as file:
            for path in paths:
                md5.update(bytes.fromhex(path.name.partition("-")[2]))
                with path.open("rb") as source:
                    shutil.copyfileobj(source, file)
        body = Body(draft, draft.stat().st_size, md5.digest(), "")
        stored = self.put(record["bucket"], record["key"], body, record["content_type"], record["meta"])
        shutil.rmtree(folder)
        return stored

    def upload(self, bucket: str, key: str, upload_id: str) -> Path:
        """Raises: Refusal(NoSuchUpload), for the upload of another object too."""
        folder = self._uploads / upload_id
        if len(upload_id) == 32 and upload_id.isalnum() and (folder / "upload.json").is_file():  # noqa: PLR2004
            record = json.loads((folder / "upload.json").read_text())
            if (record["bucket"], record["key"]) == (bucket, key):
                return folder
        raise Refusal(404, "NoSuchUpload", "there is no such upload")

    def abort_upload(self, folder: Path) -> None:
        shutil.rmtree(folder)

    def _bucket(self, bucket: str) -> Path:
        if not (self._buckets / bucket).is_dir():
            raise Refusal(404, "NoSuchBucket", "there is no such bucket")
        return self._buckets / bucket

    def _place(self, bucket: str, key: str) -> Path:
        return self._bucket(bucket) / hashlib.sha256(key.encode()).hexdigest()


def _wire(timestamp: float) -> str:
    return datetime.fromtimestamp(timestamp, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
