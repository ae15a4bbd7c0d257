"""A data feed decoded: typed records in range, a bad one repaired or dropped alone, all counted."""

from __future__ import annotations

from functools import lru_cache
from operator import attrgetter
from typing import TYPE_CHECKING, Any

import msgspec

from sectorwatch.feed.fields import PilotFields
from sectorwatch.feed.people import check_atis, check_controllers, check_prefiles
from sectorwatch.feed.pilots import check_fields
from sectorwatch.feed.reading import as_int, read_by_record, read_general
from sectorwatch.feed.records import Reference, Snapshot
from sectorwatch.feed.repair import Counts, Seconds, clean_text
from sectorwatch.feed.structure import repair_text
from sectorwatch.feed.wire import Wire, WireTables, read_wire

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from sectorwatch.feed.regulars import Attended

__all__ = ["decode_feed"]

_NUMBER = attrgetter("cid")
_SHORT_NAME, _LONG_NAME = 20, 100
# Most times come again with the next feed: those of logging on and of filing.
_seconds = Seconds()
_MOST_SECONDS = 20_000


def decode_feed(
    document: bytes,
    time_us: int,
    received_at_us: int,
    *,
    extra_dropped: Mapping[str, int] | None = None,
    wire: Wire | None = None,
    attended: Attended | None = None,
) -> Snapshot:
    """The snapshot in `document`, a data feed in JSON of `time_us` (microseconds since 1970).

    It is read in one go, and record by record where that fails: no record is lost because of its
    neighbours. `extra_dropped` are records that acceptance left out, `wire` the document as
    acceptance read it already, `attended` the same where it knew its pilots again. Raises
    FeedRefusedError where the document is no feed at all.
    """
    counts = Counts()
    if attended is not None:
        wire = attended.wire
    elif wire is None:
        wire = read_wire(document) or read_by_record(document, counts)
    counts.dropped.update(extra_dropped or {})
    time_s = time_us // 1_000_000
    if len(_seconds) > _MOST_SECONDS:
        _seconds.clear()
    fields = PilotFields.of(wire.pilots) if attended is None else attended.fields
    pilots, columns = check_fields(fields, time_s, _seconds, counts, attended)
    controllers = check_controllers(wire.controllers, time_s, _seconds, counts)
    atis = check_atis(wire.atis, time_s, _seconds, counts)
    prefiles = check_prefiles(wire.prefiles, time_s, _seconds, counts)
    reference, bad_entries = _reference(*(bytes(getattr(wire, name)) for name in _TABLES))
    counts.drop("table_entry", bad_entries)
    clients, users = _client_counts(wire, fields.cid, counts)
    return Snapshot(
        time_us=time_us,
        received_at_us=received_at_us,
        pilots=pilots,
        columns=columns,
        controllers=controllers,
        atis=atis,
        prefiles=prefiles,
        connected_clients=clients,
        unique_users=users,
        reference=reference,
        repaired=dict(counts.repaired),
        dropped=dict(counts.dropped),
        noted=dict(counts.noted),
    )


def _client_counts(wire: Wire, pilots: Sequence[int | None], counts: Counts) -> tuple[int, int]:
    """How many clients and members are connected: as the feed says, else as its records do."""
    general = read_general(bytes(wire.general), counts)
    clients = len(pilots) + len(wire.controllers) + len(wire.atis)
    members = {*pilots, *map(_NUMBER, wire.controllers), *map(_NUMBER, wire.atis)}
    said = general.connected_clients, general.unique_users
    if None in said or min(each or 0 for each in said) < 0:
        counts.repair("counts_missing")
    elif said != (clients, len(members)):
        counts.note("count_mismatch")
    given_clients, given_users = (each if each and each > 0 else None for each in said)
    return given_clients or clients, given_users or len(members)


_TABLES = WireTables.__struct_fields__


@lru_cache(maxsize=4)
def _reference(*tables: bytes) -> tuple[Reference, int]:
    """The feed's own tables, and how many of their entries could not be used; rarely new."""
    read = [_table(raw) for raw in tables]
    reference = Reference(**{name: table for name, (table, _) in zip(_TABLES, read, strict=True)})
    return reference, sum(bad for _, bad in read)


def _table(raw: bytes) -> tuple[dict[int, tuple[str, str]], int]:
    try:
        entries: Any = msgspec.json.decode(repair_text(raw))
    except (ValueError, RecursionError):
        return {}, 1
    if not isinstance(entries, list):
        return {}, int(entries is not None)
    table: dict[int, tuple[str, str]] = {}
    for entry in entries:
        number = as_int(entry.get("id")) if isinstance(entry, dict) else None
        if isinstance(number, int):
            short = entry.get("short", entry.get("short_name"))
            long = entry.get("long", entry.get("long_name"))
            table[number] = _name(short, _SHORT_NAME), _name(long, _LONG_NAME)
    return table, len(entries) - len(table)


def _name(value: Any, limit: int) -> str:
    return clean_text(value, limit) if isinstance(value, str) else ""
