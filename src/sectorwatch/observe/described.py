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
database_rows_written_total{table} counter (store)
    Rows that were inserted, changed or deleted, by table.
database_statement_seconds{database,verb} timing seconds (store)
    How long a statement took, by kind of database (duckdb reads the sealed files) and verb.
disk_free gauge bytes (performance)
    Room left on the disk of the data directory.
heartbeat_seconds timing seconds (notifier)
    How long the other system took to answer a sign of life.
heartbeats_total{status} counter (notifier)
    Signs of life to heartbeat_url: sent, or failed.
notification_send_seconds{channel} timing seconds (notifier)
    How long an attempt to tell somebody took.
notifications_pending gauge (notifier)
    Notifications that wait to be sent, counted for each channel.
notifications_sent_total{channel,status} counter (notifier)
    Attempts to tell somebody: sent, to be tried again (retry), or failed for good.
observe_dropped{part,reason} counter (monitoring)
    What observation itself could not keep, by its part and the reason.
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
process_cpu gauge percent (performance)
    Processor time that this program takes, of one core.
process_open_fds gauge (performance)
    Files, connections and the like that this program holds open.
process_resident_memory gauge bytes (performance)
    Memory of this program that is not swapped out.
process_threads gauge (performance)
    Threads of this program.
queue_fill_ratio{queue} gauge ratio (whoever has the queue)
    How full a bounded queue is, 0 to 1: feeds, bus (its fullest handler), metric_samples,
    observe_jobs and others.
system_cpu gauge percent (performance)
    Processor time that the machine is busy, of all its cores.
system_memory_available gauge bytes (performance)
    Memory that the machine could still give to programs.
"""
)
"""Those that observation itself records, in name order."""
