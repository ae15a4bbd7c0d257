from __future__ import annotations

import gc
import hashlib
import os
import resource
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from observe.made import ManualClock
from sectorwatch.observe import MetricsCollector, Telemetry
from sectorwatch.observe.profiling import Resources, threads
from sectorwatch.observe.profiling.garbage import GarbageWatch
from sectorwatch.observe.profiling.limits import ControlGroup, GroupMemory
from sectorwatch.observe.profiling.machine import Machine
from sectorwatch.observe.profiling.threads import (
    ThreadTimes,
    group_of,
    native_threads,
    thread_cpu_s,
    thread_state,
)

ALWAYS = {
    "cpu_spike_percent",
    "disk_free",
    "disk_used_ratio",
    "gc_objects",
    "memory_available_ratio",
    "memory_leak_bytes_per_hour",
    "open_files_ratio",
    "process_connections",
    "process_cpu",
    "process_open_fds",
    "process_resident_memory",
    "process_threads",
    "process_unique_memory",
    "python_allocated_blocks",
    "system_cpu",
    "system_load",
    "system_memory_available",
    "system_swap_used_ratio",
    "threads_alive",
    "thread_cpu",
}


def latest(metrics: MetricsCollector, name: str, **tags: str) -> float:
    """The last value of a metric."""
    return float(metrics.get_metric_summary(name, tags=tags)["latest"])


def test_a_sample_sees_machine_process_and_threads(tmp_path: Path) -> None:
    """Each gauge is there after two looks, with a value that can be."""
    telemetry = Telemetry.open(tmp_path / "observe.db", sinks=[])
    for _ in range(2):
        telemetry.sampler.sample()
        time.sleep(0.02)
    metrics = telemetry.metrics
    metrics.collect()
    sampled = {name for name in metrics.names() if metrics.get_metrics(name, 1)}
    assert sampled >= ALWAYS
    for name in ("memory_available_ratio", "disk_used_ratio", "open_files_ratio"):
        assert 0 < latest(metrics, name) < 1
    assert latest(metrics, "process_resident_memory") > 1e7
    assert latest(metrics, "process_unique_memory") > 1e7
    assert latest(metrics, "python_allocated_blocks") > 10_000
    assert latest(metrics, "threads_alive", thread="MainThread") == 1
    assert latest(metrics, "process_threads") >= threading.active_count()
    telemetry.close()


def test_a_thread_that_spins_is_seen_by_its_name() -> None:
    """Of the threads, it is the one that used the processor."""
    metrics = MetricsCollector()
    resources = Resources(metrics)
    resources.process.sample()
    spins = threading.Event()

    def spin() -> None:
        while not spins.is_set():
            pass

    thread = threading.Thread(target=spin, name="spinner-3")
    thread.start()
    time.sleep(0.3)
    resources.process.sample()
    spins.set()
    thread.join()
    found = {each.tags["thread"]: each.value for each in metrics.get_metrics("thread_cpu", 1)}
    assert max(found, key=lambda name: found[name]) == "spinner"
    resources.process.sample()
    assert latest(metrics, "thread_cpu", thread="spinner") == 0


def test_threads_that_have_ended_use_nothing() -> None:
    """Their clock is gone, and asking for it is no danger."""
    thread = threading.Thread(target=lambda: None)
    thread.start()
    thread.join()
    # Python is done with it a moment before the kernel is.
    deadline = time.monotonic() + 60
    while thread_cpu_s(thread.native_id or 0) is not None and time.monotonic() < deadline:
        time.sleep(0.001)
    assert thread_cpu_s(thread.native_id or 0) is None
    assert thread_state(2**30) == ""


def test_what_a_thread_used_is_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between two looks, from nothing for a thread whose number was another's before."""
    used = {1: 5.0, 2: 7.0}
    monkeypatch.setattr(threads, "native_threads", lambda: {1: "a-1", 2: "a-2"})
    monkeypatch.setattr(threads, "thread_cpu_s", lambda number: used[number])
    times = ThreadTimes()
    times.take()
    used |= {1: 6.5, 2: 0.25}
    spent, count = times.take()
    assert spent == {"a": 1.75}
    assert count == {"a": 2}


