"""Asking for the likely cause of an alert: another's code, slow, and with a limit on its time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from sectorwatch.observe.alerting.repair import plain_line

if TYPE_CHECKING:
    from sectorwatch.observe.drops import Drops

__all__ = ["Explainers", "Explanation"]

Explanation = Callable[[Mapping[str, str]], str | tuple[str, Mapping[str, Any]] | None]
_LONGEST_CAUSE = 1_000
_MOST_AT_ONCE = 8


class Explainers:
    """Asks each question in a thread of its own; `deliver` is called there with what came of it.

    A function that still hangs is not asked a second time meanwhile; both, and one that raises,
    are counted. Where `limit_s` is over the answer still comes, only later than people were told.
    """

    def __init__(self, drops: Drops, limit_s: float) -> None:
        self.limit_s = limit_s
        self._drops = drops
        self._functions: dict[str, Explanation] = {}
        self._lock = threading.Lock()
        self._asked: dict[Explanation, int] = {}

    def add(self, rule_name: str, function: Explanation) -> None:
        """Whom to ask about the alerts of a rule."""
        self._functions[rule_name] = function

    def ask(
        self,
        rule_name: str,
        labels: Mapping[str, str],
        deliver: Callable[[str, Mapping[str, Any] | None], None],
    ) -> threading.Thread | None:
        """Ask; None where nobody can be."""
        function = self._functions.get(rule_name)
        if function is None:
            return None
        with self._lock:
            if sum(self._asked.values()) >= _MOST_AT_ONCE:
                self._drops.count("explanation_hangs")
                return None
            self._asked[function] = self._asked.get(function, 0) + 1
        thread = threading.Thread(
            target=self._run,
            args=(function, dict(labels), deliver),
            name="observe-alert-cause",
            daemon=True,
        )
        try:
            thread.start()
        except RuntimeError:
            # The machine has no thread left: that is when alerts matter.
            self._drops.count("explanation_failed")
            self._answered(function)
            return None
        return thread

    def _run(
        self,
        function: Explanation,
        labels: Mapping[str, str],
        deliver: Callable[[str, Mapping[str, Any] | None], None],
    ) -> None:
        cause: str = ""
        evidence: Mapping[str, Any] | None = None
        try:
            answer = function(labels)
            if isinstance(answer, tuple):
                cause, evidence = answer
            elif answer:
                cause = answer
            cause = plain_line(cause or "", _LONGEST_CAUSE)
        except Exception:  # noqa: BLE001 - another's code may do anything
            self._drops.count("explanation_failed")
        finally:
            self._answered(function)
            deliver(cause, evidence)

    def _answered(self, function: Explanation) -> None:
        with self._lock:
            self._asked[function] -= 1
            if not self._asked[function]:
                del self._asked[function]
