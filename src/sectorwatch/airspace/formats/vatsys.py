"""vatSys: a profile's `Sectors.xml`, `Volumes.xml` and `Positions.xml`.

A profile's "sectors" are its controllers' positions, each with the volumes it works. Those whose
callsign ends in `_CTR` or `_FSS` are sectors of the partition `enroute`. Those that end in `_APP`
or `_DEP` and work the same volumes are one sector of `approach`, which goes by its volumes' names.
The rest (towers, ground, delivery, flow), training callsigns, and who has no volumes are positions
only. `ResponsibleSectors` says whom a position covers where nobody else is there; it is nested and
may run in a circle.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sectorwatch.airspace.formats.iso6709 import points_of
from sectorwatch.airspace.formats.reading import Findings, clean_name, read_xml
from sectorwatch.airspace.geometry import BadShapeError, as_ring, build_shape
from sectorwatch.airspace.levels import level_ft, limits_ft
from sectorwatch.airspace.model import DataSet, PositionRule, Sector, SectorKind, Volume
from sectorwatch.airspace.owners import callsign_lead, frequency_khz, position_rule
from sectorwatch.errors import AirspaceError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from xml.etree.ElementTree import Element

    from sectorwatch.airspace.geometry import Ring
    from sectorwatch.airspace.spec import Spec

__all__ = ["POSITIONS", "SECTORS", "VOLUMES", "read"]

SECTORS = "Sectors.xml"
VOLUMES = "Volumes.xml"
POSITIONS = "Positions.xml"

_AREA = frozenset({"CTR", "FSS"})
_TERMINAL = frozenset({"APP", "DEP"})
_TRAINING_NAME = re.compile(r"\b(?:training|trainee|exam)\b", re.IGNORECASE)
# The network's convention: `_T_` is a trainee, `_X_` an examination.
_TRAINING_PARTS = frozenset({"T", "X"})


@dataclass(frozen=True, slots=True)
class _Entry:
    """One <Sector>: a position, the volumes it works, and whom it covers."""

    name: str
    label: str
    callsign: str
    frequency_mhz: str | None
    volumes: tuple[str, ...]
    covers: tuple[str, ...]

    @property
    def suffix(self) -> str:
        """What the callsign ends in, such as CTR."""
        return self.callsign.rpartition("_")[2]

    @property
    def is_training(self) -> bool:
        """Whether somebody learns on it: by its name, or by its callsign."""
        parts = self.callsign.split("_")[1:-1]
        return bool(_TRAINING_NAME.search(self.label) or _TRAINING_PARTS.intersection(parts))

    def rule(self, why: str) -> PositionRule:
        """The position as an entry of a sector's list."""
        prefix, _, suffix = self.callsign.rpartition("_")
        return PositionRule(prefix, (suffix,), self.frequency_mhz, why)


def read(spec: Spec) -> DataSet:
    """The sectors of a vatSys profile; raises AirspaceError where a file of it cannot be read."""
    findings = Findings()
    folder = spec.path
    volumes, unused = _volumes(folder / VOLUMES, findings)
    entries = _entries(folder / SECTORS, findings)
    consoles = _check_consoles(folder / POSITIONS, entries, findings)

    area, terminal, positions_only = _sorted_out(entries.values(), volumes, findings)
    name = spec.dataset_name("vatsys")
    covered_by = _covered_by(entries, findings)
    sectors = [_sector(name, "enroute", [entry], volumes, entries, covered_by) for entry in area]
    sectors += [
        _sector(name, "approach", group, volumes, entries, covered_by) for group in terminal
    ]
    if not sectors:
        raise AirspaceError(
            f"{folder / SECTORS} holds {len(entries)} positions, and none ending in _CTR, _FSS,"
            " _APP or _DEP has volumes; is it a vatSys profile's?"
        )
    used = {name for entry in entries.values() for name in entry.volumes}
    merged = sum(len(group) for group in terminal)
    return DataSet(
        name=name,
        spec=str(spec),
        sectors=tuple(sectors),
        prefixes=frozenset(callsign_lead(entry.callsign) for entry in entries.values()),
        position_only=tuple(
            entry.rule(f"{entry.label} has no airspace of its own") for entry in positions_only
        ),
        problems=findings.problems,
        facts={
            "positions": len(entries),
            "enroute_positions": sum(entry.suffix in _AREA for entry in entries.values()),
            "approach_positions": merged,
            "training_positions": sum(entry.is_training for entry in entries.values()),
            "positions_only": len(positions_only),
            "volumes": len(volumes),
            "unused_volumes": len(volumes.keys() - used),
            "unused_boundaries": unused,
            "consoles": consoles,
            **findings.counts,
        },
    )


