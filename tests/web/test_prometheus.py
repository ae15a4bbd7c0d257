"""A real Prometheus scrapes a running instance with the files of `deploy/`."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import monitoring_page
import pytest
import yaml
from pydantic import SecretStr

from prometheus_server import PROMETHEUS, Prometheus, running_prometheus
from runtime.world import _airspace
from sectorwatch.config import Settings
from sectorwatch.runtime import build
from sectorwatch.simulator import MadeTimetable, Network, NetworkServer
from sectorwatch.web import create_app
from web.system import OPERATOR_KEY, MadeSource, System, operator

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
DASHBOARD = json.loads((DEPLOY / "grafana" / "dashboards" / "sectorwatch.json").read_text())
QUERIES = [
    (panel["title"], target["expr"])
    for panel in DASHBOARD["panels"]
    for target in panel.get("targets", ())
]

pytestmark = pytest.mark.skipif(
    PROMETHEUS is None, reason="prometheus is not installed (Debian: prometheus)"
)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """An instance that reads a simulated network over HTTP, behind a key: nobody is local to it."""
    network = Network(
        MadeTimetable("australia", seed=1, peak_airborne=30),
        _airspace(("made:australia",)),
        seed=1,
        start_s=int(time.time()) // 15 * 15,
        keep_truth=False,
    )
    with NetworkServer(network, lockstep=True) as server:
        settings = Settings(
            data_dir=tmp_path_factory.mktemp("live") / "data",
            port=0,
            environment="testing",
            operator_key=SecretStr(OPERATOR_KEY),
            base_url="http://127.0.0.1",
            simulated=True,
            feed_url=server.url,
            fetch_interval_s=0.2,
            transceivers_interval_s=0.5,
            reachability_hosts=(),
            capacities={"YSSY_CTR": 12},
        )
        running = System(build(settings, web=create_app), MadeSource([], 0))
        running._thread.start()
        assert running._started.wait(60)
        try:
            running.wait_for(lambda: running.seq >= 5)
            for path in ("/api/flights", "/api/sectors", "/nothing"):
                running.client.ask("GET", path, operator())
            running.client.get("/api/status")
            yield running
        finally:
            running.stop()


@pytest.fixture(scope="module")
def prometheus(live: System, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    """One with our own configuration: another address, a key, and no patience."""
    folder = tmp_path_factory.mktemp("prometheus")
    key = folder / "key"
    key.write_text(OPERATOR_KEY)
    config = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(DEPLOY / "alerts.rules.yml")]
    del config["alerting"]
    (job,) = config["scrape_configs"]
    job["static_configs"] = [{"targets": [f"127.0.0.1:{live.port}"]}]
    job["authorization"] = {"type": "Bearer", "credentials_file": str(key)}
    with running_prometheus(folder, config) as running:
        running.wait_for('up{job="sectorwatch"} == 1')
        # Rates need two samples.
        running.wait_for("count_over_time(sectorwatch_tick_seq[30s]) >= 2")
        yield running


def test_it_is_scraped_with_a_key_and_what_is_scraped_is_what_is(
    live: System, prometheus: Prometheus
) -> None:
    """The newest tick, a service, a sector's load, a timing with its unit, as they are."""
    (target,) = prometheus.ask("targets")["activeTargets"]
    assert (target["health"], target["lastError"]) == ("up", "")
    ((_, seq),) = prometheus.values("sectorwatch_tick_seq")
    assert 0 < seq <= live.seq
    up = {labels["service"]: value for labels, value in prometheus.values("sectorwatch_service_up")}
    assert up == dict.fromkeys(live.application.supervisor.order, 1.0)
    loads = prometheus.values("sectorwatch_sector_load")
    assert len(loads) == len(live.application.airspace.sectors)
    ((capacity, most),) = prometheus.values("sectorwatch_sector_capacity")
    assert (capacity["sector"], most) == ("YSSY_CTR", 12)
    failing = prometheus.values("sectorwatch_feed_failing_seconds")
    assert {labels["cause"]: value for labels, value in failing} == {
        "vatsim_down": 0,
        "vatsim_slow": 0,
        "our_network_down": 0,
    }
    stages = 'operation=~"tick|accept|decode|journal_append|fsync|advance|commit|announce"'
    took = {
        labels["operation"]: value
        for labels, value in prometheus.values(
            f"sectorwatch_operation_response_time_seconds_sum{{{stages}}}"
        )
    }
    assert len(took) == 8
    # A tick is at least as long as what it waits for one after the other.
    assert took["tick"] > took["accept"] + took["advance"] + took["commit"]
    statuses = prometheus.values('sectorwatch_feed_responses_total{what="feed"}')
    assert {labels["status"] for labels, _ in statuses} == {"200"}
    metadata = prometheus.ask("metadata", metric="sectorwatch_feed_age_seconds")
    ((about,),) = metadata.values()
    assert about["type"] == "gauge"
    assert about["help"] == monitoring_page.described()["feed_age_seconds"].says


def test_a_key_that_opens_nothing_is_not_scraped(live: System) -> None:
    """Without the operator's key there is nothing to see, and it is counted."""
    assert live.client.get("/metrics").status == 401


@pytest.mark.parametrize(("panel", "query"), QUERIES, ids=[title for title, _ in QUERIES])
def test_every_query_of_the_dashboard_can_be_answered(
    prometheus: Prometheus, panel: str, query: str
) -> None:
    """Prometheus takes it, and each metric in it is there, but for what has not happened yet."""
    del panel
    prometheus.ask("query", query=query)
    names = set(re.findall(r"sectorwatch_\w+", query))
    assert names
    for name in names:
        assert prometheus.values(f"count({name})") or name in NOT_YET, name


NOT_YET = {
    # None of these has happened in an instance that is some seconds old, and well.
    "sectorwatch_records_dropped_total",
    "sectorwatch_records_repaired_total",
    "sectorwatch_observe_dropped_total",
    "sectorwatch_segment_files",
    "sectorwatch_store_sealed_bytes_total",
}


def test_what_has_not_happened_yet_can_happen() -> None:
    """Each name that was let pass is one of a metric that is described."""
    exposed = {
        row.split("`")[3] for row in map(monitoring_page.row, monitoring_page.described().values())
    }
    assert exposed >= NOT_YET


def test_the_rules_are_taken_and_none_is_broken(prometheus: Prometheus) -> None:
    """Each is evaluated without an error, and none fires where all is well."""
    prometheus.wait_for("count_over_time(up[30s]) >= 3")
    groups: list[Any] = prometheus.ask("rules")["groups"]
    rules = [rule for group in groups for rule in group["rules"]]
    assert len(rules) > 10
    assert {
        rule["name"]: rule.get("lastError", "") for rule in rules if rule["health"] == "err"
    } == {}
    assert {rule["name"] for rule in rules if rule["state"] == "firing"} == set()