def test_a_thread_that_wants_the_processor_is_seen_whatever_it_gets() -> None:
    """One that spins always wants it; threads that wait do not."""
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            hashlib.sha256(b"x" * 1_000_000).digest()

    thread = threading.Thread(target=spin)
    thread.start()
    wanted = threads.running_share(5, 0.1)
    stop.set()
    thread.join()
    assert wanted >= 0.8
    assert threads.running_share(5, 0.1) < 1


def test_native_threads_are_named_too() -> None:
    """This thread by Python's name; every thread of the process is there."""
    found = native_threads()
    assert found[threading.get_native_id()] == threading.current_thread().name
    assert len(found) == len(list(Path("/proc/self/task").iterdir()))
    assert group_of("asyncio_12") == "asyncio"


def group_files(root: Path, **files: str) -> ControlGroup:
    """A control group of version 2 with these files in it, below one without limits."""
    (root / "cgroup.controllers").write_text("cpu memory\n")
    ours = root / "system.slice" / "ours"
    ours.mkdir(parents=True)
    for name, text in files.items():
        (ours / name.replace("_", ".", 1)).write_text(text)
    membership = root / "membership"
    membership.write_text("4:memory:/elsewhere\n0::/system.slice/ours\n")
    return ControlGroup(root, membership)


def test_a_containers_limits_count(tmp_path: Path) -> None:
    """Memory that may be used, less what the kernel could drop; and half a processor."""
    group = group_files(
        tmp_path,
        memory_max="400000000\n",
        memory_current="300000000\n",
        memory_stat="anon 1\ninactive_file 100000000\n",
        cpu_max="50000 100000\n",
        cpu_stat="usage_usec 5\nthrottled_usec 2500000\n",
    )
    assert group.memory() == GroupMemory(400_000_000, 200_000_000)
    assert group.processors() == 0.5
    assert group.throttled_s() == 2.5
    metrics = MetricsCollector()
    Machine(metrics, group, disk=None).sample()
    assert latest(metrics, "memory_available_ratio") == 0.5
    assert latest(metrics, "system_memory_available") == 200_000_000
    assert latest(metrics, "cpu_throttled_ratio") == 0


@pytest.mark.parametrize(
    "files",
    [
        {"memory_max": "max\n", "memory_current": "5\n", "cpu_max": "max 100000\n"},
        {"memory_max": "\xff", "memory_current": "-1", "cpu_max": "a b"},
        {},
    ],
)
def test_a_group_without_limits_limits_nothing(tmp_path: Path, files: dict[str, str]) -> None:
    """Nor does one whose files say what nobody understands."""
    group = group_files(tmp_path, **files)
    assert group.memory() is None
    assert group.processors() is None
    assert group.throttled_s() is None


def test_a_machine_without_groups_has_no_limits(tmp_path: Path) -> None:
    """Nothing is read where there is nothing."""
    group = ControlGroup(tmp_path / "none", tmp_path / "none")
    assert (group.memory(), group.processors(), group.throttled_s()) == (None, None, None)


def test_a_disk_that_cannot_be_asked_is_left_out(tmp_path: Path) -> None:
    """The rest is sampled all the same."""
    metrics = MetricsCollector()
    machine = Machine(metrics, ControlGroup(), disk=tmp_path / "gone")
    machine.sample()
    assert machine.free_bytes() is None
    assert metrics.get_metrics("system_cpu", 1)
    assert not metrics.get_metrics("disk_used_ratio", 1)


