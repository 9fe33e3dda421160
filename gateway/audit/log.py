"""The log: one JSON object per line, so that a field is a field whatever a stranger put into it.

Everything beyond ASCII is escaped, control characters and line ends too: no value can forge a line or drive a
terminal.
"""

import json
import logging
import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.clock import wire_time
from gateway.errors import Reason

_LOGGER = logging.getLogger("ramgate")
_encode = json.JSONEncoder(ensure_ascii=True, separators=(",", ":")).encode
_LONGEST_VALUE = 4096  # characters; a call may be 300 KB


def log_event(
    event: str, *, request_id: str, reason: Reason | None = None, level: int = logging.INFO, **fields: object
) -> None:
    """Log one event with its request id. A field that is a Secret is written `***`, wherever it is nested."""
    if not _LOGGER.isEnabledFor(level):
        return
    head: dict[str, object] = {"event": event, "request_id": request_id}
    if reason is not None:
        head["reason"] = reason.value
    event_ = _Event(head | {key: value for key, value in fields.items() if key not in head})
    # Not by `log`, which looks through the stack for the file and the line that called: nobody is told.
    _LOGGER.handle(logging.LogRecord(_LOGGER.name, level, "", 0, event_, (), None))


def to_json(value: Mapping[str, object]) -> str:
    """JSON in ASCII. What JSON has no form for is written as text; long texts are cut."""
    return _encode(_plain(value))


def set_up_log(level: str) -> None:
    """Write the log to standard error from now on, each line with its time and level."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    _LOGGER.handlers[:] = [handler]
    # No line tells which thread or process wrote it, so nobody has to find out.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    _LOGGER.setLevel(level)
    _LOGGER.propagate = False


@dataclass(frozen=True, slots=True)
class _Event:
    """A message of our own: it becomes text once, with time and level."""

    fields: Mapping[str, object]

    def __str__(self) -> str:
        return to_json(self.fields)


class JsonLines(logging.Formatter):
    """Puts time and level in front of an event; wraps a message that is none, and adds a traceback as text."""

    def format(self, record: logging.LogRecord) -> str:
        head: dict[str, object] = {
            "at": wire_time(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname,
        }
        if record.exc_info:
            head["traceback"] = self.formatException(record.exc_info)
        body = record.msg.fields if isinstance(record.msg, _Event) else {"message": record.getMessage()}
        return to_json(head | {key: value for key, value in body.items() if key not in head})


def _plain(value: object) -> object:
    """The value in JSON's own types. `str` is what hides a Secret, so nothing else looks inside an object."""
    if isinstance(value, str):
        return value if len(value) <= _LONGEST_VALUE else value[:_LONGEST_VALUE] + "..."
    if value is None or isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): _plain(entry) for key, entry in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(entry) for entry in value]
    return _plain(str(value))
