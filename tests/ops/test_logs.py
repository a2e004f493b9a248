"""The log: one line per event, only listed keys, nothing personal, libraries through the same pipe."""

from __future__ import annotations

import io
import json
import logging
import warnings
from datetime import datetime

import pytest
import structlog

from connector.engine.ports import Events
from connector.ops import events
from connector.ops.logs import EventLog, configure

KEY = "ABCDEFGHIJKLMNPQRSTUVWXYZ1234567"


class FullDisk(io.StringIO):
    def write(self, text: str) -> int:
        raise OSError(28, "No space left on device")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def out():
    stream = io.StringIO()
    configure("debug", "json", secrets=["correct horse"], stream=stream)
    yield stream
    structlog.reset_defaults()
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if type(handler).__name__ == "_LibraryHandler"]:
        root.removeHandler(handler)
    logging.captureWarnings(False)


def lines(out: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_an_event_is_one_line_of_json_with_time_level_and_name(out):
    log: Events = EventLog(strict=True, run_id="a1b2c3").bind(shop="main")
    log.emit(events.MAIL_QUARANTINED, copy_id=7, reason="foreign_sender", thread_id=None)
    (line,) = lines(out)
    at = datetime.fromisoformat(str(line.pop("timestamp")))
    assert at.utcoffset() is not None
    assert list(line.items()) == [
        ("level", "warning"),
        ("event", "mail.quarantined"),
        ("shop", "main"),
        ("run_id", "a1b2c3"),
        ("copy_id", 7),
        ("reason", "foreign_sender"),
    ]


def test_a_key_that_is_not_listed_is_not_written_but_said(out):
    EventLog().emit(events.MAIL_IMPORTED, subject="my secret wish", copy_id=1)
    (line,) = lines(out)
    assert line["dropped_keys"] == ["subject"]
    assert "wish" not in out.getvalue()


def test_a_strict_log_refuses_what_the_registry_does_not_hold(out):
    with pytest.raises(ValueError, match="registry"):
        EventLog(strict=True).emit("mail.vanished")
    with pytest.raises(ValueError, match="subject"):
        EventLog(strict=True).emit(events.MAIL_IMPORTED, subject="x")
    assert out.getvalue() == ""


def test_an_unknown_event_is_written_all_the_same_when_not_strict(out):
    EventLog().emit("mail.vanished", copy_id=1)
    assert lines(out)[0]["event"] == "mail.vanished"


def test_values_are_masked(out):
    EventLog().emit(events.LEG_FAILED, reason="anna@mail.example", text=f"{KEY} and correct horse")
    for secret in ("anna", KEY, "horse"):
        assert secret not in out.getvalue()


def test_libraries_come_through_the_same_pipe_masked_and_only_from_warning_up(out):
    logging.getLogger("urllib3.connectionpool").warning("Retrying /api/customers?ws_key=%s", KEY)
    logging.getLogger("imapclient").debug("LOGIN anna secret")
    logging.getLogger("alembic").info("Running upgrade")
    logging.getLogger("x").error("%d mails lost", 3)
    warnings.warn("old: anna@mail.example", DeprecationWarning, stacklevel=1)
    # Not those of what the collector of cycles finds just now: another test's open file.
    shown = [line for line in lines(out) if "ResourceWarning" not in str(line["text"])]
    assert [line["event"] for line in shown] == ["library.logged"] * 3
    assert [line["logger"] for line in shown] == ["urllib3.connectionpool", "x", "py.warnings"]
    assert [line["level"] for line in shown] == ["warning", "error", "warning"]
    assert "anna" not in out.getvalue()
    assert KEY not in out.getvalue()


def test_an_exception_is_told_by_class_and_place_not_by_its_message(out):
    try:
        raise ValueError("mail of anna: my secret wish")
    except ValueError as error:
        EventLog(strict=True).emit(events.LEG_FAILED, leg="pull", exc_info=error)
        logging.getLogger("apscheduler").exception("job failed")
    for line in lines(out):
        assert line["error_class"] == "ValueError"
        assert str(line["where"]).startswith("['test_logs.py:")
    assert "wish" not in out.getvalue()


def test_the_level_is_a_threshold(out):
    configure("warning", "json", stream=out)
    EventLog().emit(events.LEG_FINISHED)
    EventLog().emit(events.LEG_FAILED)
    assert [line["event"] for line in lines(out)] == ["leg.failed"]


def test_a_log_set_up_twice_writes_once(out):
    configure("info", "json", stream=out)
    logging.getLogger("x").warning("once")
    assert len(lines(out)) == 1


def test_on_a_terminal_lines_are_for_people(out):
    terminal = Terminal()
    configure("info", "auto", stream=terminal)
    EventLog().emit(events.MAIL_IMPORTED, shop="main", thread_id=3)
    assert "mail.imported" in terminal.getvalue()
    assert "thread_id" in terminal.getvalue()
    with pytest.raises(ValueError, match=r"Expecting value|Extra data"):
        json.loads(terminal.getvalue())
    assert out.getvalue() == ""


def test_a_log_that_cannot_be_written_stops_nobody(out):
    out.close()
    EventLog().emit(events.MAIL_IMPORTED)
    configure("info", "json", stream=FullDisk())
    EventLog().emit(events.MAIL_IMPORTED, copy_id=1)


def test_context_variables_go_with_the_event(out):
    with structlog.contextvars.bound_contextvars(leg="pull"):
        EventLog().emit(events.LEG_FINISHED, seconds=1.5)
    assert lines(out)[0]["leg"] == "pull"


def test_a_library_with_a_wrong_format_string_is_no_failure_of_ours(out):
    record = logging.LogRecord("x", logging.ERROR, __file__, 1, "%d mails", ("three",), None)
    next(h for h in logging.getLogger().handlers if type(h).__name__ == "_LibraryHandler").emit(record)
    assert lines(out)[0]["text"] == "%d mails"
