"""Seven quiet simulated days, in which no alert may be raised.

The program as `sectorwatch run` starts it, with every service, reads a made network over Australia over
HTTP: a feed every 15 s of simulated time, as the real one has them, with its nights and evenings, its
events and the oddities of its people, the transceivers once a minute. Its clock follows the network's
time (`_quiet.py`); every 15 simulated seconds health is checked, detectors look and all rules are
evaluated, none off; once a simulated minute machine and process are sampled for real and what is
observed is written, every fifth the API is asked some questions. Paced to under half a core.

QUIET_DAYS is for a try of fewer days, QUIET_PACE for a hurry (2: as fast as it goes). With QUIET_DIR
everything is kept there, and a run that was interrupted goes on behind its last feed; of what came
nearest since its last whole day it knows nothing.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
import urllib.request
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil
from _quiet import STEP_S, Calm, QuietClock, QuietInstance, network

from sectorwatch.cli.serving import last_snapshot_us
from sectorwatch.clock import format_s, parse_us
from sectorwatch.config import load_settings
from sectorwatch.runtime.memory import keep_little_memory
from sectorwatch.runtime.run import collect_garbage_seldom

if TYPE_CHECKING:
    from sectorwatch.observe import Alert
    from sectorwatch.observe.alerting import RuleState

LONG = True
DAYS = float(os.environ.get("QUIET_DAYS", "7"))
START = "2026-11-02T00:00:00Z"
PACE = float(os.environ.get("QUIET_PACE", "0.48"))
"""Of a core: under half of it, unless somebody is in a hurry; the row says what it came to."""
_DAY_S, _MINUTE_S, _ASK_S = 86_400, 60, 300
_QUESTIONS = ("/api/status", "/api/flights", "/api/sectors", "/api/monitoring/alerts")


@dataclass
class Nearest:
    """What came nearest to raising a rule's alert: the value beside its threshold, and for how long."""

    share: float = 0.0
    value: float | None = None
    threshold: float | None = None
    labels: dict[str, str] = field(default_factory=dict)
    day: float = 0.0
    met_s: float = 0.0
    """How long its condition was met at most; its alert waits for `for_s`."""
    for_s: float = 0.0
    evaluations: int = 0
    fed: int = 0
    """Evaluations at which its expression had a value."""
    error: str = ""


@dataclass
class Progress:
    """All that is known of a run; kept after each day, so that it can go on."""

    days: float = 0.0
    steps: int = 0
    evaluations: int = 0
    wall_s: float = 0.0
    cpu_s: float = 0.0
    alerts: list[dict[str, Any]] = field(default_factory=list)
    rules: dict[str, Nearest] = field(default_factory=dict)
    late_s: float = 0.0
    pauses: int = 0
    not_calm: int = 0
    memory_mb: list[float] = field(default_factory=list)


def run() -> dict[str, Any]:
    """Fly the days, and tell what came nearest."""
    keep_little_memory()
    kept = os.environ.get("QUIET_DIR")
    if kept:
        Path(kept).mkdir(parents=True, exist_ok=True)
        progress = _flown(Path(kept))
    else:
        with tempfile.TemporaryDirectory(prefix="sectorwatch-quiet-") as name:
            progress = _flown(Path(name))
    unfed = sorted(name for name, each in progress.rules.items() if not each.fed)
    broken = sorted(name for name, each in progress.rules.items() if each.error)
    share = progress.cpu_s / max(progress.wall_s, 1e-9)
    nearest = sorted(progress.rules.items(), key=lambda item: -_nearness(item[1]))
    return {
        "target": "fault detection",
        "what": f"{progress.days:g} quiet simulated days, a feed every {STEP_S} s, every rule on",
        "against": "",
        "reach": "no alert raised, every rule's expression fed or said why not, under half a core",
        "figures": {
            "alerts raised": str(len(progress.alerts)),
            **{
                f"raised, {number}": f"{each['type']} of {each['service']} by {each['rule']} on day {each['day']}: {each['message']}"
                for number, each in enumerate(progress.alerts[:10], 1)
            },
            "evaluations": f"{progress.evaluations:,} of {len(progress.rules)} rules",
            "nearest": ", ".join(_words(name, each) for name, each in nearest if _nearness(each)),
            "rules without a value": ", ".join(unfed) or "none",
            **({"rules that cannot be evaluated": ", ".join(broken)} if broken else {}),
            "feeds": f"{progress.steps:,}",
            "memory by day": ", ".join(f"{each:.0f}" for each in progress.memory_mb) + " MB",
            "held until the machine was quiet": f"{progress.pauses:,} times, {progress.not_calm:,} in vain",
            "wall time": f"{progress.wall_s / 60:.0f} min",
            "processor": f"{share:.0%} of a core",
        },
        "ratio": None,
        "met": not progress.alerts and not broken and share < 0.5 and progress.days >= 7,
        "note": NOTE,
    }


