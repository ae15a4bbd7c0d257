"""Target 10: what all of self-observation costs, in a replay and live, against the same with it off.

Replay: the steady documents of `_steady.py` through the whole pipeline into a data directory, each
time in a process of its own, with observation on and off by turns; compared is the processor time
of the process over the replay, the median of the pairs. Live: two whole instances side by side
(API, health checks, rules, detectors and all), the same document every 15 s; compared is the
processor time that they take over some minutes.
"""

from __future__ import annotations

import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from sectorwatch.clock import parse_us
from sectorwatch.config import load_settings
from sectorwatch.feed.records import Kind, RawFeed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sectorwatch.config import Settings

PAIRS = 7
DOCUMENTS = 160
EVERY_S = 15
WARM_S = 45
LIVE_S = 240
REPLAY_REACH = 1.02
LIVE_REACH = 0.01


def run() -> dict[str, Any]:
    """Both comparisons."""
    from _steady import steady_documents  # noqa: PLC0415 - the children need none of it

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        documents = steady_documents(DOCUMENTS)
        (folder / "documents").write_text("\n".join(each.decode() for each in documents))
        ratios: list[float] = []
        spent: dict[str, list[float]] = {"on": [], "off": []}
        for pair in range(PAIRS):
            took = {
                which: _child("replay", which, folder, f"{which}{pair}")["cpu_s"]
                for which in (("on", "off") if pair % 2 else ("off", "on"))
            }
            ratios.append(took["on"] / took["off"])
            for which, seconds in took.items():
                spent[which].append(seconds)
        live = _live(folder)
    ratio = statistics.median(ratios)
    share = live["on"] - live["off"]
    return {
        "target": "10",
        "what": f"all of self-observation: in a replay of {DOCUMENTS} feeds of 1,706 pilots; live, a feed "
        f"every {EVERY_S} s, over {LIVE_S} s",
        "against": "the same with it off",
        "reach": "≤ 1.02 times the processor time; ≤ 1 % of a core",
        "figures": {
            "replay on": f"{statistics.median(spent['on']):.2f} s",
            "replay off": f"{statistics.median(spent['off']):.2f} s",
            "pairs": ", ".join(f"{each:.3f}" for each in sorted(ratios)),
            "live on": f"{100 * live['on']:.2f} % of a core",
            "live off": f"{100 * live['off']:.2f} % of a core",
        },
        "ratio": f"{ratio:.3f}; {100 * share:.2f} % of a core",
        "met": ratio <= REPLAY_REACH and share <= LIVE_REACH,
    }


def _child(what: str, which: str, folder: Path, name: str) -> dict[str, Any]:
    said = subprocess.run(
        [sys.executable, __file__, what, which, str(folder), name],
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
    answer: dict[str, Any] = json.loads(said.splitlines()[-1])
    return answer


def _live(folder: Path) -> dict[str, float]:
    """The share of a core that each of two instances takes, side by side."""
    with ExitStack() as undo:
        children = {}
        for which in ("on", "off"):
            child = subprocess.Popen(
                [sys.executable, __file__, "live", which, str(folder), f"live-{which}"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
            )
            undo.callback(child.wait, 30)
            assert child.stdin is not None
            undo.callback(child.stdin.close)
            children[which] = child
        for child in children.values():
            assert child.stdout is not None
            child.stdout.readline()
        time.sleep(WARM_S)
        before = {which: _cpu_s(child.pid) for which, child in children.items()}
        begun = time.monotonic()
        time.sleep(LIVE_S)
        elapsed = time.monotonic() - begun
        return {
            which: (_cpu_s(child.pid) - before[which]) / elapsed
            for which, child in children.items()
        }


def _cpu_s(pid: int) -> float:
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)


class _Documents:
    """The documents, one after the other, `every_s` apart."""

    name = "steady"
    is_live = False
    is_simulated = True

    def __init__(self, folder: Path, every_s: float) -> None:
        self._documents = (folder / "documents").read_text().split("\n")
        self._every_s = every_s
        self._closed = threading.Event()
        self._now_us = 0

    def now_us(self) -> int:
        return self._now_us

    def close(self) -> None:
        self._closed.set()

    def __iter__(self) -> Iterator[RawFeed]:
        for document in self._documents:
            data = document.encode()
            at = data.index(b'"update_timestamp":"') + 20
            self._now_us = parse_us(data[at : data.index(b'"', at)].decode())
            yield RawFeed(Kind.FEED, data, self._now_us + 2_000_000)
            if self._closed.wait(self._every_s):
                return


def _settings(which: str, folder: Path, name: str) -> Settings:
    return load_settings(
        overrides={
            "data_dir": str(folder / name),
            "observation": which == "on",
            "port": 0,
            "log_level": "WARNING",
        },
        env={},
    ).settings


def _replay(which: str, folder: Path, name: str) -> None:
    from sectorwatch.runtime import replay  # noqa: PLC0415 - what is imported is in no figure
    from sectorwatch.runtime.run import collect_garbage_seldom  # noqa: PLC0415 - as above

    source = _Documents(folder, 0)
    settings = _settings(which, folder, name)
    collect_garbage_seldom()
    before = time.process_time()
    counts = replay(settings, source, sinks=())
    print(json.dumps({"cpu_s": time.process_time() - before, "feeds": counts.feeds}))


async def _serve(which: str, folder: Path, name: str) -> None:
    from sectorwatch.runtime import build, serve  # noqa: PLC0415 - as above
    from sectorwatch.web import create_app  # noqa: PLC0415 - as above

    settings = _settings(which, folder, name)
    application = build(settings, _Documents(folder, EVERY_S), web=create_app, sinks=())
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def wait_for_end() -> None:
        sys.stdin.read()
        loop.call_soon_threadsafe(stop.set)

    threading.Thread(target=wait_for_end, daemon=True).start()
    task = asyncio.create_task(serve(application, stop=stop))
    while application.latest is None:
        await asyncio.sleep(0.05)
        if task.done():
            break
    print("up", flush=True)
    await task


def _main(what: str, which: str, folder: str, name: str) -> None:
    if what == "replay":
        _replay(which, Path(folder), name)
    else:
        import uvloop  # noqa: PLC0415 - as above

        uvloop.run(_serve(which, Path(folder), name))


if __name__ == "__main__":
    _main(*sys.argv[1:])
