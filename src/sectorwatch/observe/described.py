"""What each metric is: its kind, its unit, its labels, and what it says in a sentence.

The help in `/metrics` comes from here, and so does the table of the documentation: a metric that
nobody described is one that nobody can read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import cast, get_args

from sectorwatch.observe.series import Kind

__all__ = ["OWN_METRICS", "Described", "described"]

_HEAD = re.compile(
    r"(?P<name>\w+)(?:\{(?P<labels>[\w,]+)\})? (?P<kind>\w+)(?: (?P<unit>[^ (]+))?"
    r" \((?P<by>[^)]+)\)"
)


@dataclass(frozen=True, slots=True)
class Described:
    """A metric as it is recorded; `by` is the service that records it.

    A `sample` is a value kept by `record_metric`: exposed as a gauge, or where its unit is seconds
    as a timing.
    """

    name: str
    kind: Kind
    unit: str
    labels: tuple[str, ...]
    by: str
    says: str


def described(text: str) -> tuple[Described, ...]:
    r"""The metrics that `text` describes.

    Each is a line `name{labels} kind unit (by)`, and under it, indented, what it says. Raises
    ValueError for a line of neither form, and for a name that stands there twice.

    >>> described("turns_total{wheel} counter (mill)\n    How often a wheel turned.")[0].labels
    ('wheel',)
    """
    heads: dict[str, tuple[re.Match[str], list[str]]] = {}
    says: list[str] = []
    for line in text.strip("\n").splitlines():
        if line.startswith("    "):
            says.append(line.strip())
            continue
        head = _HEAD.fullmatch(line)
        if head is None or head["kind"] not in get_args(Kind) or head["name"] in heads:
            raise ValueError(f"{line!r} is not the first line of a new metric's description")
        says = []
        heads[head["name"]] = head, says
    return tuple(
        Described(
            name,
            cast("Kind", head["kind"]),
            head["unit"] or "",
            tuple((head["labels"] or "").split(",")) if head["labels"] else (),
            head["by"],
            " ".join(words),
        )
        for name, (head, words) in heads.items()
    )


OWN_METRICS = described(
    """
alert_evaluation_seconds timing seconds (monitoring)
    How long one evaluation of all alert rules took.
alert_rules_failed_total counter (monitoring)
    Alert rules that could not be evaluated, each time.
alerts_firing{severity} gauge (monitoring)
    Alerts that go on, acknowledged, silenced and inhibited ones among them.
cache_requests_total{cache,outcome} counter (api)
    What caches were asked for, hit or miss.
cpu_spike_percent gauge percent (performance)
    Processor time that a spike takes, of one core; 0 while there is none.
cpu_throttled_ratio gauge ratio (performance)
    The share of time for which the container's limit of processor time held this program back.
database_statement_seconds{database,verb} timing seconds (store)
    How long a statement took, by kind of database (duckdb reads the sealed files) and verb.
database_watched_statement_seconds{statement} timing seconds (store)
    How long a statement took that a recommendation is about, by its id.
disk_busy_ratio gauge ratio (performance)
    The share of time in which the data directory's device had something to do.
disk_free gauge bytes (performance)
    Room left on the disk of the data directory.
disk_full_in_seconds gauge seconds (performance)
    When the disk will be full by how fast its room goes; set while it falls, and once to 30 days
    when it falls no more.
disk_latency_seconds gauge seconds (performance)
    How long a read or a write took on the data directory's device, on the mean since the last
    sample.
disk_read_bytes_total counter bytes (performance)
    Bytes read from the data directory's device, by whomever.
disk_used_ratio gauge ratio (performance)
    The share of the data directory's disk that is taken.
disk_write_bytes_total counter bytes (performance)
    Bytes written to the data directory's device, by whomever.
gc_collections_total{generation} counter (performance)
    Runs of Python's garbage collector.
gc_objects{generation} gauge (performance)
    Objects that the garbage collector follows; of all but the youngest looked at every ten minutes.
gc_pause_seconds timing seconds (performance)
    How long a run of the garbage collector held everything up.
gc_uncollectable_total counter (performance)
    Objects that the garbage collector could not free.
heartbeat_seconds timing seconds (notifier)
    How long the other system took to answer a sign of life.
heartbeats_total{status} counter (notifier)
    Signs of life to heartbeat_url: sent, or failed.
loop_blocked_seconds gauge seconds (performance)
    The longest time for which the event loop did not turn, in the last 15 s or still.
loop_blocks_total counter (performance)
    How often the event loop stood still for longer than loop_blocked_s.
loop_lag_seconds timing seconds (performance)
    How long the event loop took to answer, asked several times a second.