NOTE = (
    "`nearest` is each rule's value over its threshold (for rules that go by too little, threshold over value) where it "
    "came nearest, and for how long of its `for` its condition was met where it was at all. Simulated time goes some 200 times as "
    "fast as real time, and durations are real: a hiccup of the machine of a third of a second would last a simulated minute, so "
    "time is held where this process had to wait for a processor, until it need not. Rules without a value have nothing to go by in a quiet week: "
    "docs/monitoring.md says when each is recorded."
)


def _nearness(each: Nearest) -> float:
    """From 0 to 1: how far a condition was from being met, and beyond 1 how long it was."""
    return 1 + each.met_s / max(each.for_s, 1.0) if each.met_s else min(each.share, 1.0)


def _words(name: str, each: Nearest) -> str:
    of = " ".join(each.labels.get(key, "") for key in ("operation", "service")).strip()
    words = f"{name} {each.share:.3g}" if each.share else name
    words += f" ({of})" if of else ""
    return f"{words} met for {each.met_s:.0f} of {each.for_s:.0f} s" if each.met_s else words


def _flown(folder: Path) -> Progress:
    progress = _read(folder / "progress.json")
    # An interrupted run stopped between two days: what it has flown is flown.
    flown_s = last_snapshot_us(folder / "data") // 1_000_000 - parse_us(START) // 1_000_000
    progress.steps = max(progress.steps, -(-flown_s // STEP_S))
    progress.days = progress.steps * STEP_S / _DAY_S
    left = round((DAYS - progress.days) * _DAY_S / STEP_S)
    if left <= 0:
        return progress
    start_s = parse_us(START) // 1_000_000 + progress.steps * STEP_S
    with network(format_s(start_s)) as url:
        settings = load_settings(
            {
                "data_dir": str(folder / "data"),
                "port": 0,
                "simulated": True,
                "feed_url": url,
                # Nobody outside is asked anything.
                "reachability_hosts": [],
                # A profile of two real seconds each ten simulated minutes would never end.
                "profile_every_s": 86_400,
            },
            env={},
            toml_path=Path(os.devnull),
        ).settings
        clock = QuietClock(start_s)
        with QuietInstance(settings, clock) as instance:
            collect_garbage_seldom()
            _fly(instance, progress, left, folder / "progress.json")
    return progress


def _fly(instance: QuietInstance, progress: Progress, steps: int, path: Path) -> None:
    telemetry = instance.application.telemetry

    def heard(alert: Alert) -> None:
        if str(alert.state) == "firing" and alert.id not in {
            each["id"] for each in progress.alerts
        }:
            told = {
                "id": alert.id,
                "type": str(alert.type),
                "service": alert.service,
                "rule": alert.rule,
                "message": alert.message,
                "cause": alert.cause[:500],
                "day": round(progress.steps * STEP_S / _DAY_S, 3),
            }
            progress.alerts.append(told)
            print(f"RAISED on day {told['day']}: {told}", file=sys.stderr, flush=True)

    telemetry.alerts.listeners.append(heard)
    wall_s, cpu_s = time.monotonic(), time.process_time()
    wall_before_s, cpu_before_s = progress.wall_s, progress.cpu_s
    calm = Calm()
    pauses, not_calm = progress.pauses, progress.not_calm
    for number in range(1, steps + 1):
        calm.wait()
        instance.step()
        progress.steps += 1
        instance.ask_all()
        telemetry.resources.pulse()
        telemetry.optimizer.look()
        if progress.steps * STEP_S % _MINUTE_S == 0:
            _each_minute(instance)
        if progress.steps * STEP_S % _ASK_S == 0:
            _ask(instance)
        telemetry.alerts.evaluate()
        progress.evaluations += 1
        _note(progress, telemetry.alerts.rules())
        progress.wall_s = wall_before_s + time.monotonic() - wall_s
        progress.cpu_s = cpu_before_s + time.process_time() - cpu_s
        ahead_s = progress.cpu_s / PACE - progress.wall_s
        if ahead_s > 0:
            time.sleep(ahead_s)
        if progress.steps * STEP_S % _DAY_S == 0 or number == steps:
            progress.days = progress.steps * STEP_S / _DAY_S
            progress.late_s = instance.clock.late_s
            progress.pauses = pauses + calm.pauses
            progress.not_calm = not_calm + calm.given_up
            progress.memory_mb.append(psutil.Process().memory_info().rss / 1e6)
            path.write_text(json.dumps(asdict(progress), indent=1))
            _tell(progress)


def _ask(instance: QuietInstance) -> None:
    for question in _QUESTIONS:
        url = f"http://127.0.0.1:{instance.port}{question}"
        with urllib.request.urlopen(url, timeout=60) as answer:
            answer.read()


def _each_minute(instance: QuietInstance) -> None:
    instance.sample()
    store = instance.application.telemetry.store
    if store is not None:
        store.flush()


def _note(progress: Progress, states: list[RuleState]) -> None:
    """Remember what came nearest so far."""
    day = round(progress.steps * STEP_S / _DAY_S, 3)
    for state in states:
        known = progress.rules.setdefault(state.rule.name, Nearest())
        known.evaluations += 1
        known.error = known.error or state.error
        known.fed += bool(state.results)
        known.for_s = state.rule.for_s
        falls, rises = "<" in state.rule.expression, ">" in state.rule.expression
        for each in state.results:
            known.met_s = max(known.met_s, each.for_s)
            # Of a condition that a value is or is not, there is no near.
            share = _share(each.value, each.threshold, falls=falls) if falls or rises else 0.0
            if share > known.share:
                known.share, known.value, known.threshold = share, each.value, each.threshold
                known.labels, known.day = dict(each.labels), day


def _share(value: float, threshold: float | None, *, falls: bool) -> float:
    """How near a value is to its threshold: from 1 on the condition is met, or would be."""
    if threshold is None or not threshold or not value:
        return 0.0
    return threshold / value if falls else value / threshold


def _tell(progress: Progress) -> None:
    near = sorted(progress.rules.items(), key=lambda item: -_nearness(item[1]))[:6]
    print(
        f"day {progress.days:g}: {len(progress.alerts)} alerts, {progress.evaluations:,} evaluations, "
        f"{progress.wall_s / 60:.1f} min, {progress.cpu_s / max(progress.wall_s, 1e-9):.0%} of a core, "
        f"{progress.memory_mb[-1]:.0f} MB, held {progress.pauses} times ({progress.not_calm} in vain); nearest {', '.join(_words(*each) for each in near)}",
        file=sys.stderr,
        flush=True,
    )


def _read(path: Path) -> Progress:
    if not path.exists():
        return Progress()
    kept = json.loads(path.read_text())
    kept["rules"] = {name: Nearest(**each) for name, each in kept["rules"].items()}
    return Progress(**kept)


if __name__ == "__main__":
    result = run()
    print(json.dumps(result, indent=1, ensure_ascii=False))