def _sorted_out(
    entries: Iterable[_Entry], volumes: Mapping[str, Volume], findings: Findings
) -> tuple[list[_Entry], list[list[_Entry]], list[_Entry]]:
    """(area positions, terminal positions by volume set, those without airspace)."""
    area, alone = [], []
    terminal: dict[frozenset[str], list[_Entry]] = {}
    for entry in entries:
        there = [name for name in entry.volumes if name in volumes]
        for missing in dict.fromkeys(name for name in entry.volumes if name not in volumes):
            findings.add("unknown_volume", entry.name, f"it names a volume {missing!r}: left out")
        works_airspace = there and not entry.is_training
        if works_airspace and entry.suffix in _AREA:
            area.append(entry)
        elif works_airspace and entry.suffix in _TERMINAL:
            terminal.setdefault(frozenset(there), []).append(entry)
        else:
            alone.append(entry)
            if not there and entry.suffix in _AREA | _TERMINAL:
                findings.add("no_volume", entry.name, f"{entry.callsign} has no volumes")
    return area, list(terminal.values()), alone


def _sector(
    dataset: str,
    kind: SectorKind,
    group: Sequence[_Entry],
    volumes: Mapping[str, Volume],
    entries: Mapping[str, _Entry],
    covered_by: Mapping[str, Sequence[str]],
) -> Sector:
    there = dict.fromkeys(volume for volume in group[0].volumes if volume in volumes)
    return Sector(
        dataset=dataset,
        kind=kind,
        name="+".join(there) if kind == "approach" else group[0].name,
        label=group[0].label,
        volumes=tuple(volumes[volume] for volume in there),
        positions=tuple(_positions(group, entries, covered_by)),
    )


def _positions(
    group: Sequence[_Entry], entries: Mapping[str, _Entry], covered_by: Mapping[str, Sequence[str]]
) -> Iterator[PositionRule]:
    """The sector's own positions, then who covers them, then who covers those, each once."""
    seen = {entry.name for entry in group}
    for entry in group:
        yield entry.rule(f"{entry.callsign} is its own position ({entry.label})")
    nearest = list(group)
    while nearest:
        further = []
        for entry in nearest:
            for name in covered_by.get(entry.name, ()):
                if name not in seen:
                    seen.add(name)
                    further.append(entries[name])
                    yield entries[name].rule(
                        f"{entries[name].callsign} is responsible for {entry.callsign}"
                    )
        nearest = further


def _covered_by(entries: Mapping[str, _Entry], findings: Findings) -> dict[str, list[str]]:
    """For each position those who name it in `ResponsibleSectors`, in the file's order."""
    covered_by: dict[str, list[str]] = {}
    for entry in entries.values():
        for name in dict.fromkeys(entry.covers):
            if name not in entries:
                findings.add("unknown_sector", entry.name, f"it covers {name!r}: no such sector")
            elif name != entry.name and not entry.is_training:
                covered_by.setdefault(name, []).append(entry.name)
    return covered_by


