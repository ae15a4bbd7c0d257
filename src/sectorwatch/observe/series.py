"""Which series there are: names and tags checked once, then found again in one look-up."""

from __future__ import annotations

import threading
from collections import Counter as Tally
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from sectorwatch.observe.rings import RawBudget, RawRing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    import numpy as np
    from numpy.typing import NDArray

    from sectorwatch.observe.drops import Drops

__all__ = ["Key", "Kind", "MetricLimits", "Series", "SeriesTable"]

_RAW_KEPT_S = 3_600
Kind = Literal["sample", "counter", "gauge", "timing"]
Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class MetricLimits:
    """Where recording stops and counting of what was dropped begins.

    A raw sample takes 16 bytes, a row of the last hours' summaries about 100.
    """

    series: int = 5_000
    series_per_name: int = 1_000
    name_length: int = 200
    tags: int = 12
    tag_length: int = 200
    fold_at: int = 4_096
    waiting: int = 65_536
    raw_per_series: int = 3_600
    raw_in_all: int = 1_000_000
    recent_rows: int = 400_000


class Series:
    """One metric with one set of tags: its last hour raw, and its totals since the start."""

    __slots__ = (
        "count",
        "id",
        "key",
        "kind",
        "latest",
        "latest_s",
        "name",
        "pinned",
        "ring",
        "tags",
        "total",
        "unit",
    )

    def __init__(self, id_: int, key: Key, kind: Kind, unit: str, ring: RawRing) -> None:
        self.id = id_
        self.key = key
        self.name = key[0]
        self.tags = dict(key[1])
        self.kind: Kind = kind
        self.unit = unit
        self.ring = ring
        self.count = 0
        self.total = 0.0
        self.latest = 0.0
        self.latest_s = 0.0
        # An instrument holds this series: it must not be put to rest.
        self.pinned = False

    def keep(self, times_s: NDArray[np.float64], values: NDArray[np.float64], total: float) -> None:
        """Take samples in the order of their time; `total` is their sum."""
        self.ring.extend(times_s, values)
        self.count += len(values)
        self.total += total
        # Several threads fold: a batch may come in after one that is younger.
        if times_s[-1] >= self.latest_s:
            self.latest = float(values[-1])
            self.latest_s = float(times_s[-1])


