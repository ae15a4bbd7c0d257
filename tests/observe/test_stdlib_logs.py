from __future__ import annotations

import logging
from typing import TYPE_CHECKING

import pytest

from observe.made import MemorySink
from sectorwatch.observe import LogLevel, StdlibBridge, StructuredLogger, bridge_stdlib

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def sink() -> Iterator[MemorySink]:
    """What the root logger's records come to."""
    sink = MemorySink()
    bridge = bridge_stdlib(StructuredLogger(sinks=[sink], level=LogLevel.DEBUG), logging.INFO)
    before = logging.getLogger().level
    logging.getLogger().setLevel(logging.DEBUG)
    yield sink
    logging.getLogger().removeHandler(bridge)
    logging.getLogger().setLevel(before)


@pytest.mark.parametrize(
    ("logger", "category"),
    [
        ("uvicorn.error", "api"),
        ("sqlalchemy.engine", "database"),
        ("aiohttp.client", "network"),
        ("somebody", "system"),
    ],
)
def test_a_librarys_record_becomes_a_line(sink: MemorySink, logger: str, category: str) -> None:
    """Service is the library, operation the logger, the message is formatted."""
    logging.getLogger(logger).warning("slow: %d ms", 120)
    (entry,) = sink.entries
    assert (entry["level"], entry["category"]) == ("WARNING", category)
    assert (entry["service"], entry["operation"]) == (logger.partition(".")[0], logger)
    assert entry["message"] == "slow: 120 ms"


def test_levels_below_the_bridges_are_left_out_and_odd_ones_rounded_down(sink: MemorySink) -> None:
    """The bridge has a level of its own; a level between two is the lower."""
    logging.getLogger("x").debug("no")
    logging.getLogger("x").log(35, "between")
    assert [entry["level"] for entry in sink.entries] == ["WARNING"]


def test_an_exception_is_kept_with_its_stack(sink: MemorySink) -> None:
    """`logger.exception` gives type, message and stack like our own."""
    try:
        int("x")
    except ValueError:
        logging.getLogger("lib").exception("failed")
    (entry,) = sink.entries
    assert entry["exception"]["type"] == "ValueError"
    assert (entry["message"], entry["level"]) == ("failed", "ERROR")


def test_a_record_that_cannot_be_formatted_raises_nothing() -> None:
    """A library's mistake in its own log call is counted, and breaks nobody."""
    sink = MemorySink()
    log = StructuredLogger(sinks=[sink])
    logger = logging.getLogger("alone")
    logger.propagate = False
    logger.addHandler(StdlibBridge(log))
    logger.warning("%d", "no number")
    assert sink.lines == []
    assert log.dropped == {"line_failed": 1}


def test_a_sink_that_logs_does_not_go_round_in_circles() -> None:
    """A sink whose library logs while it writes does not call itself for ever."""

    class Chatty(MemorySink):
        def write(self, line: bytes) -> None:
            super().write(line)
            logging.getLogger("chatty").warning("written")

    sink = Chatty()
    bridge = bridge_stdlib(StructuredLogger(sinks=[sink]))
    logging.getLogger("lib").warning("x")
    logging.getLogger().removeHandler(bridge)
    assert len(sink.lines) == 1
