"""A scenario passes only where all was noticed as it had to be."""

from __future__ import annotations

from contextlib import nullcontext
from typing import TYPE_CHECKING, Any

from sectorwatch.gameday.outcome import Record, judged, skipped
from sectorwatch.gameday.scenario import Scenario
from sectorwatch.gameday.watching import Seen

if TYPE_CHECKING:
    from sectorwatch.gameday.stage import Stage

BEGUN_S, ENDED_S = 1_000.0, 1_080.0


def happen(_stage: Stage) -> Any:
    """No fault at all."""
    return nullcontext()


SCENARIO = Scenario(
    name="feed-down",
    fault="nobody listens",
    rule="feed_failing",
    service="collector",
    causes=("VATSIM", "does not answer"),
    growth_s=30.0,
    growth="the next fetch",
    happen=happen,
    resolve_s=30.0,
    resolve="the next fetch",
    also={"service_down of tracker": "nothing comes in"},
)


def alert(**other: Any) -> dict[str, Any]:
    """The alert that was expected, but for what is given."""
    return {
        "id": "alert_1",
        "type": "api_timeout",
        "service": "collector",
        "severity": "high",
        "cause": "VATSIM does not answer: connection refused",
        "inhibited_by": "",
        **other,
    }


def outcome(
    *after: Seen,
    before: tuple[Seen, ...] = (),
    notified_s: float | None = 1_051.25,
    told_resolved_s: float | None = 1_101.0,
) -> Any:
    """What comes of having seen these alerts, and having been told of them."""
    record = Record(BEGUN_S, ENDED_S, notified_s, told_resolved_s, before, list(after))
    return judged(SCENARIO, record)


def expected(at_s: float = 1_050.0, gone_s: float | None = 1_100.0, **other: Any) -> Seen:
    """The alert that was expected, seen when it should be."""
    return Seen(alert(**other), at_s, gone_s)


def test_it_passes_where_type_service_cause_and_times_are_right() -> None:
    """All of it, and what was measured by the outside clock is in the row."""
    made = outcome(expected())
    assert made.passed
    assert (made.raised, made.blamed, made.is_cause_named) == ("api_timeout", "collector", True)
    assert (made.allowed_s, made.took_s, made.notified_s) == (60.0, 50.0, 51.2)
    assert (made.resolve_allowed_s, made.resolved_s) == (60.0, 20.0)


def test_what_was_never_raised_does_not_pass() -> None:
    """And the row shows what was raised instead."""
    made = outcome(expected(service="tracker", severity="low"))
    assert not made.passed
    assert made.blamed == "tracker"
    assert made.took_s is None
    assert "never raised" in made.problems[0]


def test_too_late_does_not_pass() -> None:
    """By how much is said."""
    made = outcome(expected(at_s=1_061.0))
    assert [*made.problems] == ["api_timeout of collector took 61.0 s, 60 are allowed"]


def test_a_cause_that_is_not_named_does_not_pass() -> None:
    """Each of the words has to be there; no cause at all is none."""
    for cause in ("VATSIM is gone", "", None):
        made = outcome(expected(cause=cause))
        assert not made.is_cause_named
        assert "the cause does not name" in made.problems[0]


def test_one_that_is_not_resolved_in_time_does_not_pass() -> None:
    """Nor one that is gone while the fault is still there."""
    assert "not resolved" in outcome(expected(gone_s=None)).problems[0]
    assert "60 are allowed" in outcome(expected(gone_s=1_141.0)).problems[0]
    assert "still there" in outcome(expected(gone_s=1_070.0)).problems[0]


def test_false_alarms_do_not_pass() -> None:
    """What somebody would be told of besides, unless it follows from the fault or is inhibited."""

    def with_other(**other: Any) -> Any:
        more = {"id": "alert_2", "type": "service_down", "service": "store", **other}
        return outcome(expected(), expected(**more))

    assert with_other().problems == ("service_down of store was raised too (high)",)
    assert with_other(severity="medium").passed
    assert with_other(inhibited_by="collector").passed
    assert with_other(service="tracker").others[0].reason == "nothing comes in"
    assert with_other(service="tracker").passed


def test_an_alert_before_anything_was_wrong_does_not_pass() -> None:
    """A false alarm it is, whatever comes after."""
    made = outcome(expected(), before=(expected(at_s=990.0, type="cpu_spike", service="system"),))
    assert "before anything was wrong" in made.problems[0]


def test_what_cannot_be_played_here_neither_passes_nor_fails() -> None:
    """It says why."""
    made = skipped(SCENARIO, "only root may mount")
    assert (made.passed, made.problems, made.skipped) == (False, (), "only root may mount")


def test_what_somebody_should_have_been_told_and_was_not_does_not_pass() -> None:
    """HIGH and above when it begins; whatever was told, when it is over."""
    assert outcome(expected(), notified_s=None).problems == ("nobody was notified of it",)
    made = outcome(expected(), told_resolved_s=None)
    assert made.problems == ("nobody was notified that it is over",)
    assert outcome(expected(severity="medium"), notified_s=None, told_resolved_s=None).passed
