from __future__ import annotations

import hashlib
import sys
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from observe.made import ManualClock
from sectorwatch.observe import MetricsCollector
from sectorwatch.observe.profiling import BusyError, ResourceLimits, Resources, StackSampler
from sectorwatch.observe.profiling.frames import OwnCode, codes_of, fold, label_of
from sectorwatch.observe.profiling.stacks import _MOST_STACKS, _Sampled

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


def spin_for_nothing(stop: threading.Event) -> None:
    """Keep a core busy until `stop`."""
    while not stop.is_set():
        spin_once()


def spin_once() -> int:
    """Work that nobody needs."""
    return sum(number * number for number in range(2_000))


@contextmanager
def spinner(name: str = "spinner") -> Iterator[None]:
    """A thread that spins, and one that sleeps."""
    stop = threading.Event()
    threads = [
        threading.Thread(target=spin_for_nothing, args=(stop,), name=name),
        threading.Thread(target=stop.wait, args=(30,), name="sleeper"),
    ]
    for each in threads:
        each.start()
    try:
        yield
    finally:
        stop.set()
        for each in threads:
            each.join()


def test_a_thread_that_spins_is_blamed_by_its_function() -> None:
    """And not one that sleeps, although it is met as often."""
    sampler = StackSampler()
    with spinner():
        profile = sampler.take(0.5)
    blame, share = profile.blamed[0]
    assert blame.function.startswith("spin_once")
    assert blame.file == "test_stacks.py"
    assert share > 0.7
    assert profile.threads[0][0] == "spinner"
    spins = next(each for each in profile.functions if each.function.endswith("spin_for_nothing"))
    assert spins.total_share > 0.7
    assert profile.functions[0].function.startswith("test_stacks.spin_once")
    assert profile.samples >= 10
    assert "spin_once" in profile.words()
    assert "sleeper" not in {name for name, share in profile.threads if share > 0.02}
    assert sampler.profiles == [profile]


def test_a_profile_is_folded_for_flame_graphs() -> None:
    """A line a stack: the thread, its frames from the outermost on, and a whole number."""
    with spinner("spinner-7"):
        profile = StackSampler().take(0.2)
    lines = profile.folded().splitlines()
    stack, _, number = lines[0].rpartition(" ")
    frames = stack.split(";")
    assert frames[0] == "spinner"
    assert frames[-1].startswith("test_stacks.spin_once")
    assert "test_stacks.spin_for_nothing" in frames
    assert int(number) > 10


def test_there_is_one_profile_at_a_time() -> None:
    """A second is refused, and one that was to start by itself is counted."""
    sampler = StackSampler()
    assert sampler.start(0.4, trigger="cpu_spike")
    deadline = time.monotonic() + 60
    while not sampler.is_taking and time.monotonic() < deadline:
        time.sleep(0.005)
    with pytest.raises(BusyError, match="try again"):
        sampler.take(0.1)
    assert not sampler.start(0.1, trigger="other")
    assert sampler.wait(60)
    assert [each.trigger for each in sampler.profiles] == ["cpu_spike"]
    assert sampler.drops.counts() == {"profile_busy": 1}


def test_profiles_that_nobody_asked_for_have_a_budget() -> None:
    """So many seconds a day; what a person asks for is not counted."""
    clock = ManualClock()
    sampler = StackSampler(clock=clock, budget_s_a_day=0.25)
    for wanted in (True, True, False):
        assert sampler.start(0.1, trigger="periodic") is wanted
        assert sampler.wait(60)
        deadline = time.monotonic() + 60
        while sampler.is_taking and time.monotonic() < deadline:
            time.sleep(0.005)
    assert sampler.drops.counts() == {"profile_budget": 1}
    sampler.take(0.1)
    clock.advance(86_401)
    assert sampler.start(0.1, trigger="periodic")
    assert sampler.wait(60)
    assert len(sampler.profiles) == 4


def test_work_without_python_is_put_down_to_its_caller() -> None:
    """What a library reckons without the interpreter's lock counts for who called it."""
    stop = threading.Event()
    data = b"x" * 4_000_000

    def digest() -> None:
        while not stop.is_set():
            hashlib.sha256(data).digest()

    thread = threading.Thread(target=digest, name="digester")
    thread.start()
    profile = StackSampler().take(0.3)
    stop.set()
    thread.join()
    assert profile.blamed[0][0].function.endswith("digest")