def _entries(path: Path, findings: Findings) -> dict[str, _Entry]:
    entries: dict[str, _Entry] = {}
    root = read_xml(path, "a vatSys profile's list of sectors", "Sectors")
    for number, element in enumerate(root.iter("Sector"), 1):
        name = clean_name(element.get("Name"))
        callsign = clean_name(element.get("Callsign")).upper()
        where = name or callsign or f"sector {number}"
        if not name or position_rule(callsign, None, "") is None:
            findings.add(
                "bad_position", where, f"name {name!r}, callsign {callsign!r}: it was left out"
            )
            continue
        if name in entries:
            findings.add("repeated_name", name, f"{callsign} has a name that is taken: left out")
            continue
        frequency = clean_name(element.get("Frequency"))
        khz = frequency_khz(frequency)
        if frequency and khz is None:
            findings.add("bad_frequency", name, f"{frequency!r} is no frequency in MHz")
        entries[name] = _Entry(
            name=name,
            label=clean_name(element.get("FullName")) or name,
            callsign=callsign,
            frequency_mhz=None if khz is None else f"{khz // 1_000}.{khz % 1_000:03d}",
            volumes=_words(element, "Volumes"),
            covers=_words(element, "ResponsibleSectors"),
        )
    return entries


def _volumes(path: Path, findings: Findings) -> tuple[dict[str, Volume], int]:
    """The volumes by name, and how many boundaries none of them uses."""
    root = read_xml(path, "a vatSys profile's list of volumes", "Volumes")
    boundaries = _boundaries(root, findings)
    volumes: dict[str, Volume] = {}
    used: set[str] = set()
    for number, element in enumerate(root.iter("Volume"), 1):
        name = clean_name(element.get("Name")) or f"volume {number}"
        if name in volumes:
            findings.add("repeated_name", name, "a volume of this name is there: left out")
            continue
        names = _words(element, "Boundaries")
        used.update(names)
        for missing in (boundary for boundary in names if boundary not in boundaries):
            findings.add("unknown_boundary", name, f"it names a boundary {missing!r}: left out")
        rings = [[boundaries[boundary]] for boundary in names if boundary in boundaries]
        try:
            floor_ft, ceiling_ft, swapped = limits_ft(
                level_ft(element.get("LowerLimit")), level_ft(element.get("UpperLimit"))
            )
            shape, repairs = build_shape(rings)
        except BadShapeError as error:
            findings.add("no_shape", name, f"{error}: left out")
        except ValueError as error:
            findings.add("bad_level", name, f"{error}: left out")
        else:
            if swapped:
                findings.add("swapped_levels", name, "its floor was above its ceiling: swapped")
            findings.add_repairs(name, repairs)
            volumes[name] = Volume(shape, floor_ft, ceiling_ft)
    if not volumes:
        raise AirspaceError(
            f"{path} holds no volume with a boundary; is it a vatSys profile's Volumes.xml?"
        )
    return volumes, len(boundaries.keys() - used)


def _boundaries(root: Element, findings: Findings) -> dict[str, Ring]:
    boundaries: dict[str, Ring] = {}
    for number, element in enumerate(root.iter("Boundary"), 1):
        name = clean_name(element.get("Name")) or f"boundary {number}"
        try:
            ring = as_ring(points_of(element.text or ""))
        except ValueError as error:
            findings.add("no_shape", name, f"{error}: left out")
            continue
        if name not in boundaries:
            boundaries[name] = ring
        elif boundaries[name].shape == ring.shape and (boundaries[name] == ring).all():
            findings.add("identical_copy", name, "the same boundary stands twice; one was kept")
        else:
            findings.add("repeated_name", name, "another boundary of this name was left out")
    return boundaries


def _check_consoles(path: Path, entries: Mapping[str, _Entry], findings: Findings) -> int:
    """How many consoles `Positions.xml` has; sectors it names that are not there are noted."""
    root = read_xml(path, "a vatSys profile's list of positions", "Positions")
    consoles = 0
    for console in root.iter("Position"):
        consoles += 1
        for sector in console.iter("Sector"):
            name = clean_name(sector.get("Name"))
            if name not in entries:
                where = clean_name(console.get("Name"))
                findings.add("unknown_sector", where, f"it opens {name!r}: no such sector")
    return consoles


def _words(element: Element, tag: str) -> tuple[str, ...]:
    """What stands between commas in the element's children of this tag."""
    text = ",".join(child.text or "" for child in element.findall(tag))
    return tuple(filter(None, (clean_name(word) for word in text.split(","))))
