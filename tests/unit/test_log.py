"""Log lines look the same whoever writes them, and carry no secret."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest
import structlog

from jifen.log import configure, hide_secrets
from jifen.settings import Settings

URL = "postgresql://shop:s3cret@db.example/points"


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """A stream to log into; the logging of the process is put back afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield io.StringIO()
    structlog.reset_defaults()
    root.handlers[:] = handlers
    root.setLevel(level)


def last_line(stream: io.StringIO) -> dict[str, object]:
    line: dict[str, object] = json.loads(stream.getvalue().splitlines()[-1])
    return line


def test_json_lines_carry_event_level_time_and_values(stream: io.StringIO) -> None:
    """One JSON object a line, with the instant in UTC."""
    configure(Settings(log_format="json"), stream)
    structlog.get_logger().info("batch written", size=17)
    line = last_line(stream)
    assert (line["event"], line["level"], line["size"]) == ("batch written", "info", 17)
    assert str(line["timestamp"]).endswith("Z")


def test_what_libraries_log_looks_the_same(stream: io.StringIO) -> None:
    """The standard `logging` takes the same way, redaction included."""
    configure(Settings(log_format="json"), stream)
    logging.getLogger("a.library").warning("cannot reach %s", URL)
    line = last_line(stream)
    assert line["level"] == "warning"
    assert line["event"] == "cannot reach postgresql://shop:[hidden]@db.example/points"


def test_the_level_is_kept(stream: io.StringIO) -> None:
    """Below the level nothing is written, by jifen or by libraries."""
    configure(Settings(log_level="error"), stream)
    structlog.get_logger().warning("no")
    logging.getLogger("a.library").warning("no")
    assert stream.getvalue() == ""


def test_configuring_twice_writes_each_line_once(stream: io.StringIO) -> None:
    """Worker processes configure again after the fork."""
    configure(Settings(log_format="json"), stream)
    configure(Settings(log_format="json"), stream)
    logging.getLogger("a.library").warning("once")
    assert len(stream.getvalue().splitlines()) == 1


@pytest.mark.parametrize("log_format", ["text", "json"])
def test_tracebacks_carry_no_secret(stream: io.StringIO, log_format: str) -> None:
    """A driver's error quotes the connection string; the traceback keeps the rest."""
    configure(Settings.from_environment({"JIFEN_LOG_FORMAT": log_format}), stream)
    try:
        raise ConnectionError(f"cannot reach {URL}")
    except ConnectionError:
        structlog.get_logger().exception("start failed", url=URL)
    written = stream.getvalue()
    assert "s3cret" not in written
    assert "ConnectionError: cannot reach postgresql://shop:[hidden]@db.example/points" in written


def test_secrets_are_hidden_at_every_depth() -> None:
    """Keys in any spelling, inside mappings, lists and other objects."""

    class Thing:
        def __repr__(self) -> str:
            return f"Thing({URL})"

    event = {
        "event": "request",
        "Password": "s3cret",
        "headers": [{"Authorization": "s3cret", "X-Api-Key": "s3cret"}, ("Cookie: a", "Bearer s3cret.s3cret")],
        "body": {"refresh_token": {"value": "s3cret"}, b"raw": b"postgresql://a:s3cret@h/d"},
        "thing": Thing(),
        "amount_cents": 1200,
        "ok": True,
    }
    hidden = hide_secrets(None, "info", event)
    assert "s3cret" not in repr(hidden)
    assert (hidden["event"], hidden["amount_cents"], hidden["ok"]) == ("request", 1200, True)


def test_endless_values_are_cut() -> None:
    """A value that holds itself must not stop the log."""
    circle: list[object] = []
    circle.append(circle)
    assert "[too deep]" in repr(hide_secrets(None, "info", {"event": "x", "circle": circle}))
