from __future__ import annotations

import math
import re
import shutil
import subprocess
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client.openmetrics.parser import text_string_to_metric_families as open_families
from prometheus_client.parser import text_string_to_metric_families

from observe.made import ManualClock
from sectorwatch.observe import MetricLimits, MetricsCollector, Telemetry, exposition

# The rules of `promtool check metrics` (prometheus/client_golang, promlint), as far as they go here.
_ABBREVIATED = {"s", "ms", "us", "ns", "sec", "b", "kb", "mb", "gb", "tb", "pb", "m", "h", "d"}


def _problems(text: str) -> list[str]:
    found = []
    seen: set[str] = set()
    for family in text_string_to_metric_families(text):
        found += _problems_of_name(family.name, family.type, family.documentation)
        for sample in family.samples:
            if family.type == "counter" and not sample.name.endswith("_total"):
                found.append(f"{sample.name}: a counter without _total")
            key = f"{sample.name}{sorted(sample.labels.items())}"
            if key in seen:
                found.append(f"{key}: twice")
            seen.add(key)
    declared = re.findall(r"^# TYPE (\S+)", text, re.MULTILINE)
    if len(declared) != len(set(declared)):
        found.append("a family declared twice")
    return found


def _problems_of_name(name: str, kind: str, documentation: str) -> list[str]:
    rules = {
        "no help": bool(documentation),
        "no snake case": re.fullmatch(r"[a-z_][a-z0-9_]*", name) is not None,
        f"of type {kind}": kind in {"counter", "gauge", "summary"},
        "an end that means something else": kind == "counter"
        or not name.endswith(("_total", "_count", "_sum", "_bucket")),
        "an abbreviated unit": not _ABBREVIATED & set(name.split("_")),
    }
    return [f"{name}: {what}" for what, kept in rules.items() if not kept]