def test_collections_of_garbage_are_timed() -> None:
    """By generation, also where one runs while the metrics' own lock is held."""
    metrics = MetricsCollector()
    watch = GarbageWatch(metrics)
    watch.start()
    watch.start()
    with metrics._lock:
        gc.collect()
    gc.collect(0)
    watch.stop()
    gc.collect()
    watch.record(0.0)
    assert metrics.get_metric_summary("gc_pause_seconds")["count"] == 2
    assert metrics.counter("gc_collections_total", {"generation": "2"}).total == 1
    assert metrics.counter("gc_collections_total", {"generation": "0"}).total == 1
    assert latest(metrics, "gc_objects", generation="2") > 1_000
    assert watch._note not in gc.callbacks


def test_between_samples_little_is_looked_at(tmp_path: Path) -> None:
    """A pulse sees room on the disk, and asks neither the machine nor the kernel's lists."""
    metrics = MetricsCollector()
    resources = Resources(metrics, disk=tmp_path)
    resources.pulse()
    assert latest(metrics, "disk_free") > 0
    assert not metrics.get_metrics("system_cpu", 1)


def test_a_disk_that_fills_is_told_and_untold(tmp_path: Path) -> None:
    """Within half a minute; once it falls no more the last word is a month."""
    clock = ManualClock()
    metrics = MetricsCollector(clock=clock)
    resources = Resources(metrics, disk=tmp_path, clock=clock)
    free = [3e9]
    resources.machine.free_bytes = lambda: int(free[0])  # type: ignore[method-assign]
    for _ in range(6):
        resources.pulse()
        clock.advance(5)
        free[0] -= 250e6
    assert 5 < latest(metrics, "disk_full_in_seconds") < 60
    assert "50 MB a second" in resources.explain_disk({})
    for _ in range(6):
        resources.pulse()
        clock.advance(5)
    assert latest(metrics, "disk_full_in_seconds") == 30 * 86_400
    assert len(metrics.get_metrics("disk_full_in_seconds", 1)) < 8
    assert "does not fall" in resources.explain_disk({})


def test_whoever_says_what_is_busy_may_raise() -> None:
    """It is counted, and the process taken for idle."""
    resources = Resources(MetricsCollector())

    def fails() -> bool:
        raise RuntimeError("no idea")

    resources.expected_busy = fails
    resources.pulse()
    assert resources.drops.counts() == {"expected_busy_failed": 1}


def test_with_observation_off_nothing_is_looked_at() -> None:
    """No thread, no listener, no sample."""
    # Another test's program may run in this process, too.
    others = set(threading.enumerate())
    telemetry = Telemetry.null()
    callbacks: list[Any] = list(gc.callbacks)
    telemetry.start()
    telemetry.sampler.sample()
    telemetry.resources.pulse()
    started = {each.name for each in set(threading.enumerate()) - others}
    assert not [name for name in started if name.startswith("observe")]
    assert gc.callbacks == callbacks
    telemetry.close()


def test_reads_and_writes_of_the_disk_are_counted() -> None:
    """What this process wrote, from the first look on."""
    metrics = MetricsCollector()
    # What other tests write may lie in memory; this is kept over a restart, so it is on a disk.
    disk = Path("/var/tmp")  # noqa: S108 - a file without a name
    with tempfile.TemporaryFile(dir=disk) as file:
        resources = Resources(metrics, disk=disk)
        resources.process.sample()
        file.write(b"x" * 1_000_000)
        file.flush()
        os.fsync(file.fileno())
        resources.process.sample()
    assert metrics.counter("process_disk_write_bytes_total").total >= 1_000_000


def test_a_program_that_can_open_nothing_more_says_so(tmp_path: Path) -> None:
    """What it holds open cannot be counted then, for that takes a file too: all of it is."""
    resources = Resources(metrics := MetricsCollector(), disk=tmp_path)
    resources.sample()
    assert latest(metrics, "open_files_ratio") < 1
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            resources.sample()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert latest(metrics, "open_files_ratio") == 1
    resources.sample()
    assert latest(metrics, "open_files_ratio") < 1
