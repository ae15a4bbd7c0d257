from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from sectorwatch.cli.log_lines import Remarks, Spoken, terminal_sinks
from sectorwatch.config import Settings

if TYPE_CHECKING:
    from pathlib import Path

ENTRY = {
    "timestamp": "2026-11-01T08:00:00.000000Z",
    "level": "WARNING",
    "category": "service",
    "service": "journal",
    "operation": "recover",
    "correlation_id": "",
}
OURS = {
    "type": "sectorwatch.errors.ConfigError",
    "message": "port 1 is taken",
    "stack": "Traceback",
}
OTHERS = {"type": "ZeroDivisionError", "message": "division by zero", "stack": "Traceback"}


def remarks(**more: Any) -> list[str]:
    """What a batch command tells of such an entry."""
    told: list[str] = []
    Remarks(told.append).write(orjson.dumps({**ENTRY, **more}))
    return told


def test_an_expected_error_is_words_on_a_terminal(tmp_path: Path) -> None:
    """What is raised on purpose needs no stack; a mistake of the program's does."""
    with (tmp_path / "terminal").open("w+b") as file:
        sink = Spoken(file.fileno(), colour=False)
        for exception in (OURS, OTHERS):
            sink.write(orjson.dumps({**ENTRY, "exception": exception}))
        sink.write(orjson.dumps(ENTRY))
        first, *rest = (tmp_path / "terminal").read_text().split("08:00:00.000")[1:]
    assert "port 1 is taken" in first
    assert "Traceback" not in first
    assert "Traceback" in rest[0]


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"what": "begun anew"}, ["warning: journal, recover: begun anew"]),
        ({"exception": OURS}, ["warning: journal, recover: port 1 is taken"]),
        ({"exception": OTHERS}, ["warning: journal, recover: division by zero\nTraceback"]),
        ({"torn_bytes": 7}, ["warning: journal, recover: torn_bytes=7"]),
        ({"what": "\x1b[2J"}, ["warning: journal, recover: \ufffd[2J"]),
        ({"category": "performance", "duration": 2.0}, []),
    ],
)
def test_a_batch_command_tells_what_it_comes_across(more: dict[str, Any], told: list[str]) -> None:
    """A line each, in words, none that steers the terminal, and none about slowness."""
    assert remarks(**more) == told


def test_json_is_left_to_whoever_reads_json(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Only a person gets readable lines: by choice, or because a terminal is there."""
    with (tmp_path / "no terminal").open("w") as stream:
        monkeypatch.setattr(sys, "stderr", stream)
        assert terminal_sinks(Settings(log_format="auto")) is None
        assert terminal_sinks(Settings(log_format="json")) is None
        [sink] = terminal_sinks(Settings(log_format="terminal")) or []
        assert isinstance(sink, Spoken)