def _samples(collector: MetricsCollector) -> dict[str, float]:
    text = exposition(collector).decode()
    assert _problems(text) == []
    return {
        sample.name
        + "".join(f"|{key}={sample.labels[key]}" for key in sorted(sample.labels)): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_each_kind_is_exposed_as_what_it_is() -> None:
    """Counters with _total, gauges with their last value, timings as summaries with quantiles."""
    collector = MetricsCollector(clock=ManualClock())
    collector.counter("ticks", {"kind": "feed"}).inc(3)
    collector.counter("snapshots_total").inc()
    collector.gauge("queue_depth").set(2)
    collector.gauge("queue_depth").set(7)
    collector.describe("queue_depth", "What waits\nto be written")
    for i in range(100):
        collector.timing("fetch_duration", {"source": "live"}).observe(i / 100)
    samples = _samples(collector)
    assert samples["ticks_total|kind=feed"] == 3
    assert samples["snapshots_total"] == 1
    assert samples["queue_depth"] == 7
    assert samples["fetch_duration_seconds_count|source=live"] == 100
    assert samples["fetch_duration_seconds_sum|source=live"] == pytest.approx(49.5)
    assert samples["fetch_duration_seconds|quantile=0.5|source=live"] == pytest.approx(
        0.49, rel=0.03
    )
    assert samples["fetch_duration_seconds|quantile=0.99|source=live"] == pytest.approx(
        0.98, rel=0.03
    )
    assert "# HELP queue_depth What waits to be written\n" in exposition(collector).decode()


def test_asking_twice_counts_once() -> None:
    """Exposing reads; it never adds to what it reads."""
    collector = MetricsCollector(clock=ManualClock())
    collector.counter("ticks").inc(3)
    collector.timing("t").observe(0.5)
    first = _samples(collector)
    assert _samples(collector) == first


def test_units_become_base_units() -> None:
    """Percent is a ratio, megabytes are bytes; one name in two units is two families."""
    collector = MetricsCollector(clock=ManualClock())
    collector.record_metric("cpu", 42.0, unit="percent")
    collector.record_metric("heap", 1.5, unit="megabytes")
    collector.record_metric("use", 50.0, {"a": "1"}, "percent")
    collector.record_metric("use", 2.0, {"a": "2"}, "megabytes")
    collector.record_metric("answer_time", 0.5, unit="seconds")
    samples = _samples(collector)
    assert samples["cpu_ratio"] == 0.42
    assert samples["heap_bytes"] == 1_500_000
    assert samples["use_ratio|a=1"] == 0.5
    assert samples["use_bytes|a=2"] == 2_000_000
    assert samples["answer_time_seconds_count"] == 1


def test_quantiles_of_nothing_lately_are_no_numbers() -> None:
    """A timing without a sample in ten minutes says NaN, its count and sum stay."""
    clock = ManualClock()
    collector = MetricsCollector(clock=clock)
    collector.timing("t").observe(0.5)
    clock.advance(1_800)
    samples = _samples(collector)
    assert math.isnan(samples["t_seconds|quantile=0.5"])
    assert (samples["t_seconds_count"], samples["t_seconds_sum"]) == (1, 0.5)


def test_what_was_dropped_is_exposed_too() -> None:
    """The collector's own losses are a metric."""
    collector = MetricsCollector(clock=ManualClock())
    collector.record_metric("m", math.nan)
    assert _samples(collector) == {"observe_dropped_total|part=metrics|reason=bad_value": 1.0}
    assert collector.drops_total() == 1


def test_a_namespace_stands_before_every_name() -> None:
    """Other programs have a `process_cpu`, too; what is kept and asked for has no prefix."""
    collector = MetricsCollector(clock=ManualClock(), namespace="house")
    collector.gauge("process_cpu", unit="percent").set(50)
    collector.counter("9lives").inc()
    collector.record_metric("m", math.nan)
    collector.record_metric("total", 2.0)
    assert _samples(collector) == {
        "house": 2.0,
        "house_process_cpu_ratio": 0.5,
        "house_9lives_total": 1.0,
        "house_observe_dropped_total|part=metrics|reason=bad_value": 1.0,
    }
    assert "# HELP house_9lives_total 9lives\n" in exposition(collector).decode()
    assert collector.names() == ["9lives", "m", "process_cpu", "total"]
    assert collector.get_metric_summary("process_cpu")["latest"] == 50


def test_names_that_come_to_the_same_are_kept_apart() -> None:
    """After cleaning, no two families share a name, nor a family another's samples."""
    collector = MetricsCollector(clock=ManualClock())
    for name in (
        "one.two",
        "one_two",
        "oneTwo",
        "one two",
        "x_count",
        "x_sum",
        "x",
        "y",
        "Ünïcode",
        "9lives",
        "::",
    ):
        collector.record_metric(name, 1.0)
    collector.timing("x", {"k": "1"}).observe(1.0)
    collector.counter("y_total").inc()
    assert len(_samples(collector)) >= 12


def test_tags_become_labels_that_prometheus_takes() -> None:
    """Reserved and impossible names are changed, values escaped, doubles left out."""
    collector = MetricsCollector(clock=ManualClock())
    collector.record_metric("odd", 1.0, {"quantile": "x", "9": "y", "__a": 'q"u\\o\nte', "a": "2"})
    collector.record_metric("n", 1.0, {"a-b": "1"})
    collector.record_metric("n", 2.0, {"a.b": "1"})
    samples = _samples(collector)
    assert samples['odd|a=q"u\\o\nte|a_=2|tag_9=y|tag_quantile=x'] == 1.0
    assert samples["n|a_b=1"] == 1.0


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["record_metric", "counter", "gauge", "timing"]),
            st.text(min_size=1, max_size=12),
            st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
            st.sampled_from(["", "seconds", "bytes", "percent", "furlongs"]),
        ),
        max_size=12,
    )
)
def test_whatever_is_recorded_can_be_read_by_prometheus(recorded: list[Any]) -> None:
    """Any names, tags and units give text that parses, every sample once."""
    collector = MetricsCollector(clock=ManualClock())
    for kind, name, tags, unit in recorded:
        if kind == "record_metric":
            collector.record_metric(name, 1.0, tags, unit)
        elif kind == "counter":
            collector.counter(name, tags, unit).inc()
        elif kind == "gauge":
            collector.gauge(name, tags, unit).set(1)
        else:
            collector.timing(name, tags, unit).observe(1)
    text = exposition(collector).decode()
    hard = [problem for problem in _problems(text) if "abbreviated" not in problem]
    assert hard == []


# Whatever a program's parts, or a stranger whose words become a tag, could record.
_HOSTILE_TEXT = st.one_of(
    st.text(max_size=30),
    st.text('\x00\x7f\u2028\ud7ff"\\{}=,#\n\t 0aZ_:', max_size=30),
    st.sampled_from(["x" * 1_000_000, "le", "quantile", "__name__", "job", "_total", "", "NaN"]),
)
_HOSTILE_VALUE: st.SearchStrategy[Any] = st.one_of(
    st.floats(allow_nan=True, allow_infinity=True),
    st.integers(-(10**400), 10**400),
    st.sampled_from([None, "1", "x", b"", [], True, 1e308, -0.0, 5e-324]),
)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["record_metric", "counter", "gauge", "timing"]),
            _HOSTILE_TEXT,
            st.dictionaries(_HOSTILE_TEXT, _HOSTILE_TEXT, max_size=3),
            _HOSTILE_VALUE,
            _HOSTILE_TEXT,
        ),
        max_size=10,
    )
)
@settings(deadline=None, max_examples=60)
def test_no_name_tag_value_or_unit_breaks_what_is_exposed(recorded: list[Any]) -> None:
    """Both formats still parse, every number in them is one, and what was no use is counted."""
    collector = MetricsCollector(clock=ManualClock(), namespace="house")
    for kind, name, tags, value, unit in recorded:
        if kind == "record_metric":
            collector.record_metric(name, value, tags, unit)
        elif kind == "counter":
            collector.counter(name, tags, unit).inc(value)
        elif kind == "gauge":
            collector.gauge(name, tags, unit).set(value)
        else:
            collector.timing(name, tags, unit).observe(value)
    text = exposition(collector).decode()
    assert len(text) < 100_000
    hard = [problem for problem in _problems(text) if "abbreviated" not in problem]
    assert hard == []
    families = list(text_string_to_metric_families(text))
    assert all(re.match(r"house(_|$)", family.name) for family in families)
    values = [s.value for f in families for s in f.samples if "quantile" not in s.labels]
    assert not [value for value in values if math.isnan(value)]
    open_text = exposition(collector, open_metrics=True).decode()
    assert open_text.endswith("# EOF\n")
    assert {f.name for f in opened(open_text)} == {f.name for f in families}


