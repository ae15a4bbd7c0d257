"""Why feeds fail to come: whether the network's server is down, or slow, or we are cut off.

What a failed fetch says of itself decides where it can: a server that answered with an error was
reached. Where it cannot, somebody else is asked: who reaches nobody is cut off.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, get_args

from sectorwatch.feed.fetch import BLAME
from sectorwatch.observe import LogCategory, LogLevel, Telemetry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sectorwatch.clock import Clock
    from sectorwatch.errors import FetchError
    from sectorwatch.feed.reachability import Reachability, Reached

__all__ = ["Cause", "FeedTrouble", "TroubleState"]

Cause = Literal["vatsim_down", "vatsim_slow", "our_network_down"]

METRIC = "feed_failing_seconds"
# With these no answer came, and so nothing says where the way there ends.
_UNDECIDED = frozenset(
    {"dns", "unreachable", "connect_timeout", "connect_refused", "disconnected", "timeout"}
)
_NEAR_THE_LIMIT = 0.6


@dataclass(frozen=True, slots=True)
class TroubleState:
    """Feeds that fail: since when, why, and what was tried.

    `since_us` is the wall clock's, `since_s` the monotonic one's: when the first fetch began that
    failed. `error` is the last failure in words, `reached` how others answered then.
    """

    cause: Cause
    since_us: int
    since_s: float
    reason: str
    error: str
    failures: int
    reached: tuple[Reached, ...] = ()


class FeedTrouble:
    """Told of each fetch of the data feed by the client; may be asked from any thread.

    A fetch that takes more than six tenths of `limit_s` is slow even where it goes well. `source`
    is what the network is called in words.
    """

    def __init__(
        self,
        reachability: Reachability,
        clock: Clock,
        *,
        limit_s: float,
        telemetry: Telemetry,
        source: str = "VATSIM",
    ) -> None:
        self._reachability = reachability
        self._clock = clock
        self._slow_s = _NEAR_THE_LIMIT * limit_s
        self._log = telemetry.log
        self._source = source
        self._state: TroubleState | None = None
        for cause in get_args(Cause):
            telemetry.metrics.gauge_callback(
                METRIC, partial(self.seconds, cause), {"cause": cause}, "seconds"
            )

    @property
    def state(self) -> TroubleState | None:
        """What is wrong, None where all is well."""
        return self._state

    def seconds(self, cause: Cause) -> float:
        """For how long feeds have failed if this is why, else 0."""
        state = self._state
        if state is None or state.cause != cause:
            return 0.0
        return max(0.0, self._clock.monotonic_s() - state.since_s)

    def went_well(self, took_s: float) -> None:
        """A fetch that began `took_s` ago brought what it should."""
        if took_s >= self._slow_s:
            self._note("vatsim_slow", "slow", f"an answer took {took_s:.1f} s", took_s, ())
            return
        state, self._state = self._state, None
        if state is not None:
            self._log.log_operation(
                "feed_failing",
                category=LogCategory.NETWORK,
                what="feeds come again",
                failed_for_s=round(self._clock.monotonic_s() - state.since_s, 1),
            )

    async def failed(self, error: FetchError, took_s: float) -> None:
        """A fetch that began `took_s` ago failed; asks others where that is to be found out."""
        state = self._state
        if error.reason == "circuit_open" and state is not None:
            # Nobody was asked: what was known stands.
            return
        reached = await self._reachability.look()
        self._note(_cause(error.reason, reached), error.reason, str(error), took_s, reached)

    def forget(self) -> None:
        """Nothing is fetched any more, so nothing fails."""
        self._state = None

    def words(self) -> str:
        """The cause in a sentence, empty where all is well."""
        state = self._state
        if state is None:
            return ""
        since = datetime.fromtimestamp(state.since_us / 1e6, UTC).strftime("%H:%MZ")
        if state.cause == "our_network_down":
            what = "Our own network is down"
        elif state.cause == "vatsim_slow":
            what = f"{self._source} answers too slowly"
        else:
            what = f"{self._source} does not answer as it should"
        what = what[0].upper() + what[1:]
        return f"{what}: {state.error}; since {since}.{_about_others(state)}"

    def explain(self, labels: Mapping[str, str]) -> tuple[str, dict[str, Any]] | None:
        """For an alert: the cause in words, and what it was found by; None where all is well."""
        del labels
        state = self._state
        if state is None:
            return None
        return self.words(), {
            "cause": state.cause,
            "reason": state.reason,
            "failures": state.failures,
            "reached": {
                each.host: each.error if each.took_s is None else round(each.took_s, 4)
                for each in state.reached
            },
        }

    def _note(
        self, cause: Cause, reason: str, error: str, took_s: float, reached: tuple[Reached, ...]
    ) -> None:
        before = self._state
        if before is None:
            self._state = TroubleState(
                cause,
                self._clock.now_us() - round(took_s * 1e6),
                self._clock.monotonic_s() - took_s,
                reason,
                error,
                1,
                reached,
            )
        else:
            self._state = replace(
                before,
                cause=cause,
                reason=reason,
                error=error,
                failures=before.failures + 1,
                reached=reached,
            )
        if before is None or before.cause != cause:
            self._log.log_operation(
                "feed_failing",
                LogLevel.WARNING,
                LogCategory.NETWORK,
                cause=cause,
                reason=reason,
                what=self.words(),
            )


def _cause(reason: str, reached: tuple[Reached, ...]) -> Cause:
    """Why a fetch failed for `reason`, given how others answered; none asked says nothing."""
    is_cut_off = not any(each.took_s is not None for each in reached)
    if reason in _UNDECIDED and is_cut_off and (reached or BLAME.get(reason) == "network"):
        return "our_network_down"
    return "vatsim_slow" if reason == "timeout" else "vatsim_down"


def _about_others(state: TroubleState) -> str:
    """What asking others gave, as the end of a message."""
    if not state.reached:
        return ""
    best = min(
        (each for each in state.reached if each.took_s is not None),
        key=lambda each: each.took_s or 0.0,
        default=None,
    )
    if best is not None and best.took_s is not None:
        return f" Our network is fine: {best.host} answers in {best.took_s * 1e3:.0f} ms."
    told = ", ".join(f"{each.host} ({each.error})" for each in state.reached)
    return f" Nobody else answers either: {told}."
