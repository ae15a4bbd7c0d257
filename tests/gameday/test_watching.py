"""The outside clock."""

from __future__ import annotations

from typing import Any

from sectorwatch.errors import ServiceError
from sectorwatch.gameday.watching import Watch


class Outside:
    """An API that answers with what it is told to, and a clock that goes on by asking it."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.now_s = 0.0
        self.watch = Watch(self.ask, clock=lambda: self.now_s, sleep=self.sleep, every_s=0.5)

    def ask(self, path: str) -> Any:
        """The next answer, 0.1 s later."""
        assert path == "/api/monitoring/alerts"
        self.now_s += 0.1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return [{"id": name} for name in answer]

    def sleep(self, seconds: float) -> None:
        """Let time go on."""
        self.now_s += seconds


def test_an_alert_is_seen_from_its_first_answer_to_the_first_without_it() -> None:
    """Both moments are those at which the answer was there."""
    outside = Outside(["a"], ["a", "b"], ["b"])
    for _ in range(3):
        outside.watch.look()
        outside.sleep(0.9)
    first, second = outside.watch.seen
    assert (round(first.at_s, 6), round(first.gone_s or 0, 6)) == (0.1, 2.1)
    assert (round(second.at_s, 6), second.gone_s) == (1.1, None)
    assert outside.watch.active == [second]


def test_no_answer_says_nothing_of_the_alerts() -> None:
    """They are neither gone nor new; that nobody answered is counted."""
    outside = Outside(["a"], ServiceError("503"), OSError("refused"), ["a"])
    for _ in range(4):
        outside.watch.look()
    assert outside.watch.unanswered == 2
    assert [seen.gone_s for seen in outside.watch.seen] == [None]


def test_it_looks_until_something_is_so_or_time_is_up() -> None:
    """Whether it came to be is what it gives."""
    outside = Outside([], [], ["a"])
    assert outside.watch.until(lambda: bool(outside.watch.active), within_s=10.0)
    assert round(outside.now_s, 6) == 1.3
    assert not outside.watch.until(lambda: False, within_s=2.0)
    assert 3.3 <= outside.now_s <= 3.9
