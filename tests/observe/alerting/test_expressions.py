from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from observe.made import ManualClock
from sectorwatch.observe import MetricsCollector, RuleError
from sectorwatch.observe.alerting.parsing import parse_expression, seconds_of


@pytest.fixture
def clock() -> ManualClock:
    """One clock for all of a test."""
    return ManualClock()


@pytest.fixture
def metrics(clock: ManualClock) -> MetricsCollector:
    """A collector by that clock."""
    return MetricsCollector(clock=clock)


def look(metrics: MetricsCollector, text: str, **settings: float) -> dict[str, tuple[float, bool]]:
    """What an expression gives: by labels in words, the value and whether it is met."""
    expression = parse_expression(text, settings)
    metrics.collect()
    cells = expression.condition.cells(metrics.recent(expression.windows_s))
    return {
        ",".join(value for _, value in labels): (round(cell.value, 6), cell.is_met)
        for labels, cell in cells.items()
    }


@pytest.mark.parametrize(
    ("function", "value"),
    [
        ("latest", 6), ("avg", 4), ("min", 2), ("max", 6), ("count", 3), ("sum", 12),
        ("increase", 4), ("rate", 0.2), ("p50", 4), ("p95", 5.8), ("p99", 5.96), ("slope", 0.2),
        ("age", 5),
    ],
)  # fmt: skip
def test_functions(
    metrics: MetricsCollector, clock: ManualClock, function: str, value: float
) -> None:
    """Over the samples of the window alone: what is older does not count."""
    for number in (100, 2, 4, 6):
        metrics.record_metric("m", number)
        clock.advance(10)
    clock.advance(-5)
    assert look(metrics, f"{function}(m[30s]) >= 0") == {"": (value, True)}


def test_counters_are_what_they_grew_by(metrics: MetricsCollector, clock: ManualClock) -> None:
    """Increase and rate of the window, also where the program began anew."""
    counter = metrics.counter("c", {"service": "api"})
    for _ in range(8):
        counter.inc(3)
        metrics.collect()
        clock.advance(15)
    assert look(metrics, "increase(c[60s]) > 11") == {"api": (12, True)}
    assert look(metrics, "rate(c[60s]) > 1") == {"api": (0.2, False)}


def test_runs_that_come_summed_up(metrics: MetricsCollector, clock: ManualClock) -> None:
    """Error rates are kept by minutes alone; windows of them are exact to ten seconds."""
    from sectorwatch.observe import PerformanceCollector, StructuredLogger  # noqa: PLC0415

    log = StructuredLogger(sinks=[], clock=clock)
    performance = PerformanceCollector(metrics, log, clock=clock)
    for number in range(10):
        for failing in (True, False, False):
            try:
                with performance.timed("advance", "tracker"):
                    clock.advance(1)
                    if failing and number >= 5:
                        raise ValueError("no")  # noqa: TRY301 - it is to fail in there
            except ValueError:
                pass
        performance.fold()
        clock.advance(7)
    name = "operation_error_rate"
    key = "advance,tracker"
    assert look(metrics, f"sum({name}[5m]) >= 3") == {key: (5, True)}
    assert look(metrics, f"count({name}[5m]) >= 3") == {key: (30, True)}
    assert look(metrics, f"avg({name}[5m]) > 0.1") == {key: (0.166667, True)}
    assert look(metrics, f"avg({name}[45s]) > 0.3") == {key: (0.333333, True)}
    assert look(metrics, f"max({name}[5m]) > 0") == {key: (1, True)}
    assert look(metrics, f"min({name}[5m]) > 0") == {key: (0, False)}
    clock.advance(200)
    # Nobody runs it any more: none failed, and that is known for five minutes.
    assert look(metrics, f"avg({name}[60s]) > 0.1 and sum({name}[60s]) >= 3") == {key: (0, False)}
    clock.advance(200)
    assert look(metrics, f"sum({name}[60s]) >= 3") == {}


def test_a_series_without_samples_gives_nothing(
    metrics: MetricsCollector, clock: ManualClock
) -> None:
    """For five minutes it is as it was, then nobody knows."""
    metrics.record_metric("m", 1)
    clock.advance(300)
    assert look(metrics, "latest(m) == 1") == {"": (1, True)}
    clock.advance(1)
    assert look(metrics, "latest(m) == 1") == {}
    assert look(metrics, "latest(nobody) == 1") == {}


def test_matchers_choose_series(metrics: MetricsCollector) -> None:
    """Equal, by pattern, and neither."""
    for name, place in (("ann", "here"), ("bob", "there"), ("cid", "")):
        metrics.record_metric("m", 1, {"who": name, "where": place} if place else {"who": name})
    assert set(look(metrics, 'latest(m{who="ann"}) > 0')) == {"here,ann"}
    assert set(look(metrics, 'latest(m{who!="ann"}) > 0')) == {"there,bob", "cid"}
    assert set(look(metrics, 'latest(m{who=~"a.*|c.*"}) > 0')) == {"here,ann", "cid"}
    assert set(look(metrics, 'latest(m{where!~".+", who="cid"}) > 0')) == {"cid"}