def test_a_timing_that_was_recorded_below_zero_costs_nobody_the_others() -> None:
    """OpenMetrics knows no summary below zero: a reader would refuse all that is exposed."""
    collector = MetricsCollector(clock=ManualClock(), namespace="house")
    for value in (0.0, -1.0):
        collector.record_metric("took", value, {}, "")
    collector.timing("took", {}, "").observe(0.0)
    text = exposition(collector, open_metrics=True).decode()
    values = [sample.value for family in opened(text) for sample in family.samples]
    assert values
    assert min(values) >= 0


@pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is not installed (Debian: prometheus)"
)
def test_prometheus_itself_reads_whatever_was_recorded() -> None:
    """Names and tags of every kind at once: it may dislike a name, and parses all."""
    collector = MetricsCollector(clock=ManualClock())
    texts = [
        "a b",
        "ü",
        "0",
        "{}",
        'q"',
        "\\",
        "\n",
        "x:y",
        "A__B",
        "\u2028",
        "x" * 1_000_000,
        "le",
    ]
    for name in texts:
        for tag in texts:
            collector.record_metric(name, 1.0, {tag: tag}, tag)
            collector.counter(f"c{name}", {tag: tag}).inc()
            collector.timing(f"t{name}", {tag: tag}).observe(1)
    for value in (math.nan, math.inf, -math.inf, 10**400):
        collector.record_metric("n", value)
    done = subprocess.run(
        ["promtool", "check", "metrics"],
        input=exposition(collector),
        capture_output=True,
        check=False,
    )
    # 1 is what cannot be read, 3 what is not well named.
    assert done.returncode in {0, 3}, done.stderr.decode()
    assert b"error" not in done.stderr


def test_tags_that_explode_are_bounded_and_counted() -> None:
    """A tag with a new value each time stops at the limit; other names go on, and all is told."""
    collector = MetricsCollector(
        clock=ManualClock(), limits=MetricLimits(series=60, series_per_name=50)
    )
    for number in range(10_000):
        collector.record_metric("visits", 1.0, {"who": str(number)})
    collector.record_metric("other", 1.0)
    samples = _samples(collector)
    assert len([name for name in samples if name.startswith("visits")]) == 50
    assert samples["other"] == 1.0
    assert samples["observe_dropped_total|part=metrics|reason=series_per_name_limit"] == 9_950
    assert collector.drops_total() == 9_950


def test_open_metrics_says_the_same() -> None:
    """The same families and samples, in the other format, which ends with its own mark."""
    collector = MetricsCollector(clock=ManualClock())
    collector.counter("ticks_total").inc(3)
    collector.gauge("depth", {"q": "a"}).set(2)
    collector.timing("took").observe(0.5)
    plain = {
        s for f in text_string_to_metric_families(exposition(collector).decode()) for s in told(f)
    }
    other = {s for f in opened(exposition(collector, open_metrics=True).decode()) for s in told(f)}
    assert other == plain
    assert ("ticks_total", (), 3.0) in other


def opened(text: str) -> list[Any]:
    """The families of a text of OpenMetrics."""
    return list(open_families(text))  # type: ignore[no-untyped-call]


def told(family: Any) -> list[tuple[str, tuple[tuple[str, str], ...], float]]:
    """A family's samples."""
    return [
        (sample.name, tuple(sorted(sample.labels.items())), sample.value)
        for sample in family.samples
    ]


def test_a_whole_telemetry_exposes_cleanly() -> None:
    """Operations, system samples and all: nothing `promtool check metrics` would complain of."""
    telemetry = Telemetry.open(sinks=[], clock=ManualClock())
    with telemetry.timed("decode", "collector"):
        pass
    telemetry.sampler.sample()
    samples = _samples(telemetry.metrics)
    assert samples["operation_error_rate_ratio|operation=decode|service=collector"] == 0.0
    assert samples["process_resident_memory_bytes"] > 1e6
    telemetry.close()
