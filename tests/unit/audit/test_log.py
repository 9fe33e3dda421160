"""The log: one line an event, secrets hidden, nothing forged."""

import json
import logging
from dataclasses import dataclass

import pytest

from gateway.audit.log import JsonLines, log_event, to_json
from gateway.errors import Reason
from gateway.secret import Secret


def test_log_event__fields__are_one_json_line(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "ramgate")
    log_event("login", request_id="R-1", reason=Reason.LOGIN_FAILED, detail="no such user\nforged: line", tries=3)
    (message,) = caplog.messages
    assert "\n" not in message
    assert json.loads(message) == {
        "event": "login",
        "request_id": "R-1",
        "reason": "LoginFailed",
        "detail": "no such user\nforged: line",
        "tries": 3,
    }


def test_log_event__below_the_level__is_not_written(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING, "ramgate")
    log_event("login", request_id="R-1")
    log_event("login", request_id="R-2", level=logging.WARNING)
    assert [json.loads(message)["request_id"] for message in caplog.messages] == ["R-2"]


def test_to_json__secrets_wherever_they_are__are_hidden() -> None:
    @dataclass(frozen=True)
    class Holder:
        password: Secret

    secret = Secret("hunter2")
    text = to_json({"a": secret, "b": [secret, (secret, {secret})], "c": {"d": secret}, "e": Holder(secret)})
    assert "hunter2" not in text
    assert json.loads(text)["a"] == "***"


def test_to_json__strange_texts__stay_ascii_and_short() -> None:
    text = to_json({"escape": "\x1b[31m\u2028\ud800", "long": "x" * 300_000, "bytes": b"\xff", "nan": float("nan")})
    assert text.isascii()
    assert text.isprintable()
    assert len(text) < 5000
    assert json.loads(text)["nan"] == "nan"


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ('{"event":"login"}', {"message": '{"event":"login"}'}),
        ("plain\ntext", {"message": "plain\ntext"}),
        ("[1]", {"message": "[1]"}),
        ('{"at":"forged","level":"forged"}', {"message": '{"at":"forged","level":"forged"}'}),
    ],
    ids=["no event of ours", "text", "list", "forged head"],
)
def test_json_lines__any_message__is_one_line_with_time_and_level(message: str, expected: dict[str, str]) -> None:
    record = logging.LogRecord("ramgate", logging.INFO, __file__, 1, message, None, None)
    record.created = 0.0
    line = JsonLines().format(record)
    assert "\n" not in line
    assert json.loads(line) == {"at": "1970-01-01T00:00:00Z", "level": "INFO"} | expected
