"""A small made network on disk, and what a data directory holds in the end, for these tests."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import select

from sectorwatch.airspace import Airports, Airspace, load_airspace
from sectorwatch.config import Settings, load_settings
from sectorwatch.runtime import root
from sectorwatch.store import DataDirectory, Store, schema
from sectorwatch.store.blobs import decode_positions
from sectorwatch.store.parquet import read_segment
from sectorwatch.store.segments import CONTACTS, DEMAND, FLIGHTS, NETWORK, POSITIONS, VISITS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parents[2]
KEY = "5a" * 32
_TABLES = (
    schema.flight,
    schema.flight_plan,
    schema.plan_revision,
    schema.prefile,
    schema.visit,
    schema.movement,
    schema.session,
    schema.ownership,
    schema.contact,
    schema.demand,
    schema.gap,
    schema.network_count,
)


@cache
def _airspace(specs: tuple[str, ...]) -> Airspace:
    return load_airspace(specs)


@cache
def _airports() -> Airports:
    return Airports.load()


def load_once() -> None:
    """Have the made airspace and the world's airports loaded once in this process, and now."""

    def airspace(
        specs: Sequence[str],
        capacities: Mapping[str, int] | None = None,
        positions: Mapping[str, Sequence[str]] | None = None,
    ) -> Airspace:
        if capacities or positions:
            return load_airspace(specs, capacities, positions)
        return _airspace(tuple(specs))

    vars(root).update(load_airspace=airspace, _airports=lambda _settings: _airports())
    _airspace(("made:australia",))
    _airports()


def made_network(**wanted: Any) -> Iterator[Any]:
    """The feeds of tools/made_network.py."""
    name = "sectorwatch_made_network"
    module = sys.modules.get(name)
    if module is None:
        spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / "made_network.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    feeds: Iterator[Any] = module.made_network(**wanted)
    return feeds


def write_feeds(
    folder: Path, *, duration_s: int, every_s: int, flights: int = 30, radios: bool = False
) -> list[Path]:
    """Made feeds as files, one each `every_s` seconds; gives their paths in order of time.

    With `radios` the transceivers feeds of those that have one lie beside them.
    """
    folder.mkdir(parents=True)
    paths = []
    for number, feed in enumerate(made_network(seed=3, duration_s=duration_s, flights=flights)):
        if number * 15 % every_s:
            continue
        path = folder / f"feed_{number:05d}.json"
        path.write_bytes(feed.data)
        paths.append(path)
        if radios and feed.transceivers is not None:
            # Known by the time in its name, which is to be later than that of the feed before it.
            later = feed.time + timedelta(seconds=1)
            (folder / f"radios_{later:%Y%m%dT%H%M%SZ}.json").write_bytes(feed.transceivers)
    return paths


def settings_for(data_dir: Path, **more: Any) -> Settings:
    """Settings for a data directory whose masking key is always the same."""
    if not data_dir.exists():
        data_dir.mkdir(mode=0o700)
        key = data_dir / "masking.key"
        key.write_text(KEY + "\n")
        key.chmod(0o600)
    given = {
        "data_dir": data_dir,
        "log_format": "json",
        "disk_reserve_mb": 0,
        "environment": "testing",
    }
    return load_settings(given | more, {}).settings


def contents(data_dir: Path) -> dict[str, Any]:
    """All that was made of the feeds, wherever it lies now: rows, sealed rows and positions.

    Sealing moves rows from tables to files at a time of its own, so both are read together.
    """
    with DataDirectory.open(data_dir) as directory, Store.open(directory) as store:
        with store.database.read("comparing") as connection:
            rows: dict[str, list[tuple[Any, ...]]] = {
                table.name: [tuple(row) for row in connection.execute(select(table))]
                for table in _TABLES
            }
            ticks = connection.execute(select(schema.tick).order_by(schema.tick.c.seq)).all()
            files = connection.execute(
                select(schema.segment.c.kind, schema.segment.c.path).where(
                    schema.segment.c.replaced_at_us.is_(None)
                )
            ).all()
        positions = [decode_positions(tick.positions).columns() for tick in ticks if tick.positions]
        sealed = {
            VISITS.name: schema.visit,
            CONTACTS.name: schema.contact,
            DEMAND.name: schema.demand,
            NETWORK.name: schema.network_count,
        }
        kinds = {each.name: each for each in (POSITIONS, VISITS, CONTACTS, DEMAND, NETWORK)}
        for name, path in files:
            if name == FLIGHTS.name:
                # A copy of rows that stay in their table.
                continue
            kind = kinds[name]
            columns = read_segment(directory.segments / path, kind)
            if kind is POSITIONS:
                positions.append(columns)
                continue
            table = sealed[kind.name]
            names = [column.name for column in table.columns]
            values = [columns[name].tolist() for name in names]
            rows[table.name] += list(zip(*values, strict=True))
    return {
        **{name: sorted(each, key=repr) for name, each in rows.items()},
        "ticks": [(tick.seq, tick.snapshot_time_us, tick.position_count) for tick in ticks],
        "positions": _positions(positions),
    }


def _positions(parts: list[dict[str, Any]]) -> tuple[int, str]:
    """How many positions there are, and a hash of them all in one order."""
    names = ["flight_id", "time_s", "latitude_e5", "longitude_e5", "altitude_ft", "groundspeed_kt"]
    table = np.stack(
        [np.concatenate([part[name].astype(np.int64) for part in parts]) for name in names]
    )
    table = table[:, np.lexsort(table[::-1])]
    return table.shape[1], hashlib.blake2b(table.tobytes()).hexdigest()