@pytest.mark.parametrize(
    ("text", "found"),
    [
        # and: met on both sides; not met on one is not met; not known on one is not known.
        ("latest(a) > 0 and latest(b) > 0", {"x": True, "y": False, "z": False}),
        ("latest(b) > 0 and latest(a) > 0", {"x": True, "y": False, "z": False}),
        ("latest(a) > 0 or latest(b) > 0", {"x": True, "y": True, "z": False, "w": True}),
        ("latest(a) > 0 unless latest(b) > 0", {"x": False, "y": True, "w": True}),
        ("latest(a) > 0 unless (latest(b) > 0 and latest(b) < 5)", {"x": True, "y": True, "w": True}),
        # Joined on the labels that both have: here none.
        ("latest(a) > 0 and latest(on) > 0", {"x": True, "y": True, "w": True}),
        ("latest(a) > 0 and latest(off) > 0", {"x": False, "y": False, "w": False, "": False}),
        ("latest(a) > 0 unless latest(on) > 0", {"x": False, "y": False, "w": False}),
        ("latest(a) > 0 unless latest(nobody) > 0", {"x": True, "y": True, "w": True}),
        ("max by () (latest(a)) > 2", {"": True}),
        ("sum by (l) (latest(c)) >= 7", {"x": True}),
        ("count by (l) (latest(c)) > 2", {"x": False}),
        ("avg by (k) (latest(c)) > 3.5", {"1": False, "2": True}),
    ],
)  # fmt: skip
def test_joining(metrics: MetricsCollector, text: str, found: dict[str, bool]) -> None:
    """Three-valued: met, not met, nothing known."""
    for name, values in (("a", {"x": 1, "y": 2, "w": 3}), ("b", {"x": 9, "y": 0, "z": 0})):
        for label, value in values.items():
            metrics.record_metric(name, value, {"l": label})
    metrics.record_metric("on", 1)
    metrics.record_metric("off", 0)
    metrics.record_metric("c", 3, {"l": "x", "k": "1"})
    metrics.record_metric("c", 4, {"l": "x", "k": "2"})
    assert {key: is_met for key, (_, is_met) in look(metrics, text).items()} == found


def test_settings_stand_for_numbers(metrics: MetricsCollector) -> None:
    """By their name after a dollar."""
    metrics.record_metric("m", 5)
    assert look(metrics, "latest(m) > $most", most=4) == {"": (5, True)}


@pytest.mark.parametrize(
    ("text", "position", "said"),
    [
        ("", 0, "expected a function or (, found the end"),
        ("latest(m)", 9, "expected a comparison"),
        ("latest(m) >", 11, "expected a number or $setting"),
        ("latest(m) > x", 12, "expected a number or $setting, found 'x'"),
        ("latest(m > 1", 9, "expected ), found '>'"),
        ("newest(m) > 1", 0, "expected one of the functions latest, "),
        ("latst(m) > 1", 0, "did you mean latest?"),
        ("latest(m) > $moost", 12, "did you mean $most?"),
        ("latest(m) > 1 and", 17, "expected a function or ("),
        ("latest(m) > 1 latest(m) > 1", 14, "expected and, or, unless or the end"),
        ("latest(m[5x]) > 1", 9, "expected a window like 60s, 5m or 1h"),
        ("latest(m[2h]) > 1", 9, "expected a window of 1s to 1h"),
        ("latest(m[0s]) > 1", 9, "expected a window of 1s to 1h"),
        ('latest(m{a~"b"}) > 1', 10, "is no part of an expression"),
        ('latest(m{a="b}) > 1', 11, "is no part of an expression"),
        ("latest(m{a=b}) > 1", 11, "a text in quotes"),
        ('latest(m{a=~"("}) > 1', 12, "has '(' at 0"),
        ("latest(m) > 1e999", 12, "not that large"),
        ("max by l (latest(m)) > 1", 7, "expected (, found 'l'"),
        ("latest(1) > 1", 7, "expected a metric's name"),
        ("(" * 99 + "latest(m) > 1" + ")" * 99, 13, "at most 12 parentheses"),
        ("max by () (" * 40 + "latest(m)" + ")" * 40 + " > 1", 143, "at most 12 parentheses"),
        (" or ".join(["latest(m) > 1"] * 40), 340, "at most 20 functions"),
        ("latest(m) > 1" + " " * 1_000, 1_000, "at most 1000"),
    ],
)
def test_what_cannot_be_read_says_where_and_what_was_expected(
    text: str, position: int, said: str
) -> None:
    """So that it can be corrected."""
    with pytest.raises(RuleError) as caught:
        parse_expression(text, {"most": 1})
    assert said in str(caught.value)
    assert caught.value.position == position


_WORDS = st.sampled_from(
    ["latest", "(", ")", "m", ">", "1", "and", "or", "unless", "{", "}", "[", "]", "5m", "=", '"x"',
     "max", "by", "$most", ",", "==", "-2", "=~", "p95", " "]
)  # fmt: skip


@given(st.lists(_WORDS, max_size=30).map(" ".join) | st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """With a position in it, and nothing else ever raised."""
    position: Any = 0
    try:
        parse_expression(text, {"most": 1})
    except RuleError as error:
        position = error.position
    assert 0 <= position <= len(text)


@pytest.mark.parametrize(("text", "seconds"), [("90s", 90), ("1.5m", 90), (" 2h ", 7_200)])
def test_durations(text: str, seconds: float) -> None:
    """With their unit."""
    assert seconds_of(text) == seconds


def test_a_duration_that_is_none() -> None:
    """Says how one is written."""
    with pytest.raises(ValueError, match="write it like 90s"):
        seconds_of("soon")
