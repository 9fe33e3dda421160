"""How commands answer: for people in lines and tables, for programs in JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import click

from gateway.clock import wire_time
from gateway.saml.certificates import TrustedCertificate

Value = str | int | bool | datetime | None | Sequence["Value"] | Mapping[str, "Value"]
Row = Mapping[str, Value]

_WRITTEN_OTHERWISE = {"id": "ID", "idp": "IdP", "url": "URL", "arn": "ARN", "sso": "SSO"}


@dataclass
class Printer:
    as_json: bool = False

    def record(self, record: Row) -> None:
        """One thing: an object in JSON, else a line per field."""
        if self.as_json:
            _print_json(record)
            return
        width = max(len(_heading(name)) for name in record)
        for name, value in record.items():
            click.echo(f"{_heading(name):<{width}}  {_text(value)}".rstrip())

    def rows(self, rows: Sequence[Row], columns: Sequence[str]) -> None:
        """Several things: a list of whole objects in JSON, else a table of the named columns."""
        if self.as_json:
            _print_json(rows)
            return
        table = [[_heading(name) for name in columns], *([_text(row[name]) for name in columns] for row in rows)]
        widths = [max(len(line[column]) for line in table) for column in range(len(columns))]
        for line in table:
            click.echo("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())

    def done(self, sentence: str, record: Row | None = None) -> None:
        """What was changed: the record in JSON, else the sentence."""
        if self.as_json:
            _print_json({"done": sentence} if record is None else record)
        else:
            click.echo(sentence)

    def document(self, text: str, name: str) -> None:
        """A document as it is, fit for a file; in JSON as a field called `name`."""
        if self.as_json:
            _print_json({name: text})
        else:
            click.echo(text.rstrip("\n"))

    def error(self, reason: str, message: str) -> None:
        """One line on standard error."""
        if self.as_json:
            click.echo(json.dumps({"error": {"reason": reason, "message": message}}, ensure_ascii=False), err=True)
        else:
            click.echo(f"error: {' '.join(message.split())} ({reason})", err=True)


def certificate_line(certificate: TrustedCertificate) -> str:
    return f"{certificate.subject} until {certificate.not_after:%Y-%m-%d} ({certificate.fingerprint})"


def _print_json(value: Value) -> None:
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, default=_json_default))


def _json_default(value: object) -> str:
    if isinstance(value, datetime):
        return wire_time(value)
    raise TypeError(f"{type(value).__name__} has no JSON form")


def _heading(name: str) -> str:
    words = [_WRITTEN_OTHERWISE.get(word, word) for word in name.split("_")]
    return " ".join([words[0][:1].upper() + words[0][1:], *words[1:]])


def _text(value: Value) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return wire_time(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{name}={_text(inner)}" for name, inner in value.items())
    if isinstance(value, str | int):
        return str(value)
    return ", ".join(_text(inner) for inner in value) or "-"
