"""`ramgate receipts`: prove the chains of receipts and decisions, and take them elsewhere."""

import json
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import IO

import click
from sqlalchemy import func, select

from gateway.audit.export import export_chains, verify_lines
from gateway.audit.findings import Report
from gateway.audit.notary import notary_of
from gateway.audit.receipts import ReceiptRow
from gateway.audit.stored import our_keys, verify_database
from gateway.audit.verify import Heads
from gateway.cli.desk import Desk, pass_desk
from gateway.cli.frame import DeskGroup, TextFile
from gateway.errors import InputError, Reason

_PATH = click.Path(dir_okay=False, path_type=Path)


@click.group("receipts", cls=DeskGroup)
def receipts() -> None:
    """The signed chains of what was done and decided."""


@receipts.command("verify")
@click.option("--since", metavar="TIME", help="Only what is as young as that: 2026-01-31 or 2026-01-31T12:00:00Z.")
@click.option("--file", "file", type=_PATH, help="Check an export instead of the database; needs --keys.")
@click.option("--keys", "keys_text", type=TextFile(), help="Public keys to trust, as --export-keys wrote them.")
@click.option("--export-keys", "keys_file", type=_PATH, help="Write the public keys that are trusted here to a file.")
@click.option("--heads", "heads_text", type=TextFile(), help="Where lanes ended, as --export-heads wrote them earlier.")
@click.option("--export-heads", "heads_file", type=_PATH, help="Write where each lane ends, to be kept elsewhere.")
@pass_desk
def verify(  # noqa: PLR0917 - one option each
    desk: Desk,
    since: str | None,
    file: Path | None,
    keys_text: str | None,
    keys_file: Path | None,
    heads_text: str | None,
    heads_file: Path | None,
) -> None:
    """Walk every lane of the chains: exit code 0 if all is there and unchanged, 1 if anything is not.

    With --account it says too how many receipts are that account's; all are checked, since they hang together.
    """
    noted = None if heads_text is None else _read_heads(heads_text)
    if file is not None:
        if keys_text is None:
            raise InputError(Reason.PARAMETER_MISSING, "an export is checked by keys of your own: give --keys")
        with _open(file, "rb") as lines:
            report = verify_lines(lines, _read_keys(keys_text), noted)
    else:
        report = _verify_database(desk, since, noted, keys_file)
    if heads_file is not None:
        heads_file.write_text(json.dumps(report.heads(), indent=2) + "\n")
    _print(desk, report)
    if not report.sound:
        sys.exit(1)


@receipts.command("export")
@click.option("--output", "output", type=_PATH, help="A file; standard output if not given.")
@pass_desk
def export(desk: Desk, output: Path | None) -> None:
    """Write the chains as lines of JSON, which anybody can check with the public keys alone.

    With --account the entries of others are there without what they say. What tells of persons stays sealed.
    """
    with desk.reading() as session, _output(output) as target:
        account_id = None if desk.account_text is None else desk.account(session).id
        for line in export_chains(session, notary_of(session), account_id):
            target.write(line + "\n")


def _verify_database(desk: Desk, since: str | None, noted: Heads | None, keys_file: Path | None) -> Report:
    with desk.reading() as session:
        notary = notary_of(session)
        report = verify_database(session, notary, since=None if since is None else _read_time(since), noted=noted)
        if desk.account_text is not None:
            own = select(func.count()).where(ReceiptRow.account_id == desk.account(session).id)
            report = replace(report, notes=(*report.notes, f"{session.scalar(own)} receipts are of this account"))
        if keys_file is not None:
            keys = {key_id: public.hex() for key_id, public in our_keys(session, notary).items()}
            keys_file.write_text(json.dumps(keys, indent=2) + "\n")
    return report


def _print(desk: Desk, report: Report) -> None:
    if desk.out.as_json:
        desk.out.record(
            {
                "sound": report.sound,
                "receipts": report.receipts,
                "decisions": report.decisions,
                "old_receipts": report.old_rows,
                "breaks": [
                    {"lane": each.lane, "sequence": each.sequence, "flaw": each.flaw.value, "told": each.told}
                    for each in report.breaks
                ],
                "heads": dict(report.heads()),
                "notes": list(report.notes),
            }
        )
        return
    counted = f"{report.receipts} receipts and {report.decisions} decisions in {len(report.lanes)} lanes"
    old = f", {report.old_rows} receipts from before the chain" if report.old_rows else ""
    for note in report.notes:
        click.echo(f"note: {note}")
    if report.sound:
        click.echo(f"All is there and unchanged: {counted}{old}.")
        return
    click.echo(f"Broken. {counted}{old} were looked at. The first break of each lane:")
    for each in report.breaks:
        click.echo(f"  {each}")


def _read_time(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        message = "a time is written 2026-01-31 or 2026-01-31T12:00:00Z"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="since") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _read_keys(text: str) -> Mapping[str, bytes]:
    try:
        return {str(key_id): bytes.fromhex(public) for key_id, public in json.loads(text).items()}
    except (ValueError, AttributeError, TypeError):
        raise InputError(Reason.PARAMETER_INVALID, "this file has no public keys", subject="keys") from None


def _read_heads(text: str) -> Heads:
    try:
        split = {str(lane): str(head).split(":") for lane, head in json.loads(text).items()}
        return {lane: (int(sequence), bytes.fromhex(link)) for lane, (sequence, link) in split.items()}
    except (ValueError, AttributeError, TypeError):
        raise InputError(Reason.PARAMETER_INVALID, "this file has no heads of lanes", subject="heads") from None


@contextmanager
def _open(file: Path, mode: str) -> Iterator[IO[bytes]]:
    try:
        opened = file.open(mode)
    except OSError as exc:
        message = f"'{file}': {exc.strerror}"
        raise InputError(Reason.PARAMETER_INVALID, message, subject="file") from exc
    with opened as found:
        yield found


@contextmanager
def _output(file: Path | None) -> Iterator[IO[str]]:
    if file is None:
        yield sys.stdout
        return
    with file.open("w", encoding="ascii") as opened:
        yield opened