memory_available_ratio gauge ratio (performance)
    The share of memory that can still be given to programs, of the machine's or the container's.
memory_leak_bytes_per_hour gauge bytes/hour (performance)
    How fast memory leaks; 0 while it does not.
memory_leak_looks_total counter (performance)
    How often allocations were traced for some seconds, to find lines that leak.
network_errors_total counter (performance)
    Packets that failed or were dropped, on all interfaces but the loopback.
network_received_bytes_total counter bytes (performance)
    Bytes that the machine received, on all interfaces but the loopback.
network_sent_bytes_total counter bytes (performance)
    Bytes that the machine sent, on all interfaces but the loopback.
notification_send_seconds{channel} timing seconds (notifier)
    How long an attempt to tell somebody took.
notifications_pending gauge (notifier)
    Notifications that wait to be sent, counted for each channel.
notifications_sent_total{channel,status} counter (notifier)
    Attempts to tell somebody: sent, to be tried again (retry), or failed for good.
observe_dropped{part,reason} counter (monitoring)
    What observation itself could not keep, by its part and the reason.
observe_drops_total counter (monitoring)
    What observation could not keep, all its parts together.
open_files_ratio gauge ratio (performance)
    The share of the files that this program may open that are open.
operation_cache_hit_rate{operation,service} sample ratio (api)
    The share of what a cache was asked for in some seconds that it had; the cache's name is the
    operation's.
operation_concurrent_requests{operation,service} sample operations (every timed operation)
    How many runs of an operation were under way at once, on the mean of some seconds.
operation_cpu_usage{operation,service} sample percent (every timed operation)
    The share of its time that an operation's thread was on the processor; of service system
    the machine's.
operation_database_query_time{operation,service} timing seconds (every timed operation)
    How long a statement took that an operation ran.
operation_error_rate{operation,service} sample ratio (every timed operation)
    The share of an operation's runs that failed.
operation_memory_usage{operation,service} sample megabytes (every timed operation)
    What the process grew by during a run, measured every few seconds; of service system the
    machine's use of memory.
operation_response_time{operation,service} timing seconds (every timed operation)
    How long a run of an operation took.
operation_slowdown{operation,service} gauge ratio (performance)
    An operation's median of the last 90 seconds over the highest of its own past, where it is
    slower than it ever was; else 1.
operation_throughput{operation,service} sample operations/second (every timed operation)
    How many runs of an operation ended in a second, on the mean of some seconds.
process_connections{state} gauge (performance)
    TCP connections of this program by their state.
process_context_switches_total{kind} counter (performance)
    How often a thread gave the processor up (voluntary) or had it taken away (involuntary).
process_cpu gauge percent (performance)
    Processor time that this program takes, of one core.
process_disk_read_bytes_total counter bytes (performance)
    Bytes that this program had read from disks.
process_disk_write_bytes_total counter bytes (performance)
    Bytes that this program had written to disks.
process_major_faults_total counter (performance)
    How often this program waited for memory to be read from a disk.
process_open_fds gauge (performance)
    Files, connections and the like that this program holds open.
process_proportional_memory gauge bytes (performance)
    Memory of this program, what it shares counted in parts; looked at every five minutes.
process_resident_memory gauge bytes (performance)
    Memory of this program that is not swapped out.
process_swapped_memory gauge bytes (performance)
    Memory of this program that is swapped out; looked at every five minutes.
process_threads gauge (performance)
    Threads of this program.
process_unique_memory gauge bytes (performance)
    Memory that would be free without this program; looked at every five minutes.
python_allocated_blocks gauge (performance)
    Small pieces of memory that Python's values hold.
queue_fill_ratio{queue,service} gauge ratio (whoever has the queue)
    How full a bounded queue is, 0 to 1: feeds, bus (its fullest handler), metric_samples,
    observe_jobs and others.
service_health{service} gauge (monitoring)
    How a service is by its own health check: 1 healthy, 0.5 degraded, 0 unhealthy.
system_cpu gauge percent (performance)
    Processor time that the machine is busy, of all its cores.
system_cpu_iowait gauge percent (performance)
    Processor time of the machine in which it waited for disks.
system_cpu_steal gauge percent (performance)
    Processor time that the machine's host gave to others.
system_load gauge (performance)
    Programs that ran or wanted to, on the mean of a minute.
system_memory_available gauge bytes (performance)
    Memory that the machine could still give to programs.
system_swap_used_ratio gauge ratio (performance)
    The share of the machine's swap space that is taken.
thread_cpu{thread} gauge percent (performance)
    Processor time of threads by name, of one core.
threads_alive{thread} gauge (performance)
    Threads of this program by name, without the number behind it.
"""
)
"""Those that observation itself records, in name order."""