def test_stacks_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Past some thousands they are lumped together, and nothing of their time is lost."""
    sampled = _Sampled()
    sampled.stacks = {(f"thread{at}", ()): 1.0 for at in range(_MOST_STACKS)}
    used = iter(range(1, 100))
    monkeypatch.setattr(
        "sectorwatch.observe.profiling.stacks.thread_cpu_s", lambda _: float(next(used))
    )
    sampled.look(-1)
    sampled.look(-1)
    assert len(sampled.stacks) == _MOST_STACKS + 1
    assert sampled.stacks[("(other)", ())] > 0


def test_code_is_told_from_libraries_and_has_an_owner(tmp_path: Path) -> None:
    """The longest beginning of a path counts; the profilers themselves are nobody's."""
    root = tmp_path / "program"
    own = OwnCode(root, {"feed/": "collector", "feed/journal": "journal"})
    assert own.is_own(f"{root}/feed/client.py")
    assert own.service(f"{root}/feed/client.py") == "collector"
    assert own.service(f"{root}/feed/journal_format.py") == "journal"
    assert own.service(f"{root}/other.py") == ""
    assert own.service("/elsewhere/feed/client.py") == ""
    assert own.short(f"{root}/feed/client.py") == "program/feed/client.py"
    assert not own.is_own(threading.__file__)
    assert own.short("/x/site-packages/lib/one.py") == "lib/one.py"
    assert own.short("/usr/lib/python3.11/json/decoder.py") == "json/decoder.py"
    assert not own.is_own("<string>")
    assert own.blame([]) is None


def test_a_stack_is_written_from_the_outermost_on() -> None:
    """This function is the last of it; deep stacks keep what is innermost."""
    codes = codes_of(sys._getframe())
    assert fold(codes).endswith(f";{label_of(codes[-1][0])}")
    assert codes[-1][0].co_name == "test_a_stack_is_written_from_the_outermost_on"

    def deeper(n: int) -> int:
        return len(codes_of(sys._getframe())) if n == 0 else deeper(n - 1)

    assert deeper(200) == 80


def test_on_a_full_machine_a_spinner_is_a_spike_although_it_gets_little(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What it wants counts then; where the machine has room, what it gets."""
    monkeypatch.setattr("sectorwatch.observe.profiling.resources.running_share", lambda: 1.0)
    monkeypatch.setattr("sectorwatch.observe.profiling.resources._WANTED_EVERY_S", 0.0)
    for is_full in (False, True):
        clock = ManualClock()
        metrics = MetricsCollector(clock=clock)
        limits = ResourceLimits(profile_s=0.1)
        resources = Resources(metrics, clock=clock, limits=limits)
        seen = resources.process.pulse()._replace(cpu=25.0, passed_s=5.0)
        monkeypatch.setattr(resources.process, "pulse", lambda seen=seen: seen)
        monkeypatch.setattr(resources.machine, "is_full", lambda is_full=is_full: is_full)
        for _ in range(7):
            clock.advance(5)
            resources.pulse()
        assert (resources.spike is not None) is is_full
        assert resources.profiler.wait(60)


def test_a_spike_is_profiled_and_its_function_named() -> None:
    """From the pulses that see it to the words that an alert says."""
    clock = ManualClock()
    metrics = MetricsCollector(clock=clock)
    limits = ResourceLimits(profile_s=0.3, cpu_spike_percent=50)
    resources = Resources(metrics, clock=clock, limits=limits)
    seen = resources.process.pulse()
    resources.process.pulse = lambda: seen._replace(cpu=99.0, passed_s=5.0)  # type: ignore[method-assign]
    with spinner():
        for _ in range(6):
            clock.advance(5)
            resources.pulse()
        words, details = resources.explain_cpu({})
    assert resources.spike is not None
    assert "spin_once" in words
    assert details["functions"][0]["file"] == "test_stacks.py"
    assert metrics.get_metric_summary("cpu_spike_percent")["latest"] == 99
    resources.process.pulse = lambda: seen._replace(cpu=2.0, passed_s=5.0)  # type: ignore[method-assign]
    for _ in range(3):
        clock.advance(5)
        resources.pulse()
    assert metrics.get_metric_summary("cpu_spike_percent")["latest"] == 0


def test_where_no_thread_can_be_had_nobody_waits_for_a_profile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A machine out of threads: it is counted, and nothing is raised."""

    def cannot_start(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", cannot_start)
    sampler = StackSampler()
    assert not sampler.start(0.1, trigger="cpu_spike")
    assert sampler.wait(0)
    assert sampler.drops.counts() == {"profile_failed": 1}
