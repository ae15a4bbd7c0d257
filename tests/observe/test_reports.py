"""Reports: a line a subject, whoever fails."""

from __future__ import annotations

from observe.made import MemorySink
from sectorwatch.observe import LogCategory, Reports, Since, StructuredLogger, Telemetry


def _failing() -> dict[str, int]:
    raise RuntimeError("no")


def test_each_subject_gets_its_line() -> None:
    """One that fails is counted, one that has nothing to say says nothing, the others go on."""
    sink = MemorySink()
    reports = Reports(StructuredLogger(sinks=[sink]))
    reports.add("store", LogCategory.DATABASE, lambda: {"commits": 1})
    reports.add("store", LogCategory.DATABASE, lambda: {"commits": 2, "service": "another"})
    reports.add("api", LogCategory.API, _failing)
    reports.add("api", LogCategory.CACHE, lambda: None)
    reports.add("api", LogCategory.NETWORK, lambda: {"open": 3})
    reports.say()
    assert [(e["service"], e["category"], e["operation"]) for e in sink.entries] == [
        ("store", "database", "report"),
        ("api", "network", "report"),
    ]
    assert sink.entries[0]["commits"] == 2, "who comes again takes the place"
    assert reports.drops.counts() == {"report_failed": 1}
    Telemetry.null().reports.say()


def test_growth_is_since_the_last_time() -> None:
    """Totals that begin anew, after a restart of who counts, count from there."""
    since = Since()
    assert since(a=5, b=1) == {"a": 5, "b": 1}
    assert since(a=7, b=1) == {"a": 2, "b": 0}
    assert since(a=3) == {"a": 3}