class SeriesTable:
    """Every series in use, and those of earlier days that have an id in the database."""

    def __init__(self, limits: MetricLimits, drops: Drops) -> None:
        self._limits = limits
        self._drops = drops
        self._lock = threading.Lock()
        self._budget = RawBudget(limits.raw_in_all)
        self._by_key: dict[Key, Series] = {}
        self._per_name: Tally[str] = Tally()
        self._kinds: dict[str, Kind] = {}
        self._resting: dict[Key, tuple[int, Kind, str]] = {}
        self._next_id = 1
        self._unsaved: list[Series] = []
        self.by_id: dict[int, Series] = {}
        self.on_rest: Callable[[], None] = _nothing
        """Called when series were put to rest: whoever remembers ids has to forget them."""

    def find(
        self, name: str, tags: Mapping[str, str] | None, unit: str, kind: Kind, *, pin: bool = False
    ) -> Series | None:
        """The series, made where it is new; None, and counted, where it may not be."""
        key = self._key(name, tags)
        if key is None:
            return None
        with self._lock:
            series = self._by_key.get(key)
            if series is None:
                series = self._make(key, unit, kind)
            elif series.kind != kind and "counter" in {series.kind, kind}:
                # A counter's samples are increments: a level among them would falsify the count.
                self._drops.count("other_kind")
                return None
            if series is not None:
                series.pinned |= pin
                if kind != "sample" and series.kind == "sample":
                    series.kind = self._kinds[name] = kind
            return series

    def named(self, name: str) -> list[Series]:
        """The series in use that have this name."""
        with self._lock:
            return [series for key, series in self._by_key.items() if key[0] == name]

    def ids_of(self, name: str) -> dict[int, tuple[dict[str, str], str]]:
        """Tags and unit of every series of this name, in use or resting, by id."""
        with self._lock:
            found = {
                id_: (dict(key[1]), unit)
                for key, (id_, _, unit) in self._resting.items()
                if key[0] == name
            }
            for key, series in self._by_key.items():
                if key[0] == name:
                    found[series.id] = (series.tags, series.unit)
            return found

    def everything(self) -> list[Series]:
        """The series in use, by name, then tags."""
        with self._lock:
            return [self._by_key[key] for key in sorted(self._by_key)]

    def names(self) -> list[str]:
        """Every distinct name, in use or resting, sorted."""
        with self._lock:
            return sorted({key[0] for key in self._by_key} | {key[0] for key in self._resting})

    def restore(self, rows: Iterable[tuple[int, Key, Kind, str]]) -> None:
        """Take up the series that a database knows, so that they keep their ids.

        A second time it is another database: it knows none of those in use.
        """
        with self._lock:
            self._resting.clear()
            self._unsaved = list(self._by_key.values())
            for id_, key, kind, unit in rows:
                self._resting[key] = (id_, kind, unit)
                self._next_id = max(self._next_id, id_ + 1)

    def unsaved(self) -> list[Series]:
        """The series that the database has no row for yet."""
        with self._lock:
            return list(self._unsaved)

    def saved(self, series: Iterable[Series]) -> None:
        """Hear that these have a row now."""
        with self._lock:
            done = {one.id for one in series}
            self._unsaved = [one for one in self._unsaved if one.id not in done]

    def rest(self, now_s: float, after_s: float) -> int:
        """Put to rest what nothing was recorded of for `after_s` seconds; how many were.

        A tag whose values change from day to day must not fill the table for ever. Rings without a
        sample of the last hour give their room back.
        """
        with self._lock:
            waiting = {one.id for one in self._unsaved}
            for one in self._by_key.values():
                if one.latest_s < now_s - _RAW_KEPT_S:
                    one.ring.free()
            before_s = now_s - after_s
            idle = [
                (key, one)
                for key, one in self._by_key.items()
                if not one.pinned and one.latest_s < before_s and one.id not in waiting
            ]
            for key, one in idle:
                del self._by_key[key], self.by_id[one.id]
                self._per_name[one.name] -= 1
                self._resting[key] = (one.id, one.kind, one.unit)
                one.ring.free()
        if idle:
            self.on_rest()
        return len(idle)

    def forget(self, ids: Iterable[int]) -> None:
        """Drop resting series of which the database has nothing any more."""
        with self._lock:
            gone = set(ids)
            self._resting = {k: v for k, v in self._resting.items() if v[0] not in gone}

    def in_use(self) -> set[int]:
        """The ids of all series in use."""
        with self._lock:
            return set(self.by_id)

    def _make(self, key: Key, unit: str, kind: Kind) -> Series | None:
        name = key[0]
        known = self._kinds.get(name, kind)
        if known != kind and "counter" in {known, kind}:
            self._drops.count("other_kind")
            return None
        if len(self._by_key) >= self._limits.series:
            self._drops.count("series_limit")
            return None
        if self._per_name[name] >= self._limits.series_per_name:
            self._drops.count("series_per_name_limit")
            return None
        old = self._resting.pop(key, None)
        if kind == "sample":
            kind = known
        unit = unit[: self._limits.tag_length]
        ring = RawRing(self._limits.raw_per_series, self._budget)
        if old is None:
            series = Series(self._next_id, key, kind, unit, ring)
            self._next_id += 1
            self._unsaved.append(series)
        else:
            series = Series(old[0], key, kind, unit or old[2], ring)
        self._by_key[key] = self.by_id[series.id] = series
        self._kinds[name] = kind
        self._per_name[name] += 1
        return series

    def _key(self, name: Any, tags: Mapping[str, str] | None) -> Key | None:
        """Name and sorted tags, or None, counted, where they cannot be used."""
        limits = self._limits
        if not isinstance(name, str) or not name:
            self._drops.count("bad_name")
        elif len(name) > limits.name_length:
            self._drops.count("long_name")
        elif not name.isprintable():
            self._drops.count("bad_name")
        elif tags and len(tags) > limits.tags:
            self._drops.count("too_many_tags")
        else:
            pairs = sorted((_proper(k), _proper(v)) for k, v in tags.items()) if tags else []
            if all(len(key) + len(value) <= limits.tag_length for key, value in pairs):
                return name, tuple(pairs)
            self._drops.count("long_tag")
        return None


def _proper(text: object) -> str:
    """A tag as text that can be written down: half a character cannot."""
    return str(text).encode("utf-8", "replace").decode("utf-8")


def _nothing() -> None:
    pass
