"""`/metrics` of a running instance, read by Prometheus' own tools."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import monitoring_page
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from sectorwatch.runtime.observation import NAMESPACE

if TYPE_CHECKING:
    from web.system import Client, System

# The one metric in two units: an operation's memory is in megabytes, the machine's in percent.
MACHINES_OWN = ("operation_memory_usage", "percent")
# What tests of the same instance record themselves.
BY_TESTS = "asked_"
PROMTOOL = shutil.which("promtool")


@pytest.fixture
def exposed(client: Client) -> str:
    """What Prometheus would scrape."""
    for path in ("/api/flights", "/api/sectors", "/api/statistics/peaks", "/nothing"):
        client.get(path)
    return client.get("/metrics").body.decode()


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed (Debian: prometheus)")
def test_promtool_finds_nothing_to_say(exposed: str) -> None:
    """Not a word: help, units, names, types of every series there is."""
    assert PROMTOOL is not None
    said = subprocess.run(
        [PROMTOOL, "check", "metrics"], input=exposed, capture_output=True, text=True, check=False
    )
    assert (said.returncode, said.stdout, said.stderr) == (0, "", "")


def test_each_metric_is_what_its_description_says(system: System, exposed: str) -> None:
    """Kind, unit and labels of every series that a running instance has; its help is the text."""
    known = monitoring_page.described()
    series = [
        one
        for one in system.application.telemetry.metrics.series.everything()
        if not one.name.startswith(BY_TESTS)
    ]
    assert {one.name for one in series} <= set(known)
    for one in series:
        if (one.name, one.unit) == MACHINES_OWN:
            continue
        about = known[one.name]
        kind = "timing" if one.kind == "sample" and one.unit == "seconds" else one.kind
        assert (one.name, kind, one.unit) == (about.name, about.kind, about.unit)
        assert set(one.tags) == set(about.labels), one.name
    helps = system.application.telemetry.metrics.helps()
    assert set(helps) == set(known)
    for line in exposed.splitlines():
        assert line.startswith((f"# HELP {NAMESPACE}_", f"# TYPE {NAMESPACE}_", f"{NAMESPACE}_"))


def test_what_alerts_count_is_there_before_it_happens(system: System, exposed: str) -> None:
    """At 0 from the start: a counter that begins with 1 has not grown, for Prometheus."""
    for service in system.application.supervisor.order:
        assert f'sectorwatch_service_crashes_total{{service="{service}"}} ' in exposed
    for reason in ("no_key", "unknown_key", "missing_scope"):
        assert f'sectorwatch_api_requests_refused_total{{reason="{reason}"}}' in exposed
    for name in ("feeds_unwritten_total", "snapshots_left_out_total"):
        assert f"\nsectorwatch_{name} " in exposed


def test_open_metrics_is_given_to_who_asks_for_it(client: Client) -> None:
    """As Prometheus asks: its type, its mark at the end; a proxy may not mix the two."""
    asked = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.4"
    answer = client.get("/metrics", accept=asked)
    kind = "application/openmetrics-text; version=1.0.0; charset=utf-8"
    assert answer.headers["content-type"] == kind
    assert answer.headers["vary"] == "Accept"
    assert answer.body.endswith(b"# EOF\n")
    read: Any = text_string_to_metric_families
    families = {family.name for family in read(answer.body.decode())}
    assert {f"{NAMESPACE}_build_info", f"{NAMESPACE}_tick_seq"} <= families


def test_the_page_names_each_as_prometheus_has_it(exposed: str) -> None:
    """The table's second column holds what is exposed."""
    families = {line.split()[2] for line in exposed.splitlines() if line.startswith("# TYPE ")}
    families = {name for name in families if not name.startswith(f"{NAMESPACE}_{BY_TESTS}")}
    rows = {
        row.split("`")[3] for row in map(monitoring_page.row, monitoring_page.described().values())
    }
    assert families <= rows | {f"{NAMESPACE}_operation_memory_usage_ratio"}
